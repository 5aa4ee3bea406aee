/** The end of a tenant: step by step its rooms, then its webhook endpoints and its files, then itself. What stays is that it was there. */
import pLimit from "p-limit";
import { fixedLimits } from "../../protocol/limits.ts";
import type { Migration } from "../migrate.ts";
import { lateMs } from "./endings.ts";
import type { Store } from "./store.ts";

export const deletionMigration: Migration = {
  id: "deletion-1",
  sql: `
CREATE TABLE deletion (
  one      INTEGER PRIMARY KEY CHECK (one = 1),
  begun_at INTEGER NOT NULL,
  after    TEXT    NOT NULL                  -- the room at which the next step goes on
) STRICT;
`,
};

export interface DeletionOptions {
  readonly storage: DurableObjectStorage;
  readonly store: Store;
  readonly files: () => { readonly bucket: R2Bucket; readonly prefix: string };
  /** Erases one room, as if it had never been. May throw: then it is tried again. */
  readonly dissolve: (room: string) => Promise<void>;
  /** Erases all its webhook endpoints, of which there are few. May throw: then it is tried again. */
  readonly dissolveEndpoints: () => Promise<void>;
  /** Ends some of the uploads that are on their way; false when there was none. May throw: then it is tried again. */
  readonly giveUp: () => Promise<boolean>;
  /** Tells the directory that the id is never given again. */
  readonly bury: () => Promise<void>;
}

export class Deletion {
  readonly #options: DeletionOptions;
  #isOver: boolean;

  constructor(options: DeletionOptions) {
    this.#options = options;
    this.#isOver = tablesOf(options.storage).includes("tombstone");
  }

  /** The tenant was here, and nothing of it is left. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Only of a tenant that exists. */
  get isBegun(): boolean {
    return this.#sql.exec("SELECT 1 FROM deletion").toArray().length > 0;
  }

  /** Safe to run twice. */
  begin(nowMs: number): void {
    this.#sql.exec("INSERT INTO deletion (one, begun_at, after) VALUES (1, ?, '') ON CONFLICT DO NOTHING", nowMs);
  }

  /** One step, bounded: `next` at once, `later` where something could not be erased now. Safe to run twice. */
  async step(): Promise<"next" | "later" | "over"> {
    const { store, giveUp, bury, dissolveEndpoints } = this.#options;
    const { after } = this.#sql.exec<{ after: string }>("SELECT after FROM deletion").one();
    const rooms = store.roomsToErase(after, fixedLimits.erasedPerStep);
    if (rooms.length > 0) {
      await this.#dissolve(rooms);
      this.#goOn(rooms.at(-1) ?? "");
      return "next";
    }
    if (after !== "") {
      this.#goOn("");
      return store.roomsToErase("", 1).length > 0 ? "later" : "next";
    }
    await dissolveEndpoints();
    // Parts that were never put together are no files, and no list of these shows them.
    if ((await giveUp()) || (await this.#eraseFiles())) return "next";
    await bury();
    this.#eraseTenant();
    return "over";
  }

  /** What a request has brought that had begun before the end. Throws where something could not be erased now. */
  async eraseLate(): Promise<void> {
    while (await this.#eraseFiles());
  }

  /** What fails stays listed, and keeps no other from its end. */
  async #dissolve(rooms: readonly string[]): Promise<void> {
    const { store, dissolve } = this.#options;
    const turns = pLimit(fixedLimits.joinsAtOnce);
    const erase = async (room: string): Promise<void> => {
      await dissolve(room);
      store.dropRoom(room);
    };
    await Promise.allSettled(rooms.map((room) => turns(() => erase(room))));
  }

  /** A page of them; false when there was none. */
  async #eraseFiles(): Promise<boolean> {
    const { bucket, prefix } = this.#options.files();
    const { objects } = await bucket.list({ prefix });
    if (objects.length > 0) await bucket.delete(objects.map(({ key }) => key));
    return objects.length > 0;
  }

  /** The tables go too, also those that refuse to lose a row. Without them it answers as one that was never created. */
  #eraseTenant(): void {
    const { storage, store } = this.#options;
    void storage.deleteAll();
    this.#sql.exec("CREATE TABLE tombstone (one INTEGER PRIMARY KEY) STRICT");
    this.#isOver = true;
    store.forget();
    void storage.setAlarm(Date.now() + lateMs);
  }

  #goOn(after: string): void {
    this.#sql.exec("UPDATE deletion SET after = ?", after);
  }

  get #sql(): SqlStorage {
    return this.#options.storage.sql;
  }
}

function tablesOf({ sql }: DurableObjectStorage): string[] {
  return sql
    .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'")
    .toArray()
    .map(({ name }) => name);
}
