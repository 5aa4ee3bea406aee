/** Ending what was let in: sessions of a user, a token or a key, or of everybody before a time. */
import type { Actor } from "../../protocol/actor.ts";
import { issuerKey } from "../../protocol/issuer.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import { type Answer, living, type TenantParts, tenantOf } from "./parts.ts";
import { auditedRevocation, type NewRevocation, type RevocationListing } from "./revocations.ts";

export async function revoke(
  parts: TenantParts,
  asked: NewRevocation,
  actor: Actor,
  nowMs: number,
): Promise<Answer<{ revocation: RevocationListing }>> {
  const found = living(parts);
  if (!found.ok) return found;
  const refused = unknownKey(parts, asked.key) ?? parts.revocations.refusal(asked, nowMs);
  if (refused !== null) return refused;
  const revocation = await parts.decide(
    found.tenant,
    () => {
      const made = parts.revocations.add(asked, tenantOf(parts).version, nowMs);
      parts.audit.append(actor, "revocation.created", auditedRevocation(made), nowMs);
      const { user, token, key, issuedBeforeMs: issuedBefore, reason } = made;
      parts.outbox.add("moderation.revoked", { user, token, key, issuedBefore, reason, by: actor }, nowMs);
      return made;
    },
    asked,
  );
  return { ok: true, revocation };
}

/** Of a key or a provider, in the same step in which it is removed. */
export function endSessionsOf(parts: TenantParts, key: string, nowMs: number): void {
  parts.revocations.endSessionsOf(key, tenantOf(parts).version, nowMs);
}

function unknownKey({ store, issuers }: TenantParts, key: string | null): Refusal | null {
  const isKnown =
    key === null || store.keys().some(({ id }) => id === key) || issuers.list().some(({ id }) => issuerKey(id) === key);
  return isKnown ? null : refuse("not_found", "There is no such key.");
}
