/** When a delivery that failed is tried again. */
import { fixedLimits } from "../protocol/limits.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** From one attempt to the next; the first is made at once. Those of Standard Webhooks: ten attempts in three days. */
export const pausesMs: readonly number[] = [
  5 * second,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  14 * hour,
  20 * hour,
  24 * hour,
];

export interface Failed {
  /** Attempts that were made, this one included. */
  readonly made: number;
  /** What the receiver asked for, if anything. */
  readonly retryAfterMs: number | null;
  readonly nowMs: number;
  /** From 0 to 1: those that failed together are not to come again together. */
  readonly chance: number;
}

/** Null after the last attempt. Never sooner than the table says, up to a tenth later, or as much later as the receiver asked for, within a day. */
export function nextAttemptMs({ made, retryAfterMs, nowMs, chance }: Failed): number | null {
  const pauseMs = pausesMs[made - 1];
  if (pauseMs === undefined) return null;
  const askedMs = Math.min(retryAfterMs ?? 0, fixedLimits.webhookRetryAfterMs);
  return nowMs + Math.round(Math.max(pauseMs, askedMs) * (1 + 0.1 * chance));
}
