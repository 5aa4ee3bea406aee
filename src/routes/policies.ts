/** The policies of tenants, as this isolate last heard them. */
import { tenantStub } from "../objects/stubs.ts";
import type { Policy } from "../protocol/policy.ts";
import type { Bindings } from "../env.ts";

/** A revoked key or a suspended tenant is refused everywhere after this time. */
const freshMs = 5_000;
/** A key that is not listed makes the edge ask at once, but for the same key not more often than this. */
const unlistedMs = 1_000;
const heldMax = 10_000;

const held = new Map<string, { readonly policy: Policy | null; readonly atMs: number }>();
const askedFor = new Map<string, number>();

/**
 * The tenant's policy, or null for a tenant that does not exist. Only for a credential that was verified: its key cannot
 * be forged, so that one that is not listed was made a moment ago, or removed.
 */
export async function policyOf(env: Bindings, tenant: string, key: string, nowMs: number): Promise<Policy | null> {
  const known = held.get(tenant);
  if (known !== undefined && isFresh(nowMs, known.atMs, freshMs)) {
    const listed = known.policy !== null && Object.hasOwn(known.policy.keys, key);
    if (listed || isFresh(nowMs, askedFor.get(`${tenant}.${key}`) ?? -Infinity, unlistedMs)) return known.policy;
  }
  const policy = await tenantStub(env, tenant).policy(key);
  remember(held, tenant, { policy, atMs: nowMs });
  remember(askedFor, `${tenant}.${key}`, nowMs);
  return policy;
}

function isFresh(nowMs: number, atMs: number, forMs: number): boolean {
  const ageMs = nowMs - atMs;
  return ageMs >= 0 && ageMs < forMs;
}

/** Keeps the newest. */
function remember<Value>(entries: Map<string, Value>, name: string, value: Value): void {
  entries.delete(name);
  entries.set(name, value);
  const oldest = entries.keys().next();
  if (entries.size > heldMax && !oldest.done) entries.delete(oldest.value);
}
