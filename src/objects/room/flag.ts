/** A user flags a message: for the tenant's people, not for the room. */
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import type { Flag, NewFlag } from "../tenant/flags.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import { lacks } from "./standing.ts";
import { viewerOf } from "./viewer.ts";

export interface FlagRequest {
  readonly id: number;
  readonly reason: string | null;
}

/** Answered when the tenant has it. Nobody in the room is told. */
export async function flag(
  parts: RoomParts,
  session: Session,
  request: FlagRequest,
  nowMs: number,
): Promise<{ readonly ok: true; readonly flag: Flag; readonly isNew: boolean } | Refusal> {
  const drawn = flagOf(parts, session, request, nowMs);
  return "error" in drawn ? drawn : parts.registry.flag(drawn);
}

function flagOf(parts: RoomParts, session: Session, { id, reason }: FlagRequest, nowMs: number): NewFlag | Refusal {
  const { user } = session;
  if (user === null) return refuse("forbidden", "Only a user can flag a message: name one in `Parley-User`.");
  const { policy, epoch } = stateOf(parts);
  const refused = lacks(parts, session, "read") ?? parts.rates.payForChange(session, policy.limits, nowMs);
  if (refused !== null) return refused;
  const message = parts.store.messages.get(id, nowMs, viewerOf(parts, session));
  if (message === null) return refuse("not_found", "There is no such message.");
  return { room: parts.name, epoch, message: id, user, sender: message.sender?.id ?? null, reason };
}
