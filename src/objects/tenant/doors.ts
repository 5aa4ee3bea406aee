/** Who is in which room, as far as rooms have said: which of them a decision can concern. */
import { type Concern, isEverybody, mayConcern } from "../../core/concern.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import type { Statement } from "../account.ts";
import type { Migration } from "../migrate.ts";

export const doorsMigration: Migration = {
  id: "doors-1",
  sql: `
-- Rooms that are shut. In any other anybody may be.
CREATE TABLE door (
  room  TEXT PRIMARY KEY,
  names BLOB NOT NULL                       -- core/concern.ts
) STRICT, WITHOUT ROWID;
`,
};

export class Doors {
  readonly #sql: SqlStorage;
  /** So that a room at work costs no statement. */
  readonly #shut: Set<string>;
  /** When each room last said so. */
  readonly #openedAtMs = new Map<string, number>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#shut = new Set(
      sql
        .exec<{ room: string }>("SELECT room FROM door")
        .toArray()
        .map(({ room }) => room),
    );
  }

  /** Open as soon as it returns: the answer leaves when that is on disk. */
  settle({ room, door, saidAtMs, places }: Statement): void {
    if (door === "same") return;
    if (places === 0) this.forget(room);
    else if (door instanceof Uint32Array) this.#close(room, door, saidAtMs);
    else this.#open(room, saidAtMs);
  }

  /** The room is gone, or nobody is in it. */
  forget(room: string): void {
    this.#openedAtMs.delete(room);
    this.#remove(room);
  }

  /** Those of these rooms that one of the decisions may concern. */
  concerned(rooms: readonly string[], concerns: readonly Concern[]): readonly string[] {
    if (concerns.length > fixedLimits.revocationsPushed || concerns.some(isEverybody)) return rooms;
    const spared = new Set<string>();
    for (const { room, names } of this.#sql.exec<{ room: string; names: ArrayBuffer }>("SELECT room, names FROM door"))
      if (!mayConcern(new Uint32Array(names), concerns)) spared.add(room);
    return rooms.filter((room) => !spared.has(room));
  }

  #open(room: string, saidAtMs: number): void {
    this.#openedAtMs.set(room, Math.max(saidAtMs, this.#openedAtMs.get(room) ?? 0));
    this.#remove(room);
  }

  #close(room: string, names: Uint32Array<ArrayBuffer>, saidAtMs: number): void {
    // It was said before the door was opened, and comes late.
    if (saidAtMs <= (this.#openedAtMs.get(room) ?? 0)) return;
    this.#shut.add(room);
    this.#sql.exec("INSERT OR REPLACE INTO door (room, names) VALUES (?, ?)", room, names.buffer);
  }

  #remove(room: string): void {
    if (this.#shut.delete(room)) this.#sql.exec("DELETE FROM door WHERE room = ?", room);
  }
}
