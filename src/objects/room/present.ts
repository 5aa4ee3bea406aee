/** A user who is in the room: with a socket, or one whose last socket went a moment ago. */
import type { PresentMember } from "../../protocol/serverFrames.ts";
import type { Attachment } from "./attachment.ts";
import { inscribe, type Seat } from "./roster.ts";

export interface Present {
  readonly user: string;
  name: string | null;
  readonly seats: Set<Seat>;
  state: Attachment["state"];
  /** The seat on which the state lies while the room sleeps. */
  keeper: Seat | null;
  /** When the user is gone who has no seat now; null until it is settled, and while he is here. */
  goneAtMs: number | null;
  /** That he is leaving is written down, or still is. */
  written: boolean;
  /** What the others know of the user; null while they know of none. */
  told: Pick<Present, "name" | "state"> | null;
}

/** Whoever may see who is here is seen as well; a credential without the capability neither sees nor is seen. */
export function takesPart({ session }: Pick<Seat, "session">): boolean {
  return session.user !== null && session.capabilities.includes("presence");
}

export function memberOf({ user, name, state, seats }: Present): PresentMember {
  return { user, name, state: state === null ? {} : state.value, connections: Math.max(1, seats.size) };
}

/** Of the newest connection, or as it was where none is left. */
export function nameOf({ seats, name }: Present): string | null {
  let newest: Seat | null = null;
  for (const seat of seats) if (newest === null || seat.attachment.order > newest.attachment.order) newest = seat;
  return newest === null ? name : newest.session.name;
}

/** The state outlives the socket on which it was set, as long as the user is here. */
export function entrust(present: Present, seat: Seat): void {
  if (present.state === null) return;
  present.keeper = seat;
  inscribe(seat, { state: present.state });
}
