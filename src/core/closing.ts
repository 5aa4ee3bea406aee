/** When a socket ends: how its close is answered, and how often it may hear no. */
import { fixedLimits } from "../protocol/limits.ts";

/** A code that may be sent in answer to a peer's close: 1005, 1006 and 1015 may not, and workerd refuses what is out of range. */
export function answerableCode(code: number): number {
  const allowed = code === 1000 || code === 1001 || (code >= 3000 && code <= 4999);
  return allowed ? code : 1000;
}

/** When a connection counts as gone: three pings missed, or for one that never pinged, ten minutes without a frame. */
export function goneAtMs({ pingedAtMs, seenAtMs }: { pingedAtMs: number | null; seenAtMs: number }): number {
  if (pingedAtMs === null) return seenAtMs + fixedLimits.neverPingedMs;
  // A frame may have come so much later than was written down.
  return Math.max(pingedAtMs, seenAtMs + fixedLimits.seenEveryMs) + fixedLimits.silentMs;
}

/** Of one socket at one moment: what it was sent in all, and what of it is still to be taken. A frame has at least as many bytes as units. */
export interface Untaken {
  readonly atMs: number;
  readonly sentUnits: number;
  readonly bufferedBytes: number;
}

/** Whether nothing was taken between two looks. At any one moment something is on its way to each reader of a busy room. */
export function isDeaf(before: Untaken, now: Untaken): boolean {
  return now.bufferedBytes - before.bufferedBytes >= now.sentUnits - before.sentUnits;
}

/** When the latest refused frames of one socket came: at most as many as it takes to close it. */
export type Offences = readonly number[];

/** Counts a refused frame. `tooMany`: this client hears no and goes on. */
export function offend(offences: Offences, nowMs: number): { readonly offences: Offences; readonly tooMany: boolean } {
  const recent = offences.filter((atMs) => nowMs - atMs < fixedLimits.refusedFramesWindowMs);
  return { offences: [...recent, nowMs], tooMany: recent.length + 1 >= fixedLimits.refusedFrames };
}
