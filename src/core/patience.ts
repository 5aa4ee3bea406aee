/** How long somebody is left alone who did not take what he was given. */
import { fixedLimits } from "../protocol/limits.ts";

/** As long as the oldest of it waits already: from this nothing need be remembered of earlier attempts. */
export function restMs(sinceMs: number, nowMs: number): number {
  return Math.min(Math.max(nowMs - sinceMs, fixedLimits.outboxAgainMs), fixedLimits.outboxRestMsMax);
}
