/** How many replies a message has: everybody's in its row, and those that are hidden from others by themselves. */
import type { Migration } from "../../migrate.ts";

/** A message, as far as its parent counts it. */
export interface Reply {
  readonly replyTo: number | null;
  /** Who said it; null for the tenant's server, and for one who was erased. */
  readonly sender: string | null;
  readonly hidden: boolean;
  readonly deleted: boolean;
}

/** It is read from these. */
export const replyColumns = "id, reply_to, sender, shadow, deleted_at";

export interface ReplyRow extends Record<string, SqlStorageValue> {
  id: number;
  reply_to: number | null;
  sender: string | null;
  shadow: number | null;
  deleted_at: number | null;
}

export function replyOf({ id, reply_to, sender, shadow, deleted_at }: ReplyRow): Reply & { readonly id: number } {
  return { id, replyTo: reply_to, sender, hidden: shadow !== null, deleted: deleted_at !== null };
}

export interface HiddenReplies extends Record<string, SqlStorageValue> {
  sender: string | null;
  count: number;
}

const countShown = `(SELECT count(*) FROM message AS reply
  WHERE reply.reply_to = message.id AND reply.deleted_at IS NULL AND reply.shadow IS NULL)`;

export const repliesMigration: Migration = {
  id: "replies-1",
  // Deleted ones were counted until then.
  sql: `
CREATE INDEX message_hidden_reply ON message (reply_to) WHERE shadow = 1;
UPDATE message SET replies = ${countShown} WHERE replies > 0;
`,
};

/** In the place of the column, with the viewer's eyes as ?2 and ?3. To be asked only where something is hidden. */
export const repliesAsSeen = `replies + (SELECT count(*) FROM message AS reply
  WHERE reply.reply_to = message.id AND reply.shadow = 1 AND reply.deleted_at IS NULL AND (?2 OR reply.sender = ?3))`;

export class Replies {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Counts so many more or fewer at their parent, and answers how many everybody sees now. */
  count({ id, seq, by }: { id: number; seq: number; by: number }): number {
    return this.#sql
      .exec<{ replies: number }>(
        "UPDATE message SET seq = ?, replies = max(0, replies + ?) WHERE id = ? RETURNING replies",
        seq,
        by,
        id,
      )
      .one().replies;
  }

  /** Those that are hidden from others, by who said them. */
  hiddenOf(id: number): HiddenReplies[] {
    return this.#sql
      .exec<HiddenReplies>(
        "SELECT sender, count(*) AS count FROM message WHERE reply_to = ? AND shadow = 1 AND deleted_at IS NULL GROUP BY sender",
        id,
      )
      .toArray();
  }

  /**
   * Counts all anew. What an import tells of them is of the moment in which each line was written, and replies may have expired
   * between one line and another.
   */
  recount(): void {
    this.#sql.exec(
      `UPDATE message SET replies = ${countShown}
       WHERE replies > 0 OR id IN (SELECT reply_to FROM message WHERE reply_to IS NOT NULL)`,
    );
  }
}
