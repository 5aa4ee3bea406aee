/** Which messages are pinned, by whom and when: beside them, so that those that are not pay nothing for it. */
import type { Pinned } from "../../../protocol/message.ts";
import type { Migration } from "../../migrate.ts";

export const pinsMigration: Migration = {
  id: "pins-1",
  sql: `
CREATE TABLE pin (
  message INTEGER PRIMARY KEY,
  user    TEXT,                             -- null for the tenant's server, and for one who was erased
  at      INTEGER NOT NULL
) STRICT;
`,
};

/** A column of a message's. Where nothing is pinned that is found out once, and not for each message that is read. */
export const pinnedColumn = `CASE WHEN EXISTS (SELECT 1 FROM pin)
  THEN (SELECT json_object('by', pin.user, 'at', pin.at) FROM pin WHERE pin.message = message.id) END AS pinned`;

export class Pins {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  get count(): number {
    return this.#sql.exec<{ count: number }>("SELECT count(*) AS count FROM pin").one().count;
  }

  save(message: number, { by, at }: Pinned): void {
    this.#sql.exec("INSERT OR REPLACE INTO pin (message, user, at) VALUES (?, ?, ?)", message, by, at);
  }

  remove(message: number): void {
    this.#sql.exec("DELETE FROM pin WHERE message = ?", message);
  }

  /** Those that this user has pinned. */
  by(user: string): { message: number; at: number }[] {
    return this.#sql
      .exec<{ message: number; at: number }>("SELECT message, at FROM pin WHERE user = ? ORDER BY message", user)
      .toArray();
  }

  removeBelow(message: number): void {
    this.#sql.exec("DELETE FROM pin WHERE message < ?", message);
  }

  removeOf(messages: readonly number[]): void {
    this.#sql.exec("DELETE FROM pin WHERE message IN (SELECT value FROM json_each(?))", JSON.stringify(messages));
  }

  clear(): void {
    this.#sql.exec("DELETE FROM pin");
  }
}
