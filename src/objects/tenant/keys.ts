/** The tenant's API keys: their ids and rights, never their secrets. */
import { everybody } from "../../core/concern.ts";
import type { Actor } from "../../protocol/actor.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { refuse } from "../../protocol/refusals.ts";
import { type Answer, living, type TenantParts } from "./parts.ts";
import { endSessionsOf } from "./revoke.ts";
import type { NewKey } from "./store.ts";

export async function addKey(parts: TenantParts, key: NewKey, actor: Actor, nowMs: number): Promise<Answer<object>> {
  const found = living(parts);
  if (!found.ok) return found;
  if (parts.store.keys().length >= fixedLimits.keysPerTenant)
    return refuse("quota_exceeded", `A tenant has at most ${fixedLimits.keysPerTenant} keys.`);
  const { id, name, capabilities } = key;
  await parts.decide(
    found.tenant,
    () => {
      parts.store.addKey(key, nowMs);
      parts.audit.append(actor, "key.created", { target: { key: id }, after: { name, capabilities } }, nowMs);
    },
    "edges",
  );
  return { ok: true };
}

export async function removeKey(parts: TenantParts, id: string, actor: Actor, nowMs: number): Promise<Answer<object>> {
  const found = living(parts);
  if (!found.ok) return found;
  const keys = parts.store.keys();
  const removed = keys.find((key) => key.id === id);
  if (removed === undefined) return refuse("not_found", "There is no such key.");
  if (!keys.some((key) => key.id !== id && key.capabilities.includes("admin")))
    return refuse("conflict", "At least one key with `admin` must remain.");
  const { name, capabilities } = removed;
  await parts.decide(
    found.tenant,
    () => {
      parts.store.removeKey(id);
      endSessionsOf(parts, id, nowMs);
      parts.audit.append(actor, "key.removed", { target: { key: id }, before: { name, capabilities } }, nowMs);
    },
    { ...everybody, key: id },
  );
  return { ok: true };
}

/**
 * Whether any key, a webhook endpoint's secret or an assistant's sealed key was made by this version of the master key: without
 * it they are worth nothing.
 */
export function hasKeysOf({ store, webhooks, assistants }: TenantParts, version: number, nowMs: number): boolean {
  return store.hasKeysOf(version) || webhooks.hasSecretsOf(version, nowMs) || assistants.hasKeysOf(version);
}
