/** What a tenant has decided, for those who go by it: edges for some seconds, rooms until they hear of more. */
import type { Capability } from "../../protocol/capabilities.ts";
import type { Policy, RoomPolicy } from "../../protocol/policy.ts";
import { limitsOf } from "./limits.ts";
import { type TenantParts, tenantOf } from "./parts.ts";

/** Of a tenant that exists. `usedKey` is noted as used, if it is an API key. */
export function policyOf(parts: TenantParts, usedKey: string | null, nowMs: number): Policy {
  if (usedKey !== null) parts.store.touchKey(usedKey, nowMs);
  const { id, store, issuers, revocations, bans } = parts;
  const { version, suspended, settings, limits } = tenantOf(parts);
  const { origins, autoCreate } = settings;
  const keys = Object.fromEntries(store.keys().map((key): [string, Capability[]] => [key.id, key.capabilities]));
  return {
    tenant: id(),
    version,
    suspended,
    keys,
    issuers: issuers.inForce(),
    settings: { origins, autoCreate },
    limits: limitsOf({ limits }),
    ...revocations.inForce(nowMs),
    ...bans.inForce(nowMs),
  };
}

/** For a room that goes by the policy `since`, or by one that is not known. */
export function roomPolicyOf(parts: TenantParts, since: number | null, nowMs: number): RoomPolicy {
  const { version, suspended, settings, limits } = tenantOf(parts);
  const { autoCreate, words, hook, search, assistant, retentionDays, retentionMessages } = settings;
  const judged = { ...parts.revocations.since(since, nowMs), ...parts.bans.ofRooms(since, nowMs) };
  const webhooks = parts.webhooks.subscriptions(nowMs);
  return {
    version,
    suspended,
    limits: limitsOf({ limits }),
    autoCreate,
    words,
    hook,
    search,
    retentionDays,
    retentionMessages,
    webhooks,
    assistant,
    assistants: parts.assistants.answering(),
    ...judged,
  };
}
