/**
 * The files of the room whose bytes are all there, and which message carries each. Like a reaction, a row here is no change of
 * the history: it is written in the transaction of the change that attaches the file, or takes its message away.
 */
import type { Attachment } from "../../protocol/message.ts";
import type { StoredFile } from "../../protocol/upload.ts";
import type { Migration } from "../migrate.ts";

export const filesMigration: Migration = {
  id: "files-1",
  sql: `
CREATE TABLE file (
  id         TEXT PRIMARY KEY,              -- of the upload
  user       TEXT,                          -- who uploaded it; null: the tenant's server, or it is removed
  name       TEXT    NOT NULL,
  type       TEXT    NOT NULL,
  size       INTEGER NOT NULL,
  width      INTEGER,
  height     INTEGER,
  at         INTEGER NOT NULL,
  message    INTEGER,                       -- that carries it; null: none yet, or it is removed
  removed_at INTEGER                        -- since then shown to nobody; the row stays until its bytes are gone
) STRICT, WITHOUT ROWID;
CREATE INDEX file_message ON file (message)    WHERE message IS NOT NULL;
CREATE INDEX file_waiting ON file (at)         WHERE message IS NULL AND removed_at IS NULL;
CREATE INDEX file_removed ON file (removed_at) WHERE removed_at IS NOT NULL;
`,
};

/** One that is not removed. */
export interface RoomFile extends Omit<StoredFile, "room"> {
  /** The message that carries it; null while none does. */
  readonly message: number | null;
}

type FileRow = Record<string, SqlStorageValue> & {
  id: string;
  user: string | null;
  name: string;
  type: string;
  size: number;
  width: number | null;
  height: number | null;
  at: number;
  message: number | null;
};

/** What is left of a removed one: its id, by which its bytes are found. */
const removal = "UPDATE file SET removed_at = ?1, message = NULL, user = NULL, name = ''";

/** Only of a room that exists: another has no tables. */
export class Files {
  readonly #sql: SqlStorage;
  readonly #onChange: () => void;
  #isNew = false;

  /** `onChange` is called once after the transaction in which something was written, in the same event. */
  constructor({ sql }: DurableObjectStorage, onChange: () => void) {
    this.#sql = sql;
    this.#onChange = onChange;
  }

  get(id: string): RoomFile | null {
    const row = this.#sql.exec<FileRow>("SELECT * FROM file WHERE id = ? AND removed_at IS NULL", id).toArray()[0];
    if (row === undefined) return null;
    const { user, name, type, size, width, height, at: atMs, message } = row;
    const extent = { ...(width === null ? {} : { width }), ...(height === null ? {} : { height }) };
    return { id, user, name, type, size, ...extent, atMs, message };
  }

  /** Which of these have a row, be it of one that is removed and whose bytes are still to go. */
  held(ids: readonly string[]): string[] {
    return this.#sql
      .exec<{ id: string }>("SELECT id FROM file WHERE id IN (SELECT value FROM json_each(?))", JSON.stringify(ids))
      .toArray()
      .map(({ id }) => id);
  }

  /** Safe to run twice: one that is known stays as it is. Answers whether it is new. */
  add({ id, user, name, type, size, width, height, atMs }: Omit<StoredFile, "room">): boolean {
    const { rowsWritten } = this.#sql.exec(
      `INSERT INTO file (id, user, name, type, size, width, height, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO NOTHING`,
      id,
      user,
      name,
      type,
      size,
      width ?? null,
      height ?? null,
      atMs,
    );
    if (rowsWritten > 0) this.#changed();
    return rowsWritten > 0;
  }

  attach(files: readonly Pick<Attachment, "id">[], message: number): void {
    for (const { id } of files) this.#sql.exec("UPDATE file SET message = ? WHERE id = ?", message, id);
    if (files.length > 0) this.#changed();
  }

  // Removal, each to be called in the transaction in which the file loses what it is shown by. It cannot be taken back.

  remove(id: string, nowMs: number): void {
    this.#remove("id = ?2 AND removed_at IS NULL", nowMs, id);
  }

  /** Of messages that lose their content or their row. */
  removeOf(messages: readonly number[], nowMs: number): void {
    this.#remove("message IN (SELECT value FROM json_each(?2))", nowMs, JSON.stringify(messages));
  }

  /** Of messages that stay without their sender: nobody has uploaded them. */
  disown(messages: readonly number[]): void {
    this.#sql.exec(
      "UPDATE file SET user = NULL WHERE message IN (SELECT value FROM json_each(?))",
      JSON.stringify(messages),
    );
  }

  /** Of all messages below this one. */
  removeBelow(oldest: number, nowMs: number): void {
    this.#remove("message < ?2", nowMs, oldest);
  }

  /** What a user has uploaded and no message carries: the others go with their messages. */
  removeWaitingOf(user: string, nowMs: number): void {
    this.#remove("message IS NULL AND removed_at IS NULL AND user = ?2", nowMs, user);
  }

  /** What has waited for a message since before then. */
  removeWaiting(beforeMs: number, nowMs: number): void {
    this.#remove("message IS NULL AND removed_at IS NULL AND at <= ?2", nowMs, beforeMs);
  }

  removeAll(nowMs: number): void {
    this.#remove("removed_at IS NULL", nowMs);
  }

  // What is removed, and not forgotten yet.

  removed(limit: number): string[] {
    return this.#sql
      .exec<{ id: string }>("SELECT id FROM file WHERE removed_at IS NOT NULL ORDER BY removed_at LIMIT ?", limit)
      .toArray()
      .map(({ id }) => id);
  }

  /** Their bytes are gone. */
  forget(ids: readonly string[]): void {
    this.#sql.exec(
      "DELETE FROM file WHERE removed_at IS NOT NULL AND id IN (SELECT value FROM json_each(?))",
      JSON.stringify(ids),
    );
  }

  /** Since when the first of those waits that no message carries; null where none does. */
  get waitingSinceMs(): number | null {
    return this.#sql
      .exec<{ at: number | null }>("SELECT min(at) AS at FROM file WHERE message IS NULL AND removed_at IS NULL")
      .one().at;
  }

  #remove(which: string, nowMs: number, ...bindings: SqlStorageValue[]): void {
    const { rowsWritten } = this.#sql.exec(`${removal} WHERE ${which}`, nowMs, ...bindings);
    if (rowsWritten > 0) this.#changed();
  }

  #changed(): void {
    if (this.#isNew) return;
    this.#isNew = true;
    queueMicrotask(() => {
      this.#isNew = false;
      this.#onChange();
    });
  }
}
