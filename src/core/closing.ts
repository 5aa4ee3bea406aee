/** When a socket ends: how its close is answered, and how often it may hear no. */
import { fixedLimits } from "../protocol/limits.ts";

/** A code that may be sent in answer to a peer's close: 1005, 1006 and 1015 may not, and workerd refuses what is out of range. */
export function answerableCode(code: number): number {
  const allowed = code === 1000 || code === 1001 || (code >= 3000 && code <= 4999);
  return allowed ? code : 1000;
}

/** The refused frames of one socket, as a value. */
export interface Offences {
  readonly count: number;
  readonly sinceMs: number;
}

/** Counts a refused frame. `tooMany`: this client hears no and goes on. */
export function offend(offences: Offences, nowMs: number): Offences & { readonly tooMany: boolean } {
  const fresh = nowMs - offences.sinceMs > fixedLimits.refusedFramesWindowMs;
  const count = fresh ? 1 : offences.count + 1;
  return { count, sinceMs: fresh ? nowMs : offences.sinceMs, tooMany: count >= fixedLimits.refusedFrames };
}
