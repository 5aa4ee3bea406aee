/** The changes that a reader has missed, or a new beginning. Each is read in one synchronous instant. */
import { changesFrame, gapOf, replayFrames, takeWithin, type Told } from "../../core/replay.ts";
import type { Change, GapReason } from "../../protocol/changes.ts";
import { formatCursor, parseCursor, type Position } from "../../protocol/cursor.ts";
import type { Message } from "../../protocol/message.ts";
import type { Refusal } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import { utf8Length } from "../../protocol/text.ts";
import { tell } from "./log.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import { epochOf, headCursor } from "./position.ts";
import { lacks } from "./standing.ts";
import type { Reading } from "./store/messages.ts";
import { sees, type Viewer, viewerOf } from "./viewer.ts";

/** What a reader is told who joins or asks: the changes since its cursor, or a new beginning and why. */
export interface CatchUp {
  readonly resumed: boolean;
  readonly gap?: GapReason;
  /** Null when resumed. */
  readonly start: number | null;
  readonly from: number;
  readonly changes: readonly Told[];
}

export interface Wanted {
  /** As the client gave it: null for none, `0` for everything. */
  readonly cursor: string | null;
  readonly backlog: number;
}

/** For a socket: all at once, within the replay limits, or a new beginning that says so. */
export function catchUp(parts: RoomParts, viewer: Viewer, { cursor, backlog }: Wanted, nowMs: number): CatchUp {
  const {
    oldest,
    policy: { limits },
  } = stateOf(parts);
  const { replayBytes: bytes } = limits;
  const reading = { viewer, nowMs, bytes, limit: limits.replayChanges + 1 };
  const anew = (): CatchUp => newest(parts, { viewer, nowMs, bytes, limit: backlog + 1 });
  if (cursor === null) return anew();
  if (cursor === "0") {
    const found = parts.store.messages
      .after(oldest - 1, reading)
      .map(asChange)
      .map(tell);
    if (!fits(found, limits)) return { ...anew(), gap: "too_far" };
    return { resumed: false, start: oldest, from: 0, changes: bySeq(found) };
  }
  const position = parseCursor(cursor);
  const gap = position === null ? "epoch" : gapIn(parts, position);
  if (position === null || gap !== null) return { ...anew(), gap: gap ?? "epoch" };
  const changes = parts.store.changedSince(position.seq, reading).map(tell);
  if (!fits(changes, limits) || streamsExceed(parts, viewer, bytes)) return { ...anew(), gap: "too_far" };
  return { resumed: true, start: null, from: position.seq, changes };
}

export function catchUpFrames(parts: RoomParts, { resumed, from, changes }: CatchUp): string[] {
  return replayFrames(changes, from, parts.store.head, !resumed);
}

/** For HTTP: a page of the changes since a cursor, which never says `too_far`: it pages. */
export interface ChangesPage {
  readonly ok: true;
  /** The frame as JSON text. */
  readonly frame: string;
  readonly cursor: string;
  readonly hasMore: boolean;
  readonly gap?: GapReason;
  readonly start?: number;
  readonly oldest: number;
}

export function changesPage(parts: RoomParts, session: Session, wanted: Wanted, nowMs: number): ChangesPage | Refusal {
  const forbidden = lacks(parts, session, "read");
  if (forbidden !== null) return forbidden;
  const viewer = viewerOf(parts, session);
  const position = wanted.cursor === null || wanted.cursor === "0" ? null : parseCursor(wanted.cursor);
  if (wanted.cursor === "0")
    return pageFrom(parts, viewer, { epoch: epochOf(parts), seq: 0, floor: stateOf(parts).floor }, true, nowMs);
  if (position !== null && gapIn(parts, position) === null) return pageFrom(parts, viewer, position, false, nowMs);
  const anew = catchUp(parts, viewer, wanted, nowMs);
  return {
    ok: true,
    frame: changesFrame(0, parts.store.head, anew.changes, true),
    cursor: headCursor(parts),
    hasMore: false,
    oldest: stateOf(parts).oldest,
    ...(anew.gap === undefined ? {} : { gap: anew.gap }),
    ...(anew.start === null ? {} : { start: anew.start }),
  };
}

function pageFrom(parts: RoomParts, viewer: Viewer, position: Position, reset: boolean, nowMs: number): ChangesPage {
  const {
    oldest,
    floor,
    policy: { limits },
  } = stateOf(parts);
  const reading = { viewer, nowMs, bytes: limits.replayBytes, limit: limits.replayChanges + 1 };
  const found = parts.store.changedSince(position.seq, reading).map(tell);
  const changes = takeWithin(found.slice(0, limits.replayChanges), limits.replayBytes);
  const hasMore = changes.length < found.length;
  const to = hasMore ? (changes.at(-1)?.seq ?? position.seq) : parts.store.head;
  const cursor = formatCursor({
    epoch: position.epoch,
    seq: to,
    ...(to < Math.max(floor, oldest - 1) ? { floor } : {}),
  });
  return {
    ok: true,
    frame: changesFrame(position.seq, to, changes, reset),
    cursor,
    hasMore,
    oldest,
    ...(reset ? { start: oldest } : {}),
  };
}

/** The newest messages, one fewer than are read and up to the bytes of a replay. */
function newest(parts: RoomParts, reading: Reading): CatchUp {
  const {
    oldest,
    policy: { limits },
  } = stateOf(parts);
  const found = parts.store.messages.before(Number.MAX_SAFE_INTEGER, reading);
  const newestFirst = found.slice(found.length - Math.min(found.length, reading.limit - 1)).reverse();
  const kept = takeWithin(
    newestFirst.map((message) => ({ id: message.id, ...tell(asChange(message)) })),
    limits.replayBytes,
  );
  const complete = kept.length === found.length;
  const start = complete ? oldest : (kept.at(-1)?.id ?? parts.store.head + 1);
  return { resumed: false, start, from: 0, changes: bySeq(kept) };
}

function gapIn(parts: RoomParts, position: Position): GapReason | null {
  const { oldest, floor } = stateOf(parts);
  return gapOf(position, { epoch: epochOf(parts), head: parts.store.head, oldest, floor });
}

function fits(
  changes: readonly Told[],
  { replayChanges, replayBytes }: { replayChanges: number; replayBytes: number },
): boolean {
  return changes.length <= replayChanges && takeWithin(changes, replayBytes).length === changes.length;
}

/** Who goes on is given the text of each, wherever it stands: of more than a replay may have it is given the newest, like what it missed. */
function streamsExceed({ store }: RoomParts, viewer: Viewer, bytesMax: number): boolean {
  let bytes = 0;
  for (const { isHidden, sender, text } of store.streams.all) {
    if (!isHidden || sees(viewer, sender)) bytes += utf8Length(text.shown);
    if (bytes > bytesMax) return true;
  }
  return false;
}

function bySeq(changes: readonly Told[]): Told[] {
  return [...changes].sort((one, other) => one.seq - other.seq);
}

function asChange(message: Message): Change {
  return { type: "message", message };
}
