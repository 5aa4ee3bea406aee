/** Named jobs on the one alarm of an object. A second `setAlarm` replaces the first, so nobody else may call it. */
import type { Migration } from "./migrate.ts";

export const alarmsMigration: Migration = {
  id: "alarms-1",
  sql: "CREATE TABLE job (name TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID",
};

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
    this.#known ??= new Map(
      this.#storage.sql
        .exec<{ name: string; at: number }>("SELECT name, at FROM job")
        .toArray()
        .map(({ name, at }) => [name, at]),
    );
    return this.#known;
  }

  /** Runs the job at `atMs`, or earlier if it is due earlier already. */
  schedule(name: Name, atMs: number): void {
    if ((this.#at.get(name) ?? Infinity) <= atMs) return;
    this.#at.set(name, atMs);
    this.#storage.sql.exec(
      "INSERT INTO job (name, at) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET at = excluded.at",
      name,
      atMs,
    );
    this.#arm();
  }

  /** Runs what is due. A job that throws stays due, and the platform calls again with growing pauses. */
  async run(nowMs: number, jobs: Readonly<Record<Name, () => void | Promise<void>>>): Promise<void> {
    for (const name of Object.keys(jobs) as Name[]) {
      const dueMs = this.#at.get(name);
      if (dueMs === undefined || dueMs > nowMs) continue;
      // Forgotten first, so that the job can schedule itself anew; remembered again if it fails.
      this.#forget(name);
      try {
        await jobs[name]();
      } catch (error) {
        this.schedule(name, dueMs);
        throw error;
      }
    }
    this.#arm();
  }

  #forget(name: Name): void {
    this.#at.delete(name);
    this.#storage.sql.exec("DELETE FROM job WHERE name = ?", name);
  }

  #arm(): void {
    if (this.#at.size > 0) void this.#storage.setAlarm(Math.min(...this.#at.values()));
  }
}
