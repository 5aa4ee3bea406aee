/** What a tenant has revoked, for as long as anything of it could still live. */
import type { AuditChange } from "../../protocol/audit.ts";
import { issuerIdOf } from "../../protocol/issuer.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Issued, Revocation } from "../../protocol/revocation.ts";
import type { Migration } from "../migrate.ts";

export const revocationsMigration: Migration = {
  id: "revocations-1",
  sql: `
CREATE TABLE revocation (
  version       INTEGER PRIMARY KEY,        -- of the policy that it came with
  user          TEXT    NOT NULL,           -- '' is anybody, as in the next two
  token         TEXT    NOT NULL,
  key           TEXT    NOT NULL,
  issued_before INTEGER NOT NULL,
  reason        TEXT,
  at            INTEGER NOT NULL,
  until         INTEGER NOT NULL,           -- in force
  UNIQUE (user, token, key)
) STRICT;
CREATE INDEX revocation_at    ON revocation (at);
CREATE INDEX revocation_until ON revocation (until);
`,
};

export interface RevocationListing extends Revocation {
  /** Larger for a newer one. */
  readonly id: number;
  /** In force until then. */
  readonly untilMs: number;
}

/** What is asked for: what is null is anybody's. */
export type NewRevocation = Omit<Revocation, "atMs" | "issuedBeforeMs"> & { readonly issuedBeforeMs: number | null };

/** No token lives longer, and clocks differ. */
const tokenLifeMs = (fixedLimits.tokenSecondsMax + fixedLimits.tokenLeewaySeconds) * 1_000;

export class Revocations {
  readonly #sql: SqlStorage;

  constructor({ sql }: DurableObjectStorage) {
    this.#sql = sql;
  }

  /** Why it cannot be made, or null. One that is in force is never dropped for it. */
  refusal(revocation: NewRevocation, nowMs: number): Refusal | null {
    const leewayMs = fixedLimits.tokenLeewaySeconds * 1_000;
    if ((revocation.issuedBeforeMs ?? 0) > nowMs + leewayMs)
      return refuse("invalid_field", "`issuedBefore`: at most 30 seconds ahead, for clocks that are.");
    if (this.#sameAs(revocation) !== null) return null;
    const [row] = this.#sql
      .exec<{ count: number }>("SELECT count(*) AS count FROM revocation WHERE until > ?", nowMs)
      .toArray();
    if ((row?.count ?? 0) < fixedLimits.revocationsPerTenant) return null;
    const most = `At most ${fixedLimits.revocationsPerTenant} revocations are in force at a time`;
    return refuse("quota_exceeded", `${most}, each for a day: revoke a key, or everything before a time.`);
  }

  /** In the place of an earlier one of the same; of the two times the later one holds. To be called with the policy's new version. */
  add(asked: NewRevocation, version: number, nowMs: number): RevocationListing {
    const earlier = this.#sameAs(asked);
    const issuedBeforeMs = Math.max(asked.issuedBeforeMs ?? nowMs, earlier?.issuedBeforeMs ?? 0);
    const untilMs = Math.max(nowMs, issuedBeforeMs) + tokenLifeMs;
    const revocation = { ...asked, id: version, issuedBeforeMs, atMs: nowMs, untilMs };
    this.#insert(revocation);
    return revocation;
  }

  /**
   * Of a key, or an identity provider, that is listed no more and never comes back: whatever it opened ends, also what an edge
   * lets in meanwhile that does not know yet. Then the list alone keeps it out.
   */
  endSessionsOf(key: string, version: number, nowMs: number): void {
    const untilMs = nowMs + fixedLimits.revocationPushMs;
    this.#insert({
      id: version,
      user: null,
      token: null,
      key,
      issuedBeforeMs: untilMs,
      reason: null,
      atMs: nowMs,
      untilMs,
    });
  }

  /** Those that name the user, the newest first. */
  of(user: string, nowMs: number): RevocationListing[] {
    return this.#sql
      .exec<Row>("SELECT * FROM revocation WHERE user = ? AND until > ? ORDER BY version DESC", user, nowMs)
      .toArray()
      .map(listingOf);
  }

  /** Whatever names the user. */
  forget(user: string): void {
    this.#sql.exec("DELETE FROM revocation WHERE user = ?", user);
  }

  /** Those in force with an id below `before`, the newest first. */
  list({ before, limit }: { readonly before: number; readonly limit: number }, nowMs: number): RevocationListing[] {
    return this.#sql
      .exec<Row>(
        "SELECT * FROM revocation WHERE version < ? AND until > ? ORDER BY version DESC LIMIT ?",
        before,
        nowMs,
        limit,
      )
      .toArray()
      .map(listingOf);
  }

  /** What edges go by. */
  inForce(nowMs: number): { readonly revocations: Revocation[]; readonly moreRevocations: boolean } {
    const newest = this.list({ before: Number.MAX_SAFE_INTEGER, limit: fixedLimits.revocationsListed + 1 }, nowMs);
    return {
      revocations: newest.slice(0, fixedLimits.revocationsListed).map(revocationOf),
      moreRevocations: newest.length > fixedLimits.revocationsListed,
    };
  }

  /** What a room goes by that has heard of all up to a version, or of all but the last minute's. */
  since(
    version: number | null,
    nowMs: number,
  ): { readonly revocations: Revocation[]; readonly revocationsAskedUntilMs: number } {
    const newest = this.#sql
      .exec<Row>(
        `SELECT * FROM revocation
         WHERE until > ?1 AND version IN (
           SELECT version FROM revocation WHERE at > ?2 UNION SELECT version FROM revocation WHERE version > ?3)
         ORDER BY version DESC LIMIT ?4`,
        nowMs,
        nowMs - fixedLimits.revocationPushMs,
        version ?? Number.MAX_SAFE_INTEGER,
        fixedLimits.revocationsPushed + 1,
      )
      .toArray()
      .map(listingOf);
    const isAll = newest.length <= fixedLimits.revocationsPushed;
    return {
      revocations: newest.slice(0, fixedLimits.revocationsPushed).map(revocationOf),
      revocationsAskedUntilMs: isAll ? 0 : nowMs + fixedLimits.revocationPushMs,
    };
  }

  /** By which one a session is revoked. */
  find({ user, token, key, issuedAt }: Issued, nowMs: number): Revocation | null {
    const [row] = this.#sql
      .exec<Row>(
        `SELECT * FROM revocation
         WHERE user IN ('', ?1) AND token IN ('', ?2) AND key IN ('', ?3) AND (token <> '' OR issued_before > ?4) AND until > ?5
         ORDER BY version DESC LIMIT 1`,
        user ?? "",
        token ?? "",
        key,
        issuedAt,
        nowMs,
      )
      .toArray();
    return row === undefined ? null : revocationOf(listingOf(row));
  }

  /** When the first one is over. */
  get dueMs(): number | null {
    return this.#sql.exec<{ at: number | null }>("SELECT min(until) AS at FROM revocation").one().at;
  }

  sweep(nowMs: number): void {
    this.#sql.exec("DELETE FROM revocation WHERE until <= ?", nowMs);
  }

  #sameAs({ user, token, key }: Pick<Revocation, "user" | "token" | "key">): RevocationListing | null {
    const [row] = this.#sql
      .exec<Row>(
        "SELECT * FROM revocation WHERE user = ? AND token = ? AND key = ?",
        user ?? "",
        token ?? "",
        key ?? "",
      )
      .toArray();
    return row === undefined ? null : listingOf(row);
  }

  #insert({ id, user, token, key, issuedBeforeMs, reason, atMs, untilMs }: RevocationListing): void {
    this.#sql.exec(
      `INSERT OR REPLACE INTO revocation (version, user, token, key, issued_before, reason, at, until)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      user ?? "",
      token ?? "",
      key ?? "",
      issuedBeforeMs,
      reason,
      atMs,
      untilMs,
    );
  }
}

/** What the audit log says of it. */
export function auditedRevocation({
  user,
  token,
  key,
  issuedBeforeMs,
  reason,
}: RevocationListing): AuditChange<"revocation.created"> {
  const issuer = key === null ? null : issuerIdOf(key);
  const ofKey = key === null ? {} : issuer === null ? { key } : { issuer };
  return {
    target: { ...(user === null ? {} : { user }), ...ofKey },
    after: { issuedBefore: issuedBeforeMs, reason, ...(token === null ? {} : { token }) },
  };
}

type Row = {
  readonly version: number;
  readonly user: string;
  readonly token: string;
  readonly key: string;
  readonly issued_before: number;
  readonly reason: string | null;
  readonly at: number;
  readonly until: number;
};

function listingOf({ version, user, token, key, issued_before, reason, at, until }: Row): RevocationListing {
  const named = (text: string): string | null => (text === "" ? null : text);
  const subject = { user: named(user), token: named(token), key: named(key) };
  return { id: version, ...subject, issuedBeforeMs: issued_before, reason, atMs: at, untilMs: until };
}

function revocationOf({ user, token, key, issuedBeforeMs, reason, atMs }: RevocationListing): Revocation {
  return { user, token, key, issuedBeforeMs, reason, atMs };
}
