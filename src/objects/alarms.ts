/** Named jobs on the one alarm of an object. A second `setAlarm` replaces the first, so nobody else may call it. */
import type { Migration } from "./migrate.ts";

export const alarmsMigration: Migration = {
  id: "alarms-1",
  sql: "CREATE TABLE job (name TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID",
};

const retryAfterMs = 30_000;

/** Each job must be safe to run twice: the platform delivers alarms at least once. */
export class Alarms<Name extends string> {
  readonly #storage: DurableObjectStorage;
  /** Known in memory, so that the hot path can ask for the same job again and again without a query. */
  #known: Map<string, number> | null = null;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Read when first asked for: an object that was never made has no tables. */
  get #at(): Map<string, number> {
    if (this.#known === null) {
      const rows = this.#storage.sql.exec<{ name: string; at: number }>("SELECT name, at FROM job").toArray();
      this.#known = new Map(rows.map(({ name, at }) => [name, at]));
      // What is overdue has lost its alarm, or it is ringing now: then this is the same one once more.
      if (rows.some(({ at }) => at <= Date.now())) this.#arm();
    }
    return this.#known;
  }

  /** Runs the job at `atMs`, or earlier if it is due earlier already. */
  schedule(name: Name, atMs: number): void {
    if ((this.#at.get(name) ?? Infinity) <= atMs) return;
    this.#book(name, atMs);
    this.#arm();
  }

  has(name: Name): boolean {
    return this.#at.has(name);
  }

  cancel(name: Name): void {
    if (!this.#at.delete(name)) return;
    this.#storage.sql.exec("DELETE FROM job WHERE name = ?", name);
    if (this.#at.size > 0) this.#arm();
    else void this.#storage.deleteAlarm();
  }

  /**
   * Runs what is due. A job's row goes only when the job is done, so that one that was cut off is found again. One that throws
   * is booked anew and keeps nobody else from running: the platform gives up an alarm that fails six times.
   */
  async run(nowMs: number, jobs: Readonly<Record<Name, () => void | Promise<void>>>): Promise<void> {
    for (const name of Object.keys(jobs) as Name[]) {
      const dueMs = this.#at.get(name);
      if (dueMs === undefined || dueMs > nowMs) continue;
      const known = this.#known;
      // Forgotten in memory first, so that the job can book itself anew.
      this.#at.delete(name);
      try {
        await jobs[name]();
      } catch (error) {
        console.error(`the job ${name} failed and is tried again`, error);
        if (this.#known === known && !this.#at.has(name)) this.#book(name, nowMs + retryAfterMs);
      }
      // The job, or whoever came while it waited, has erased everything.
      if (this.#known !== known) return;
      if (!this.#at.has(name)) this.#storage.sql.exec("DELETE FROM job WHERE name = ?", name);
    }
    this.#arm();
  }

  /** To be called when everything has been erased, the alarm and its table too. */
  forget(): void {
    this.#known = null;
  }

  #book(name: Name, atMs: number): void {
    this.#at.set(name, atMs);
    this.#storage.sql.exec(
      "INSERT INTO job (name, at) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET at = excluded.at",
      name,
      atMs,
    );
  }

  #arm(): void {
    if (this.#at.size > 0) void this.#storage.setAlarm(Math.min(...this.#at.values()));
  }
}
