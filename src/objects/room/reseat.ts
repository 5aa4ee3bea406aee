/** A socket that stays goes on with another session: the same user's, by a newer token. */
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import { open } from "./existence.ts";
import type { RoomParts } from "./parts.ts";
import { settle } from "./queue.ts";
import type { Seat } from "./roster.ts";
import { lacks } from "./standing.ts";
import { noticeOf, watchToken } from "./tokens.ts";
import { typing } from "./typing.ts";

/** Null when it holds. What is refused leaves the seat with the session that it has. */
export function reseat(parts: RoomParts, seat: Seat, session: Session, nowMs: number): Refusal | null {
  if (session.user !== seat.session.user)
    return refuse("forbidden", "The new token is another user's than this connection.");
  const refused = open(parts, { session }) ?? lacks(parts, session, "read");
  if (refused !== null) return refused;
  // Nobody would see what is being written.
  if (seat.typing?.active === true && lacks(parts, session, "publish") !== null)
    settle(parts.queue, typing(parts, seat, { type: "typing", active: false }, nowMs), null, () => undefined);
  // Whoever verified this token has not asked about the user: what the room knows of a shadow ban stays.
  const { connection, shadowedUntilMs } = seat.session;
  const noticeAtMs = noticeOf(session, seat.attachment.relayed, nowMs);
  const marked = shadowedUntilMs === undefined ? {} : { shadowedUntilMs };
  parts.roster.reseat(seat, { ...session, connection, ...marked }, noticeAtMs);
  watchToken(parts, seat);
  return null;
}
