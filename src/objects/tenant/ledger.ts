/** What the rooms of a tenant hold of it: places for sockets, and credits for changes. */
import { type Allowance, levelOf, type Rate, spendUpTo, tooFast } from "../../core/allowance.ts";
import { isLow } from "../../core/warning.ts";
import { fixedLimits, type Limits } from "../../protocol/limits.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { LimitLevel } from "../../protocol/serverFrames.ts";
import type { Grant, Statement } from "../account.ts";
import type { Migration } from "../migrate.ts";

export const ledgerMigration: Migration = {
  id: "ledger-1",
  sql: `
ALTER TABLE room ADD COLUMN places  INTEGER NOT NULL DEFAULT 0;  -- that it holds
ALTER TABLE room ADD COLUMN sockets INTEGER NOT NULL DEFAULT 0;  -- of these, open ones

CREATE TABLE credit (
  one        INTEGER PRIMARY KEY CHECK (one = 1),
  granted_at INTEGER NOT NULL,                                   -- the last time, give or take a second
  day        INTEGER NOT NULL,                                   -- since the epoch
  reserved   INTEGER NOT NULL                                    -- at least as many as were given on that day
) STRICT;
`,
};

export const ledgerRestMigration: Migration = {
  id: "ledger-2",
  // Of the bucket at granted_at: at least so much.
  sql: "ALTER TABLE credit ADD COLUMN rest INTEGER NOT NULL DEFAULT 0",
};

const savedEveryMs = 1_000;
const dayMs = 86_400_000;
/** Of a day's quota: how much of it a loss of memory may lose. */
const reservedPart = 1_000;
/** Of a burst: how much may be given before the bucket is written down again, and is lost with the memory. */
const slackPart = 10;

export class Ledger {
  readonly #sql: SqlStorage;
  readonly #places = new Map<string, { readonly held: number; readonly open: number }>();
  #held = 0;
  #open = 0;
  #allowance: Allowance | undefined;
  #day = 0;
  #given = 0;
  #reserved = 0;
  #savedAtMs = -Infinity;
  /** Given since the bucket was written down. */
  #unsaved = 0;

  /** After a loss of memory there are at most as many credits as there would have been: never more. */
  constructor(sql: SqlStorage) {
    this.#sql = sql;
    for (const { name, places, sockets } of sql.exec<{ name: string; places: number; sockets: number }>(
      "SELECT name, places, sockets FROM room WHERE places > 0",
    ))
      this.#hold(name, places, sockets);
    const [row] = sql
      .exec<{ granted_at: number; day: number; reserved: number; rest: number }>(
        "SELECT granted_at, day, reserved, rest FROM credit",
      )
      .toArray();
    if (row === undefined) return;
    // Since then so much at most was given as is not in the rest; what was added in that second may have been, too.
    this.#allowance = { left: row.rest, atMs: row.granted_at + savedEveryMs };
    this.#day = row.day;
    this.#given = row.reserved;
    this.#reserved = row.reserved;
  }

  /** Rooms that have sockets, or are about to. */
  get activeRooms(): string[] {
    return [...this.#places.keys()];
  }

  /** Sockets that are open, as far as rooms have said. */
  get connections(): number {
    return this.#open;
  }

  settle(statement: Statement, limits: Limits, nowMs: number): Omit<Grant, "policy"> {
    const places = this.#settlePlaces(statement, limits.socketsPerTenant);
    const credits = this.#settleCredits(statement, limits, nowMs);
    return { ok: true, places, ...credits, low: this.levels(limits, nowMs).filter(isLow) };
  }

  /** What is left of the rate and of the day. */
  levels(limits: Limits, nowMs: number): LimitLevel[] {
    this.#turnDay(nowMs);
    const remaining = Math.max(0, limits.changesPerDay - this.#given);
    return [
      levelOf("tenant", this.#allowance, rateOf(limits), nowMs),
      { scope: "tenant_day", limit: limits.changesPerDay, remaining, resetMs: untilMidnight(nowMs) },
    ];
  }

  /** What is left of the places. */
  placesLevel({ socketsPerTenant: limit }: Limits): LimitLevel {
    return { scope: "tenant_sockets", limit, remaining: Math.max(0, limit - this.#held), resetMs: 0 };
  }

  /** The room is gone. */
  forget(room: string): void {
    this.#hold(room, 0, 0);
    this.#sql.exec("UPDATE room SET places = 0, sockets = 0 WHERE name = ?", room);
  }

  #settlePlaces({ room, places: wanted, sockets }: Statement, most: number): number {
    const before = this.#places.get(room) ?? { held: 0, open: 0 };
    // What a room has, it keeps: a limit that was lowered closes nobody.
    const places = Math.min(wanted, Math.max(sockets, before.held + most - this.#held));
    if (places === before.held && sockets === before.open) return places;
    this.#hold(room, places, sockets);
    this.#sql.exec("UPDATE room SET places = ?, sockets = ? WHERE name = ?", places, sockets, room);
    return places;
  }

  #hold(room: string, held: number, open: number): void {
    const before = this.#places.get(room) ?? { held: 0, open: 0 };
    this.#held += held - before.held;
    this.#open += open - before.open;
    if (held > 0) this.#places.set(room, { held, open });
    else this.#places.delete(room);
  }

  #settleCredits(
    { credits: wanted, returned }: Statement,
    limits: Limits,
    nowMs: number,
  ): Pick<Grant, "credits" | "short"> {
    const rate = rateOf(limits);
    this.#turnDay(nowMs);
    // Just after midnight it may be what was taken of yesterday.
    if (nowMs % dayMs >= fixedLimits.creditsMs) this.#given = Math.max(0, this.#given - returned);
    if (this.#allowance !== undefined) this.#allowance = { ...this.#allowance, left: this.#allowance.left + returned };
    const quota = Math.max(0, limits.changesPerDay - this.#given);
    const { taken, allowance, retryAfterMs } = spendUpTo(Math.min(wanted, quota), this.#allowance, rate, nowMs);
    this.#allowance = allowance;
    this.#given += taken;
    if (taken > 0) this.#save(limits, { taken, left: allowance.left }, nowMs);
    return {
      credits: taken,
      short: taken >= wanted ? null : taken >= quota ? usedUp(limits, nowMs) : scarce(rate, retryAfterMs),
    };
  }

  #turnDay(nowMs: number): void {
    const day = Math.floor(nowMs / dayMs);
    // A clock that was set back gives nobody yesterday's quota again.
    if (day <= this.#day) return;
    this.#day = day;
    this.#given = 0;
    this.#reserved = 0;
  }

  #save(limits: Limits, { taken, left }: { readonly taken: number; readonly left: number }, nowMs: number): void {
    const slack = Math.floor(limits.publishPerTenantBurst / slackPart);
    this.#unsaved += taken;
    const exceeded = this.#given > this.#reserved;
    if (!exceeded && this.#unsaved <= slack && nowMs - this.#savedAtMs < savedEveryMs) return;
    if (exceeded) this.#reserved = this.#given + Math.floor(limits.changesPerDay / reservedPart);
    this.#savedAtMs = nowMs;
    this.#unsaved = 0;
    this.#sql.exec(
      "INSERT OR REPLACE INTO credit (one, granted_at, day, reserved, rest) VALUES (1, ?, ?, ?, ?)",
      nowMs,
      this.#day,
      this.#reserved,
      Math.max(0, Math.floor(left) - slack),
    );
  }
}

function rateOf(limits: Limits): Rate {
  return { perSecond: limits.publishPerTenantPerSecond, burst: limits.publishPerTenantBurst };
}

/** UTC. */
function untilMidnight(nowMs: number): number {
  return dayMs - (nowMs % dayMs);
}

function scarce(rate: Rate, retryAfterMs: number): Refusal {
  return tooFast(
    "tenant",
    `At most ${rate.perSecond} changes per second in all rooms of the tenant.`,
    rate,
    retryAfterMs,
  );
}

function usedUp({ changesPerDay }: Limits, nowMs: number): Refusal {
  const retryAfterMs = untilMidnight(nowMs);
  return refuse("quota_exceeded", `At most ${changesPerDay} changes a day, until midnight UTC.`, {
    retryAfterMs,
    limit: { scope: "tenant_day", limit: changesPerDay, windowMs: dayMs, remaining: 0 },
  });
}
