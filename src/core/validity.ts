/** How long a token holds on a connection that it opened, and when its client hears that it ends. */
import { fixedLimits } from "../protocol/limits.ts";

/** From then on the connection is closed: the clocks of those who mint tokens are not ours. */
export function overAtMs(expiresAtMs: number): number {
  return expiresAtMs + fixedLimits.tokenLeewaySeconds * 1_000;
}

/** A minute before it expires; of what is left of a short one, at the half: it must not be renewed again and again. */
export function noticeAtMs(expiresAtMs: number, nowMs: number): number {
  const leftMs = Math.max(0, expiresAtMs - nowMs);
  return expiresAtMs - Math.min(fixedLimits.tokenNoticeMs, Math.floor(leftMs / 2));
}
