/** A ban, of a room or of a tenant, and how whoever it concerns is told. */
import * as z from "zod";
import { noEndMs } from "./message.ts";
import { type Refusal, refuse } from "./refusals.ts";

export const Ban = z.object({
  /** It ends by itself; `noEndMs` for one that does not. */
  untilMs: z.int(),
  reason: z.string().nullable(),
  /** The user is not to notice it. */
  shadow: z.boolean(),
});
export type Ban = z.infer<typeof Ban>;

/** Of all rooms of a tenant. */
export const TenantBan = Ban.extend({ user: z.string() });
export type TenantBan = z.infer<typeof TenantBan>;

/** A list is asked with every message: it is put in order once, and goes with the policy that it is part of. */
const orders = new WeakMap<readonly TenantBan[], ReadonlyMap<string, TenantBan>>();

export function banAmong(bans: readonly TenantBan[], user: string, nowMs: number): TenantBan | null {
  if (bans.length === 0) return null;
  let byUser = orders.get(bans);
  if (byUser === undefined) orders.set(bans, (byUser = new Map(bans.map((ban) => [ban.user, ban]))));
  const ban = byUser.get(user);
  return ban !== undefined && ban.untilMs > nowMs ? ban : null;
}

/** A ban that ended before it began would lift the one that stands. */
export function unfitBan(ban: Ban | null, nowMs: number): Refusal | null {
  return ban !== null && ban.untilMs <= nowMs ? refuse("invalid_field", "`until`: this time has passed.") : null;
}

/** What the audit log says of a ban. */
export function auditedBan(ban: Ban | null): { until: number | null; shadow: boolean | null; reason: string | null } {
  const { untilMs: until = null, shadow = null, reason = null } = ban ?? {};
  return { until, shadow, reason };
}

/** What webhook endpoints are told of a ban. */
export function toldBan({ untilMs, shadow, reason }: Ban): {
  until: number | null;
  shadow: boolean;
  reason: string | null;
} {
  return { until: toldEnd(untilMs), shadow, reason };
}

/** Null where there is no end. */
export function toldEnd(untilMs: number): number | null {
  return untilMs >= noEndMs ? null : untilMs;
}

/** With the reason and the end, for a person. */
export function refuseBanned(
  { untilMs, reason }: Pick<Ban, "untilMs" | "reason">,
  where: "room" | "tenant",
  nowMs: number,
): Refusal {
  const end = untilMs >= noEndMs ? "" : ` until ${new Date(untilMs).toISOString()}`;
  const from = where === "room" ? " from this room" : "";
  const detail = `The user is banned${from}${end}${reason === null ? "." : `: ${reason}`}`;
  return refuse("banned", detail, untilMs >= noEndMs ? {} : { retryAfterMs: untilMs - nowMs });
}
