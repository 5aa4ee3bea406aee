/** Who belongs to the room, who may not speak, and how far everybody has read. */
import { may } from "../../core/rights.ts";
import type { Role } from "../../protocol/capabilities.ts";
import type { ReadFrame } from "../../protocol/clientFrames.ts";
import { refuse, type Refusal } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import type { RoomParts } from "./parts.ts";
import { crowded } from "./publish.ts";
import type { Admitted } from "./queue.ts";
import { standingOf } from "./standing.ts";

export interface MemberRequest {
  readonly user: string;
  readonly name: string | null;
  /** Null removes the member. */
  readonly role: Role | null;
}

export function setMember(parts: RoomParts, session: Session, { user, name, role }: MemberRequest): Admitted {
  const { store } = parts;
  if (!may(session, standingOf(parts, session).role, "manage"))
    return refuse("forbidden", "This needs the capability `manage`.");
  const full = crowded(parts);
  if (full !== null) return full;
  return {
    ok: true,
    joins: false,
    entry: {
      bytes: 0,
      waiters: [],
      apply: (log) => {
        const present = store.member(user);
        if (role === null && (present === null || present.role === null))
          return refuse("not_found", "There is no such member.");
        if (present?.role === role && (name === null || name === present.name))
          return { ok: true, id: 0, seq: present.seq ?? 0, duplicate: true };
        const member = { user, name: name ?? present?.name ?? null, role, seq: log.next() };
        store.saveMember(member);
        log.changed({ type: "member", member });
        return { ok: true, id: 0, seq: member.seq, duplicate: false };
      },
    },
  };
}

export interface MuteRequest {
  readonly user: string;
  /** Null ends a mute. */
  readonly untilMs: number | null;
  readonly reason: string | null;
}

/** A mute is no change of the history: it is told to nobody but whoever it concerns, by the refusal of what they send. */
export function mute(
  parts: RoomParts,
  session: Session,
  { user, untilMs, reason }: MuteRequest,
): Refusal | { readonly ok: true } {
  if (!may(session, standingOf(parts, session).role, "moderate"))
    return refuse("forbidden", "This needs the capability `moderate`.");
  const full = crowded(parts);
  if (full !== null) return full;
  parts.store.saveMute(user, untilMs, reason);
  return { ok: true };
}

/** Read positions only move on, so an old one that comes late is known already. */
export function read(parts: RoomParts, session: Session, { upTo }: Pick<ReadFrame, "upTo">): Admitted {
  const { store } = parts;
  const { user } = session;
  if (user === null) return refuse("forbidden", "Only a user can read: name one in `Parley-User`.");
  if (!may(session, standingOf(parts, session).role, "read"))
    return refuse("forbidden", "This needs the capability `read`.");
  if (upTo > store.head) return refuse("not_found", "`upTo`: there is no such message.");
  const full = crowded(parts);
  if (full !== null) return full;
  return {
    ok: true,
    joins: false,
    entry: {
      bytes: 0,
      waiters: [],
      apply: (log) => {
        const before = store.member(user)?.read_up_to ?? 0;
        if (upTo <= before) return { ok: true, id: before, seq: 0, duplicate: true };
        store.saveReadPosition(user, upTo);
        log.live({ type: "receipt", user, upTo });
        return { ok: true, id: upTo, seq: 0, duplicate: false };
      },
    },
  };
}
