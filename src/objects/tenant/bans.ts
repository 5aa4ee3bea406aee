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

export const bansPushedMigration: Migration = {
  id: "bans-2",
  sql: `
ALTER TABLE ban ADD COLUMN version INTEGER NOT NULL DEFAULT 0; -- of the policy that it came with
CREATE INDEX ban_version ON ban (version);
CREATE INDEX ban_until   ON ban (until);
CREATE INDEX ban_shadow  ON ban (at) WHERE shadow = 1;
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

  /** To be called with the policy's new version. */
  save(user: string, { untilMs, reason, shadow }: Ban, version: number, nowMs: number): void {
    this.#sql.exec("DELETE FROM ban WHERE until <= ?", nowMs);
    this.#sql.exec(
      "INSERT OR REPLACE INTO ban (user, until, reason, shadow, at, version) VALUES (?, ?, ?, ?, ?, ?)",
      user,
      untilMs,
      reason,
      shadow ? 1 : 0,
      nowMs,
      version,
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
    const newest = this.#sql
      .exec<Row>("SELECT * FROM ban WHERE until > ? ORDER BY at DESC, user LIMIT ?", nowMs, fixedLimits.bansListed + 1)
      .toArray();
    return {
      bans: newest.slice(0, fixedLimits.bansListed).map(banOf),
      moreBans: newest.length > fixedLimits.bansListed,
    };
  }

  /**
   * What a room goes by that has heard of all up to a version, or of all but the last minute's: shadow bans, of which an edge lets
   * everybody in, and others until every edge refuses whom they mean. Why somebody has a shadow ban is no room's business.
   */
  ofRooms(since: number | null, nowMs: number): { readonly bans: TenantBan[]; readonly moreBans: boolean } {
    const most = fixedLimits.bansListed;
    const shadows = this.#sql
      .exec<Row>("SELECT * FROM ban WHERE shadow = 1 AND until > ? ORDER BY at DESC, user LIMIT ?", nowMs, most + 1)
      .toArray()
      .map((row) => banOf({ ...row, reason: null }));
    const others = this.#others(since, nowMs, most + 1).map(banOf);
    return {
      bans: [...shadows.slice(0, most), ...others.slice(0, most)],
      moreBans: shadows.length > most || others.length > most,
    };
  }

  /** Each way by an index of its own: as one condition they would be looked for among all. */
  #others(since: number | null, nowMs: number, limit: number): Row[] {
    return this.#sql
      .exec<Row>(
        `SELECT * FROM ban
         WHERE shadow = 0 AND until > ?1 AND user IN (
           SELECT user FROM (SELECT user FROM ban WHERE at > ?2 AND shadow = 0 ORDER BY at DESC LIMIT ?4)
           UNION
           SELECT user FROM (SELECT user FROM ban WHERE version > ?3 AND shadow = 0 ORDER BY version DESC LIMIT ?4))
         ORDER BY at DESC, user LIMIT ?4`,
        nowMs,
        nowMs - fixedLimits.banPushMs,
        since ?? Number.MAX_SAFE_INTEGER,
        limit,
      )
      .toArray();
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
