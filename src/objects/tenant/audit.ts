/**
 * The audit log: who changed what, each entry chained to the one before it by its hash. Nothing is ever changed or removed but
 * the personal texts beside it (the tables refuse it), of which the chain holds only salted digests.
 */
import { bytesToHex, randomBytes } from "@noble/hashes/utils.js";
import * as z from "zod";
import { fixedLimits } from "../../protocol/limits.ts";
import { canonicalJson, chainStart, digestOf, hashOf, mapPersonal } from "../../core/auditChain.ts";
import type { Actor } from "../../protocol/actor.ts";
import {
  type AuditAction,
  auditActions,
  type AuditChange,
  type AuditEntry,
  type AuditHead,
  type AuditOrder,
  type AuditPage,
  AuditTarget,
  type Deed,
} from "../../protocol/audit.ts";

export interface AuditQuery {
  /** From the oldest on unless it is said. */
  readonly order?: AuditOrder | undefined;
  /** The last one that was read, in this order. */
  readonly after: number;
  readonly limit: number;
  readonly action?: AuditAction | undefined;
  /** An id: of a user, a key, a room; or a kind of actor that has none. */
  readonly actor?: string | undefined;
  readonly target?: string | undefined;
  readonly fromMs?: number | undefined;
  /** Not itself included. */
  readonly toMs?: number | undefined;
}

export class AuditLog {
  readonly #sql: SqlStorage;
  readonly #tenant: () => string;

  constructor({ sql }: DurableObjectStorage, tenant: () => string) {
    this.#sql = sql;
    this.#tenant = tenant;
  }

  get head(): AuditHead {
    return (
      this.#sql
        .exec<{ seq: number; hash: string }>("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
        .toArray()[0] ?? chainStart
    );
  }

  /** Belongs into the transaction of the change itself. Fields that the action does not declare are left out. */
  append<Action extends AuditAction>(
    actor: Actor,
    action: Action,
    { target = {}, before, after }: AuditChange<Action>,
    nowMs: number,
    deed: string | null = null,
  ): void {
    const { seq: last, hash: previous } = this.head;
    const seq = last + 1;
    const user = target.user ?? null;
    const seal = (text: string, about: string | null): { personal: string } => this.#seal(seq, text, about);
    const details = (given: object | undefined): object | null =>
      given === undefined ? null : sealed(action, given, (text) => seal(text, user));
    const entry = {
      tenant: this.#tenant(),
      seq,
      at: nowMs,
      actor: {
        kind: actor.kind,
        id: actor.kind === "user" && actor.id !== null ? seal(actor.id, actor.id) : actor.id,
        ...(actor.asUser === undefined ? {} : { asUser: seal(actor.asUser, actor.asUser) }),
      },
      action,
      target: { ...AuditTarget.parse(target), ...(user === null ? {} : { user: seal(user, user) }) },
      before: details(before),
      after: details(after),
      requestId: actor.requestId,
      previous,
    };
    this.#insert(entry, hashOf(entry), deed);
    this.#name(seq, "actor", [actor.id ?? actor.kind, actor.asUser]);
    this.#name(seq, "target", Object.values(target));
  }

  /** What a room did. One that is known already changes nothing: a delivery may be repeated. */
  record(room: string, { id, actor, action, change, atMs }: Deed): void {
    if (this.#sql.exec("SELECT 1 FROM audit WHERE deed = ?", id).toArray().length > 0) return;
    this.append(actor, action, { ...change, target: { ...change.target, room } }, atMs, id);
  }

  /** Up to `limit` entries beyond `after`, fewer where they are long, with the head of the same instant. */
  page({ order = "oldest", after, limit, action, actor, target, fromMs, toMs }: AuditQuery): AuditPage {
    const isNewest = order === "newest";
    const found = this.#sql.exec<AuditRow>(
      `SELECT seq, at, actor, action, target, before, after, request_id, previous, hash FROM audit
         WHERE ${isNewest ? "seq < ?1" : "seq > ?1"} AND (?2 IS NULL OR action = ?2) AND (?3 IS NULL OR at >= ?3) AND (?4 IS NULL OR at < ?4)
           AND (?5 IS NULL OR seq IN (SELECT seq FROM audit_name WHERE part = 'actor' AND name = ?5))
           AND (?6 IS NULL OR seq IN (SELECT seq FROM audit_name WHERE part = 'target' AND name = ?6))
         ORDER BY seq ${isNewest ? "DESC" : "ASC"} LIMIT ?7`,
      after,
      action ?? null,
      fromMs ?? null,
      toMs ?? null,
      actor ?? null,
      target ?? null,
      limit + 1,
    );
    const rows: AuditRow[] = [];
    let units = 0;
    let hasMore = false;
    for (const row of found) {
      hasMore = rows.length === limit || units >= fixedLimits.auditPageUnits;
      if (hasMore) break;
      rows.push(row);
      units += (row.before?.length ?? 0) + (row.after?.length ?? 0);
    }
    const next = hasMore ? { next: String(rows.at(-1)?.seq) } : {};
    return { items: rows.map((row) => this.#shown(row)), ...next, head: this.head };
  }

  /** Takes away what the log says of a user: the id, the names and the reasons. What happened, and the chain, stay. */
  erasePersonal(user: string): void {
    this.#sql.exec(
      "DELETE FROM audit_name WHERE name = ?1 AND seq IN (SELECT seq FROM audit_text WHERE user = ?1)",
      user,
    );
    this.#sql.exec("UPDATE audit_text SET user = NULL, salt = NULL, text = NULL WHERE user = ?", user);
  }

  /** The text and its salt go beside the chain, the digest goes into it. */
  #seal(seq: number, text: string, about: string | null): { personal: string } {
    const salt = bytesToHex(randomBytes(16));
    const personal = digestOf(text, salt);
    this.#sql.exec(
      "INSERT INTO audit_text (seq, digest, user, salt, text) VALUES (?, ?, ?, ?, ?)",
      seq,
      personal,
      about,
      salt,
      text,
    );
    return { personal };
  }

  #insert(entry: Omit<AuditEntry, "hash">, hash: string, deed: string | null): void {
    this.#sql.exec(
      `INSERT INTO audit (seq, at, actor, action, target, before, after, request_id, previous, hash, deed)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      entry.seq,
      entry.at,
      canonicalJson(entry.actor),
      entry.action,
      canonicalJson(entry.target),
      entry.before === null ? null : canonicalJson(entry.before),
      entry.after === null ? null : canonicalJson(entry.after),
      entry.requestId,
      entry.previous,
      hash,
      deed,
    );
  }

  #name(seq: number, part: "actor" | "target", names: readonly (string | number | undefined)[]): void {
    for (const name of names)
      if (name !== undefined)
        this.#sql.exec(
          "INSERT INTO audit_name (part, name, seq) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
          part,
          String(name),
          seq,
        );
  }

  #shown({ request_id: requestId, hash, previous, ...row }: AuditRow): AuditEntry {
    const texts = new Map(
      this.#sql
        .exec<TextRow>("SELECT digest, salt, text FROM audit_text WHERE seq = ?", row.seq)
        .toArray()
        .map(({ digest, salt, text }) => [digest, { salt, text }]),
    );
    const erased = { salt: null, text: null };
    const parsed = (json: string | null): unknown =>
      json === null
        ? null
        : mapPersonal(JSON.parse(json), ({ personal }) => ({ personal, ...(texts.get(personal) ?? erased) }));
    return {
      tenant: this.#tenant(),
      ...row,
      actor: parsed(row.actor) as AuditEntry["actor"],
      target: parsed(row.target) as AuditEntry["target"],
      before: parsed(row.before) as AuditEntry["before"],
      after: parsed(row.after) as AuditEntry["after"],
      requestId,
      previous,
      hash,
    };
  }
}

/** What the action declares of these details, its personal texts as digests. */
function sealed(action: AuditAction, given: object, seal: (text: string) => { personal: string }): object {
  const { plain, personal }: { plain: z.ZodRawShape; personal: readonly string[] } = auditActions[action];
  const texts = Object.entries(given).filter(([name, text]) => personal.includes(name) && text !== undefined);
  return {
    ...z.object(plain).partial().parse(given),
    ...Object.fromEntries(texts.map(([name, text]) => [name, typeof text === "string" ? seal(text) : null])),
  };
}

type AuditRow = {
  readonly seq: number;
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly request_id: string;
  readonly previous: string;
  readonly hash: string;
};

type TextRow = { readonly digest: string; readonly salt: string | null; readonly text: string | null };
