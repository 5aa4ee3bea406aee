/** The tenant's own identity providers. */
import { everybody } from "../../core/concern.ts";
import type { Actor } from "../../protocol/actor.ts";
import { issuerKey } from "../../protocol/issuer.ts";
import { refuse } from "../../protocol/refusals.ts";
import type { IssuerListing, NewIssuer } from "./issuers.ts";
import { type Answer, living, type TenantParts } from "./parts.ts";
import { endSessionsOf } from "./revoke.ts";

export async function addIssuer(
  parts: TenantParts,
  issuer: NewIssuer,
  actor: Actor,
  nowMs: number,
): Promise<Answer<{ issuer: IssuerListing }>> {
  const found = living(parts);
  if (!found.ok) return found;
  const refused = parts.issuers.refusal(issuer);
  if (refused !== null) return refused;
  const { id, ...after } = issuer;
  await parts.decide(
    found.tenant,
    () => {
      parts.issuers.add(issuer, nowMs);
      parts.audit.append(actor, "issuer.created", { target: { issuer: id }, after }, nowMs);
    },
    "edges",
  );
  return { ok: true, issuer: { ...issuer, createdAt: nowMs } };
}

export async function removeIssuer(
  parts: TenantParts,
  id: string,
  actor: Actor,
  nowMs: number,
): Promise<Answer<object>> {
  const found = living(parts);
  if (!found.ok) return found;
  const removed = parts.issuers.list().find((issuer) => issuer.id === id);
  if (removed === undefined) return refuse("not_found", "There is no such identity provider.");
  const { id: _, createdAt: __, ...before } = removed;
  await parts.decide(
    found.tenant,
    () => {
      parts.issuers.remove(id);
      endSessionsOf(parts, issuerKey(id), nowMs);
      parts.audit.append(actor, "issuer.removed", { target: { issuer: id }, before }, nowMs);
    },
    { ...everybody, key: issuerKey(id) },
  );
  return { ok: true };
}
