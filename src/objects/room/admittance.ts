/** Who may be in the room at all, whatever else they may do there. */
import { may } from "../../core/rights.ts";
import { shadowedUntilMs } from "../../core/welcome.ts";
import { refuseBanned } from "../../protocol/ban.ts";
import type { Message } from "../../protocol/message.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import type { Outcome } from "./queue.ts";
import { standingOf } from "./standing.ts";

/** Null when the session may be here: its user is not banned, and belongs to the room where only members do. */
export function barred(parts: RoomParts, session: Session, nowMs: number): Refusal | null {
  const ban = session.user === null ? null : parts.bans.find(session.user, nowMs);
  if (ban !== null && !ban.shadow) return refuseBanned(ban, "room", nowMs);
  if (stateOf(parts).settings.access === "open" || belongs(parts, session)) return null;
  return refuse("forbidden", "Only members may enter this room.");
}

/** Whether what the session's user says is to be hidden from others, without the user's noticing. */
export function isShadowed(parts: RoomParts, session: Session, nowMs: number): boolean {
  const { user } = session;
  if (user === null) return false;
  if (parts.bans.find(user, nowMs)?.shadow === true) return true;
  return shadowedUntilMs(session, stateOf(parts).policy, nowMs) !== null;
}

/** Whether this change of a message that others see comes from one whom they are not to hear: it is answered and goes nowhere. */
export function isIgnored(parts: RoomParts, session: Session, { id }: Pick<Message, "id">, nowMs: number): boolean {
  return isShadowed(parts, session, nowMs) && parts.store.messages.authorOfHidden(id) === undefined;
}

export function ignored({ id, seq }: Pick<Message, "id" | "seq">): Outcome {
  return { ok: true, id, seq, duplicate: false };
}

/** The tenant's own server names no user; whoever governs the room need not be a member of it. */
function belongs(parts: RoomParts, session: Session): boolean {
  const { role } = standingOf(parts, session);
  return session.user === null || role !== null || may(session, role, "moderate") || may(session, role, "manage");
}

/** Closes the sockets of those who may not be here any more. To be called in the same step as what has barred them. */
export function clear(parts: RoomParts, nowMs: number): void {
  for (const seat of parts.roster.seats) {
    const refusal = barred(parts, seat.session, nowMs);
    if (refusal !== null) parts.roster.close(seat, refusal.error, refusal.detail);
  }
}
