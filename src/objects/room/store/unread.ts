/** How many messages a user has not read. */
import { fixedLimits } from "../../../protocol/limits.ts";

export class Unread {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /**
   * Messages of others after this one, up to a limit. Only so many of the newest are looked at, lest somebody who never reads
   * and writes without end make it a scan of the whole room.
   */
  count(user: string, upTo: number, moderates: boolean, nowMs: number): number {
    return this.#sql
      .exec<{ unread: number }>(
        `SELECT count(*) AS unread FROM (
           SELECT 1 FROM (SELECT sender, shadow, deleted_at, expires_at FROM message WHERE id > ?1 ORDER BY id DESC LIMIT ?2)
           WHERE (sender IS NULL OR sender <> ?3) AND deleted_at IS NULL AND (expires_at IS NULL OR expires_at > ?4)
             AND (shadow IS NULL OR ?6) LIMIT ?5)`,
        upTo,
        fixedLimits.unreadSearched,
        user,
        nowMs,
        fixedLimits.unreadCounted,
        moderates ? 1 : 0,
      )
      .one().unread;
  }

  /** Of them, those that mention the user: again of so many of the newest with any mention. */
  countMentions(user: string, upTo: number, moderates: boolean, nowMs: number): number {
    return this.#sql
      .exec<{ count: number }>(
        `SELECT count(*) AS count FROM (
           SELECT 1 FROM (SELECT sender, shadow, mentions, expires_at FROM message INDEXED BY message_mentions
                          WHERE mentions IS NOT NULL AND id > ?1 ORDER BY id DESC LIMIT ?2)
           WHERE (sender IS NULL OR sender <> ?3) AND (expires_at IS NULL OR expires_at > ?4) AND (shadow IS NULL OR ?6)
             AND EXISTS (SELECT 1 FROM json_each(mentions) WHERE value = ?3) LIMIT ?5)`,
        upTo,
        fixedLimits.unreadSearched,
        user,
        nowMs,
        fixedLimits.unreadCounted,
        moderates ? 1 : 0,
      )
      .one().count;
  }
}
