/** Whether a session is welcome at all, by what its tenant has decided since it was let in. */
import { banAmong, refuseBanned } from "../protocol/ban.ts";
import type { RoomPolicy } from "../protocol/policy.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import { refuseRevoked, revokedBy } from "../protocol/revocation.ts";
import type { Session } from "../protocol/session.ts";

/** Null for a session that is, also where its user is not to notice a ban. */
export function unwelcome(
  session: Session,
  { suspended, revocations, bans }: RoomPolicy,
  nowMs: number,
): Refusal | null {
  if (suspended) return refuse("tenant_suspended");
  const ban = session.user === null ? null : banAmong(bans, session.user, nowMs);
  if (ban !== null && !ban.shadow) return refuseBanned(ban, "tenant", nowMs);
  const revocation = revokedBy(session, revocations);
  return revocation === null ? null : refuseRevoked(revocation);
}

/** How long what the session's user says is to be hidden by a ban of the tenant's; null when it is not. */
export function shadowedUntilMs(
  { user, shadowedUntilMs: markedUntilMs = null }: Session,
  { bans, moreBans }: Pick<RoomPolicy, "bans" | "moreBans">,
  nowMs: number,
): number | null {
  const ban = user === null ? null : banAmong(bans, user, nowMs);
  if (ban !== null) return ban.shadow ? ban.untilMs : null;
  return moreBans && markedUntilMs !== null && markedUntilMs > nowMs ? markedUntilMs : null;
}
