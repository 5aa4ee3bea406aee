/** Which sessions a revocation means. */
import type { Revocation } from "../protocol/policy.ts";
import type { Session } from "../protocol/session.ts";

/** Whoever is named must be the session's; what is not named is anybody's. */
export function revokedBy(
  { user, token, key, issuedAt }: Pick<Session, "user" | "token" | "key" | "issuedAt">,
  revocations: readonly Revocation[],
): Revocation | null {
  return (
    revocations.find(
      (revocation) =>
        (revocation.user === null || revocation.user === user) &&
        (revocation.token === null || revocation.token === token) &&
        (revocation.key === null || revocation.key === key) &&
        issuedAt < revocation.issuedBeforeMs,
    ) ?? null
  );
}
