/** Who belongs to the room. */
import { differenceOf } from "../../core/difference.ts";
import { actorOfSession } from "../../protocol/actor.ts";
import type { Role } from "../../protocol/capabilities.ts";
import { refuse } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import { crowded } from "./capacity.ts";
import type { Log } from "./log.ts";
import type { RoomParts } from "./parts.ts";
import type { Admitted, Outcome } from "./queue.ts";
import { lacks } from "./standing.ts";

export interface MemberRequest {
  readonly user: string;
  /** Null keeps the name that is known. */
  readonly name: string | null;
  /** Null removes the member. */
  readonly role: Role | null;
}

export function setMember(parts: RoomParts, session: Session, request: MemberRequest): Admitted {
  const refused = lacks(parts, session, "manage") ?? crowded(parts);
  const apply = (log: Log): Outcome => applyMember(parts, log, session, request);
  return refused ?? { ok: true, entry: { bytes: 0, apply, waiters: [] }, joins: false };
}

export function applyMember(
  { store, deeds }: RoomParts,
  log: Log,
  session: Session,
  { user, name, role }: MemberRequest,
): Outcome {
  const present = store.members.get(user);
  if (role === null && (present === null || present.role === null))
    return refuse("not_found", "There is no such member.");
  if (present?.role === role && (name === null || name === present.name)) {
    return { ok: true, id: 0, seq: present.seq ?? 0, duplicate: true };
  }
  const member = { user, name: name ?? present?.name ?? null, role, seq: log.next() };
  store.members.save(member);
  const was = { role: present?.role ?? null, name: present?.name ?? null };
  deeds.add(
    actorOfSession(session),
    role === null ? "room.member_removed" : "room.member_set",
    { target: { user }, ...differenceOf(was, { role, name: member.name }) },
    log.nowMs,
  );
  log.changed({ type: "member", member });
  log.unsettle();
  return { ok: true, id: 0, seq: member.seq, duplicate: false };
}
