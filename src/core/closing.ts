/** How a socket ends: the range of its code is the instruction. */
import { fixedLimits } from "../protocol/limits.ts";
import { type RefusalCode, refusals, type Retry } from "../protocol/refusals.ts";
import type { ClosingFrame } from "../protocol/serverFrames.ts";

/** The farewell before a close, so that a client need not know the codes. Throws for a refusal that closes nothing. */
export function closingFrame(error: RefusalCode, reason: string): ClosingFrame {
  const { close, retry } = refusals[error];
  if (close === null) throw new Error(`${error} closes no socket`);
  return { type: "closing", code: close, reason, reconnect: reconnectOf(close, retry) };
}

function reconnectOf(close: number, retry: Retry): ClosingFrame["reconnect"] {
  if (close >= 4500) return "never";
  return retry === "now" || retry === "token" ? "now" : "backoff";
}

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
