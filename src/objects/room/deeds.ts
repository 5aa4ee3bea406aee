/**
 * What was done here that the tenant's audit log must know. Written in the transaction of the change itself and told to the
 * tenant after it, again and again until it has heard: no change without its entry, and none twice.
 */
import { nanoid } from "nanoid";
import type { Actor } from "../../protocol/actor.ts";
import type { AuditAction, AuditChange, Deed } from "../../protocol/audit.ts";
import type { Migration } from "../migrate.ts";
import type { TenantStub } from "../stubs.ts";

export const deedsMigration: Migration = {
  id: "deeds-1",
  sql: `
CREATE TABLE deed (
  position INTEGER PRIMARY KEY,
  id       TEXT    NOT NULL UNIQUE,
  at       INTEGER NOT NULL,
  actor    TEXT    NOT NULL,                -- JSON
  action   TEXT    NOT NULL,
  change   TEXT    NOT NULL                 -- JSON
) STRICT;
`,
};

/** Told in one call. */
const batch = 100;
/** When the alarm tells what was lost on its way at first. */
const againAfterMs = 10_000;

export class Deeds {
  readonly #sql: SqlStorage;
  readonly #room: string;
  readonly #registry: Pick<TenantStub, "recordDeeds">;
  readonly #book: (atMs: number) => void;
  #isNew = false;
  #telling: Promise<void> | null = null;

  /** `book` is to call `tell` by an alarm. */
  constructor(
    { sql }: DurableObjectStorage,
    room: string,
    registry: Pick<TenantStub, "recordDeeds">,
    book: (atMs: number) => void,
  ) {
    this.#sql = sql;
    this.#room = room;
    this.#registry = registry;
    this.#book = book;
  }

  /** To be called where the change is written: inside its transaction. The room itself need not be named as the target. */
  add<Action extends AuditAction>(actor: Actor, action: Action, change: AuditChange<Action>, nowMs: number): void {
    this.#sql.exec(
      "INSERT INTO deed (id, at, actor, action, change) VALUES (?, ?, ?, ?, ?)",
      nanoid(),
      nowMs,
      JSON.stringify(actor),
      action,
      JSON.stringify(change),
    );
    if (this.#isNew) return;
    this.#isNew = true;
    // When the transaction is over, but in the same event: the platform commits the booking with it.
    queueMicrotask(() => this.#tellSoon());
  }

  /** Tells the tenant all there is, in order. Throws where the tenant cannot be reached: what is left is for the next time. */
  tell(): Promise<void> {
    this.#telling ??= this.#tellAll().finally(() => (this.#telling = null));
    return this.#telling;
  }

  #tellSoon(): void {
    this.#isNew = false;
    this.#book(Date.now() + againAfterMs);
    // The alarm is the one to complain.
    void this.tell().catch(() => undefined);
  }

  async #tellAll(): Promise<void> {
    for (let deeds = this.#oldest(); deeds.length > 0; deeds = this.#oldest()) {
      await this.#registry.recordDeeds(this.#room, deeds);
      for (const { id } of deeds) this.#sql.exec("DELETE FROM deed WHERE id = ?", id);
    }
  }

  #oldest(): Deed[] {
    return this.#sql
      .exec<{ id: string; at: number; actor: string; action: AuditAction; change: string }>(
        "SELECT id, at, actor, action, change FROM deed ORDER BY position LIMIT ?",
        batch,
      )
      .toArray()
      .map(({ id, at, actor, action, change }) => ({
        id,
        atMs: at,
        actor: JSON.parse(actor),
        action,
        change: JSON.parse(change),
      }));
  }
}
