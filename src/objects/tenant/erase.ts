/** Erasing a user: what is done at once, and what the tenant itself says of him. */
import { nanoid } from "nanoid";
import type { Actor } from "../../protocol/actor.ts";
import type { ErasedMessages, Erasure } from "../../protocol/erasure.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { refuse } from "../../protocol/refusals.ts";
import { giveUpOf } from "./giveUp.ts";
import { type Answer, living, type TenantParts, tenantOf } from "./parts.ts";
import { policyGoneMs } from "./rounds.ts";

/** Ends the user's sessions and books the rest. Asked for again it begins again, for what has come since. */
export async function beginErasure(
  parts: TenantParts,
  user: string,
  messages: ErasedMessages,
  actor: Actor,
  nowMs: number,
): Promise<Answer<{ erasure: Erasure }>> {
  const found = living(parts);
  if (!found.ok) return found;
  const { erasures, revocations, audit } = parts;
  const session = { user, token: null, key: null, issuedBeforeMs: null, reason: null };
  const refused = revocations.refusal(session, nowMs);
  if (refused !== null) return refused;
  const id = erasures.of(user)?.id ?? nanoid();
  if (erasures.find(id) === null && erasures.open >= fixedLimits.erasuresAtOnce)
    return refuse("quota_exceeded", `At most ${fixedLimits.erasuresAtOnce} users are being erased at a time.`);
  await parts.decide(
    found.tenant,
    () => {
      revocations.forget(user);
      const { untilMs } = revocations.add(session, tenantOf(parts).version, nowMs);
      eraseOwn(parts, user);
      // When no edge holds an older policy, nobody comes in any more whom the erasure would have to chase.
      erasures.begin(id, user, messages, { untilMs, dueMs: nowMs + policyGoneMs }, nowMs);
      // It names the erasure and not the user: the log must not keep what is to be forgotten.
      audit.append(actor, "user.erased", { after: { erasure: id, messages } }, nowMs);
    },
    session,
  );
  bookErasures(parts);
  const erasure = erasures.find(id);
  return erasure === null ? refuse("internal") : { ok: true, erasure };
}

export function erasureOf({ store, erasures }: TenantParts, id: string): Answer<{ erasure: Erasure }> {
  const erasure = store.tenant === null ? null : erasures.find(id);
  return erasure === null ? refuse("not_found", "There is no such erasure.") : { ok: true, erasure };
}

/** The next step of those that are not done. The tenant may have gone meanwhile. */
export function bookErasures({ store, erasures, book }: TenantParts): void {
  if (store.tenant !== null) book("erasures", erasures.dueMs);
}

/** What has come since then, and what waits to be sent. May throw: then it is tried again. */
export async function eraseRest(parts: TenantParts, user: string, nowMs: number): Promise<void> {
  await giveUpOf(parts, user, nowMs);
  await eraseAtEndpoints(parts, user, nowMs);
  parts.store.transaction(() => eraseOwn(parts, user));
}

/** A room may have handed something on that he is named in before it was erased there, and it may have come after. */
export async function eraseAtEndpoints(
  { webhooks, endpoint }: TenantParts,
  user: string,
  nowMs: number,
): Promise<void> {
  await Promise.all(webhooks.list(nowMs).map(({ id }) => endpoint(id).erase(user)));
}

/** All but what is revoked, which must hold for a day. */
function eraseOwn({ bans, flags, audit, outbox }: TenantParts, user: string): void {
  bans.lift(user);
  flags.erase(user);
  outbox.erase(user);
  audit.erasePersonal(user);
}
