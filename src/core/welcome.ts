/** Whether a session is welcome at all, by what its tenant has decided since it was let in. */
import type { RoomPolicy } from "../protocol/policy.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import type { Session } from "../protocol/session.ts";
import { revokedBy } from "./revocation.ts";

/** Null for a session that is. */
export function unwelcome(session: Session, { suspended, revocations }: RoomPolicy): Refusal | null {
  if (suspended) return refuse("tenant_suspended");
  const revocation = revokedBy(session, revocations);
  if (revocation === null) return null;
  const { reason } = revocation;
  return refuse("token_revoked", reason === null ? undefined : `The token or its key has been revoked: ${reason}`);
}
