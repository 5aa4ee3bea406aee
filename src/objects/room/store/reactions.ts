/** Who has reacted to what in a room. */
export interface Reaction extends Record<string, SqlStorageValue> {
  emoji: string;
  user: string;
  at: number;
}

export class Reactions {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  has(message: number, emoji: string, user: string): boolean {
    return (
      this.#sql
        .exec("SELECT 1 FROM reaction WHERE message = ? AND emoji = ? AND user = ?", message, emoji, user)
        .toArray().length > 0
    );
  }

  add(message: number, emoji: string, user: string, nowMs: number): void {
    this.#sql.exec("INSERT INTO reaction (message, emoji, user, at) VALUES (?, ?, ?, ?)", message, emoji, user, nowMs);
  }

  remove(message: number, emoji: string, user: string): void {
    this.#sql.exec("DELETE FROM reaction WHERE message = ? AND emoji = ? AND user = ?", message, emoji, user);
  }

  of(message: number, emoji: string | null, limit: number): Reaction[] {
    return this.#sql
      .exec<Reaction>(
        "SELECT emoji, user, at FROM reaction WHERE message = ?1 AND (?2 IS NULL OR emoji = ?2) ORDER BY at, emoji, user LIMIT ?3",
        message,
        emoji,
        limit,
      )
      .toArray();
  }

  /** Of messages that retention has removed. Nobody is shown them any more. */
  areBelow(message: number): boolean {
    return this.#sql.exec("SELECT 1 FROM reaction WHERE message < ? LIMIT 1", message).toArray().length > 0;
  }

  removeBelow(message: number, limit: number): void {
    this.#sql.exec(
      `DELETE FROM reaction WHERE (message, emoji, user) IN
         (SELECT message, emoji, user FROM reaction WHERE message < ? ORDER BY message LIMIT ?)`,
      message,
      limit,
    );
  }

  /** Answers how many there were, of so many at most. */
  removeOf(message: number, limit: number): number {
    return this.#sql
      .exec(
        `DELETE FROM reaction WHERE (message, emoji, user) IN
           (SELECT message, emoji, user FROM reaction WHERE message = ? LIMIT ?) RETURNING message`,
        message,
        limit,
      )
      .toArray().length;
  }

  by(user: string, from: number, limit: number): { message: number; emoji: string }[] {
    return this.#sql
      .exec<{ message: number; emoji: string }>(
        "SELECT message, emoji FROM reaction WHERE user = ? AND message >= ? ORDER BY message LIMIT ?",
        user,
        from,
        limit,
      )
      .toArray();
  }
}
