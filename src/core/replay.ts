/** What a reader gets who comes with a cursor: the changes since, or a reason to start over. Never a part that does not say so. */
import type { GapReason } from "../protocol/changes.ts";
import type { Position } from "../protocol/cursor.ts";
import { fixedLimits } from "../protocol/limits.ts";
import { utf8Length } from "../protocol/text.ts";

export interface HistoryState {
  readonly epoch: string;
  readonly head: number;
  /** The lowest id that retention has left. */
  readonly oldest: number;
  /** Cursors below it have missed a removal that no change can tell them of. */
  readonly floor: number;
}

/** Why the changes since this position cannot be told, or null. `too_far` is found out by reading. */
export function gapOf(position: Position, { epoch, head, oldest, floor }: HistoryState): GapReason | null {
  if (position.epoch !== epoch) return "epoch";
  if (position.seq > head) return "ahead";
  // A reader that began with nothing holds nothing that has gone since, and the room's row will tell it the new `oldest`.
  const began = position.floor === floor;
  if (!began && (position.seq < floor || position.seq < oldest - 1)) return "expired";
  return null;
}

/** A change as it stands in a frame: its seq and its JSON. */
export interface Told {
  readonly seq: number;
  readonly json: string;
}

/** A `changes` frame from changes that are JSON already. */
export function changesFrame(from: number, to: number, changes: readonly Told[], reset = false): string {
  return `{"type":"changes","from":${from},"to":${to},${reset ? '"reset":true,' : ""}"changes":[${changes.map((change) => change.json).join(",")}]}`;
}

/** The mark: "nothing more so far", by which a reader notices what was on its way when the room lost its memory. */
export function markFrame(head: number): string {
  return changesFrame(head, head, []);
}

/** Takes whole changes in order while they fit: always at least one, so that paging gets on. */
export function takeWithin<T extends Told>(changes: readonly T[], bytesMax: number): readonly T[] {
  let bytes = 0;
  const count = changes.findIndex((change) => (bytes += utf8Length(change.json)) > bytesMax);
  return count < 0 ? changes : changes.slice(0, Math.max(1, count));
}

/** The frames that bring a reader from `from` to `head`; the last says `to = head` even if the rows ended earlier. */
export function replayFrames(changes: readonly Told[], from: number, head: number, reset: boolean): string[] {
  const parts = split(changes);
  // Nothing to tell, but a cursor to move; and a reader that starts over always gets one frame.
  if (parts.length === 0 && (reset || from < head)) parts.push([]);
  let position = from;
  return parts.map((part, index) => {
    const last = index === parts.length - 1 ? head : (part.at(-1)?.seq ?? head);
    const frame = changesFrame(position, last, part, reset && index === 0);
    position = last;
    return frame;
  });
}

function split(changes: readonly Told[]): (readonly Told[])[] {
  const parts: (readonly Told[])[] = [];
  for (let rest = changes; rest.length > 0; rest = rest.slice(parts.at(-1)?.length)) {
    parts.push(takeWithin(rest, fixedLimits.changesFrameBytes));
  }
  return parts;
}
