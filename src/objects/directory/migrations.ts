/** The list of tenants. */
import type { Migration } from "../migrate.ts";

export const migrations: readonly Migration[] = [
  {
    id: "directory-1",
    // `ready` is 0 between reserving the id and the tenant's creation: a creation that was cut off can be repeated.
    sql: "CREATE TABLE tenant (id TEXT PRIMARY KEY, ready INTEGER NOT NULL, created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID",
  },
  // `ready` is 2 for a tenant that was erased: its row keeps the id.
  { id: "directory-2", sql: "ALTER TABLE tenant ADD COLUMN erased_at INTEGER" },
];
