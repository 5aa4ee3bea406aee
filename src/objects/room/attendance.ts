/** What users say of themselves while they are here, and who asks for it. */
import type { PresenceGetFrame, PresenceSetFrame } from "../../protocol/clientFrames.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { PresencePage } from "../../protocol/serverFrames.ts";
import type { Session } from "../../protocol/session.ts";
import { utf8Length } from "../../protocol/text.ts";
import { isShadowed } from "./admittance.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import { takesPart } from "./present.ts";
import type { Admitted } from "./queue.ts";
import type { Seat } from "./roster.ts";
import { lacks } from "./standing.ts";

/** Takes effect at once; the others hear of it with the next presence frame, of which only the latest state is in. */
export function setState(parts: RoomParts, seat: Seat, { state }: PresenceSetFrame, nowMs: number): Admitted {
  const forbidden = lacks(parts, seat.session, "presence");
  if (forbidden !== null) return forbidden;
  if (!takesPart(seat)) return refuse("forbidden", "Only a user can be present: name one in `Parley-User`.");
  if (utf8Length(JSON.stringify(state ?? {})) > fixedLimits.presenceStateBytes)
    return refuse("too_large", `\`state\` may have ${fixedLimits.presenceStateBytes} bytes of JSON.`);
  // What a user says of himself is said to others, too.
  if (!isShadowed(parts, seat.session, nowMs)) parts.presence.set(seat, state ?? {}, nowMs);
  return { ok: true, id: 0, seq: 0, duplicate: false };
}

export function presencePage(
  parts: RoomParts,
  session: Session,
  { after = "", limit = fixedLimits.pageDefault }: Pick<PresenceGetFrame, "after" | "limit">,
): ({ readonly ok: true } & PresencePage) | Refusal {
  const { pageSize } = stateOf(parts).policy.limits;
  return lacks(parts, session, "presence") ?? { ok: true, ...parts.presence.page(after, Math.min(limit, pageSize)) };
}
