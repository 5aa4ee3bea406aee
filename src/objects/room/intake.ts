/**
 * An import under way. Its rows go where they will stay, while the room lets nobody in; the room's own row makes them its history
 * in the last step. Until then, and where it is given up, there is no history.
 */
import { fixedLimits } from "../../protocol/limits.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Migration } from "../migrate.ts";

export const intakeMigration: Migration = {
  id: "intake-1",
  sql: `
CREATE TABLE intake (
  one        INTEGER PRIMARY KEY CHECK (one = 1),
  id         TEXT    NOT NULL,
  lines      INTEGER NOT NULL,              -- taken
  seq        INTEGER NOT NULL,              -- of the last change among them
  touched_at INTEGER NOT NULL,
  given_up   INTEGER NOT NULL               -- what it brought is being removed
) STRICT;
`,
};

export interface IntakeState {
  readonly id: string;
  readonly lines: number;
  readonly seq: number;
  readonly touchedAtMs: number;
  readonly givenUp: boolean;
}

/** Only of a room that exists: another has no tables. */
export class Intake {
  readonly #sql: SqlStorage;
  /** Asked with each call, so what was read is remembered. */
  #known: IntakeState | null | undefined;

  constructor({ sql }: DurableObjectStorage) {
    this.#sql = sql;
  }

  get state(): IntakeState | null {
    if (this.#known === undefined) this.#known = this.#read();
    return this.#known;
  }

  begin(id: string, nowMs: number): void {
    this.#save({ id, lines: 0, seq: 0, touchedAtMs: nowMs, givenUp: false });
  }

  /** Belongs into the transaction in which the lines are stored. */
  took({ lines, seq }: Pick<IntakeState, "lines" | "seq">, nowMs: number): void {
    if (this.state !== null) this.#save({ ...this.state, lines, seq, touchedAtMs: nowMs });
  }

  giveUp(): void {
    if (this.state !== null) this.#save({ ...this.state, givenUp: true });
  }

  end(): void {
    this.#sql.exec("DELETE FROM intake");
    this.#known = null;
  }

  /** To be called when what is known in memory may not be what is stored. */
  forget(): void {
    this.#known = undefined;
  }

  #save(state: IntakeState): void {
    const { id, lines, seq, touchedAtMs, givenUp } = state;
    this.#sql.exec(
      "INSERT OR REPLACE INTO intake (one, id, lines, seq, touched_at, given_up) VALUES (1, ?, ?, ?, ?, ?)",
      id,
      lines,
      seq,
      touchedAtMs,
      givenUp ? 1 : 0,
    );
    this.#known = state;
  }

  #read(): IntakeState | null {
    const row = this.#sql
      .exec<{ id: string; lines: number; seq: number; touched_at: number; given_up: number }>(
        "SELECT id, lines, seq, touched_at, given_up FROM intake",
      )
      .toArray()[0];
    if (row === undefined) return null;
    const { id, lines, seq, touched_at, given_up } = row;
    return { id, lines, seq, touchedAtMs: touched_at, givenUp: given_up === 1 };
  }
}

/** Where somebody would come in, or something be changed. */
export function importing(): Refusal {
  return refuse("overloaded", "The room is being imported.", { retryAfterMs: fixedLimits.overloadedRetryMs });
}
