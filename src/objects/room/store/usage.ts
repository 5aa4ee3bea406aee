/** How many messages a room has, and what was ever used, for the tenant. */
import type { RoomCounts } from "../../account.ts";

export class Usage {
  readonly #sql: SqlStorage;
  readonly #head: () => number;
  /** The newest message whose content is counted as used. */
  #countedTo = 0;

  /** `head` is the highest seq given. */
  constructor(sql: SqlStorage, head: () => number) {
    this.#sql = sql;
    this.#head = head;
  }

  /** To be called when what is known in memory may not be what is stored. */
  reload(countedTo: number): void {
    this.#countedTo = countedTo;
  }

  /** How many messages there are, and what was ever used. */
  tally(): Pick<RoomCounts, "messages" | "used"> {
    this.count();
    const { messages, used_messages, used_bytes, used_changes } = this.#sql
      .exec<{ messages: number; used_messages: number; used_bytes: number; used_changes: number }>(
        "SELECT messages, used_messages, used_bytes, used_changes FROM room",
      )
      .one();
    return { messages, used: { messages: used_messages, bytes: used_bytes, changes: used_changes } };
  }

  /** Of a message that is about to lose its content. */
  countBefore(id: number): void {
    if (id > this.#countedTo) this.count();
  }

  /** What was streamed is over, and is used as it stands. Until then it counted as a message of no bytes. */
  countEnded(id: number): void {
    this.#sql.exec(
      `UPDATE room SET used_bytes = used_bytes + max(0,
         (SELECT coalesce(length(CAST(text AS BLOB)), 0) + coalesce(length(CAST(data AS BLOB)), 0) - counted
          FROM message JOIN stream ON stream.message = id WHERE id = ?))`,
      id,
    );
  }

  /** Counts only what came since the last time: a count of a million rows takes 110 ms. No message pays for being counted. */
  count(): void {
    const { counted_to } = this.#sql
      .exec<{ counted_to: number }>(
        `UPDATE room SET messages      = messages + fresh.found,
                         counted_to    = max(counted_to, fresh.top),
                         used_messages = used_messages + fresh.found,
                         used_bytes    = used_bytes + fresh.bytes,
                         used_changes  = used_changes + ?1 - changed_to,
                         changed_to    = ?1
         FROM (SELECT count(*) AS found, coalesce(max(id), 0) AS top,
                      coalesce(sum(coalesce(length(CAST(text AS BLOB)), 0) + coalesce(length(CAST(data AS BLOB)), 0))
                        FILTER (WHERE id NOT IN (SELECT message FROM stream)), 0) AS bytes
               FROM message WHERE id > (SELECT counted_to FROM room)) AS fresh
         RETURNING counted_to`,
        this.#head(),
      )
      .one();
    this.#countedTo = counted_to;
  }
}
