/** How long a token holds on a connection that it opened, when its client hears that it ends, and how often it may bring another. */
import { fixedLimits } from "../protocol/limits.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import { type Allowance, type Rate, spend, tooFast } from "./allowance.ts";

/** From then on the connection is closed: the clocks of those who mint tokens are not ours. */
export function overAtMs(expiresAtMs: number): number {
  return expiresAtMs + fixedLimits.tokenLeewaySeconds * 1_000;
}

/** A minute before it expires; of what is left of a short one, at the half: it must not be renewed again and again. */
export function noticeAtMs(expiresAtMs: number, nowMs: number): number {
  const leftMs = Math.max(0, expiresAtMs - nowMs);
  return expiresAtMs - Math.min(fixedLimits.tokenNoticeMs, Math.floor(leftMs / 2));
}

/** Of one connection. In memory only: what is lost with it has been asked for seldom enough. */
export interface Refreshes {
  readonly underway: boolean;
  readonly allowance: Allowance | undefined;
}

const rate: Rate = { perSecond: fixedLimits.refreshesPerMinute / 60, burst: fixedLimits.refreshesPerMinute };

/** Begins another one, unless one is under way or they come too often. */
export function refreshOnce(
  { underway, allowance }: Refreshes,
  nowMs: number,
): { readonly ok: true; readonly refreshes: Refreshes } | Refusal {
  if (underway) return refuse("rate_limited", "One new token at a time.", { retryAfterMs: 1_000 });
  const spent = spend(allowance, rate, nowMs);
  const detail = `At most ${rate.burst} new tokens a minute on a connection.`;
  if (!spent.ok) return tooFast("socket", detail, rate, spent.retryAfterMs);
  return { ok: true, refreshes: { underway: true, allowance: spent.allowance } };
}
