/** How a session's user stands in the room, from the member's row. */
import type { Standing } from "../../core/admission.ts";
import { needs } from "../../core/rights.ts";
import type { Capability } from "../../protocol/capabilities.ts";
import type { Refusal } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import type { RoomParts } from "./parts.ts";

const stranger: Standing = { role: null, mute: null };

export function standingOf({ store }: RoomParts, { user }: Session): Standing {
  const member = user === null ? null : store.members.get(user);
  if (member === null) return stranger;
  const { role, muted_until: untilMs, reason } = member;
  return { role, mute: untilMs === null ? null : { untilMs, reason } };
}

/** Null when the session may do this here. */
export function lacks(parts: RoomParts, session: Session, capability: Capability): Refusal | null {
  return needs(session, standingOf(parts, session).role, capability);
}
