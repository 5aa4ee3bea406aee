/** Closes sockets whose other end is gone without a word: a laptop that was shut, a network that went. */
import { goneAtMs, isDeaf, type Untaken } from "../../core/closing.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import type { RoomParts } from "./parts.ts";
import { inscribe, type Seat } from "./roster.ts";

/** By when to look again; null where nobody is here. Its alarm is all that a room of silent sockets costs. */
export function sweep({ roster, pingedAtMs }: RoomParts, nowMs: number): number | null {
  let nextMs = Infinity;
  for (const seat of roster.seats) {
    const { relayed } = seat.attachment;
    // The Worker pings at once: where it did not, its client was gone before it could.
    const pinged = pingedAtMs(seat.socket) ?? (relayed ? seat.seenAtMs : null);
    const dueMs = goneAtMs({ pingedAtMs: pinged, seenAtMs: seat.seenAtMs });
    if (dueMs > nowMs) nextMs = Math.min(nextMs, dueMs);
    else roster.close(seat, "restarting", "Nothing was heard of this connection for too long.");
  }
  return roster.size === 0
    ? null
    : Math.max(nowMs + fixedLimits.sweepMs, Math.min(nextMs, nowMs + fixedLimits.silentMs));
}

/**
 * Closes sockets that take nothing and have never been heard of: a client that was reset in the midst of its upgrade is never
 * reported by workerd. Answers whether to look once more.
 */
export function sweepDeaf({ roster, pingedAtMs }: RoomParts, nowMs: number): "all" | "later" {
  let judged: "all" | "later" = "all";
  for (const seat of roster.seats) {
    const { order: joinedAtMs, relayed } = seat.attachment;
    const heard = relayed || seat.seenAtMs > joinedAtMs || pingedAtMs(seat.socket) !== null;
    const { traffic, untaken: before } = seat;
    const bufferedBytes = seat.socket.bufferedAmount ?? 0;
    const now: Untaken = { atMs: nowMs, sentUnits: traffic.unitsOut, bufferedBytes };
    const waits = !heard && now.bufferedBytes > 0;
    if (waits && before !== null && isDeaf(before, now)) {
      if (nowMs - before.atMs < fixedLimits.deafMs) judged = "later";
      else roster.close(seat, "slow_consumer", "Nothing of what was sent has been taken.");
      continue;
    }
    seat.untaken = waits ? now : null;
    if (waits && before === null) judged = "later";
  }
  return judged;
}

/** A frame came. It is written on the socket now and then, for a room that sleeps between two of them. */
export function see(seat: Seat, nowMs: number): void {
  seat.seenAtMs = nowMs;
  if (nowMs - seat.attachment.seenAtMs >= fixedLimits.seenEveryMs) inscribe(seat, { seenAtMs: nowMs });
}
