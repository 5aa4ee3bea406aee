/** What is done elsewhere in the tenant's name: it leaves its entry here. */
import type { Actor } from "../../protocol/actor.ts";
import { livingWebhook } from "./endpoints.ts";
import type { Answer, TenantParts } from "./parts.ts";

/** What is asked of a queue. */
export type WebhookDeed =
  | { readonly action: "webhook.replayed"; readonly room: string; readonly from: number; readonly to: number }
  | { readonly action: "webhook.delivery_retried"; readonly delivery: number };

/** It leaves its entry before it is done: it is done elsewhere. */
export function noteWebhook(
  parts: TenantParts,
  webhook: string,
  deed: WebhookDeed,
  actor: Actor,
  nowMs: number,
): Answer<object> {
  const found = livingWebhook(parts, webhook, nowMs);
  if (!found.ok) return found;
  const { audit } = parts;
  if (deed.action === "webhook.replayed") {
    const { action, room, from, to } = deed;
    audit.append(actor, action, { target: { webhook, room }, after: { from, to } }, nowMs);
  } else {
    const { action, delivery } = deed;
    audit.append(actor, action, { target: { webhook }, after: { delivery } }, nowMs);
  }
  return { ok: true };
}

/** Whoever knows it can speak for Parley to the tenant's hook. */
export function noteHookSecret({ audit }: TenantParts, actor: Actor, nowMs: number): Answer<object> {
  audit.append(actor, "hook.secret_shown", {}, nowMs);
  return { ok: true };
}

/** Its rooms have their own entries. */
export function noteImport({ audit }: TenantParts, rooms: number, actor: Actor, nowMs: number): Answer<object> {
  audit.append(actor, "tenant.imported", { after: { rooms } }, nowMs);
  return { ok: true };
}
