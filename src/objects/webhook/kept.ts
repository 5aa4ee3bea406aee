/** What became of an endpoint's deliveries: how it is shown, and for how long. */
import { fixedLimits } from "../../protocol/limits.ts";
import type { Delivery, DeliveryQuery, DeliveryState } from "../../protocol/webhook.ts";
import type { Row } from "./deliveries.ts";

export class Kept {
  readonly #sql: SqlStorage;

  constructor({ sql }: DurableObjectStorage) {
    this.#sql = sql;
  }

  /** Dead letters. */
  get failed(): number {
    return this.#sql.exec<{ count: number }>("SELECT count(*) AS count FROM delivery WHERE state = 'failed'").one()
      .count;
  }

  /** The newest first, with a number below `before`. */
  list({ state, before, limit }: DeliveryQuery): Delivery[] {
    return this.#sql
      .exec<Row>(
        state === null
          ? "SELECT * FROM delivery WHERE number < ?1 ORDER BY number DESC LIMIT ?2"
          : "SELECT * FROM delivery WHERE state = ?3 AND number < ?1 ORDER BY number DESC LIMIT ?2",
        before,
        limit,
        ...(state === null ? [] : [state]),
      )
      .toArray()
      .map((row) => this.#shown(row));
  }

  find(number: number): Delivery | null {
    const [row] = this.#sql.exec<Row>("SELECT * FROM delivery WHERE number = ?", number).toArray();
    return row === undefined ? null : this.#shown(row);
  }

  /** Removes what has been kept long enough, so much at a time. */
  sweep(nowMs: number): void {
    const { webhookDeliveredMs, webhookFailedMs } = fixedLimits;
    this.#remove("delivered", nowMs - webhookDeliveredMs);
    this.#remove("failed", nowMs - webhookFailedMs);
  }

  /** What has waited for too long, at an endpoint that is disabled, so much at a time. */
  overdue(nowMs: number): number[] {
    return this.#olderThan("pending", nowMs - fixedLimits.webhookFailedMs);
  }

  /** When there is something to sweep again. */
  get sweepMs(): number | null {
    const { webhookDeliveredMs, webhookFailedMs } = fixedLimits;
    const keptMs = { delivered: webhookDeliveredMs, failed: webhookFailedMs, pending: webhookFailedMs };
    const due = Object.entries(keptMs).flatMap(([state, ms]) =>
      this.#sql
        .exec<{ since: number }>("SELECT since FROM delivery WHERE state = ? ORDER BY number LIMIT 1", state)
        .toArray()
        .map(({ since }) => since + ms),
    );
    return due.length === 0 ? null : Math.min(...due);
  }

  #olderThan(state: DeliveryState, sinceMs: number): number[] {
    return this.#sql
      .exec<{ number: number }>(
        "SELECT number FROM delivery WHERE state = ? AND since <= ? ORDER BY number LIMIT ?",
        state,
        sinceMs,
        fixedLimits.webhooksSwept,
      )
      .toArray()
      .map(({ number }) => number);
  }

  #remove(state: DeliveryState, sinceMs: number): void {
    for (const number of this.#olderThan(state, sinceMs)) {
      this.#sql.exec("DELETE FROM event WHERE delivery = ?", number);
      this.#sql.exec("DELETE FROM delivery WHERE number = ?", number);
    }
  }

  #shown(row: Row): Delivery {
    const events = this.#sql
      .exec<{ id: string; type: string; room: string | null }>(
        "SELECT id, type, room FROM event WHERE delivery = ? ORDER BY place",
        row.number,
      )
      .toArray();
    const { number, id, state, attempts, status, error } = row;
    const isOver = state !== "pending";
    return {
      delivery: number,
      id,
      state: state as DeliveryState,
      events,
      attempts,
      status,
      error,
      createdAt: row.created_at,
      nextAttemptAt: isOver ? null : row.due_at,
      endedAt: isOver ? row.since : null,
    };
  }
}
