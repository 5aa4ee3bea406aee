/** What a tenant uses and how it stands, for its bill and for whoever watches it. */
import type { UsageSpan } from "../../protocol/usage.ts";
import { type Answer, type TenantParts, unknownTenant } from "./parts.ts";
import type { Metrics, UsageQuery } from "./usage.ts";

export function usageOf(
  { store, usage }: TenantParts,
  query: UsageQuery,
  nowMs: number,
): Answer<{ items: UsageSpan[] }> {
  if (store.tenant === null) return unknownTenant();
  return { ok: true, items: usage().page(query, store.tenant.createdAtMs, nowMs) };
}

/** How it stands now. What is counted is all stored, so that it never goes back. */
export function metricsOf({ store, usage, ledger }: TenantParts, nowMs: number): Answer<{ metrics: Metrics }> {
  if (store.tenant === null) return unknownTenant();
  const rooms = { rooms: store.countRooms(), activeRooms: ledger().activeRooms.length };
  return { ok: true, metrics: { ...usage().reading(nowMs), ...rooms, policyVersion: store.tenant.version } };
}
