/** How a session's user stands in the room, from the member's row. */
import type { Standing } from "../../core/admission.ts";
import type { Session } from "../../protocol/session.ts";
import type { RoomParts } from "./parts.ts";

const stranger: Standing = { role: null, mutedUntilMs: null };

export function standingOf({ store }: RoomParts, { user }: Session): Standing {
  const member = user === null ? null : store.member(user);
  return member === null ? stranger : { role: member.role, mutedUntilMs: member.muted_until };
}
