import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { isUntouched, migrate } from "../../src/objects/migrate.ts";

/** The storage of an object that nothing else uses. */
function withStorage<T>(name: string, body: (storage: DurableObjectStorage) => T): Promise<T> {
  return runInDurableObject(env.TENANT.getByName(`migrations-${name}`), (_, state) => body(state.storage));
}

const first = { id: "first", sql: "CREATE TABLE one (a INTEGER)" };
const second = { id: "second", sql: "ALTER TABLE one ADD COLUMN b TEXT; CREATE TABLE two (c INTEGER)" };

test("[O7] migrations run once each, in order, and twice is the same", async () => {
  await withStorage("order", (storage) => {
    expect(isUntouched(storage)).toBe(true);
    migrate(storage, [first]);
    storage.sql.exec("INSERT INTO one (a) VALUES (1)");
    migrate(storage, [first, second]);
    migrate(storage, [first, second]);
    expect(isUntouched(storage)).toBe(false);
    expect(storage.sql.exec("SELECT a, b FROM one").toArray()).toEqual([{ a: 1, b: null }]);
  });
});

test("[O7] a changed past is refused, and so is code older than the data", async () => {
  await withStorage("past", (storage) => {
    migrate(storage, [first, second]);
    expect(() => migrate(storage, [first])).toThrow("migration second was applied here");
    expect(() => migrate(storage, [second, first])).toThrow("migration first was applied here");
  });
});

test("[O7] a failing step leaves nothing of itself, and what came before it stays", async () => {
  await withStorage("failing", (storage) => {
    const failing = { id: "failing", sql: "CREATE TABLE three (d INTEGER); INSERT INTO missing VALUES (1)" };
    expect(() => migrate(storage, [first, failing])).toThrow("missing");
    const tables = storage.sql
      .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
      .toArray();
    expect(tables.map(({ name }) => name).filter((name) => !name.startsWith("_cf"))).toEqual(["migration", "one"]);
    migrate(storage, [first, second]);
  });
});
