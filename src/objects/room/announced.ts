/**
 * Whom the tenant's webhook endpoints know to be here. Kept only while somebody wants to hear of it, so that whoever was told to
 * have come is told to have left, also when the server has lost all its sockets at once.
 */
import type { Happening } from "../../core/happenings.ts";
import type { WebhookEventType } from "../../protocol/webhook.ts";
import type { Migration } from "../migrate.ts";

export const announcedMigration: Migration = {
  id: "announced-1",
  sql: "CREATE TABLE announced (user TEXT PRIMARY KEY, name TEXT) STRICT, WITHOUT ROWID",
};

export interface User {
  readonly user: string;
  readonly name: string | null;
}

const attendance: readonly WebhookEventType[] = ["presence.joined", "presence.left", "room.occupied", "room.vacated"];

export class Announced {
  readonly #sql: SqlStorage;
  readonly #wants: (type: WebhookEventType) => boolean;
  /** The table says who is here. */
  #isKept = false;

  constructor({ sql }: DurableObjectStorage, wants: (type: WebhookEventType) => boolean) {
    this.#sql = sql;
    this.#wants = wants;
  }

  /** Of a room that exists. None where nobody wants to hear of it. */
  all(): User[] {
    if (!attendance.some(this.#wants)) return [];
    return this.#sql.exec<User & Record<string, string | null>>("SELECT user, name FROM announced").toArray();
  }

  /** To be called in the transaction in which it happened. `present` are all who are here. */
  note(happenings: readonly Happening[], present: () => readonly User[]): void {
    const moves = happenings.filter(({ type }) => attendance.includes(type));
    if (moves.length === 0) return;
    if (!attendance.some(this.#wants)) return void (this.#isKept = false);
    if (!this.#isKept) return this.#begin(present());
    for (const move of moves) {
      if (!("data" in move)) continue;
      const { user, name } = move.data;
      if (move.type === "presence.joined" && typeof user === "string")
        this.#sql.exec(
          "INSERT OR REPLACE INTO announced (user, name) VALUES (?, ?)",
          user,
          typeof name === "string" ? name : null,
        );
      if (move.type === "presence.left" && typeof user === "string") this.erase(user);
    }
  }

  erase(user: string): void {
    this.#sql.exec("DELETE FROM announced WHERE user = ?", user);
  }

  /** The room is no more. */
  forget(): void {
    this.#sql.exec("DELETE FROM announced");
    this.#isKept = false;
  }

  /** Who has come or gone since it was last kept is put right, in silence. */
  #begin(present: readonly User[]): void {
    const here = JSON.stringify(present);
    this.#sql.exec("DELETE FROM announced WHERE user NOT IN (SELECT value ->> 'user' FROM json_each(?))", here);
    this.#sql.exec(
      "INSERT OR IGNORE INTO announced (user, name) SELECT value ->> 'user', value ->> 'name' FROM json_each(?)",
      here,
    );
    this.#isKept = true;
  }
}
