/** Uploads that were given up, as long as anything may still come of them: a request may bring its bytes for an hour. */
import { fixedLimits } from "../../protocol/limits.ts";
import type { Migration } from "../migrate.ts";
import type { OpenUpload } from "./uploads.ts";

export const endingsMigration: Migration = {
  id: "uploads-2",
  sql: `
CREATE TABLE upload_ending (                 -- in no quota, and nobody's any more
  id        TEXT PRIMARY KEY,
  room      TEXT    NOT NULL,
  multipart TEXT,
  next_at   INTEGER NOT NULL,                -- when what has come of it is removed, next
  until     INTEGER NOT NULL                 -- from then on nothing can come: removed once more, it is over
) STRICT, WITHOUT ROWID;
CREATE INDEX upload_ending_next ON upload_ending (next_at);
`,
};

export interface Ending {
  readonly id: string;
  readonly room: string;
  readonly multipart: string | null;
  readonly untilMs: number;
}

type EndingRow = {
  readonly id: string;
  readonly room: string;
  readonly multipart: string | null;
  readonly until: number;
};

/** The last request may be a minute in the making of its answer when its time is up, and clocks differ. */
const marginMs = 600_000;
export const lateMs = fixedLimits.uploadRequestMs + marginMs;

/** Only of a tenant that exists. */
export class Endings {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  add({ id, room, multipart }: OpenUpload, nowMs: number): Ending {
    const untilMs = nowMs + lateMs;
    this.#sql.exec(
      "INSERT OR REPLACE INTO upload_ending (id, room, multipart, next_at, until) VALUES (?, ?, ?, ?, ?)",
      id,
      room,
      multipart,
      nowMs,
      untilMs,
    );
    return { id, room, multipart, untilMs };
  }

  due(nowMs: number, limit: number): Ending[] {
    return this.#select("next_at <= ?", nowMs, limit);
  }

  /** Those of which nothing was removed yet, as far as is known. */
  begun(limit: number): Ending[] {
    return this.#select("next_at < until AND until > ?", 0, limit);
  }

  /** What is tried now lets the others go first, should it fail. */
  postpone(id: string, atMs: number): void {
    this.#sql.exec("UPDATE upload_ending SET next_at = ? WHERE id = ?", atMs, id);
  }

  /** What had come of it is removed. */
  cleared({ id, untilMs }: Ending, nowMs: number): void {
    if (nowMs >= untilMs) this.#sql.exec("DELETE FROM upload_ending WHERE id = ?", id);
    else this.#sql.exec("UPDATE upload_ending SET next_at = until WHERE id = ?", id);
  }

  /** Null where nothing is to be removed. */
  get dueMs(): number | null {
    return this.#sql.exec<{ at: number | null }>("SELECT min(next_at) AS at FROM upload_ending").one().at;
  }

  #select(which: string, binding: number, limit: number): Ending[] {
    return this.#sql
      .exec<EndingRow>(
        `SELECT id, room, multipart, until FROM upload_ending WHERE ${which} ORDER BY next_at LIMIT ?`,
        binding,
        limit,
      )
      .toArray()
      .map(({ id, room, multipart, until: untilMs }) => ({ id, room, multipart, untilMs }));
  }
}
