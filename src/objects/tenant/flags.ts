/** Messages that users have flagged, for the tenant's people to look at. */
import type { Migration } from "../migrate.ts";

export const flagsMigration: Migration = {
  id: "flags-1",
  sql: `
CREATE TABLE flag (
  id          INTEGER PRIMARY KEY,
  room        TEXT    NOT NULL,
  epoch       TEXT    NOT NULL,             -- of the room: made anew, its messages are numbered anew
  message     INTEGER NOT NULL,
  user        TEXT    NOT NULL,             -- who flags it
  sender      TEXT,                         -- who said it
  reason      TEXT,
  note        TEXT,
  at          INTEGER NOT NULL,
  resolved_at INTEGER,
  UNIQUE (room, epoch, message, user)
) STRICT;
CREATE INDEX flag_open     ON flag (id) WHERE resolved_at IS NULL;
CREATE INDEX flag_resolved ON flag (id) WHERE resolved_at IS NOT NULL;
CREATE INDEX flag_room     ON flag (room, id);
`,
};

export interface NewFlag {
  readonly room: string;
  readonly epoch: string;
  readonly message: number;
  readonly user: string;
  readonly sender: string | null;
  readonly reason: string | null;
}

export interface Flag extends Omit<NewFlag, "epoch"> {
  readonly id: number;
  readonly state: "open" | "resolved";
  readonly note: string | null;
  readonly createdAt: number;
  readonly resolvedAt: number | null;
}

export interface FlagQuery {
  readonly state: Flag["state"] | null;
  readonly room: string | null;
  readonly after: number;
  readonly limit: number;
}

export class Flags {
  readonly #sql: SqlStorage;

  constructor({ sql }: DurableObjectStorage) {
    this.#sql = sql;
  }

  /** A user flags a message once: the same again is the flag that is there, as it stands. */
  add({ room, epoch, message, user, sender, reason }: NewFlag, nowMs: number): { flag: Flag; isNew: boolean } {
    const added = this.#sql
      .exec<Row>(
        `INSERT INTO flag (room, epoch, message, user, sender, reason, at) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING RETURNING *`,
        room,
        epoch,
        message,
        user,
        sender,
        reason,
        nowMs,
      )
      .toArray()[0];
    if (added !== undefined) return { flag: flagOf(added), isNew: true };
    const present = this.#sql
      .exec<Row>(
        "SELECT * FROM flag WHERE room = ? AND epoch = ? AND message = ? AND user = ?",
        room,
        epoch,
        message,
        user,
      )
      .one();
    return { flag: flagOf(present), isNew: false };
  }

  find(id: number): Flag | null {
    const row = this.#sql.exec<Row>("SELECT * FROM flag WHERE id = ?", id).toArray()[0];
    return row === undefined ? null : flagOf(row);
  }

  /** A new note takes the place of the one that is there. */
  resolve(id: number, note: string | null, nowMs: number): void {
    this.#sql.exec(
      "UPDATE flag SET resolved_at = coalesce(resolved_at, ?2), note = coalesce(?3, note) WHERE id = ?1",
      id,
      nowMs,
      note,
    );
  }

  /** That a user has made, or that are about what he said. */
  about(user: string, after: number, limit: number): Flag[] {
    return this.#sql
      .exec<Row>("SELECT * FROM flag WHERE id > ?1 AND ?2 IN (user, sender) ORDER BY id LIMIT ?3", after, user, limit)
      .toArray()
      .map(flagOf);
  }

  /** What a user flagged goes; of what he said stays that it was flagged, and not what was said of him. */
  erase(user: string): void {
    this.#sql.exec("DELETE FROM flag WHERE user = ?", user);
    this.#sql.exec("UPDATE flag SET sender = NULL, reason = NULL, note = NULL WHERE sender = ?", user);
  }

  /** The oldest first: it is a queue. */
  list({ state, room, after, limit }: FlagQuery): Flag[] {
    const ofState = { open: "resolved_at IS NULL", resolved: "resolved_at IS NOT NULL" };
    const where = ["id > ?1", ...(state === null ? [] : [ofState[state]]), ...(room === null ? [] : ["room = ?3"])];
    return this.#sql
      .exec<Row>(
        `SELECT * FROM flag WHERE ${where.join(" AND ")} ORDER BY id LIMIT ?2`,
        after,
        limit,
        ...(room === null ? [] : [room]),
      )
      .toArray()
      .map(flagOf);
  }
}

type Row = {
  readonly id: number;
  readonly room: string;
  readonly message: number;
  readonly user: string;
  readonly sender: string | null;
  readonly reason: string | null;
  readonly note: string | null;
  readonly at: number;
  readonly resolved_at: number | null;
};

function flagOf({ id, room, message, user, sender, reason, note, at, resolved_at }: Row): Flag {
  const state = resolved_at === null ? "open" : "resolved";
  return { id, room, message, user, sender, reason, state, note, createdAt: at, resolvedAt: resolved_at };
}
