/** Kicks, bans and mutes. None is a change of the history: whoever it concerns is told, others are not. */
import { differenceOf } from "../../core/difference.ts";
import { outranks } from "../../core/rights.ts";
import { actorOfSession } from "../../protocol/actor.ts";
import { auditedBan, type Ban, toldBan, toldEnd, unfitBan } from "../../protocol/ban.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import { clear } from "./admittance.ts";
import type { Sanctioned } from "./bans.ts";
import { crowded } from "./capacity.ts";
import type { RoomParts } from "./parts.ts";
import { lacks, standingOf } from "./standing.ts";

type Done = Refusal | { readonly ok: true };

export interface KickRequest {
  readonly user: string;
  readonly reason: string | null;
}

export interface BanRequest {
  readonly user: string;
  /** Null lifts the ban. */
  readonly ban: Ban | null;
}

export interface MuteRequest {
  readonly user: string;
  /** Null ends a mute. */
  readonly untilMs: number | null;
  readonly reason: string | null;
}

/** Closes the user's connections to the room. The user may come back, by an act of his own. */
export function kick(parts: RoomParts, session: Session, { user, reason }: KickRequest, nowMs: number): Done {
  const refused = mayNotJudge(parts, session, user);
  if (refused !== null) return refused;
  const change = { target: { user }, after: { reason } };
  const by = actorOfSession(session);
  parts.deeds.add(by, "room.user_kicked", change, nowMs);
  parts.outbox.add("moderation.kicked", { user, reason, by }, nowMs);
  const told = `Removed from the room by a moderator${reason === null ? "." : `: ${reason}`}`;
  for (const seat of parts.roster.seats) if (seat.session.user === user) parts.roster.close(seat, "forbidden", told);
  return { ok: true };
}

/** Also where the storage is full: it is what a flooded room needs. */
export function ban(parts: RoomParts, session: Session, { user, ban: given }: BanRequest, nowMs: number): Done {
  const refused = mayNotJudge(parts, session, user) ?? unfitBan(given, nowMs);
  if (refused !== null) return refused;
  const { store, bans, deeds, outbox } = parts;
  const by = actorOfSession(session);
  const changed = differenceOf(auditedBan(bans.find(user, nowMs)), auditedBan(given));
  if (changed !== null) {
    store.transaction(() => {
      if (given === null) bans.lift(user);
      else bans.save(user, given, nowMs);
      const action = given === null ? "room.user_unbanned" : "room.user_banned";
      deeds.add(by, action, { target: { user }, ...changed }, nowMs);
      if (given === null) outbox.add("moderation.unbanned", { user, by }, nowMs);
      else outbox.add("moderation.banned", { user, ...toldBan(given), by }, nowMs);
    });
  }
  clear(parts, nowMs);
  return { ok: true };
}

export function mute(parts: RoomParts, session: Session, { user, untilMs, reason }: MuteRequest, nowMs: number): Done {
  const refused = mayNotJudge(parts, session, user) ?? crowded(parts);
  if (refused !== null) return refused;
  const { store, deeds, outbox } = parts;
  const by = actorOfSession(session);
  const present = store.members.get(user);
  const was = { until: present?.muted_until ?? null, reason: present?.reason ?? null };
  const changed = differenceOf(was, { until: untilMs, reason });
  if (changed === null) return { ok: true };
  store.transaction(() => {
    store.members.saveMute(user, untilMs, reason);
    const action = untilMs === null ? "room.user_unmuted" : "room.user_muted";
    deeds.add(by, action, { target: { user }, ...changed }, nowMs);
    if (untilMs === null) outbox.add("moderation.unmuted", { user, by }, nowMs);
    else outbox.add("moderation.muted", { user, until: toldEnd(untilMs), reason, by }, nowMs);
  });
  return { ok: true };
}

/** Those who are banned or muted, with the reasons. */
export function sanctioned(
  parts: RoomParts,
  session: Session,
  bounds: { readonly after: string; readonly limit: number },
  nowMs: number,
): Refusal | { readonly ok: true; readonly sanctioned: readonly Sanctioned[] } {
  return lacks(parts, session, "moderate") ?? { ok: true, sanctioned: parts.bans.list(bounds, nowMs) };
}

/** Neither himself, so that nobody lifts what others have imposed on him, nor those who govern the room beside or above him. */
function mayNotJudge(parts: RoomParts, session: Session, user: string): Refusal | null {
  const forbidden = lacks(parts, session, "moderate");
  if (forbidden !== null) return forbidden;
  if (user === session.user) return refuse("conflict", "Nobody does this to himself.");
  const theirs = parts.store.members.get(user)?.role ?? null;
  return outranks(session, standingOf(parts, session).role, theirs)
    ? null
    : refuse("forbidden", `This needs the capability \`manage\`: the user is ${theirs} here.`);
}
