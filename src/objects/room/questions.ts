/**
 * What the room's assistant is asked. Written in the transaction of the message that asks, and handed to whoever answers until it has
 * been taken: no question is stored without it, and none is forgotten. Only which message it is, not what it says.
 */
import { asks, assistantOf, speaksForItself } from "../../core/asking.ts";
import type { Message } from "../../protocol/message.ts";
import type { Migration } from "../migrate.ts";
import type { RoomState } from "./store/roomRow.ts";

export const questionsMigration: Migration = {
  id: "questions-1",
  sql: `
CREATE TABLE question (
  message INTEGER PRIMARY KEY,
  at      INTEGER NOT NULL
) STRICT;
`,
};

/** Whoever asks too often is told so now and then, in place of an answer. */
export const tooOftenMigration: Migration = {
  id: "questions-2",
  sql: "ALTER TABLE question ADD COLUMN is_too_often INTEGER NOT NULL DEFAULT 0;",
};

export interface Waiting {
  readonly message: number;
  readonly atMs: number;
  readonly isTooOften: boolean;
}

/** What is to become of a question of this user: `note`: it is told that there were too many. */
export type Toll = "paid" | "note" | "silence";

/** Who asks, and how. */
export interface Asking {
  /** The message is for the assistant in so many words, and paid for. */
  readonly isPut: boolean;
  readonly pay: () => Toll;
}

export class Questions {
  readonly #sql: SqlStorage;
  readonly #onNew: () => void;
  /** Whether there may be any; null until it is looked up. */
  #isWaited: boolean | null = null;

  /** `onNew` is called in the transaction that wrote one. */
  constructor({ sql }: DurableObjectStorage, onNew: () => void) {
    this.#sql = sql;
    this.#onNew = onNew;
  }

  /**
   * To be called in the transaction that stores the message. What is hidden asks nobody: everybody would hear the answer. Who asks
   * too often asks nobody either; the message stays, because it is said to everybody.
   */
  consider(message: Message, { settings, policy }: RoomState, { isPut, pay }: Asking, nowMs: number): void {
    const assistant = assistantOf(settings, policy);
    const { sender, status, id } = message;
    if (assistant === null || status !== "sent" || speaksForItself(policy, sender?.id ?? null)) return;
    if (!isPut && (sender === null || !asks(message, assistant))) return;
    const toll = isPut ? "paid" : pay();
    if (toll === "silence") return;
    const isTooOften = toll === "note" ? 1 : 0;
    this.#sql.exec(
      "INSERT OR IGNORE INTO question (message, at, is_too_often) VALUES (?, ?, ?)",
      id,
      nowMs,
      isTooOften,
    );
    this.#isWaited = true;
    this.#onNew();
  }

  get isWaited(): boolean {
    this.#isWaited ??= this.waiting(1).length > 0;
    return this.#isWaited;
  }

  /** The oldest. */
  waiting(limit: number): Waiting[] {
    const rows = this.#sql
      .exec<{ message: number; at: number; is_too_often: number }>(
        "SELECT message, at, is_too_often FROM question ORDER BY message LIMIT ?",
        limit,
      )
      .toArray()
      .map(({ message, at, is_too_often }) => ({ message, atMs: at, isTooOften: is_too_often === 1 }));
    if (rows.length === 0) this.#isWaited = false;
    return rows;
  }

  taken(upTo: number): void {
    this.#sql.exec("DELETE FROM question WHERE message <= ?", upTo);
    this.#isWaited = null;
  }

  /** The history is no more. */
  forget(): void {
    this.#sql.exec("DELETE FROM question");
    this.#isWaited = false;
  }
}
