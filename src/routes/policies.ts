/** The policies of tenants, as this isolate last heard them. */
import { tenantStub } from "../objects/stubs.ts";
import type { Policy } from "../protocol/policy.ts";
import type { Bindings } from "../env.ts";

/** A revoked key or a suspended tenant is refused everywhere after this time. */
const freshMs = 5_000;
/** A credential whose key is not listed makes the edge ask, but not more often than this for one tenant. */
const unlistedMs = 1_000;
const tenantsMax = 10_000;

const held = new Map<string, { readonly policy: Policy | null; readonly atMs: number }>();

/**
 * The tenant's policy, or null for a tenant that does not exist. Only for a credential that was verified: its key cannot
 * be forged, so that one that is not listed was made a moment ago, or removed.
 */
export async function policyOf(env: Bindings, tenant: string, key: string, nowMs: number): Promise<Policy | null> {
  const known = held.get(tenant);
  if (known !== undefined) {
    const ageMs = nowMs - known.atMs;
    const listed = known.policy !== null && Object.hasOwn(known.policy.keys, key);
    if (ageMs >= 0 && ageMs < (listed ? freshMs : unlistedMs)) return known.policy;
  }
  const policy = await tenantStub(env, tenant).policy(key);
  held.delete(tenant);
  held.set(tenant, { policy, atMs: nowMs });
  const oldest = held.keys().next();
  if (held.size > tenantsMax && !oldest.done) held.delete(oldest.value);
  return policy;
}
