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

export function banAmong(bans: readonly TenantBan[], user: string, nowMs: number): TenantBan | null {
  return bans.find((ban) => ban.user === user && ban.untilMs > nowMs) ?? null;
}

/** With the reason and the end, for a person. */
export function refuseBanned(
  { untilMs, reason }: Pick<Ban, "untilMs" | "reason">,
  where: "room" | "tenant",
  nowMs: number,
): Refusal {
  const end = untilMs === noEndMs ? "" : ` until ${new Date(untilMs).toISOString()}`;
  const from = where === "room" ? " from this room" : "";
  const detail = `The user is banned${from}${end}${reason === null ? "." : `: ${reason}`}`;
  return refuse("banned", detail, untilMs === noEndMs ? {} : { retryAfterMs: untilMs - nowMs });
}
