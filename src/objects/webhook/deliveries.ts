/** The queue of one webhook endpoint: every event that it was given, and what became of it. What is shown of it stands in `kept.ts`. */
import { nanoid } from "nanoid";
import { fixedLimits } from "../../protocol/limits.ts";
import type { Batch, WebhookEvent } from "../../protocol/webhook.ts";
import type { Migration } from "../migrate.ts";
import { deliveryBody, eventBody } from "./body.ts";
import { namesUser } from "./naming.ts";

export const deliveriesMigration: Migration = {
  id: "deliveries-1",
  sql: `
CREATE TABLE delivery (
  number     INTEGER PRIMARY KEY AUTOINCREMENT, -- larger for a newer one, and never given again
  id         TEXT    NOT NULL,              -- its webhook-id, the same in every attempt
  state      TEXT    NOT NULL,              -- pending, delivered, failed
  since      INTEGER NOT NULL,              -- in this state
  lane       TEXT    NOT NULL,              -- of one lane only one is under way at a time
  is_batch   INTEGER NOT NULL,
  events     INTEGER NOT NULL,
  bytes      INTEGER NOT NULL,              -- of its events
  attempts   INTEGER NOT NULL,              -- that were ever begun
  step       INTEGER NOT NULL,              -- of the schedule, which begins anew when it is retried by hand
  due_at     INTEGER NOT NULL,              -- of the next attempt, while it is pending
  created_at INTEGER NOT NULL,
  status     INTEGER,                       -- of the last answer
  error      TEXT
) STRICT;
CREATE INDEX delivery_due   ON delivery (due_at, number) WHERE state = 'pending';
CREATE INDEX delivery_state ON delivery (state, number);

CREATE TABLE event (
  delivery INTEGER NOT NULL,
  place    INTEGER NOT NULL,
  id       TEXT    NOT NULL,
  type     TEXT    NOT NULL,
  room     TEXT,
  body     TEXT,                            -- JSON as it is sent; null when it was delivered
  PRIMARY KEY (delivery, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_id ON event (id);

CREATE TABLE dropped (
  one    INTEGER PRIMARY KEY CHECK (one = 1),
  events INTEGER NOT NULL,                  -- for which there was no place
  at     INTEGER NOT NULL                   -- the last of them
) STRICT;
`,
};

/** One that is to be attempted, the time at which it is tried again unless it ends before, and what it holds. */
export interface Attempt {
  readonly number: number;
  readonly id: string;
  readonly lane: string;
  readonly isBatch: boolean;
  /** This one included. */
  readonly attempts: number;
  readonly step: number;
  readonly createdAtMs: number;
  /** Of its events, as JSON. */
  readonly bodies: readonly string[];
}

/** What came of an attempt. */
export interface Outcome {
  readonly status: number | null;
  /** In words that may be shown; null where it arrived. */
  readonly error: string | null;
}

export class Deliveries {
  readonly #sql: SqlStorage;
  /** Events that wait; null until they are counted. */
  #waiting: number | null = null;

  constructor({ sql }: DurableObjectStorage) {
    this.#sql = sql;
  }

  /** Events that are pending. */
  get waiting(): number {
    this.#waiting ??= this.#sql
      .exec<{ events: number }>("SELECT coalesce(sum(events), 0) AS events FROM delivery WHERE state = 'pending'")
      .one().events;
    return this.#waiting;
  }

  get dropped(): { readonly events: number; readonly atMs: number | null } {
    const [row] = this.#sql.exec<{ events: number; at: number }>("SELECT events, at FROM dropped").toArray();
    return { events: row?.events ?? 0, atMs: row?.at ?? null };
  }

  /** What was added may have been taken back. */
  reload(): void {
    this.#waiting = null;
  }

  /** Whether an event is known, in whatever state. */
  has(event: string): boolean {
    return this.#sql.exec("SELECT 1 FROM event WHERE id = ? LIMIT 1", event).toArray().length > 0;
  }

  isPending(event: string): boolean {
    return (
      this.#sql
        .exec(
          "SELECT 1 FROM event JOIN delivery ON number = delivery WHERE event.id = ? AND state = 'pending' LIMIT 1",
          event,
        )
        .toArray().length > 0
    );
  }

  /** To be sent by itself, or with others as `batch` says. Where there is no place for it, it is counted and forgotten. */
  add(event: WebhookEvent, batch: Batch | null, nowMs: number): void {
    if (this.waiting >= fixedLimits.webhookQueueEvents) return this.#drop(nowMs);
    this.#waiting = this.waiting + 1;
    const body = eventBody(event);
    const open = batch === null ? null : this.#open(batch, body.length);
    if (batch !== null && open !== null) this.#join(open, event, body, batch, nowMs);
    else this.#begin(event, body, batch, nowMs);
  }

  /** The oldest that are due, with what may be chosen among them by lane. */
  due(nowMs: number, limit: number): { readonly number: number; readonly lane: string }[] {
    return this.#sql
      .exec<{ number: number; lane: string }>(
        "SELECT number, lane FROM delivery WHERE state = 'pending' AND due_at <= ? ORDER BY due_at, number LIMIT ?",
        nowMs,
        limit,
      )
      .toArray();
  }

  /** When the next one is due. */
  get dueMs(): number | null {
    return this.#sql.exec<{ at: number | null }>("SELECT min(due_at) AS at FROM delivery WHERE state = 'pending'").one()
      .at;
  }

  /** Counts before it is made: an attempt whose end nobody learnt of was one. It is due again at `untilMs`. */
  begin(number: number, untilMs: number): Attempt {
    const row = this.#sql
      .exec<Row>(
        "UPDATE delivery SET attempts = attempts + 1, step = step + 1, due_at = ? WHERE number = ? RETURNING *",
        untilMs,
        number,
      )
      .one();
    const { id, lane, attempts, step } = row;
    return { number, id, lane, attempts, step, ...this.#content(row) };
  }

  /** As it is sent; null where it has arrived, or was never there. */
  body(number: number): string | null {
    const [row] = this.#sql.exec<Row>("SELECT * FROM delivery WHERE number = ?", number).toArray();
    return row === undefined || row.state === "delivered" ? null : deliveryBody(this.#content(row));
  }

  /** What was said in it is kept no longer. */
  succeed(number: number, status: number, nowMs: number): void {
    this.#end(number, "delivered", { status, error: null }, nowMs);
    this.#sql.exec("UPDATE event SET body = NULL WHERE delivery = ?", number);
  }

  /** To be tried again at `againMs`; null makes a dead letter of it. */
  fail(number: number, outcome: Outcome, againMs: number | null, nowMs: number): void {
    if (againMs === null) return this.#end(number, "failed", outcome, nowMs);
    this.#sql.exec(
      "UPDATE delivery SET status = ?, error = ?, due_at = ? WHERE number = ? AND state = 'pending'",
      outcome.status,
      outcome.error,
      againMs,
      number,
    );
  }

  /** By hand: due now, with the whole schedule before it. False where there is no such delivery, or it has arrived. */
  retry(number: number, nowMs: number): boolean {
    const [row] = this.#sql.exec<Row>("SELECT * FROM delivery WHERE number = ?", number).toArray();
    if (row === undefined || row.state === "delivered") return false;
    this.#sql.exec(
      "UPDATE delivery SET state = 'pending', since = iif(state = 'pending', since, ?1), step = 0, due_at = ?1 WHERE number = ?2",
      nowMs,
      number,
    );
    this.#waiting = null;
    return true;
  }

  /** Forgets every event that has not arrived and names this user anywhere, and its delivery where nothing is left of it. */
  erase(user: string): void {
    const named = this.#sql
      .exec<{ delivery: number; place: number; length: number }>(
        `SELECT delivery, place, length(body) AS length FROM event
         WHERE body IS NOT NULL AND ${namesUser("body", "?")}`,
        user,
      )
      .toArray();
    for (const { delivery, place, length } of named) {
      this.#sql.exec("DELETE FROM event WHERE delivery = ? AND place = ?", delivery, place);
      this.#sql.exec("UPDATE delivery SET events = events - 1, bytes = bytes - ? WHERE number = ?", length, delivery);
    }
    this.#sql.exec("DELETE FROM delivery WHERE events = 0");
    this.#waiting = null;
  }

  #content({ number, is_batch, created_at }: Row): Pick<Attempt, "isBatch" | "createdAtMs" | "bodies"> {
    const bodies = this.#sql
      .exec<{ body: string }>("SELECT body FROM event WHERE delivery = ? ORDER BY place", number)
      .toArray()
      .map(({ body }) => body);
    return { isBatch: is_batch === 1, createdAtMs: created_at, bodies };
  }

  #drop(nowMs: number): void {
    this.#sql.exec(
      "INSERT INTO dropped (one, events, at) VALUES (1, 1, ?) ON CONFLICT DO UPDATE SET events = events + 1, at = excluded.at",
      nowMs,
    );
  }

  /** The newest delivery, if it is a batch that was never sent and has room for more. */
  #open({ maxEvents }: Batch, bytes: number): Row | null {
    const [last] = this.#sql
      .exec<Row>("SELECT * FROM delivery WHERE state = 'pending' ORDER BY number DESC LIMIT 1")
      .toArray();
    if (last === undefined || last.is_batch === 0 || last.attempts > 0) return null;
    return last.events < maxEvents && last.bytes + bytes <= fixedLimits.webhookBatchBytes ? last : null;
  }

  #join({ number, events }: Row, event: WebhookEvent, body: string, { maxEvents }: Batch, nowMs: number): void {
    this.#sql.exec(
      "UPDATE delivery SET events = events + 1, bytes = bytes + ?, due_at = iif(?, min(due_at, ?), due_at) WHERE number = ?",
      body.length,
      events + 1 === maxEvents ? 1 : 0,
      nowMs,
      number,
    );
    this.#insert(number, event, body);
  }

  /** An event's own delivery has its id, a batch one of its own. Batches go one after the other. */
  #begin(event: WebhookEvent, body: string, batch: Batch | null, nowMs: number): void {
    const { number } = this.#sql
      .exec<{ number: number }>(
        `INSERT INTO delivery (id, state, since, lane, is_batch, events, bytes, attempts, step, due_at, created_at)
         VALUES (?1, 'pending', ?2, ?3, ?4, 1, ?5, 0, 0, ?6, ?2) RETURNING number`,
        batch === null ? event.id : `batch_${nanoid()}`,
        nowMs,
        batch === null ? (event.room ?? "") : "",
        batch === null ? 0 : 1,
        body.length,
        nowMs + (batch?.waitMs ?? 0),
      )
      .one();
    this.#insert(number, event, body);
  }

  /** After the last: of those before it some may have been erased. */
  #insert(delivery: number, { id, type, room }: WebhookEvent, body: string): void {
    this.#sql.exec(
      `INSERT INTO event (delivery, place, id, type, room, body)
       VALUES (?1, (SELECT coalesce(max(place), -1) + 1 FROM event WHERE delivery = ?1), ?, ?, ?, ?)`,
      delivery,
      id,
      type,
      room,
      body,
    );
  }

  #end(number: number, state: "delivered" | "failed", { status, error }: Outcome, nowMs: number): void {
    const [ended] = this.#sql
      .exec<{ events: number }>(
        "UPDATE delivery SET state = ?, since = ?, status = ?, error = ? WHERE number = ? AND state = 'pending' RETURNING events",
        state,
        nowMs,
        status,
        error,
        number,
      )
      .toArray();
    // Counting them anew would read all that wait, with each that ends.
    if (this.#waiting !== null) this.#waiting -= ended?.events ?? 0;
  }
}

/** Of the table `delivery`. */
export type Row = {
  readonly number: number;
  readonly id: string;
  readonly state: string;
  readonly since: number;
  readonly lane: string;
  readonly is_batch: number;
  readonly events: number;
  readonly bytes: number;
  readonly attempts: number;
  readonly step: number;
  readonly due_at: number;
  readonly created_at: number;
  readonly status: number | null;
  readonly error: string | null;
};
