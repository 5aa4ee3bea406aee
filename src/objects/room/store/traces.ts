/** Where a user stands in a room's messages: what he has said, and who has named him. An erasure goes by it. */
import { type Reply, replyColumns, replyOf, type ReplyRow } from "./replies.ts";

export class Traces {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  by(user: string, from: number, limit: number): (Reply & { readonly id: number })[] {
    return this.#sql
      .exec<ReplyRow>(
        `SELECT ${replyColumns} FROM message WHERE sender = ? AND id >= ? ORDER BY id LIMIT ?`,
        user,
        from,
        limit,
      )
      .toArray()
      .map(replyOf);
  }

  mentioning(user: string, from: number, limit: number): { id: number; mentions: string[] }[] {
    return this.#sql
      .exec<{ id: number; mentions: string }>(
        "SELECT id, mentions FROM message INDEXED BY message_mentions WHERE mentions IS NOT NULL AND id >= ?2 AND EXISTS (SELECT 1 FROM json_each(mentions) WHERE value = ?1) ORDER BY id LIMIT ?3",
        user,
        from,
        limit,
      )
      .toArray()
      .map(({ id, mentions }) => ({ id, mentions: JSON.parse(mentions) }));
  }
}
