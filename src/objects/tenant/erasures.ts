/** Users who are being erased: step by step all rooms, then what the tenant itself says of them, and a day later that they were meant. */
import pLimit from "p-limit";
import type { ErasedMessages, Erasure } from "../../protocol/erasure.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import type { Migration } from "../migrate.ts";

export const erasuresMigration: Migration = {
  id: "erasures-1",
  sql: `
CREATE TABLE erasure (
  id       TEXT PRIMARY KEY,
  user     TEXT UNIQUE,                     -- null when it is done
  messages TEXT    NOT NULL,                -- erase, keep
  state    TEXT    NOT NULL,                -- running, ending, done
  begun_at INTEGER NOT NULL,
  until    INTEGER NOT NULL,                -- then no token of the user's lives any more
  due_at   INTEGER NOT NULL,                -- of the next step
  after    TEXT    NOT NULL,                -- the room at which it goes on
  round_at INTEGER NOT NULL,                -- when this way through the rooms began
  missed   INTEGER NOT NULL,                -- rooms on it that have to be asked again
  rooms    INTEGER NOT NULL                 -- that are done
) STRICT, WITHOUT ROWID;
CREATE INDEX erasure_due ON erasure (due_at) WHERE state <> 'done';
`,
};

/** When rooms that could not be erased are asked again: longer than somebody takes to leave. */
const againAfterMs = 12_000;

export interface ErasuresOptions {
  readonly storage: DurableObjectStorage;
  /** Rooms by name, also those that were deleted. */
  readonly rooms: (after: string, limit: number) => readonly string[];
  /** Whether any has come to be since. */
  readonly hasNewer: (sinceMs: number) => boolean;
  /** False where the room must be asked again. May throw: then it is, too. */
  readonly erase: (room: string, user: string, messages: ErasedMessages) => Promise<boolean>;
  /** The last word of it in a room: what was revoked. */
  readonly forget: (room: string, user: string) => Promise<void>;
  /** All that is no room's. May throw: then it is tried again. */
  readonly eraseOwn: (user: string) => Promise<void>;
  /** What was on its way to a webhook endpoint while it was erased there. May throw: then it is tried again. */
  readonly eraseLate: (user: string) => Promise<void>;
}

type Row = {
  readonly id: string;
  readonly user: string | null;
  readonly messages: ErasedMessages;
  readonly state: Erasure["state"];
  readonly begun_at: number;
  readonly until: number;
  readonly due_at: number;
  readonly after: string;
  readonly round_at: number;
  readonly missed: number;
  readonly rooms: number;
};

export class Erasures {
  readonly #options: ErasuresOptions;

  constructor(options: ErasuresOptions) {
    this.#options = options;
  }

  find(id: string): Erasure | null {
    const row = this.#sql.exec<Row>("SELECT * FROM erasure WHERE id = ?", id).toArray()[0];
    return row === undefined ? null : shown(row);
  }

  /** One that is not done; `ending` ones too, for what may have come since. */
  of(user: string): Erasure | null {
    const row = this.#sql.exec<Row>("SELECT * FROM erasure WHERE user = ?", user).toArray()[0];
    return row === undefined ? null : shown(row);
  }

  get open(): number {
    return this.#sql.exec<{ count: number }>("SELECT count(*) AS count FROM erasure WHERE state <> 'done'").one().count;
  }

  /** Of a user who is being erased it begins anew. What was to be erased is not kept after all. */
  begin(id: string, user: string, messages: ErasedMessages, { untilMs, dueMs }: Times, nowMs: number): void {
    const keptSinceMs = nowMs - fixedLimits.erasureKeptMs;
    this.#sql.exec("DELETE FROM erasure WHERE state = 'done' AND begun_at < ?", keptSinceMs);
    this.#sql.exec(
      `INSERT INTO erasure (id, user, messages, state, begun_at, until, due_at, after, round_at, missed, rooms)
       VALUES (?1, ?2, ?3, 'running', ?4, ?5, ?6, '', ?4, 0, 0)
       ON CONFLICT (user) DO UPDATE SET messages = iif(messages = 'erase', messages, ?3), state = 'running', until = ?5,
         due_at = ?6, after = '', round_at = ?4, missed = 0, rooms = 0`,
      id,
      user,
      messages,
      nowMs,
      untilMs,
      dueMs,
    );
  }

  get dueMs(): number | null {
    return this.#sql.exec<{ at: number | null }>("SELECT min(due_at) AS at FROM erasure WHERE state <> 'done'").one()
      .at;
  }

  /** One step of the one that is due, bounded. Safe to run twice. */
  async step(nowMs: number): Promise<void> {
    const row = this.#sql
      .exec<Row>("SELECT * FROM erasure WHERE state <> 'done' AND due_at <= ? ORDER BY due_at LIMIT 1", nowMs)
      .toArray()[0];
    if (row === undefined || row.user === null) return;
    // Whatever becomes of this step, the others have their turn.
    this.#sql.exec("UPDATE erasure SET due_at = ? WHERE id = ?", nowMs + againAfterMs, row.id);
    const rooms = this.#options.rooms(row.after, fixedLimits.erasedPerStep);
    if (rooms.length > 0) await this.#goThrough(row, row.user, rooms, nowMs);
    else if (row.missed > 0 || (row.state === "running" && this.#options.hasNewer(row.round_at)))
      this.#beginRound(row, row.missed > 0 ? nowMs + againAfterMs : nowMs, nowMs);
    else if (row.state === "running") await this.#end(row, row.user);
    else await this.#forget(row, row.user);
  }

  async #goThrough(row: Row, user: string, rooms: readonly string[], nowMs: number): Promise<void> {
    const { erase, forget } = this.#options;
    const turns = pLimit(fixedLimits.joinsAtOnce);
    const one = async (room: string): Promise<boolean> => {
      if (row.state === "running") return erase(room, user, row.messages);
      await forget(room, user);
      return true;
    };
    const asked = await Promise.allSettled(rooms.map((room) => turns(() => one(room))));
    const done = asked.filter((each) => each.status === "fulfilled" && each.value).length;
    this.#sql.exec(
      `UPDATE erasure SET after = ?, missed = missed + ?, rooms = rooms + ?, due_at = ?
       WHERE id = ? AND state = ? AND round_at = ?`,
      rooms.at(-1) ?? "",
      rooms.length - done,
      row.state === "running" ? done : 0,
      nowMs,
      row.id,
      row.state,
      row.round_at,
    );
  }

  #beginRound({ id }: Row, dueMs: number, nowMs: number): void {
    this.#sql.exec(
      "UPDATE erasure SET after = '', missed = 0, round_at = ?, due_at = ? WHERE id = ?",
      nowMs,
      dueMs,
      id,
    );
  }

  async #end({ id, until, round_at }: Row, user: string): Promise<void> {
    await this.#options.eraseOwn(user);
    this.#sql.exec(
      "UPDATE erasure SET state = 'ending', after = '', missed = 0, due_at = ? WHERE id = ? AND round_at = ?",
      until,
      id,
      round_at,
    );
  }

  async #forget({ id }: Row, user: string): Promise<void> {
    await this.#options.eraseLate(user);
    this.#sql.exec("UPDATE erasure SET state = 'done', user = NULL WHERE id = ?", id);
  }

  get #sql(): SqlStorage {
    return this.#options.storage.sql;
  }
}

interface Times {
  readonly untilMs: number;
  readonly dueMs: number;
}

function shown({ id, messages, state, rooms, begun_at, until }: Row): Erasure {
  return { id, messages, state, rooms, createdAt: begun_at, forgottenAt: until };
}
