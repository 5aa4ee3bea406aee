/** Tickets that were used, each remembered until its end: one that opens a stream must open no other. */
import type { Migration } from "./migrate.ts";

export const ticketsMigration: Migration = {
  id: "tickets-1",
  sql: "CREATE TABLE ticket (id TEXT PRIMARY KEY, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID",
};

export interface TicketUse {
  readonly id: string;
  readonly expiresAtMs: number;
}

/** The edge that reads a ticket has a clock of its own. */
const slackMs = 60_000;

export class Tickets {
  readonly #sql: SqlStorage;

  constructor({ sql }: DurableObjectStorage) {
    this.#sql = sql;
  }

  /** False when it was used before. */
  use({ id, expiresAtMs }: TicketUse): boolean {
    return (
      this.#sql
        .exec(
          "INSERT INTO ticket (id, expires_at) VALUES (?, ?) ON CONFLICT (id) DO NOTHING RETURNING id",
          id,
          expiresAtMs + slackMs,
        )
        .toArray().length > 0
    );
  }

  /** When the first one can be forgotten: from then on its own text refuses it. */
  get dueMs(): number | null {
    return this.#sql.exec<{ at: number | null }>("SELECT min(expires_at) AS at FROM ticket").one().at;
  }

  sweep(nowMs: number): void {
    this.#sql.exec("DELETE FROM ticket WHERE expires_at <= ?", nowMs);
  }
}
