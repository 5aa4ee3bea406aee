/** Pages of messages, each read in one synchronous instant. */
import { takeWithin } from "../../core/replay.ts";
import type { HistoryFrame } from "../../protocol/clientFrames.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import type { Message } from "../../protocol/message.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Page } from "../../protocol/serverFrames.ts";
import type { Session } from "../../protocol/session.ts";
import type { Answer } from "./calls.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import { headCursor } from "./position.ts";
import { lacks } from "./standing.ts";
import type { Only, Reading as StoreReading } from "./store/messages.ts";
import { viewerOf } from "./viewer.ts";

export type Bounds = Pick<HistoryFrame, "before" | "after" | "around" | "limit"> & {
  /** Only the replies to this message. */
  readonly replyTo?: number | undefined;
  /** Only those that mention this user. */
  readonly mentions?: string | undefined;
};

export function oneMessage(
  parts: RoomParts,
  session: Session,
  id: number,
  nowMs: number,
): Answer<{ message: Message; cursor: string }> {
  const message = parts.store.messages.get(id, nowMs, viewerOf(parts, session));
  return message === null
    ? refuse("not_found", "There is no such message.")
    : { ok: true, message, cursor: headCursor(parts) };
}

/** A page in ascending order of id: before, after or around a message, or the newest. It has at most the bytes of a replay. */
export function page(
  parts: RoomParts,
  session: Session,
  bounds: Bounds,
  nowMs: number,
): ({ readonly ok: true } & Page) | Refusal {
  const forbidden = lacks(parts, session, "read");
  if (forbidden !== null) return forbidden;
  const { before, after, around, replyTo, mentions } = bounds;
  if ([before, after, around].filter((bound) => bound !== undefined).length > 1) {
    return refuse("invalid_field", "At most one of `before`, `after` and `around`.");
  }
  if (replyTo !== undefined && mentions !== undefined)
    return refuse("invalid_field", "At most one of `replyTo` and `mentions`.");
  const only: Only | undefined =
    replyTo !== undefined ? { replyTo } : mentions !== undefined ? { mentions } : undefined;
  const { oldest, policy } = stateOf(parts);
  const limit = Math.min(bounds.limit ?? fixedLimits.pageDefault, policy.limits.pageSize);
  const { replayBytes: bytes } = policy.limits;
  const reading = { parts, viewer: viewerOf(parts, session), limit, only, bytes, nowMs };
  const slice =
    after !== undefined
      ? newerThan(reading, after)
      : around !== undefined
        ? near(reading, around)
        : olderThan(reading, before ?? Number.MAX_SAFE_INTEGER);
  // Only a page that ends where the reader's window begins can lower it; one of some messages alone has holes.
  const joins = after === undefined && around === undefined && only === undefined;
  const start = joins ? Math.max(oldest, slice.hasMore ? (slice.messages[0]?.id ?? oldest) : oldest) : null;
  return { ok: true, ...slice, start, cursor: headCursor(parts) };
}

export type Reading = StoreReading & { readonly parts: RoomParts };

export interface Slice {
  readonly messages: Message[];
  /** There are more in the direction of the page; around a message: older ones. */
  readonly hasMore: boolean;
}

function olderThan({ parts, limit, ...reading }: Reading, id: number): Slice {
  const found = parts.store.messages.before(id, { ...reading, limit: limit + 1 });
  const newestFirst = fitting(parts, found.slice(found.length - Math.min(limit, found.length)).reverse());
  return { messages: newestFirst.reverse(), hasMore: found.length > newestFirst.length };
}

/** The ones behind this id. */
export function newerThan({ parts, limit, ...reading }: Reading, id: number): Slice {
  const found = parts.store.messages.after(id, { ...reading, limit: limit + 1 });
  const messages = fitting(parts, found.slice(0, limit));
  return { messages, hasMore: found.length > messages.length };
}

/** Half of the page before the message, then itself and what follows. Where not all fits, what is nearest stays. */
function near(reading: Reading, id: number): Slice {
  const older = olderThan({ ...reading, limit: Math.floor(reading.limit / 2) }, id);
  const newer = newerThan({ ...reading, limit: reading.limit - older.messages.length }, id - 1);
  const nearestFirst = [...older.messages, ...newer.messages].sort(
    (one, other) => Math.abs(one.id - id) - Math.abs(other.id - id),
  );
  const messages = fitting(reading.parts, nearestFirst).sort((one, other) => one.id - other.id);
  return { messages, hasMore: older.hasMore || messages[0]?.id !== (older.messages[0] ?? newer.messages[0])?.id };
}

/** 200 messages of full length are megabytes, and each frame of a batch may ask for a page. */
function fitting(parts: RoomParts, messages: readonly Message[]): Message[] {
  const sized = messages.map((message) => ({ seq: message.seq, json: JSON.stringify(message), message }));
  return takeWithin(sized, stateOf(parts).policy.limits.replayBytes).map(({ message }) => message);
}
