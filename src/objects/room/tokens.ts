/** Tokens end on sockets that stay: their clients are told in time, and closed when it is over. */
import { noticeAtMs, overAtMs } from "../../core/validity.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import type { Session } from "../../protocol/session.ts";
import type { RoomParts } from "./parts.ts";
import { inscribe, type Seat } from "./roster.ts";

/** When to tell the client that its token ends. One that the Worker holds is told by the Worker: once, and not by each of its rooms. */
export function noticeOf({ expiresAt }: Session, relayed: boolean, nowMs: number): number | null {
  return expiresAt === null || relayed ? null : noticeAtMs(expiresAt, nowMs);
}

/** To be called for each seat that has a new session. */
export function watchToken({ bookTokens }: Pick<RoomParts, "bookTokens">, seat: Seat): void {
  const atMs = dueAtMs(seat);
  if (atMs !== null) bookTokens(atMs);
}

/** Does what is due, and books the next look. Where no token ends there is none, and no alarm. */
export function endTokens({ roster, bookTokens }: RoomParts, nowMs: number): void {
  let nextMs = Infinity;
  for (const seat of roster.seats) {
    if ((closeAtMs(seat) ?? Infinity) <= nowMs) {
      roster.close(seat, "token_expired");
      continue;
    }
    // Rather a little early than with an alarm for each.
    if ((seat.attachment.noticeAtMs ?? Infinity) <= nowMs + fixedLimits.tokenLookMs) notify({ roster }, seat);
    nextMs = Math.min(nextMs, dueAtMs(seat) ?? Infinity);
  }
  if (nextMs < Infinity) bookTokens(Math.max(nextMs, nowMs + fixedLimits.tokenLookMs));
}

function notify({ roster }: Pick<RoomParts, "roster">, seat: Seat): void {
  const { expiresAt } = seat.session;
  if (expiresAt !== null) roster.answer(seat, { type: "token", expiresAt, expiring: true });
  inscribe(seat, { noticeAtMs: null });
}

function dueAtMs(seat: Seat): number | null {
  return seat.attachment.noticeAtMs ?? closeAtMs(seat);
}

function closeAtMs({ session: { expiresAt }, attachment: { relayed } }: Seat): number | null {
  return expiresAt === null ? null : overAtMs(expiresAt) + (relayed ? fixedLimits.tokenBackstopMs : 0);
}
