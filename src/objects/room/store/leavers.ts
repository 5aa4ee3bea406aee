/** Who has just gone from a room: the little of presence that the sockets do not tell. */
/** A user whose last connection went, and who is still here for a moment. */
export interface Leaver {
  readonly user: string;
  readonly name: string | null;
  readonly state: { readonly value: unknown; readonly setAtMs: number } | null;
  readonly goneAtMs: number;
}

export class Leavers {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** In the order in which they will be gone. */
  all(): Leaver[] {
    return this.#sql
      .exec<{ user: string; name: string | null; state: string; gone_at: number }>(
        "SELECT user, name, state, gone_at FROM leaver ORDER BY gone_at, user",
      )
      .toArray()
      .map(({ user, name, state, gone_at }) => ({ user, name, state: JSON.parse(state), goneAtMs: gone_at }));
  }

  save(leavers: readonly Leaver[]): void {
    for (const { user, name, state, goneAtMs } of leavers)
      this.#sql.exec(
        "INSERT OR REPLACE INTO leaver (user, name, state, gone_at) VALUES (?, ?, ?, ?)",
        user,
        name,
        JSON.stringify(state),
        goneAtMs,
      );
  }

  forget(users: readonly string[]): void {
    this.#sql.exec("DELETE FROM leaver WHERE user IN (SELECT value FROM json_each(?))", JSON.stringify(users));
  }
}
