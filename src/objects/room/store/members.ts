/** What a room knows of its members, and of others who have read, spoken or been muted. */
import type { Member } from "../../../protocol/message.ts";
import { fixedLimits } from "../../../protocol/limits.ts";
import { type MemberRow, memberOf } from "../rows.ts";

const remembered = 10_000;

export class Members {
  readonly #sql: SqlStorage;
  readonly #known = new Map<string, MemberRow | null>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** To be called when what is known in memory may not be what is stored. */
  forget(): void {
    this.#known.clear();
  }

  /** Asked for each publish, so what was read is remembered; every write to the table forgets it. */
  get(user: string): MemberRow | null {
    const known = this.#known.get(user);
    if (known !== undefined) return known;
    const row = this.#sql.exec<MemberRow>("SELECT * FROM member WHERE user = ?", user).toArray()[0] ?? null;
    if (this.#known.size >= remembered) this.#known.clear();
    this.#known.set(user, row);
    return row;
  }

  /** Removed ones too (`role: null`): a reader merges the page like changes. */
  page(after: string, limit: number): Member[] {
    return this.#sql
      .exec<MemberRow>("SELECT * FROM member WHERE user > ? AND seq IS NOT NULL ORDER BY user LIMIT ?", after, limit)
      .toArray()
      .map(memberOf);
  }

  save({ user, name, role, seq }: Member): void {
    this.#known.delete(user);
    this.#sql.exec(
      `INSERT INTO member (user, name, role, seq) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT (user) DO UPDATE SET name = coalesce(?2, name), role = ?3, seq = ?4`,
      user,
      name,
      role,
      seq,
    );
  }

  saveMute(user: string, untilMs: number | null, reason: string | null): void {
    this.#known.delete(user);
    this.#sql.exec(
      `INSERT INTO member (user, muted_until, reason) VALUES (?1, ?2, ?3)
       ON CONFLICT (user) DO UPDATE SET muted_until = ?2, reason = ?3`,
      user,
      untilMs,
      reason,
    );
  }

  saveReadPosition(user: string, upTo: number): void {
    this.#known.delete(user);
    this.#sql.exec(
      "INSERT INTO member (user, read_up_to) VALUES (?1, ?2) ON CONFLICT (user) DO UPDATE SET read_up_to = ?2",
      user,
      upTo,
    );
  }

  /**
   * When the user last published, or null. Only slow mode asks, and since it was turned on, this time, it is written down;
   * what was said before is looked for among so many of the newest messages.
   */
  spokeAtMs(user: string, sinceMs: number): number | null {
    const noted = this.get(user)?.spoke_at ?? null;
    if (noted !== null && noted >= sinceMs) return noted;
    const { at: found } = this.#sql
      .exec<{ at: number | null }>(
        "SELECT max(created_at) AS at FROM (SELECT sender, created_at FROM message ORDER BY id DESC LIMIT ?) WHERE sender = ?",
        fixedLimits.slowModeSearched,
        user,
      )
      .one();
    return found === null || noted === null ? (found ?? noted) : Math.max(found, noted);
  }

  saveSpoke(user: string, atMs: number): void {
    this.#known.delete(user);
    this.#sql.exec(
      "INSERT INTO member (user, spoke_at) VALUES (?1, ?2) ON CONFLICT (user) DO UPDATE SET spoke_at = ?2",
      user,
      atMs,
    );
  }

  newestReadPositions(limit: number): { user: string; upTo: number }[] {
    return this.#sql
      .exec<{ user: string; upTo: number }>(
        "SELECT user, read_up_to AS upTo FROM member WHERE read_up_to IS NOT NULL ORDER BY read_up_to DESC, user DESC LIMIT ?",
        limit,
      )
      .toArray();
  }

  count(): number {
    return this.#sql.exec<{ members: number }>("SELECT count(*) AS members FROM member WHERE role IS NOT NULL").one()
      .members;
  }

  /** The members told of after this seq, the lowest first. */
  changedSince(seq: number, limit: number): Member[] {
    return this.#sql
      .exec<MemberRow>("SELECT * FROM member WHERE seq > ? AND seq IS NOT NULL ORDER BY seq LIMIT ?", seq, limit)
      .toArray()
      .map(memberOf);
  }

  /** No row stays. */
  remove(user: string): void {
    this.#known.delete(user);
    this.#sql.exec("DELETE FROM member WHERE user = ?", user);
  }
}
