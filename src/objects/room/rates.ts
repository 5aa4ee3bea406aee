/** The room's token buckets. In memory only: a bucket that is lost with the room would have refilled within seconds. */
import { type Allowance, isFull, type Rate, spend } from "../../core/allowance.ts";
import type { Limits } from "../../protocol/limits.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";

const roomKey = "";

export class Rates {
  readonly #allowances = new Map<string, Allowance>();
  #tidyAt = 1_000;

  /** Pays for one change by this user in this room: both buckets, or none. */
  payForChange({ user, key }: Session, limits: Limits, nowMs: number): Refusal | null {
    const userKey = user === null ? `key ${key}` : `user ${user}`;
    const userRate = { perSecond: limits.publishPerUserPerSecond, burst: limits.publishPerUserBurst };
    const roomRate = { perSecond: limits.publishPerRoomPerSecond, burst: limits.publishPerRoomBurst };
    const byUser = spend(this.#allowances.get(userKey), userRate, nowMs);
    if (!byUser.ok)
      return tooFast(
        "user_in_room",
        `At most ${userRate.perSecond} changes per second per user in this room.`,
        userRate,
        byUser.retryAfterMs,
      );
    const byRoom = spend(this.#allowances.get(roomKey), roomRate, nowMs);
    if (!byRoom.ok)
      return tooFast(
        "room",
        `At most ${roomRate.perSecond} changes per second in this room.`,
        roomRate,
        byRoom.retryAfterMs,
      );
    this.#allowances.set(userKey, byUser.allowance);
    this.#allowances.set(roomKey, byRoom.allowance);
    this.#forgetFull(userRate, nowMs);
    return null;
  }

  /** A full bucket says nothing; without this every user who ever spoke would stay in memory. */
  #forgetFull(userRate: Rate, nowMs: number): void {
    if (this.#allowances.size < this.#tidyAt) return;
    for (const [key, allowance] of this.#allowances)
      if (key !== roomKey && isFull(allowance, userRate, nowMs)) this.#allowances.delete(key);
    this.#tidyAt = Math.max(1_000, this.#allowances.size * 2);
  }
}

export function tooFast(scope: string, detail: string, rate: Rate, retryAfterMs: number): Refusal {
  const windowMs = Math.ceil((rate.burst / rate.perSecond) * 1_000);
  return refuse("rate_limited", detail, { retryAfterMs, limit: { scope, limit: rate.burst, windowMs, remaining: 0 } });
}
