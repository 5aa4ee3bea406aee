/** The tenant itself: how it comes to be, what it has set, whether it is suspended, and that it is to end. */
import { differenceOf } from "../../core/difference.ts";
import { isSame } from "../../core/retention.ts";
import type { Actor } from "../../protocol/actor.ts";
import type { Limits } from "../../protocol/limits.ts";
import { defaultTenantSettings, type LimitsPatch, type TenantSettings } from "../../protocol/policy.ts";
import { refuse } from "../../protocol/refusals.ts";
import { tellWebhooks } from "./endpoints.ts";
import { defined, limitsOf } from "./limits.ts";
import { type Answer, living, type TenantParts, unknownTenant } from "./parts.ts";
import { policyGoneMs } from "./rounds.ts";
import type { NewKey, TenantState } from "./store.ts";

export interface TenantProfile {
  readonly id: string;
  readonly name: string;
  readonly suspended: boolean;
  readonly deleting: boolean;
  readonly settings: TenantSettings;
  readonly limits: Limits;
  readonly createdAt: number;
}

/** What is not named keeps its value. */
export interface TenantPatch {
  readonly name?: string | undefined;
  readonly settings?: { readonly [Name in keyof TenantSettings]?: TenantSettings[Name] | undefined } | undefined;
  readonly limits?: LimitsPatch | undefined;
}

export function describe({ id, store, deletion }: TenantParts): Answer<{ tenant: TenantProfile }> {
  if (store.tenant === null) return unknownTenant();
  const { name, suspended, settings, createdAtMs: createdAt } = store.tenant;
  const limits = limitsOf(store.tenant);
  const deleting = deletion.isBegun;
  return { ok: true, tenant: { id: id(), name, suspended, deleting, settings, limits, createdAt } };
}

/** Refused where the tenant exists, whoever made it, and where there was one. */
export function create(
  parts: TenantParts,
  { name, limits = {}, ...patch }: TenantPatch & { readonly name: string },
  firstKey: NewKey,
  actor: Actor,
  nowMs: number,
): Answer<{ tenant: TenantProfile }> {
  const { store, audit, deletion } = parts;
  if (store.tenant !== null || deletion.isOver) return refuse("conflict", "The id is taken.");
  const settings = { ...defaultTenantSettings, ...defined(patch.settings) };
  store.transaction(() => {
    store.create({ name, settings, limits }, firstKey, nowMs);
    const after = { name, settings, limits: defined(limits), key: firstKey.id };
    audit.append(actor, "tenant.created", { after }, nowMs);
  });
  return describe(parts);
}

export async function update(
  parts: TenantParts,
  { name, settings, limits }: TenantPatch,
  actor: Actor,
  nowMs: number,
): Promise<Answer<{ tenant: TenantProfile }>> {
  const found = living(parts);
  if (!found.ok) return found;
  const { tenant } = found;
  const updated = {
    ...tenant,
    name: name ?? tenant.name,
    settings: { ...tenant.settings, ...defined(settings) },
    limits: { ...tenant.limits, ...defined(limits) },
  };
  // What changes nothing need be told to no room.
  if (differenceOf(tenant, updated) === null) return describe(parts);
  const changed = differenceOf(auditedOf(tenant), auditedOf(updated));
  await parts.decide(updated, () => {
    if (changed !== null) parts.audit.append(actor, "tenant.updated", changed, nowMs);
    // What concerns what lies in rooms that sleep.
    if (!isSame(tenant.settings, updated.settings) || tenant.settings.search !== updated.settings.search)
      parts.untold.addAll(nowMs);
  });
  return describe(parts);
}

export async function setSuspended(
  parts: TenantParts,
  suspended: boolean,
  actor: Actor,
  nowMs: number,
): Promise<Answer<{ tenant: TenantProfile }>> {
  const found = living(parts);
  if (!found.ok) return found;
  const action = suspended ? "tenant.suspended" : "tenant.resumed";
  if (found.tenant.suspended !== suspended)
    await parts.decide({ ...found.tenant, suspended }, () => {
      parts.audit.append(actor, action, {}, nowMs);
      parts.outbox.add(action, {}, nowMs);
    });
  const answer = describe(parts);
  await tellWebhooks(parts, nowMs);
  return answer;
}

/** Suspends it for ever, and begins to erase everything of it. Safe to ask again, until there is no such tenant. */
export async function beginDeletion(
  parts: TenantParts,
  actor: Actor,
  nowMs: number,
): Promise<Answer<{ tenant: TenantProfile }>> {
  const { store, deletion, audit, book } = parts;
  if (store.tenant === null) return unknownTenant();
  // When no edge holds an older policy, nobody comes in any more whom the erasure would have to chase.
  book("deletion", nowMs + policyGoneMs);
  if (deletion.isBegun) return describe(parts);
  await parts.decide({ ...store.tenant, suspended: true }, () => {
    deletion.begin(nowMs);
    audit.append(actor, "tenant.deleted", {}, nowMs);
  });
  await tellWebhooks(parts, nowMs);
  return describe(parts);
}

/** What the audit log says of a tenant: the limits as they are in force. */
function auditedOf(tenant: TenantState): Pick<TenantState, "name" | "settings"> & { limits: Limits } {
  return { name: tenant.name, settings: tenant.settings, limits: limitsOf(tenant) };
}
