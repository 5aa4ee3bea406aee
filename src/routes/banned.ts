/** Bans of a tenant, at the edge: nobody whom they mean comes further, but for those who are not to notice. */
import type { Identity } from "../auth/identity.ts";
import { tenantStub } from "../objects/stubs.ts";
import { banAmong, refuseBanned } from "../protocol/ban.ts";
import type { Refusal } from "../protocol/refusals.ts";
import type { Bindings } from "../env.ts";

/**
 * Whether the user is banned from the tenant. Of more bans than a policy lists, the tenant is asked about each user that it does
 * not name. One who is not to notice comes in with a mark, because rooms do not list all bans either.
 */
export async function heldAgainst(
  env: Bindings,
  identity: Identity,
  nowMs: number,
): Promise<{ readonly ok: true; readonly identity: Identity } | Refusal> {
  const { tenant, user, policy } = identity;
  if (user === null) return { ok: true, identity };
  const listedBan = banAmong(policy.bans, user, nowMs);
  const isAsked = listedBan === null && policy.moreBans;
  const ban = isAsked ? ((await tenantStub(env, tenant).bansOf([user]))[0] ?? null) : listedBan;
  if (ban === null) return { ok: true, identity };
  if (!ban.shadow) return refuseBanned(ban, "tenant", nowMs);
  // Listed or not: the room may go by a newer list that names others.
  return { ok: true, identity: { ...identity, shadowedUntilMs: ban.untilMs } };
}
