/**
 * Rooms that have still to hear what the tenant has decided: all of them, also those that sleep and that nobody enters. How long
 * messages are kept goes for what lies there, so it cannot wait until somebody comes.
 */
import pLimit from "p-limit";
import { fixedLimits } from "../../protocol/limits.ts";
import type { RoomPolicy } from "../../protocol/policy.ts";
import type { Migration } from "../migrate.ts";

export const untoldMigration: Migration = {
  id: "untold-1",
  sql: "CREATE TABLE untold (room TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT, WITHOUT ROWID",
};

/** When those that could not be told are tried again. */
const retryAfterMs = 30_000;

export interface UntoldOptions {
  readonly sql: SqlStorage;
  /** What is decided now. */
  readonly policy: () => RoomPolicy;
  /** May throw: then the room is told again. */
  readonly tell: (room: string, policy: RoomPolicy) => Promise<void>;
  /** Is to call `step` by an alarm. */
  readonly book: (atMs: number) => void;
}

export class Untold {
  readonly #options: UntoldOptions;
  /** Where this pass over the list has come to. A loss of memory begins it anew. */
  #after = "";

  constructor(options: UntoldOptions) {
    this.#options = options;
  }

  /** Every room. To be called in the transaction of the decision, when it is saved. */
  addAll(nowMs: number): void {
    const { sql, policy, book } = this.#options;
    sql.exec(
      `INSERT INTO untold (room, version) SELECT name, ?1 FROM room WHERE deleted_at IS NULL
       ON CONFLICT (room) DO UPDATE SET version = ?1`,
      policy().version,
    );
    this.#after = "";
    book(nowMs);
  }

  /** Tells some. One that cannot be told stays listed, and keeps no other from it. */
  async step(nowMs: number): Promise<void> {
    const { sql, policy, tell, book } = this.#options;
    const rooms = this.#next();
    if (rooms.length === 0) {
      const isWhole = this.#after === "";
      this.#after = "";
      if (!isWhole && this.#next().length > 0) book(nowMs + retryAfterMs);
      return;
    }
    const told = policy();
    const turns = pLimit(fixedLimits.joinsAtOnce);
    this.#after = rooms.at(-1) ?? "";
    await Promise.allSettled(
      rooms.map((room) =>
        turns(async () => {
          await tell(room, told);
          // Another decision may have listed it again meanwhile.
          sql.exec("DELETE FROM untold WHERE room = ? AND version <= ?", room, told.version);
        }),
      ),
    );
    book(nowMs);
  }

  #next(): string[] {
    return this.#options.sql
      .exec<{ room: string }>(
        "SELECT room FROM untold WHERE room > ? ORDER BY room LIMIT ?",
        this.#after,
        fixedLimits.toldPerStep,
      )
      .toArray()
      .map(({ room }) => room);
  }
}
