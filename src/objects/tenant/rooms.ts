/** What rooms say to their tenant: that they are there, how they stand, what was done in them, that they are gone. */
import type { Deed } from "../../protocol/audit.ts";
import type { RoomPolicy } from "../../protocol/policy.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Grant, Statement } from "../account.ts";
import { limitsOf } from "./limits.ts";
import { type Answer, type TenantParts, unknownTenant } from "./parts.ts";
import { roomPolicyOf } from "./policy.ts";
import type { Used } from "./usage.ts";

/** `again` brings one back that was deleted. */
export function registerRoom(
  parts: TenantParts,
  name: string,
  again: boolean,
  nowMs: number,
): Answer<{ policy: RoomPolicy }> {
  const { store } = parts;
  if (store.tenant === null) return unknownTenant();
  if (store.tenant.suspended) return refuse("tenant_suspended");
  return store.registerRoom(name, again, nowMs)
    ? { ok: true, policy: roomPolicyOf(parts, null, nowMs) }
    : refuse("room_deleted");
}

export function forgetRoom(parts: TenantParts, name: string, nowMs: number): void {
  const { store, ledger, doors } = parts;
  store.forgetRoom(name, nowMs);
  ledger().forget(name);
  doors().forget(name);
  count(parts, { room: name, counts: null, connections: ledger().connections, creditsRefused: 0 }, nowMs);
}

/** How a room stands, and what it is given in advance: credits and places. */
export function account(parts: TenantParts, statement: Statement, nowMs: number): Grant | Refusal {
  const { store, ledger, doors } = parts;
  const { tenant } = store;
  if (tenant === null) return unknownTenant();
  const { room, counts, work = null, policyVersion } = statement;
  if (counts !== null) store.reportRoom(room, counts);
  const granted = ledger().settle(statement, limitsOf(tenant), nowMs);
  doors().settle(statement);
  const creditsRefused = statement.credits - granted.credits;
  count(parts, { room, counts, work, connections: ledger().connections, creditsRefused }, nowMs);
  const isBehind = tenant.version > policyVersion;
  return { ...granted, policy: isBehind ? roomPolicyOf(parts, policyVersion, nowMs) : null };
}

/** What a room has done, for the audit log. It may be told again. */
export function recordDeeds({ store, audit }: TenantParts, room: string, deeds: readonly Deed[]): void {
  store.transaction(() => {
    for (const deed of deeds) audit.record(room, deed);
  });
}

function count({ usage, book }: TenantParts, used: Used, nowMs: number): void {
  if (usage().record(used, nowMs)) book("usage", usage().dueMs);
}
