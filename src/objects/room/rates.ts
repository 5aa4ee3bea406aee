/** The room's token buckets. In memory only: a bucket that is lost with the room would have refilled within seconds. */
import { type Allowance, isFull, levelOf, type Rate, spend, tooFast } from "../../core/allowance.ts";
import { fixedLimits, type Limits } from "../../protocol/limits.ts";
import type { Refusal } from "../../protocol/refusals.ts";
import type { LimitLevel } from "../../protocol/serverFrames.ts";
import type { Session } from "../../protocol/session.ts";

const roomKey = "";
const searchesKey = "searches";
const noteRate: Rate = { perSecond: 1_000 / fixedLimits.assistantNoteMs, burst: 1 };

interface Bucket {
  readonly allowance: Allowance;
  readonly rate: Rate;
}

export class Rates {
  readonly #buckets = new Map<string, Bucket>();
  #tidyAt = 1_000;

  /** Pays for so many changes by this user in this room: both buckets, or none. */
  payForChange(session: Session, limits: Limits, nowMs: number, changes = 1): Refusal | null {
    const userKey = `changes ${senderOf(session)}`;
    const userRate = userRateOf(limits);
    const roomRate = roomRateOf(limits);
    const byUser = spend(this.#left(userKey), userRate, nowMs, changes);
    if (!byUser.ok)
      return tooFast(
        "user_in_room",
        `At most ${userRate.perSecond} changes per second per user in this room.`,
        userRate,
        byUser.retryAfterMs,
      );
    const byRoom = spend(this.#left(roomKey), roomRate, nowMs, changes);
    if (!byRoom.ok)
      return tooFast(
        "room",
        `At most ${roomRate.perSecond} changes per second in this room.`,
        roomRate,
        byRoom.retryAfterMs,
      );
    this.#keep(userKey, byUser.allowance, userRate, nowMs);
    this.#buckets.set(roomKey, { allowance: byRoom.allowance, rate: roomRate });
    return null;
  }

  /** What is left of both buckets. */
  levels(session: Session, limits: Limits, nowMs: number): LimitLevel[] {
    const ofUser = this.#left(`changes ${senderOf(session)}`);
    return [
      levelOf("user_in_room", ofUser, userRateOf(limits), nowMs),
      levelOf("room", this.#left(roomKey), roomRateOf(limits), nowMs),
    ];
  }

  /** Read positions are written and told too. They have a bucket of their own, so that reading on does not use up one's voice. */
  payForReading(session: Session, limits: Limits, nowMs: number): Refusal | null {
    const key = `reading ${senderOf(session)}`;
    const rate = userRateOf(limits);
    const spent = spend(this.#left(key), rate, nowMs);
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

  /** Pieces of streamed texts: so many, and so many bytes. They cost less than a change, and come more often. */
  payForAppend(session: Session, limits: Limits, bytes: number, nowMs: number): Refusal | null {
    const [key, bytesKey] = [`appends ${senderOf(session)}`, `bytes ${senderOf(session)}`];
    const rate = { perSecond: limits.appendsPerUserPerSecond, burst: limits.appendsPerUserBurst };
    const bytesRate = { perSecond: limits.appendBytesPerUserPerSecond, burst: limits.appendBytesPerUserBurst };
    const spent = spend(this.#left(key), rate, nowMs);
    if (!spent.ok)
      return tooFast(
        "appends",
        `At most ${rate.perSecond} appends per second per user in this room.`,
        rate,
        spent.retryAfterMs,
      );
    // What is more than the burst takes all of it.
    const price = Math.min(bytes, bytesRate.burst);
    const bytesSpent = spend(this.#left(bytesKey), bytesRate, nowMs, price);
    if (!bytesSpent.ok)
      return tooFast(
        "append_bytes",
        `At most ${bytesRate.perSecond} bytes per second are appended by a user in this room.`,
        bytesRate,
        bytesSpent.retryAfterMs,
      );
    this.#keep(key, spent.allowance, rate, nowMs);
    this.#keep(bytesKey, bytesSpent.allowance, bytesRate, nowMs);
    return null;
  }

  /** A search costs more than anything else that is read: both buckets, or none. */
  payForSearch(session: Session, limits: Limits, nowMs: number): Refusal | null {
    const userKey = `searches ${senderOf(session)}`;
    const userRate = { perSecond: limits.searchPerUserPerSecond, burst: limits.searchPerUserBurst };
    const roomRate = { perSecond: limits.searchPerRoomPerSecond, burst: limits.searchPerRoomBurst };
    const byUser = spend(this.#left(userKey), userRate, nowMs);
    if (!byUser.ok) {
      const most = `At most ${userRate.perSecond} searches per second per user in this room.`;
      return tooFast("user_in_room", most, userRate, byUser.retryAfterMs);
    }
    const byRoom = spend(this.#left(searchesKey), roomRate, nowMs);
    if (!byRoom.ok) {
      const most = `At most ${roomRate.perSecond} searches per second in this room.`;
      return tooFast("room", most, roomRate, byRoom.retryAfterMs);
    }
    this.#keep(userKey, byUser.allowance, userRate, nowMs);
    this.#keep(searchesKey, byRoom.allowance, roomRate, nowMs);
    return null;
  }

  /** A question to the room's assistant. The tenant's server, where it asks for nobody, is not counted. */
  payForQuestion({ user }: Session, { assistantPerUserPerMinute: most }: Limits, nowMs: number): Refusal | null {
    if (user === null) return null;
    const key = `questions ${user}`;
    const rate = { perSecond: most / 60, burst: most };
    const spent = spend(this.#left(key), rate, nowMs);
    if (!spent.ok)
      return tooFast(
        "assistant",
        `At most ${most} questions per minute per user to this room's assistant.`,
        rate,
        spent.retryAfterMs,
      );
    this.#keep(key, spent.allowance, rate, nowMs);
    return null;
  }

  /** Whether it may be said to a user, once more, that there were too many. */
  payForNote({ user }: Session, nowMs: number): boolean {
    const key = `notes ${user}`;
    const spent = spend(this.#left(key), noteRate, nowMs);
    if (spent.ok) this.#keep(key, spent.allowance, noteRate, nowMs);
    return spent.ok;
  }

  #left(key: string): Allowance | undefined {
    return this.#buckets.get(key)?.allowance;
  }

  /** A full bucket says nothing; without this every user who ever spoke would stay in memory. */
  #keep(key: string, allowance: Allowance, rate: Rate, nowMs: number): void {
    this.#buckets.set(key, { allowance, rate });
    if (this.#buckets.size < this.#tidyAt) return;
    for (const [kept, bucket] of this.#buckets)
      if (isFull(bucket.allowance, bucket.rate, nowMs)) this.#buckets.delete(kept);
    this.#tidyAt = Math.max(1_000, this.#buckets.size * 2);
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
