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

/** What something takes from one bucket. */
interface Price {
  readonly key: string;
  readonly rate: Rate;
  readonly wanted?: number;
  /** For a refusal: the limit's name, and of what there are at most so many. */
  readonly scope: string;
  readonly what: string;
  /** So many as the rate has in a second, unless it says so. */
  readonly most?: number;
}

export class Rates {
  readonly #buckets = new Map<string, Bucket>();
  #tidyAt = 1_000;

  /** So many changes by this user in this room. */
  payForChange(session: Session, limits: Limits, nowMs: number, changes = 1): Refusal | null {
    const ofUser = {
      key: `changes ${senderOf(session)}`,
      rate: userRateOf(limits),
      wanted: changes,
      scope: "user_in_room",
      what: "changes per second per user in this room",
    };
    const ofRoom = {
      key: roomKey,
      rate: roomRateOf(limits),
      wanted: changes,
      scope: "room",
      what: "changes per second in this room",
    };
    return this.#pay([ofUser, ofRoom], nowMs);
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
    const what = "read positions per second per user in this room";
    const key = `reading ${senderOf(session)}`;
    return this.#pay([{ key, rate: userRateOf(limits), scope: "user_in_room", what }], nowMs);
  }

  /** Pieces of streamed texts: so many, and so many bytes. They cost less than a change, and come more often. */
  payForAppend(session: Session, limits: Limits, bytes: number, nowMs: number): Refusal | null {
    const pieces = {
      key: `appends ${senderOf(session)}`,
      rate: { perSecond: limits.appendsPerUserPerSecond, burst: limits.appendsPerUserBurst },
      scope: "appends",
      what: "appends per second per user in this room",
    };
    const rate = { perSecond: limits.appendBytesPerUserPerSecond, burst: limits.appendBytesPerUserBurst };
    const size = {
      key: `bytes ${senderOf(session)}`,
      rate,
      // What is more than the burst takes all of it.
      wanted: Math.min(bytes, rate.burst),
      scope: "append_bytes",
      what: "bytes per second are appended by a user in this room",
    };
    return this.#pay([pieces, size], nowMs);
  }

  /** A search costs more than anything else that is read. */
  payForSearch(session: Session, limits: Limits, nowMs: number): Refusal | null {
    const ofUser = {
      key: `searches ${senderOf(session)}`,
      rate: { perSecond: limits.searchPerUserPerSecond, burst: limits.searchPerUserBurst },
      scope: "user_in_room",
      what: "searches per second per user in this room",
    };
    const ofRoom = {
      key: searchesKey,
      rate: { perSecond: limits.searchPerRoomPerSecond, burst: limits.searchPerRoomBurst },
      scope: "room",
      what: "searches per second in this room",
    };
    return this.#pay([ofUser, ofRoom], nowMs);
  }

  /** A question to the room's assistant. The tenant's server, where it asks for nobody, is not counted. */
  payForQuestion({ user }: Session, { assistantPerUserPerMinute: most }: Limits, nowMs: number): Refusal | null {
    if (user === null) return null;
    const rate = { perSecond: most / 60, burst: most };
    const what = "questions per minute per user to this room's assistant";
    return this.#pay([{ key: `questions ${user}`, rate, scope: "assistant", most, what }], nowMs);
  }

  /** Whether it may be said to a user, once more, that there were too many. */
  payForNote({ user }: Session, nowMs: number): boolean {
    return (
      this.#pay([{ key: `notes ${user}`, rate: noteRate, scope: "notes", what: "notes to a user" }], nowMs) === null
    );
  }

  /** All of it, or nothing. */
  #pay(prices: readonly Price[], nowMs: number): Refusal | null {
    const paid: { readonly key: string; readonly allowance: Allowance; readonly rate: Rate }[] = [];
    for (const { key, rate, wanted, scope, most = rate.perSecond, what } of prices) {
      const spent = spend(this.#left(key), rate, nowMs, wanted);
      if (!spent.ok) return tooFast(scope, `At most ${most} ${what}.`, rate, spent.retryAfterMs);
      paid.push({ key, allowance: spent.allowance, rate });
    }
    for (const { key, allowance, rate } of paid) this.#keep(key, allowance, rate, nowMs);
    return null;
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
