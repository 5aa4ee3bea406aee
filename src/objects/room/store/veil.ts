/**
 * Which changes of messages not everybody was told of: what came of a reply that is hidden. Those who see it read the row as it
 * is, and all others as if it had not changed, by no way of reading.
 */
import type { Migration } from "../../migrate.ts";

export const veilMigration: Migration = {
  id: "veil-1",
  sql: `
CREATE TABLE veiled (
  message INTEGER NOT NULL,
  author  TEXT    NOT NULL,                 -- '' for everybody
  seq     INTEGER NOT NULL,                 -- of the last change that they were told of
  stamp   INTEGER NOT NULL,                 -- what is said here holds as long as this is the message's seq
  PRIMARY KEY (message, author)
) STRICT, WITHOUT ROWID;
`,
};

/** The viewer as ?3, and whether it sees everything as ?2. */
const seen = "(SELECT max(veiled.seq) FROM veiled WHERE veiled.message = message.id AND author IN ('', ?3))";
const isVeiled =
  "(NOT ?2 AND EXISTS (SELECT 1 FROM veiled WHERE veiled.message = message.id AND author = '' AND stamp = message.seq))";

/** In the place of the column. */
export const seqAsSeen = `iif(${isVeiled}, ${seen}, seq)`;
/** What has changed since ?4, in two disjoint branches, each in order of what the viewer takes for its seq. */
export const unveiledSince = `seq > ?4 AND seq > id AND NOT ${isVeiled} ORDER BY message.seq`;
export const veiledSince = `id IN (SELECT message FROM veiled WHERE veiled.seq > ?4) AND ${isVeiled} AND ${seen} > ?4 ORDER BY ${seen}`;

export class Veil {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The message is about to change at this seq, and only these authors, besides those who see everything, are told. */
  draw(id: number, { seq, authors }: { readonly seq: number; readonly authors: readonly (string | null)[] }): void {
    this.#sql.exec("DELETE FROM veiled WHERE message = ?1 AND stamp <> (SELECT seq FROM message WHERE id = ?1)", id);
    this.#sql.exec(
      "INSERT INTO veiled (message, author, seq, stamp) SELECT id, '', seq, seq FROM message WHERE id = ? ON CONFLICT DO NOTHING",
      id,
    );
    for (const author of authors)
      if (author !== null)
        this.#sql.exec(
          "INSERT OR REPLACE INTO veiled (message, author, seq, stamp) VALUES (?1, ?2, ?3, ?3)",
          id,
          author,
          seq,
        );
    this.#sql.exec("UPDATE veiled SET stamp = ? WHERE message = ?", seq, id);
  }

  removeBelow(message: number): void {
    this.#sql.exec("DELETE FROM veiled WHERE message < ?", message);
  }

  removeOf(messages: readonly number[]): void {
    this.#sql.exec("DELETE FROM veiled WHERE message IN (SELECT value FROM json_each(?))", JSON.stringify(messages));
  }

  /** Whoever he was starts over, and sees nothing then that others do not. */
  erase(user: string): void {
    this.#sql.exec("DELETE FROM veiled WHERE author = ?", user);
  }

  clear(): void {
    this.#sql.exec("DELETE FROM veiled");
  }
}
