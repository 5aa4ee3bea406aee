/** Whether a session is welcome at all, by what its tenant has decided since it was let in. */
import type { RoomPolicy } from "../protocol/policy.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import { refuseRevoked, revokedBy } from "../protocol/revocation.ts";
import type { Session } from "../protocol/session.ts";

/** Null for a session that is. */
export function unwelcome(session: Session, { suspended, revocations }: RoomPolicy): Refusal | null {
  if (suspended) return refuse("tenant_suspended");
  const revocation = revokedBy(session, revocations);
  return revocation === null ? null : refuseRevoked(revocation);
}
