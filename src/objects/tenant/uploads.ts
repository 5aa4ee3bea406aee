/** Files of the tenant as its quota sees them: what is announced, what is there, and how many bytes that is. */
import { overQuota, type UploadStanding } from "../../core/uploadQuota.ts";
import { fixedLimits, type Limits } from "../../protocol/limits.ts";
import type { Refusal } from "../../protocol/refusals.ts";
import type { Migration } from "../migrate.ts";

export const uploadsMigration: Migration = {
  id: "uploads-1",
  sql: `
CREATE TABLE upload (                        -- announced, and not complete
  id        TEXT PRIMARY KEY,
  room      TEXT    NOT NULL,
  user      TEXT,                            -- who announced it; null: the tenant's server
  name      TEXT    NOT NULL,
  size      INTEGER NOT NULL,
  sha256    TEXT,
  parts     INTEGER NOT NULL,                -- in how many it comes; 0: whole
  multipart TEXT,                            -- the bucket's name for the collection of its parts
  day       INTEGER NOT NULL,                -- since the epoch: of which quota its bytes are
  tried_at  INTEGER NOT NULL                 -- when it was last heard of
) STRICT, WITHOUT ROWID;
CREATE INDEX upload_tried ON upload (tried_at);
CREATE INDEX upload_user  ON upload (user) WHERE user IS NOT NULL;

CREATE TABLE upload_part (
  upload TEXT    NOT NULL,
  part   INTEGER NOT NULL,                   -- from 1
  etag   TEXT    NOT NULL,
  PRIMARY KEY (upload, part)
) STRICT, WITHOUT ROWID;

CREATE TABLE stored (                        -- complete, and not removed
  id   TEXT PRIMARY KEY,
  size INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE upload_total (
  one       INTEGER PRIMARY KEY CHECK (one = 1),
  day       INTEGER NOT NULL,
  announced INTEGER NOT NULL,                -- bytes, on that day
  open      INTEGER NOT NULL,                -- bytes of all that are announced
  stored    INTEGER NOT NULL                 -- bytes of all that are there
) STRICT;
INSERT INTO upload_total (one, day, announced, open, stored) VALUES (1, 0, 0, 0, 0);
`,
};

export interface NewUpload {
  readonly id: string;
  readonly room: string;
  readonly user: string | null;
  readonly name: string;
  readonly size: number;
  readonly sha256: string | null;
  /** 0: it comes whole. */
  readonly parts: number;
}

export interface OpenUpload extends NewUpload {
  /** Null for one that comes whole, and until its parts can come. */
  readonly multipart: string | null;
  readonly triedAtMs: number;
}

export interface Part {
  readonly part: number;
  readonly etag: string;
}

type Row = {
  readonly id: string;
  readonly room: string;
  readonly user: string | null;
  readonly name: string;
  readonly size: number;
  readonly sha256: string | null;
  readonly parts: number;
  readonly multipart: string | null;
  readonly day: number;
  readonly tried_at: number;
};

type Totals = { readonly day: number; readonly announced: number; readonly open: number; readonly stored: number };

type Waiting = { readonly uploads: number; readonly at: number | null };

const dayMs = 86_400_000;

/** Of a tenant that exists. What calls more than one statement belongs into one synchronous step. */
export class Uploads {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Takes its bytes from the quota, or says why not. Announced again under its id it is the one that is there. */
  reserve(asked: NewUpload, limits: Limits, nowMs: number): Refusal | null {
    if (this.find(asked.id) !== null) return null;
    const refused = overQuota(asked.size, this.standing(asked.user, nowMs), limits, nowMs);
    if (refused !== null) return refused;
    const { id, room, user, name, size, sha256, parts } = asked;
    const day = this.#dayAt(nowMs);
    this.#sql.exec(
      `INSERT INTO upload (id, room, user, name, size, sha256, parts, day, tried_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      room,
      user,
      name,
      size,
      sha256,
      parts,
      day,
      nowMs,
    );
    this.#sql.exec(
      `UPDATE upload_total SET open = open + ?1, announced = iif(day = ?2, announced, 0) + ?1, day = ?2`,
      size,
      day,
    );
    return null;
  }

  find(id: string): OpenUpload | null {
    const row = this.#sql.exec<Row>("SELECT * FROM upload WHERE id = ?", id).toArray()[0];
    return row === undefined ? null : uploadOf(row);
  }

  /** In order. */
  partsOf(id: string): Part[] {
    return this.#sql
      .exec<{ part: number; etag: string }>("SELECT part, etag FROM upload_part WHERE upload = ? ORDER BY part", id)
      .toArray();
  }

  /** Somebody goes on with it: the time after which it is given up begins anew. */
  touch(id: string, nowMs: number): void {
    this.#sql.exec("UPDATE upload SET tried_at = ? WHERE id = ?", nowMs, id);
  }

  /** From now on its parts can come. */
  begin(id: string, multipart: string): void {
    this.#sql.exec("UPDATE upload SET multipart = ? WHERE id = ?", multipart, id);
  }

  /** Sent again, the newer one counts. */
  addPart(id: string, { part, etag }: Part): void {
    this.#sql.exec("INSERT OR REPLACE INTO upload_part (upload, part, etag) VALUES (?, ?, ?)", id, part, etag);
  }

  /** It is there. Answers its bytes; null where it was there already, and where it was never announced. */
  confirm(id: string): number | null {
    const size = this.#close(id);
    if (size === null) return null;
    this.#sql.exec("INSERT INTO stored (id, size) VALUES (?, ?)", id, size);
    this.#sql.exec("UPDATE upload_total SET stored = stored + ?", size);
    return size;
  }

  isStored(id: string): boolean {
    return this.#sql.exec("SELECT 1 FROM stored WHERE id = ?", id).toArray().length > 0;
  }

  /** It will not come: its bytes are given back, of its day's quota too. */
  drop(id: string): void {
    const upload = this.#sql.exec<Row>("SELECT * FROM upload WHERE id = ?", id).toArray()[0];
    if (upload === undefined) return;
    this.#close(id);
    this.#sql.exec("UPDATE upload_total SET announced = announced - ? WHERE day = ?", upload.size, upload.day);
  }

  /** It could not be given up now: the others go first, unless somebody has gone on with it. */
  postpone({ id, triedAtMs }: OpenUpload, untilMs: number): void {
    const triedAt = untilMs - fixedLimits.uploadOpenMs;
    this.#sql.exec("UPDATE upload SET tried_at = ? WHERE id = ? AND tried_at = ?", triedAt, id, triedAtMs);
  }

  /** They are gone from the bucket. Answers the bytes that were stored of them; told again, none. */
  release(ids: readonly string[]): number {
    for (const id of ids) this.drop(id);
    const bytes = this.#sql
      .exec<{ size: number }>(
        "DELETE FROM stored WHERE id IN (SELECT value FROM json_each(?)) RETURNING size",
        JSON.stringify(ids),
      )
      .toArray()
      .reduce((sum, { size }) => sum + size, 0);
    this.#sql.exec("UPDATE upload_total SET stored = stored - ?", bytes);
    return bytes;
  }

  /** Those of which nothing was heard for longer than they are kept, the oldest first. */
  abandoned(nowMs: number, limit: number): OpenUpload[] {
    return this.#oldest(nowMs - fixedLimits.uploadOpenMs, limit);
  }

  /** The oldest first. */
  open(limit: number): OpenUpload[] {
    return this.#oldest(Number.MAX_SAFE_INTEGER, limit);
  }

  /** Of one user, in order of their ids. */
  openOf(user: string, limit: number, after = ""): OpenUpload[] {
    return this.#sql
      .exec<Row>("SELECT * FROM upload WHERE user = ? AND id > ? ORDER BY id LIMIT ?", user, after, limit)
      .toArray()
      .map(uploadOf);
  }

  /** When the first one is given up, unless somebody goes on with it; null where none is open. */
  get dueMs(): number | null {
    const { at } = this.#sql.exec<{ at: number | null }>("SELECT min(tried_at) AS at FROM upload").one();
    return at === null ? null : at + fixedLimits.uploadOpenMs;
  }

  get storedBytes(): number {
    return this.#totals.stored;
  }

  /** How things stand for whoever announces another one. */
  standing(user: string | null, nowMs: number): UploadStanding {
    const { day, announced, open, stored } = this.#totals;
    const all = "SELECT count(*) AS uploads, min(tried_at) AS at FROM upload";
    const ofAll = this.#sql.exec<Waiting>(all).one();
    const ofUser = user === null ? null : this.#sql.exec<Waiting>(`${all} WHERE user = ?`, user).one();
    return {
      announcedToday: day === this.#dayAt(nowMs) ? announced : 0,
      heldBytes: open + stored,
      open: waitingOf(ofAll),
      openOfUser: ofUser === null ? null : waitingOf(ofUser),
    };
  }

  #close(id: string): number | null {
    const row = this.#sql.exec<{ size: number }>("DELETE FROM upload WHERE id = ? RETURNING size", id).toArray()[0];
    if (row === undefined) return null;
    this.#sql.exec("DELETE FROM upload_part WHERE upload = ?", id);
    this.#sql.exec("UPDATE upload_total SET open = open - ?", row.size);
    return row.size;
  }

  #oldest(untilMs: number, limit: number): OpenUpload[] {
    return this.#sql
      .exec<Row>("SELECT * FROM upload WHERE tried_at <= ? ORDER BY tried_at LIMIT ?", untilMs, limit)
      .toArray()
      .map(uploadOf);
  }

  get #totals(): Totals {
    return this.#sql.exec<Totals>("SELECT day, announced, open, stored FROM upload_total").one();
  }

  /** A clock that was set back gives nobody yesterday's quota again. */
  #dayAt(nowMs: number): number {
    return Math.max(this.#totals.day, Math.floor(nowMs / dayMs));
  }
}

function uploadOf({ id, room, user, name, size, sha256, parts, multipart, tried_at: triedAtMs }: Row): OpenUpload {
  return { id, room, user, name, size, sha256, parts, multipart, triedAtMs };
}

function waitingOf({ uploads: count, at }: Waiting): UploadStanding["open"] {
  return { count, oldestEndsAtMs: at === null ? null : at + fixedLimits.uploadOpenMs };
}
