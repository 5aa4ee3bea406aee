/** A tenant's assistants, as who administers makes, changes and removes them. */
import { differenceOf } from "../../core/difference.ts";
import type { Actor } from "../../protocol/actor.ts";
import type { Assistant, AssistantId, AssistantSettings, SealedKey } from "../../protocol/assistant.ts";
import type { Terms } from "../../protocol/policy.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import { type KeptAssistant, listingOf, settingsOf } from "./assistants.ts";
import { limitsOf } from "./limits.ts";
import { type Answer, living, type TenantParts, tenantOf } from "./parts.ts";

/** `key` is the new one; null takes it away, and undefined leaves it as it is. */
export interface AssistantRequest {
  readonly settings: AssistantSettings;
  readonly key: SealedKey | null | undefined;
}

/** What whoever answers goes by. */
export interface Engagement {
  readonly assistant: AssistantSettings & { readonly id: AssistantId };
  readonly key: SealedKey | null;
  /** As a caller of rooms must know it. */
  readonly policy: Terms;
}

export async function saveAssistant(
  parts: TenantParts,
  id: string,
  { settings, key: given }: AssistantRequest,
  actor: Actor,
  nowMs: number,
): Promise<Answer<{ assistant: Assistant; created: boolean }>> {
  const found = living(parts);
  if (!found.ok) return found;
  const { assistants, audit } = parts;
  const before = assistants.find(id);
  const refused = before === null ? assistants.refusal : displaced(before, settings, given);
  if (refused !== null) return refused;
  const key = given === undefined ? (before?.key ?? null) : given;
  const keySetAt = key === null ? null : given === undefined ? (before?.keySetAt ?? null) : nowMs;
  const createdAt = before?.createdAt ?? nowMs;
  const after: KeptAssistant = { id, ...settings, hasKey: key !== null, keySetAt, createdAt, key };
  const answer = { ok: true, assistant: listingOf(after), created: before === null } as const;
  const changed = before === null ? null : differenceOf(auditedOf(before), auditedOf(after));
  if (before !== null && changed === null) return answer;
  await parts.decide(found.tenant, () => {
    assistants.save(after);
    const target = { assistant: id };
    if (changed === null) audit.append(actor, "assistant.created", { target, after: auditedOf(after) }, nowMs);
    else audit.append(actor, "assistant.updated", { target, ...changed }, nowMs);
  });
  return answer;
}

export async function removeAssistant(
  parts: TenantParts,
  id: string,
  actor: Actor,
  nowMs: number,
): Promise<Answer<object>> {
  const found = living(parts);
  if (!found.ok) return found;
  const { assistants, audit } = parts;
  const assistant = assistants.find(id);
  if (assistant === null) return unknownAssistant();
  await parts.decide(found.tenant, () => {
    assistants.remove(id);
    audit.append(actor, "assistant.removed", { target: { assistant: id }, before: auditedOf(assistant) }, nowMs);
  });
  return { ok: true };
}

export function assistantOf({ assistants }: TenantParts, id: string): Answer<{ assistant: Assistant }> {
  const assistant = assistants.find(id);
  return assistant === null ? unknownAssistant() : { ok: true, assistant: listingOf(assistant) };
}

/** Null where there is no such assistant, or its tenant is to be heard of no more. */
export function engagementOf(parts: TenantParts, id: string): Engagement | null {
  const found = parts.assistants.find(id);
  const tenant = tenantOf(parts);
  if (found === null || tenant.suspended) return null;
  const { key, ...assistant } = found;
  const policy = { version: tenant.version, limits: limitsOf(tenant), autoCreate: false };
  return { assistant: { id, ...settingsOf(assistant) }, key, policy };
}

/** A key is sent to the address that it was given for. Who may change the address need not be who knows the key. */
function displaced(
  before: KeptAssistant,
  { url }: AssistantSettings,
  given: SealedKey | null | undefined,
): Refusal | null {
  if (given !== undefined || before.key === null || before.url === url) return null;
  return refuse("invalid_field", "`key`: another `url` needs its own, or null.");
}

/** Never the key: since when there is this one. */
function auditedOf(assistant: KeptAssistant): AssistantSettings & { keySetAt: number | null } {
  return { ...settingsOf(assistant), keySetAt: assistant.keySetAt };
}

function unknownAssistant(): Refusal {
  return refuse("not_found", "There is no such assistant.");
}
