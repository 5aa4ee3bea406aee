/** What a tenant has revoked: sessions of a user, a token or a key, or of everybody, that were issued before a time. */
import * as z from "zod";
import { type Refusal, refuse } from "./refusals.ts";
import type { Session } from "./session.ts";

export const Revocation = z.object({
  user: z.string().nullable(),
  token: z.string().nullable(),
  key: z.string().nullable(),
  issuedBeforeMs: z.int(),
  reason: z.string().nullable(),
  atMs: z.int(),
});
export type Revocation = z.infer<typeof Revocation>;

/** What of a session can be revoked. */
export type Issued = Pick<Session, "user" | "token" | "key" | "issuedAt">;

export function issuedOf({ user, token, key, issuedAt }: Session): Issued {
  return { user, token, key, issuedAt };
}

/**
 * Whoever is named must be the session's; what is not named is anybody's. A token says in whole seconds when it was issued, so
 * one that was made after the revocation but in the same second is revoked too: which of the two came first cannot be told.
 * Where the token itself is named, its time does not matter.
 */
export function revokedBy(
  { user, token, key, issuedAt }: Issued,
  revocations: readonly Revocation[],
): Revocation | null {
  return (
    revocations.find(
      (revocation) =>
        (revocation.token !== null || issuedAt < revocation.issuedBeforeMs) &&
        (revocation.user === null || revocation.user === user) &&
        (revocation.token === null || revocation.token === token) &&
        (revocation.key === null || revocation.key === key),
    ) ?? null
  );
}

export function refuseRevoked({ reason }: Pick<Revocation, "reason">): Refusal {
  return refuse("token_revoked", reason === null ? undefined : `The token or its key has been revoked: ${reason}`);
}
