/** Who is banned from the room. A ban is no change of the history: nobody is told of it but the one whom it concerns. */
import type { Ban } from "../../protocol/ban.ts";
import type { Migration } from "../migrate.ts";

export const bansMigration: Migration = {
  id: "bans-1",
  sql: `
CREATE TABLE ban (
  user   TEXT PRIMARY KEY,
  until  INTEGER NOT NULL,
  reason TEXT,
  shadow INTEGER NOT NULL,
  at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- For the list of those who are muted, among members who are not.
CREATE INDEX member_muted ON member (user) WHERE muted_until IS NOT NULL;
`,
};

export const bansEndMigration: Migration = {
  id: "bans-2",
  sql: "CREATE INDEX ban_until ON ban (until)", // each new ban removes those that are over
};

/** Somebody who is banned or muted, and why. */
export interface Sanctioned {
  readonly user: string;
  readonly ban: (Ban & { readonly atMs: number }) | null;
  readonly mute: { readonly untilMs: number; readonly reason: string | null } | null;
}

/** Only of a room that exists: another has no tables. */
export class Bans {
  readonly #sql: SqlStorage;
  /** Asked with each frame, so what was read is remembered; every write forgets it. */
  readonly #known = new Map<string, Ban | null>();

  constructor({ sql }: DurableObjectStorage) {
    this.#sql = sql;
  }

  /** The user's ban as of now, if there is one. */
  find(user: string, nowMs: number): Ban | null {
    const ban = this.#known.get(user) ?? this.#read(user);
    return ban !== null && ban.untilMs > nowMs ? ban : null;
  }

  save(user: string, { untilMs, reason, shadow }: Ban, nowMs: number): void {
    this.#known.delete(user);
    this.#sql.exec("DELETE FROM ban WHERE until <= ?", nowMs);
    this.#sql.exec(
      "INSERT OR REPLACE INTO ban (user, until, reason, shadow, at) VALUES (?, ?, ?, ?, ?)",
      user,
      untilMs,
      reason,
      shadow ? 1 : 0,
      nowMs,
    );
  }

  lift(user: string): void {
    this.#known.delete(user);
    this.#sql.exec("DELETE FROM ban WHERE user = ?", user);
  }

  /** To be called when what is known in memory may not be what is stored. */
  reload(): void {
    this.#known.clear();
  }

  /** The room is no more. */
  forget(): void {
    this.#known.clear();
    this.#sql.exec("DELETE FROM ban");
  }

  /** Mutes too, in order of user. */
  list({ after, limit }: { after: string; limit: number }, nowMs: number): Sanctioned[] {
    return this.#sql
      .exec<{
        user: string;
        until: number | null;
        reason: string | null;
        shadow: number | null;
        at: number | null;
        muted_until: number | null;
        mute_reason: string | null;
      }>(
        `SELECT user, ban.until, ban.reason, ban.shadow, ban.at, muted_until, member.reason AS mute_reason
         FROM (SELECT user FROM ban WHERE until > ?1 UNION SELECT user FROM member WHERE muted_until IS NOT NULL AND muted_until > ?1)
         LEFT JOIN ban USING (user) LEFT JOIN member USING (user)
         WHERE user > ?2 ORDER BY user LIMIT ?3`,
        nowMs,
        after,
        limit,
      )
      .toArray()
      .map(({ user, until, reason, shadow, at, muted_until, mute_reason }) => ({
        user,
        ban: until === null || until <= nowMs ? null : { untilMs: until, reason, shadow: shadow === 1, atMs: at ?? 0 },
        mute: muted_until === null || muted_until <= nowMs ? null : { untilMs: muted_until, reason: mute_reason },
      }));
  }

  #read(user: string): Ban | null {
    if (this.#known.has(user)) return null;
    const row = this.#sql
      .exec<{ until: number; reason: string | null; shadow: number }>(
        "SELECT until, reason, shadow FROM ban WHERE user = ?",
        user,
      )
      .toArray()[0];
    const ban = row === undefined ? null : { untilMs: row.until, reason: row.reason, shadow: row.shadow === 1 };
    if (this.#known.size >= 10_000) this.#known.clear();
    this.#known.set(user, ban);
    return ban;
  }
}
