/**
 * What the tenant's webhook endpoints are to hear of this room. Written in the transaction of what happened, for each endpoint
 * that wants it and for nobody else, and kept until that endpoint has it: nothing without what happened, and none is forgotten.
 * Of a change only its seq and what it concerns is written: what is told is what stands when it is handed on.
 */
import { nanoid } from "nanoid";
import type { Happening, LiveData, Subject } from "../../core/happenings.ts";
import { wantedBy } from "../../core/subscriptions.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import type { Subscription, WebhookEventType } from "../../protocol/webhook.ts";
import type { Migration } from "../migrate.ts";

export const outboxMigration: Migration = {
  id: "outbox-1",
  sql: `
CREATE TABLE outbox (
  endpoint TEXT    NOT NULL,
  position INTEGER NOT NULL,                -- in the order in which it happened here
  type     TEXT    NOT NULL,
  at       INTEGER NOT NULL,
  seq      INTEGER,                         -- of a change
  id       TEXT,                            -- of what is no change
  data     TEXT    NOT NULL,                -- JSON: all that is said of it, or of a change what it concerns
  PRIMARY KEY (endpoint, position)
) STRICT, WITHOUT ROWID;

-- Endpoints that are so far behind that they are told of the changes after this seq as the rows stand.
CREATE TABLE outbox_behind (endpoint TEXT PRIMARY KEY, after INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`,
};

/** What waits for one endpoint. */
export type Waiting = { readonly position: number; readonly type: WebhookEventType; readonly atMs: number } & (
  | { readonly seq: number; readonly subject: Subject }
  | { readonly id: string; readonly data: LiveData }
);

interface Row extends Record<string, SqlStorageValue> {
  position: number;
  type: WebhookEventType;
  at: number;
  seq: number | null;
  id: string | null;
  data: string;
}

/** What is known of the tables, and may be read from them anew at any time. */
interface Memory {
  /** By endpoint: at least as many as wait. */
  readonly waiting: Map<string, number>;
  readonly behind: Map<string, number>;
}

export interface OutboxOptions {
  readonly room: string;
  /** By the newest policy that the room has heard of. */
  readonly subscriptions: () => readonly Subscription[];
  /** There is something to hand on. Called in the transaction that wrote it, and often. */
  readonly onNew: () => void;
}

export class Outbox {
  readonly #sql: SqlStorage;
  readonly #options: OutboxOptions;
  #memory: Memory | null = null;
  /** The highest given. It never falls while the object lives: what is being handed on goes by its positions. */
  #position = 0;

  constructor({ sql }: DurableObjectStorage, options: OutboxOptions) {
    this.#sql = sql;
    this.#options = options;
  }

  /** Whether anybody at all listens: mostly nobody does, and then nothing is noted. */
  get isHeard(): boolean {
    return this.#options.subscriptions().some(({ isDisabled }) => isDisabled !== true);
  }

  wants(type: WebhookEventType): boolean {
    return this.#endpointsFor(type).length > 0;
  }

  /** Something live. To be called where it is done: in the transaction, if there is one. */
  add(type: WebhookEventType, data: LiveData, nowMs: number): void {
    this.record([{ type, data }], nowMs);
  }

  /** In their order, in the transaction that has made them happen. */
  record(happenings: readonly Happening[], nowMs: number): void {
    let isNew = false;
    for (const happening of happenings) {
      const endpoints = this.#endpointsFor(happening.type);
      if (endpoints.length > 0) isNew = this.#write(endpoints, happening, nowMs) || isNew;
    }
    if (isNew) this.#options.onNew();
  }

  /** What was written may have been taken back. */
  reload(): void {
    this.#memory = null;
  }

  // What waits.

  /** Those for whom something waits, or did a moment ago. */
  endpoints(): string[] {
    const { waiting, behind } = this.#known;
    return [...new Set([...waiting.keys(), ...behind.keys()])];
  }

  /** The oldest, in their order. */
  waiting(endpoint: string, limit: number): Waiting[] {
    const rows = this.#sql
      .exec<Row>(
        "SELECT position, type, at, seq, id, data FROM outbox WHERE endpoint = ? ORDER BY position LIMIT ?",
        endpoint,
        limit,
      )
      .toArray();
    // Counted by what was written, some of which may have been taken back.
    if (rows.length === 0) this.#known.waiting.delete(endpoint);
    else if (rows.length < limit) this.#known.waiting.set(endpoint, rows.length);
    return rows.map(waitingOf);
  }

  /** It has everything up to this position. */
  taken(endpoint: string, position: number): void {
    // Read before anything of it goes, or what goes is subtracted twice.
    const { waiting } = this.#known;
    const gone = this.#sql
      .exec("DELETE FROM outbox WHERE endpoint = ? AND position <= ? RETURNING 1", endpoint, position)
      .toArray().length;
    waiting.set(endpoint, Math.max(0, (waiting.get(endpoint) ?? 0) - gone));
  }

  /** After which seq it is told from the rows, when it has all that waits; null where nothing was left out. */
  behind(endpoint: string): number | null {
    return this.#known.behind.get(endpoint) ?? null;
  }

  /** Null: it has been told of all. To be called in the same step in which that was seen. */
  saveBehind(endpoint: string, after: number | null): void {
    if (after === null) {
      this.#known.behind.delete(endpoint);
      this.#sql.exec("DELETE FROM outbox_behind WHERE endpoint = ?", endpoint);
    } else {
      this.#known.behind.set(endpoint, after);
      this.#sql.exec("INSERT OR REPLACE INTO outbox_behind (endpoint, after) VALUES (?, ?)", endpoint, after);
    }
  }

  /** The endpoint is no more. */
  drop(endpoint: string): void {
    this.#sql.exec("DELETE FROM outbox WHERE endpoint = ?", endpoint);
    this.saveBehind(endpoint, null);
    this.#known.waiting.delete(endpoint);
  }

  // What must not be told any more.

  /** Nothing that waits names this user. Of changes it is what they concern that is erased. */
  erase(user: string): void {
    this.#sql.exec(
      "DELETE FROM outbox WHERE data ->> '$.user' = ?1 OR data ->> '$.member' = ?1 OR data ->> '$.file.user' = ?1",
      user,
    );
    this.#sql.exec(
      `UPDATE outbox SET data = json_remove(data, '$.by.id', '$.by.asUser')
       WHERE data ->> '$.by.asUser' = ?1 OR (data ->> '$.by.kind' = 'user' AND data ->> '$.by.id' = ?1)`,
      user,
    );
    this.reload();
  }

  /** The history is no more. */
  forgetChanges(): void {
    this.#sql.exec("DELETE FROM outbox WHERE seq IS NOT NULL");
    this.#sql.exec("DELETE FROM outbox_behind");
    this.reload();
  }

  #endpointsFor(type: WebhookEventType): readonly string[] {
    return wantedBy(this.#options.subscriptions(), this.#options.room, type);
  }

  #write(endpoints: readonly string[], happening: Happening, nowMs: number): boolean {
    const { type } = happening;
    const isChange = "seq" in happening;
    const id = isChange ? null : nanoid();
    const data = JSON.stringify(isChange ? happening.subject : happening.data);
    // Reads first, where that is needed, which position was given last.
    const open = endpoints.filter((endpoint) => this.#hasRoomFor(endpoint, happening));
    const position = ++this.#position;
    for (const endpoint of open)
      this.#sql.exec(
        "INSERT INTO outbox (endpoint, position, type, at, seq, id, data) VALUES (?, ?, ?, ?, ?, ?, ?)",
        endpoint,
        position,
        type,
        nowMs,
        isChange ? happening.seq : null,
        id,
        data,
      );
    return open.length > 0;
  }

  /**
   * Beyond the limit nothing more is written for an endpoint. It loses no change by that: it is told of all of them from the rows
   * when it has what waits. What was live is over by then.
   */
  #hasRoomFor(endpoint: string, happening: Happening): boolean {
    const { waiting, behind } = this.#known;
    if (behind.has(endpoint)) return false;
    const count = waiting.get(endpoint) ?? 0;
    if (count < fixedLimits.outboxEvents) waiting.set(endpoint, count + 1);
    else if ("seq" in happening) this.saveBehind(endpoint, happening.seq - 1);
    return count < fixedLimits.outboxEvents;
  }

  get #known(): Memory {
    this.#memory ??= this.#read();
    return this.#memory;
  }

  #read(): Memory {
    const counts = this.#sql
      .exec<{ endpoint: string; waiting: number; top: number }>(
        "SELECT endpoint, count(*) AS waiting, max(position) AS top FROM outbox GROUP BY endpoint",
      )
      .toArray();
    const behind = this.#sql
      .exec<{ endpoint: string; after: number }>("SELECT endpoint, after FROM outbox_behind")
      .toArray();
    this.#position = Math.max(this.#position, ...counts.map(({ top }) => top));
    return {
      waiting: new Map(counts.map(({ endpoint, waiting }) => [endpoint, waiting])),
      behind: new Map(behind.map(({ endpoint, after }) => [endpoint, after])),
    };
  }
}

function waitingOf({ position, type, at, seq, id, data }: Row): Waiting {
  const common = { position, type, atMs: at };
  if (seq !== null) return { ...common, seq, subject: JSON.parse(data) };
  if (id === null) throw new Error("what waits is a change or has an id");
  return { ...common, id, data: JSON.parse(data) };
}
