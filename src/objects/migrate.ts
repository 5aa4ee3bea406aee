/** Append-only migrations of an object's database. */

export interface Migration {
  /** Never changed and never reused. */
  readonly id: string;
  readonly sql: string;
}

/** True until the first `migrate`: an object that was only asked about something that does not exist writes nothing. */
export function isUntouched(storage: DurableObjectStorage): boolean {
  return (
    storage.sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migration'").toArray().length === 0
  );
}

/**
 * Brings the database to the last migration, each in a transaction of its own.
 * Throws when what was applied is not the beginning of the list: then this code is older than the data, or its past was changed.
 * (`PRAGMA user_version` is refused in an object: SQLITE_AUTH.)
 */
export function migrate(storage: DurableObjectStorage, migrations: readonly Migration[]): void {
  // Asked first: a statement that may write costs each waking a transaction, also where it writes nothing.
  if (isUntouched(storage))
    storage.sql.exec("CREATE TABLE migration (position INTEGER PRIMARY KEY, id TEXT NOT NULL) STRICT");
  const applied = storage.sql.exec<{ id: string }>("SELECT id FROM migration ORDER BY position").toArray();
  applied.forEach(({ id }, position) => {
    if (migrations[position]?.id !== id)
      throw new Error(`migration ${id} was applied here and is not number ${position} of this code`);
  });
  migrations.slice(applied.length).forEach(({ id, sql }, index) => {
    storage.transactionSync(() => {
      storage.sql.exec(sql);
      storage.sql.exec("INSERT INTO migration (position, id) VALUES (?, ?)", applied.length + index, id);
    });
  });
}
