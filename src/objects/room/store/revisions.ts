/** What messages said before they were edited, or deleted, where the room keeps it. */
import type { Message } from "../../../protocol/message.ts";
import type { Migration } from "../../migrate.ts";
import { dataJson } from "../rows.ts";

export const revisionsMigration: Migration = {
  id: "revisions-1",
  sql: `
CREATE TABLE revision (
  message INTEGER NOT NULL,
  version INTEGER NOT NULL,
  text    TEXT,
  data    TEXT,                             -- JSON
  at      INTEGER NOT NULL,                 -- when it was said
  PRIMARY KEY (message, version)
) STRICT, WITHOUT ROWID;
`,
};

/** One version of a message. */
export type Revision = Pick<Message, "version" | "text" | "data"> & { readonly at: number };

export class Revisions {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The message as it stands, before it changes. */
  keep({ id, version, text, data, editedAt, createdAt }: Message): void {
    this.#sql.exec(
      "INSERT INTO revision (message, version, text, data, at) VALUES (?, ?, ?, ?, ?)",
      id,
      version,
      text,
      dataJson(data),
      editedAt ?? createdAt,
    );
  }

  /** Those after this version, the oldest first. */
  of(message: number, after: number, limit: number): Revision[] {
    return this.#sql
      .exec<{ version: number; text: string | null; data: string | null; at: number }>(
        "SELECT version, text, data, at FROM revision WHERE message = ? AND version > ? ORDER BY version LIMIT ?",
        message,
        after,
        limit,
      )
      .toArray()
      .map(({ data, ...row }) => ({ ...row, data: data === null ? null : JSON.parse(data) }));
  }

  count(message: number): number {
    return this.#sql.exec<{ count: number }>("SELECT count(*) AS count FROM revision WHERE message = ?", message).one()
      .count;
  }

  /** Answers how many there were, of so many at most. */
  removeOf(message: number, limit: number): number {
    return this.#sql
      .exec(
        `DELETE FROM revision WHERE message = ?1 AND version IN
           (SELECT version FROM revision WHERE message = ?1 LIMIT ?2) RETURNING version`,
        message,
        limit,
      )
      .toArray().length;
  }

  /** Of messages that retention removes: of each there are only so many. */
  removeBelow(message: number): void {
    this.#sql.exec("DELETE FROM revision WHERE message < ?", message);
  }

  clear(): void {
    this.#sql.exec("DELETE FROM revision");
  }
}
