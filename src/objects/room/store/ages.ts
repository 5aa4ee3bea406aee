/** How old a room's messages are: where those end that are too many, too old or expired, and when the newest came. */
import { type Reply, replyColumns, replyOf, type ReplyRow } from "./replies.ts";

export class Ages {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The id of the message that this many older ones come before, or null. */
  idAfter(count: number): number | null {
    return (
      this.#sql.exec<{ id: number }>("SELECT id FROM message ORDER BY id LIMIT 1 OFFSET ?", count).toArray()[0]?.id ??
      null
    );
  }

  /**
   * Where those that were published before this time end, of so many of the oldest. A time to come is one of a clock that was
   * wrong: such a message goes when those after it go, and keeps none of them.
   */
  belowAge(sinceMs: number, among: number, nowMs: number): number {
    return this.#sql
      .exec<{ below: number }>(
        `WITH pass AS (SELECT id, created_at FROM message ORDER BY id LIMIT ?1)
         SELECT coalesce(max(id) + 1, 0) AS below FROM pass WHERE created_at <= ?2
           AND id < coalesce((SELECT min(id) FROM pass WHERE created_at > ?2 AND created_at <= ?3), ?4)`,
        among,
        sinceMs,
        nowMs,
        Number.MAX_SAFE_INTEGER,
      )
      .one().below;
  }

  /** When the first of so many of the oldest was published that does not say a time to come; null where none does. */
  oldestAtMs(among: number, nowMs: number): number | null {
    return (
      this.#sql
        .exec<{ at: number }>(
          "SELECT created_at AS at FROM (SELECT id, created_at FROM message ORDER BY id LIMIT ?) WHERE created_at <= ? ORDER BY id LIMIT 1",
          among,
          nowMs,
        )
        .toArray()[0]?.at ?? null
    );
  }

  /** Those that have expired, the first ones first. */
  expired(nowMs: number, limit: number): (Reply & { readonly id: number })[] {
    return this.#sql
      .exec<ReplyRow>(
        `SELECT ${replyColumns} FROM message WHERE expires_at <= ? ORDER BY expires_at LIMIT ?`,
        nowMs,
        limit,
      )
      .toArray()
      .map(replyOf);
  }

  nextExpiryMs(): number | null {
    return (
      this.#sql
        .exec<{ at: number }>(
          "SELECT expires_at AS at FROM message WHERE expires_at IS NOT NULL ORDER BY expires_at LIMIT 1",
        )
        .toArray()[0]?.at ?? null
    );
  }

  /** When the newest message was published, or null. */
  newestAtMs(): number | null {
    return (
      this.#sql.exec<{ at: number }>("SELECT created_at AS at FROM message ORDER BY id DESC LIMIT 1").toArray()[0]
        ?.at ?? null
    );
  }
}
