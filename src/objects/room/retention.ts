/** What goes by itself: what is older, or more, than the room keeps, the oldest first; and what has expired. Pass by pass. */
import { isSame, lifeMs, retentionOf, rowsOfPass } from "../../core/retention.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { noRetention, type Retention } from "../../protocol/retention.ts";
import type { Log } from "./log.ts";
import type { RoomParts } from "./parts.ts";
import type { Entry } from "./queue.ts";
import { retention } from "./removal.ts";
import type { Store } from "./store/store.ts";

const { passRows, searchedPassRows, passPauseMs, expirySweepMs, retentionAgeMs, retentionCountMs } = fixedLimits;

type News = Pick<Log, "published" | "soonestExpiryMs">;
const never = { published: 0, atMs: -Infinity };
const nothing: News = { published: 0, soonestExpiryMs: Infinity };

/** Says when to look: what was booked is on disk, and what has been decided since is noticed here. */
export class Keeper {
  readonly #store: Store;
  readonly #book: (job: "retention" | "expiry", atMs: number) => void;
  #known: Retention;
  #sweptAtMs = -Infinity;
  #published = 0;
  readonly #passed = { retention: never, expiry: never };

  /** `book` is to call for a pass by an alarm; a later time than the one booked changes nothing. */
  constructor(store: Store, book: (job: "retention" | "expiry", atMs: number) => void) {
    this.#store = store;
    this.#book = book;
    this.#known = kept(store);
  }

  /** To be called when the room has stored something, or the tenant has decided something. */
  notice(nowMs: number, { published, soonestExpiryMs }: News = nothing): void {
    if (soonestExpiryMs < Infinity) this.#book("expiry", Math.max(soonestExpiryMs, this.#sweptAtMs + expirySweepMs));
    this.#published += published;
    const now = kept(this.#store);
    const isNew = !isSame(now, this.#known);
    this.#known = now;
    if (isSame(now, noRetention)) return;
    if (!isNew && published === 0) return;
    if (isNew) return this.#book("retention", nowMs);
    const life = lifeMs(now);
    if (life !== null) this.#book("retention", nowMs + life);
    if (now.retentionMessages !== null) this.#book("retention", nowMs + retentionCountMs);
  }

  /** How many rows the next pass of the job may remove: at most twice what is published from one pass to the next. */
  rowsOf(job: "retention" | "expiry", nowMs: number): number {
    const last = this.#passed[job];
    this.#passed[job] = { published: this.#published, atMs: nowMs };
    const least = this.#store.search.isThere ? searchedPassRows : passRows;
    return rowsOfPass(this.#published - last.published, nowMs - last.atMs, least);
  }

  /** What had expired has been swept. */
  swept(nowMs: number): void {
    this.#sweptAtMs = nowMs;
  }

  /** The room has got a history from elsewhere, of which everything may be due. */
  adopted(nowMs: number): void {
    const expiresAtMs = this.#store.ages.nextExpiryMs();
    if (expiresAtMs !== null) this.#book("expiry", expiresAtMs);
    this.#known = kept(this.#store);
    if (!isSame(this.#known, noRetention)) this.#book("retention", nowMs);
  }
}

/** When to sweep for the next time; null where nothing will expire. */
export function nextSweepMs({ store }: RoomParts, nowMs: number): number | null {
  const dueMs = store.room === null ? null : store.ages.nextExpiryMs();
  if (dueMs === null) return null;
  return dueMs <= nowMs ? nowMs + passPauseMs : Math.max(dueMs, nowMs + expirySweepMs);
}

/** One pass of what the room's retention asks for. */
export function retentionPass(parts: RoomParts): Entry {
  const rows = parts.keeper.rowsOf("retention", Date.now());
  return retention(parts, (nowMs) => dueBelow(parts.store, rows, nowMs), rows);
}

/** When to come for the next pass; null where nothing will be due but what others will publish. */
export function nextPassMs({ store }: RoomParts, nowMs: number): number | null {
  if (store.room === null) return null;
  const { oldest } = store.room;
  if (dueBelow(store, passRows, nowMs) > oldest || store.reactions.areBelow(oldest)) return nowMs + passPauseMs;
  const life = lifeMs(kept(store));
  if (life === null) return null;
  const oldestAtMs = store.ages.oldestAtMs(passRows, nowMs);
  return oldestAtMs === null ? null : Math.max(nowMs + retentionAgeMs, oldestAtMs + life);
}

/** The id below which the next pass is to remove everything. Its cost is that of a pass, however many are due. */
function dueBelow(store: Store, rows: number, nowMs: number): number {
  const wanted = kept(store);
  const life = lifeMs(wanted);
  const byAge = life === null ? 0 : store.ages.belowAge(nowMs - life, rows, nowMs);
  return Math.max(byAge, wanted.retentionMessages === null ? 0 : belowCount(store, wanted.retentionMessages, rows));
}

function belowCount(store: Store, most: number, rows: number): number {
  const excess = store.usage.tally().messages - most;
  return excess <= 0 ? 0 : (store.ages.idAfter(Math.min(excess, rows)) ?? 0);
}

function kept({ room }: Store): Retention {
  if (room === null || room.deletedAtMs !== null) return noRetention;
  return retentionOf(room.settings, room.policy);
}
