/** Every SQL statement the directory runs. */
import { isUntouched, migrate } from "../migrate.ts";
import { migrations } from "./migrations.ts";

export class Store {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    if (!isUntouched(storage)) migrate(storage, migrations);
  }

  /** False when the id belongs to a tenant already; true again while a creation was begun and not confirmed. */
  reserve(id: string, nowMs: number): boolean {
    migrate(this.#storage, migrations);
    this.#storage.sql.exec(
      "INSERT INTO tenant (id, ready, created_at) VALUES (?, 0, ?) ON CONFLICT (id) DO NOTHING",
      id,
      nowMs,
    );
    return this.#storage.sql.exec<{ ready: number }>("SELECT ready FROM tenant WHERE id = ?", id).one().ready === 0;
  }

  confirm(id: string): void {
    this.#storage.sql.exec("UPDATE tenant SET ready = 1 WHERE id = ? AND ready = 0", id);
  }

  /** The tenant is gone and its id is taken for ever. */
  bury(id: string, nowMs: number): void {
    migrate(this.#storage, migrations);
    this.#storage.sql.exec(
      `INSERT INTO tenant (id, ready, created_at, erased_at) VALUES (?1, 2, ?2, ?2)
       ON CONFLICT (id) DO UPDATE SET ready = 2, erased_at = coalesce(erased_at, excluded.erased_at)`,
      id,
      nowMs,
    );
  }

  has(id: string): boolean {
    if (isUntouched(this.#storage)) return false;
    return this.#storage.sql.exec("SELECT 1 FROM tenant WHERE id = ? AND ready = 1", id).toArray().length > 0;
  }

  tenants({ prefix, after, limit }: { prefix: string; after: string; limit: number }): string[] {
    if (isUntouched(this.#storage)) return [];
    return this.#storage.sql
      .exec<{ id: string }>(
        "SELECT id FROM tenant WHERE id > ? AND id >= ? AND id < ? AND ready = 1 ORDER BY id LIMIT ?",
        after,
        prefix,
        `${prefix}\u{10ffff}`,
        limit,
      )
      .toArray()
      .map(({ id }) => id);
  }
}
