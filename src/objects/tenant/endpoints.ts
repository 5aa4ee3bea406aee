/** A tenant's webhook endpoints: made, changed and removed by who administers, disabled by Parley, and what they are told of themselves. */
import { differenceOf } from "../../core/difference.ts";
import type { Actor } from "../../protocol/actor.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { refuse } from "../../protocol/refusals.ts";
import { type Target, type WebhookEndpoint, type WebhookPatch, type WebhookSettings } from "../../protocol/webhook.ts";
import { defined } from "./limits.ts";
import type { Lost } from "./outbox.ts";
import { type Answer, living, type TenantParts, tenantOf } from "./parts.ts";
import type { TenantState } from "./store.ts";
import { listingOf, settingsOf, subscriptionOf, type Webhook } from "./webhooks.ts";

/** `masterKey` is the version from which its secret is derived. */
export interface NewEndpoint {
  readonly id: string;
  readonly settings: WebhookSettings;
  readonly masterKey: number;
}

export async function addWebhook(
  parts: TenantParts,
  { id, settings, masterKey }: NewEndpoint,
  actor: Actor,
  nowMs: number,
): Promise<Answer<{ webhook: WebhookEndpoint }>> {
  const found = living(parts);
  if (!found.ok) return found;
  const { webhooks, audit } = parts;
  if (webhooks.refusal !== null) return webhooks.refusal;
  await parts.decide(found.tenant, () => {
    webhooks.add(id, settings, masterKey, nowMs);
    audit.append(actor, "webhook.created", { target: { webhook: id }, after: settings }, nowMs);
  });
  return shownWebhook(parts, id, nowMs);
}

/** What is not named keeps its value. Enabled anew, or sent elsewhere, it begins with a clean slate. */
export async function updateWebhook(
  parts: TenantParts,
  id: string,
  patch: WebhookPatch,
  actor: Actor,
  nowMs: number,
): Promise<Answer<{ webhook: WebhookEndpoint }>> {
  const found = livingWebhook(parts, id, nowMs);
  if (!found.ok) return found;
  const { webhook, tenant } = found;
  const { webhooks, audit } = parts;
  const before = settingsOf(webhook);
  const after = { ...before, ...defined(patch) };
  const changed = differenceOf(before, after);
  if (changed === null) return { ok: true, webhook: listingOf(webhook) };
  const isNew = (after.isEnabled && !before.isEnabled) || after.url !== before.url;
  const disabledReason = after.isEnabled || before.isEnabled ? null : webhook.disabledReason;
  await parts.decide(tenant, () => {
    webhooks.save(id, after, isNew ? nowMs : webhook.enabledAtMs, disabledReason);
    audit.append(actor, "webhook.updated", { target: { webhook: id }, ...changed }, nowMs);
  });
  await tell(parts, id);
  return shownWebhook(parts, id, nowMs);
}

/** A new secret. The one before it signs too for a day, and the one before that no more. */
export async function rotateWebhook(
  parts: TenantParts,
  id: string,
  masterKey: number,
  actor: Actor,
  nowMs: number,
): Promise<Answer<{ webhook: WebhookEndpoint }>> {
  const found = livingWebhook(parts, id, nowMs);
  if (!found.ok) return found;
  const { webhooks, audit, store } = parts;
  const { secretVersion } = found.webhook;
  store.transaction(() => {
    webhooks.rotate(id, masterKey, nowMs + fixedLimits.webhookOverlapMs);
    const after = { secretVersion: secretVersion + 1 };
    audit.append(actor, "webhook.secret_rotated", { target: { webhook: id }, before: { secretVersion }, after }, nowMs);
  });
  await tell(parts, id);
  return shownWebhook(parts, id, nowMs);
}

/** With all that waits there. What an endpoint is given later finds out that there is no such endpoint, and erases itself. */
export async function removeWebhook(
  parts: TenantParts,
  id: string,
  actor: Actor,
  nowMs: number,
): Promise<Answer<object>> {
  const found = livingWebhook(parts, id, nowMs);
  if (!found.ok) return found;
  const { webhook, tenant } = found;
  const { webhooks, audit } = parts;
  await parts.decide(tenant, () => {
    webhooks.remove(id);
    parts.outbox.forget(id);
    const before = settingsOf(webhook);
    audit.append(actor, "webhook.removed", { target: { webhook: id }, before }, nowMs);
  });
  await parts
    .endpoint(id)
    .dissolve()
    .catch(() => undefined);
  return { ok: true };
}

/** By the endpoint itself, when it gives up. Safe to ask again. */
export async function disableWebhook(parts: TenantParts, id: string, reason: string, nowMs: number): Promise<void> {
  const found = livingWebhook(parts, id, nowMs);
  if (!found.ok || !found.webhook.isEnabled) return;
  const { webhook, tenant } = found;
  await parts.decide(tenant, () => {
    const settings = { ...settingsOf(webhook), isEnabled: false };
    parts.webhooks.save(id, settings, webhook.enabledAtMs, reason);
    const actor = { kind: "system", id: null, requestId: `webhook ${id}` } as const;
    parts.audit.append(actor, "webhook.disabled", { target: { webhook: id }, after: { reason } }, nowMs);
  });
}

/** An endpoint of a tenant that is not being erased. */
export function livingWebhook(
  parts: TenantParts,
  id: string,
  nowMs: number,
): Answer<{ tenant: TenantState; webhook: Webhook }> {
  const found = living(parts);
  if (!found.ok) return found;
  const known = webhookOf(parts, id, nowMs);
  return known.ok ? { ok: true, tenant: found.tenant, webhook: known.webhook } : known;
}

function webhookOf(parts: TenantParts, id: string, nowMs: number): Answer<{ webhook: Webhook }> {
  const webhook = parts.webhooks.find(id, nowMs);
  return webhook === null ? refuse("not_found", "There is no such webhook endpoint.") : { ok: true, webhook };
}

/** With what was lost on the way to it. */
export function describeWebhook(
  parts: TenantParts,
  id: string,
  nowMs: number,
): Answer<{ webhook: WebhookEndpoint; lost: Lost }> {
  const found = shownWebhook(parts, id, nowMs);
  return found.ok ? { ...found, lost: parts.outbox.lost(id) } : found;
}

/** Without what nobody outside needs to know. */
function shownWebhook(parts: TenantParts, id: string, nowMs: number): Answer<{ webhook: WebhookEndpoint }> {
  const found = webhookOf(parts, id, nowMs);
  return found.ok ? { ok: true, webhook: listingOf(found.webhook) } : found;
}

/** Null where there is no such endpoint. */
export function targetOf(parts: TenantParts, id: string, nowMs: number): Target | null {
  const webhook = parts.webhooks.find(id, nowMs);
  if (webhook === null) return null;
  const { url, batch, isEnabled, enabledAtMs, secret, previous } = webhook;
  const wanted = subscriptionOf(webhook);
  const secrets = [{ ...secret, untilMs: null }, ...(previous === null ? [] : [previous])];
  const isPaused = !isEnabled || tenantOf(parts).suspended;
  return { url, batch, wanted, secrets, isPaused, enabledAtMs };
}

/** What the tenant has decided concerns them all. */
export async function tellWebhooks(parts: TenantParts, nowMs: number): Promise<void> {
  await Promise.all(parts.webhooks.list(nowMs).map(({ id }) => tell(parts, id)));
}

/** One that does not hear it goes by what it knows for some seconds, and looks again within an hour if it is paused. */
async function tell({ endpoint }: TenantParts, id: string): Promise<void> {
  await endpoint(id)
    .heed()
    .catch(() => undefined);
}
