/** A token bucket as a value: what is left, and since when it refills. */
import { type Refusal, refuse } from "../protocol/refusals.ts";
import type { LimitLevel } from "../protocol/serverFrames.ts";

export interface Rate {
  readonly perSecond: number;
  /** How many may come at once after a pause. */
  readonly burst: number;
}

export interface Allowance {
  readonly left: number;
  readonly atMs: number;
}

export type Spent =
  | { readonly ok: true; readonly allowance: Allowance }
  | { readonly ok: false; readonly retryAfterMs: number };

/** Takes so many, or none and says when they will be there: of more than the burst, never. `undefined` is a full bucket. */
export function spend(allowance: Allowance | undefined, rate: Rate, nowMs: number, wanted = 1): Spent {
  const left = remaining(allowance, rate, nowMs);
  if (left >= wanted) return { ok: true, allowance: { left: left - wanted, atMs: nowMs } };
  return { ok: false, retryAfterMs: Math.ceil(((wanted - left) / rate.perSecond) * 1_000) };
}

/** Takes as many whole ones as there are, `wanted` at most; `retryAfterMs` is when the next one will be there. */
export function spendUpTo(
  wanted: number,
  allowance: Allowance | undefined,
  rate: Rate,
  nowMs: number,
): { readonly taken: number; readonly allowance: Allowance; readonly retryAfterMs: number } {
  const before = remaining(allowance, rate, nowMs);
  const taken = Math.min(wanted, Math.floor(before));
  const left = before - taken;
  const retryAfterMs = left >= 1 ? 0 : Math.ceil(((1 - left) / rate.perSecond) * 1_000);
  return { taken, allowance: { left, atMs: nowMs }, retryAfterMs };
}

export function isFull(allowance: Allowance, rate: Rate, nowMs: number): boolean {
  return remaining(allowance, rate, nowMs) >= rate.burst;
}

/** As it is told: whole ones, and the time until it is full. */
export function levelOf(scope: string, allowance: Allowance | undefined, rate: Rate, nowMs: number): LimitLevel {
  const left = remaining(allowance, rate, nowMs);
  const resetMs = Math.ceil(((rate.burst - left) / rate.perSecond) * 1_000);
  return { scope, limit: rate.burst, remaining: Math.floor(left), resetMs };
}

function remaining(allowance: Allowance | undefined, rate: Rate, nowMs: number): number {
  if (allowance === undefined) return rate.burst;
  // A clock that was set back must not empty the bucket.
  const elapsedMs = Math.max(0, nowMs - allowance.atMs);
  return Math.min(rate.burst, allowance.left + (elapsedMs / 1_000) * rate.perSecond);
}

export function tooFast(scope: string, detail: string, rate: Rate, retryAfterMs: number): Refusal {
  const windowMs = Math.ceil((rate.burst / rate.perSecond) * 1_000);
  return refuse("rate_limited", detail, { retryAfterMs, limit: { scope, limit: rate.burst, windowMs, remaining: 0 } });
}
