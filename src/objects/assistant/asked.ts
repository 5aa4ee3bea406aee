/** What a room's assistant has been asked and has not answered to the end: the order in which it goes, and nothing of what was said. */
import { fixedLimits } from "../../protocol/limits.ts";
import type { Migration } from "../migrate.ts";

/** A message that asks, as its room hands it on. */
export interface Question {
  /** Of the history in which it was asked. */
  readonly epoch: string;
  readonly message: number;
  readonly assistant: string;
  readonly atMs: number;
  /** Of its user there were too many: it is answered with that. */
  readonly isTooOften: boolean;
}

export interface Asked extends Question {
  readonly number: number;
  /** There were too many before it: it is answered with that. */
  readonly isTooMuch: boolean;
  /** Beginnings, this one included. */
  readonly begun: number;
}

export const askedMigration: Migration = {
  id: "asked-1",
  sql: `
CREATE TABLE asked (
  number    INTEGER PRIMARY KEY,
  epoch     TEXT    NOT NULL,
  message   INTEGER NOT NULL,
  assistant TEXT    NOT NULL,
  at        INTEGER NOT NULL,
  too_much  INTEGER NOT NULL,
  begun     INTEGER NOT NULL,               -- how often it was begun to be answered
  due_at    INTEGER NOT NULL,
  UNIQUE (epoch, message)
) STRICT;
`,
};

export const tooOftenMigration: Migration = {
  id: "asked-2",
  sql: "ALTER TABLE asked ADD COLUMN is_too_often INTEGER NOT NULL DEFAULT 0;",
};

export class AskedQuestions {
  readonly #sql: SqlStorage;

  constructor({ sql }: DurableObjectStorage) {
    this.#sql = sql;
  }

  get count(): number {
    return this.#sql.exec<{ count: number }>("SELECT count(*) AS count FROM asked").one().count;
  }

  /** One that is known changes nothing. */
  add({ epoch, message, assistant, atMs, isTooOften }: Question, nowMs: number): void {
    const { assistantAnswers, assistantWaiting } = fixedLimits;
    this.#sql.exec(
      `INSERT OR IGNORE INTO asked (epoch, message, assistant, at, is_too_often, too_much, begun, due_at)
       VALUES (?, ?, ?, ?, ?, (SELECT count(*) >= ? FROM asked), 0, ?)`,
      epoch,
      message,
      assistant,
      atMs,
      isTooOften ? 1 : 0,
      assistantAnswers + assistantWaiting,
      nowMs,
    );
  }

  /** Those that are due, the ones that only need be refused first; not more of them than can be begun beside those that are under way. */
  due(nowMs: number): number[] {
    return this.#sql
      .exec<{ number: number }>(
        "SELECT number FROM asked WHERE due_at <= ? ORDER BY too_much OR is_too_often DESC, number LIMIT ?",
        nowMs,
        2 * fixedLimits.assistantAnswers,
      )
      .toArray()
      .map(({ number }) => number);
  }

  /** When the next is due; null where none waits. */
  get dueMs(): number | null {
    return this.#sql.exec<{ at: number | null }>("SELECT min(due_at) AS at FROM asked").one().at;
  }

  /** Counted before it is done: one that ends its object again and again is not begun for ever. */
  begin(number: number): Asked {
    const row = this.#sql.exec<Row>("UPDATE asked SET begun = begun + 1 WHERE number = ? RETURNING *", number).one();
    const { epoch, message, assistant, begun } = row;
    const refused = { isTooOften: row.is_too_often === 1, isTooMuch: row.too_much === 1 };
    return { number, epoch, message, assistant, atMs: row.at, ...refused, begun };
  }

  /** To be begun again: nothing has been lost by it. */
  postpone(number: number, untilMs: number): void {
    this.#sql.exec("UPDATE asked SET begun = begun - 1, due_at = ? WHERE number = ?", untilMs, number);
  }

  end(number: number): void {
    this.#sql.exec("DELETE FROM asked WHERE number = ?", number);
  }
}

type Row = {
  readonly number: number;
  readonly epoch: string;
  readonly message: number;
  readonly assistant: string;
  readonly at: number;
  readonly too_much: number;
  readonly is_too_often: number;
  readonly begun: number;
  readonly due_at: number;
};
