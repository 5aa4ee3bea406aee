/** When a room flushes: at once while it is quiet, in spans that grow with its readers while it is busy. */
import { fixedLimits } from "../protocol/limits.ts";

export interface Busyness {
  readonly nowMs: number;
  readonly lastFlushMs: number;
  readonly sockets: number;
  readonly queued: number;
  readonly queuedBytes: number;
}

/** Milliseconds until the next flush; 0 is now. */
export function flushDelayMs({ nowMs, lastFlushMs, sockets, queued, queuedBytes }: Busyness): number {
  if (queued >= fixedLimits.flushChanges || queuedBytes >= fixedLimits.flushBytes) return 0;
  const spanMs = Math.min(fixedLimits.paceMsMax, (sockets * fixedLimits.paceMicrosecondsPerSocket) / 1_000);
  const sinceMs = nowMs - lastFlushMs;
  // A clock that was set back looks like a flush in the future: do not wait for it.
  return sinceMs < 0 || sinceMs >= spanMs ? 0 : spanMs - sinceMs;
}
