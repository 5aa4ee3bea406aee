/** The room's token buckets. In memory only: a bucket that is lost with the room would have refilled within seconds. */
import { type Allowance, isFull, levelOf, type Rate, spend, tooFast } from "../../core/allowance.ts";
import type { Limits } from "../../protocol/limits.ts";
import type { Refusal } from "../../protocol/refusals.ts";
import type { LimitLevel } from "../../protocol/serverFrames.ts";
import type { Session } from "../../protocol/session.ts";

const roomKey = "";

export class Rates {
  readonly #allowances = new Map<string, Allowance>();
  #tidyAt = 1_000;

  /** Pays for so many changes by this user in this room: both buckets, or none. */
  payForChange(session: Session, limits: Limits, nowMs: number, changes = 1): Refusal | null {
    const userKey = `changes ${senderOf(session)}`;
    const userRate = userRateOf(limits);
    const roomRate = roomRateOf(limits);
    const byUser = spend(this.#allowances.get(userKey), userRate, nowMs, changes);
    if (!byUser.ok)
      return tooFast(
        "user_in_room",
        `At most ${userRate.perSecond} changes per second per user in this room.`,
        userRate,
        byUser.retryAfterMs,
      );
    const byRoom = spend(this.#allowances.get(roomKey), roomRate, nowMs, changes);
    if (!byRoom.ok)
      return tooFast(
        "room",
        `At most ${roomRate.perSecond} changes per second in this room.`,
        roomRate,
        byRoom.retryAfterMs,
      );
    this.#keep(userKey, byUser.allowance, userRate, nowMs);
    this.#allowances.set(roomKey, byRoom.allowance);
    return null;
  }

  /** What is left of both buckets. */
  levels(session: Session, limits: Limits, nowMs: number): LimitLevel[] {
    const ofUser = this.#allowances.get(`changes ${senderOf(session)}`);
    return [
      levelOf("user_in_room", ofUser, userRateOf(limits), nowMs),
      levelOf("room", this.#allowances.get(roomKey), roomRateOf(limits), nowMs),
    ];
  }

  /** Read positions are written and told too. They have a bucket of their own, so that reading on does not use up one's voice. */
  payForReading(session: Session, limits: Limits, nowMs: number): Refusal | null {
    const key = `reading ${senderOf(session)}`;
    const rate = userRateOf(limits);
    const spent = spend(this.#allowances.get(key), rate, nowMs);
    if (!spent.ok)
      return tooFast(
        "user_in_room",
        `At most ${rate.perSecond} read positions per second per user in this room.`,
        rate,
        spent.retryAfterMs,
      );
    this.#keep(key, spent.allowance, rate, nowMs);
    return null;
  }

  /** A full bucket says nothing; without this every user who ever spoke would stay in memory. */
  #keep(key: string, allowance: Allowance, rate: Rate, nowMs: number): void {
    this.#allowances.set(key, allowance);
    if (this.#allowances.size < this.#tidyAt) return;
    for (const [kept, left] of this.#allowances)
      if (kept !== roomKey && isFull(left, rate, nowMs)) this.#allowances.delete(kept);
    this.#tidyAt = Math.max(1_000, this.#allowances.size * 2);
  }
}

function userRateOf(limits: Limits): Rate {
  return { perSecond: limits.publishPerUserPerSecond, burst: limits.publishPerUserBurst };
}

function roomRateOf(limits: Limits): Rate {
  return { perSecond: limits.publishPerRoomPerSecond, burst: limits.publishPerRoomBurst };
}

export function frameRateOf(limits: Limits): Rate {
  return { perSecond: limits.framesPerSocketPerSecond, burst: limits.framesPerSocketBurst };
}

/** Who it is whose changes are counted, and kept in their order. */
export function senderOf({ user, key }: Session): string {
  return user === null ? `key ${key}` : `user ${user}`;
}
