/** Who is banned from all rooms of a tenant. */
import type { Ban, TenantBan } from "../../protocol/ban.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import type { Migration } from "../migrate.ts";

export const tenantBansMigration: Migration = {
  id: "bans-1",
  sql: `
CREATE TABLE ban (
  user   TEXT PRIMARY KEY,
  until  INTEGER NOT NULL,
  reason TEXT,
  shadow INTEGER NOT NULL,
  at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ban_at ON ban (at);
`,
};

export interface BanListing extends TenantBan {
  readonly atMs: number;
}

export class TenantBans {
  readonly #sql: SqlStorage;

  constructor({ sql }: DurableObjectStorage) {
    this.#sql = sql;
  }

  find(user: string, nowMs: number): BanListing | null {
    const row = this.#sql.exec<Row>("SELECT * FROM ban WHERE user = ? AND until > ?", user, nowMs).toArray()[0];
    return row === undefined ? null : listingOf(row);
  }

  save(user: string, { untilMs, reason, shadow }: Ban, nowMs: number): void {
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
    this.#sql.exec("DELETE FROM ban WHERE user = ?", user);
  }

  /** In order of user. */
  list({ after, limit }: { readonly after: string; readonly limit: number }, nowMs: number): BanListing[] {
    return this.#sql
      .exec<Row>("SELECT * FROM ban WHERE user > ? AND until > ? ORDER BY user LIMIT ?", after, nowMs, limit)
      .toArray()
      .map(listingOf);
  }

  /** What edges go by: the newest, and whether there are others. */
  inForce(nowMs: number): { readonly bans: TenantBan[]; readonly moreBans: boolean } {
    const newest = this.#newest("until > ?1", nowMs, fixedLimits.bansListed + 1);
    return { bans: newest.slice(0, fixedLimits.bansListed), moreBans: newest.length > fixedLimits.bansListed };
  }

  /**
   * What rooms go by: bans of the last minute, until every edge refuses whom they mean, and shadow bans, of which an edge lets
   * everybody in.
   */
  ofRooms(nowMs: number): TenantBan[] {
    const where = `until > ?1 AND (shadow = 1 OR at > ?1 - ${fixedLimits.banPushMs})`;
    return this.#newest(where, nowMs, fixedLimits.bansListed);
  }

  #newest(where: string, nowMs: number, limit: number): TenantBan[] {
    return this.#sql
      .exec<Row>(`SELECT * FROM ban WHERE ${where} ORDER BY at DESC, user LIMIT ?2`, nowMs, limit)
      .toArray()
      .map(banOf);
  }
}

type Row = {
  readonly user: string;
  readonly until: number;
  readonly reason: string | null;
  readonly shadow: number;
  readonly at: number;
};

function listingOf(row: Row): BanListing {
  return { ...banOf(row), atMs: row.at };
}

function banOf({ user, until, reason, shadow }: Row): TenantBan {
  return { user, untilMs: until, reason, shadow: shadow === 1 };
}
