/** How long a room keeps its messages. */
import { fixedLimits } from "../protocol/limits.ts";
import type { RoomSettings } from "../protocol/message.ts";
import type { Retention } from "../protocol/retention.ts";

const dayMs = 86_400_000;

/** The room's own word goes before its tenant's, for more as for less. Null is for ever. */
export function retentionOf(
  { retentionDays, retentionMessages }: Pick<RoomSettings, keyof Retention>,
  tenant: Retention,
): Retention {
  return {
    retentionDays: chosen(retentionDays, tenant.retentionDays),
    retentionMessages: chosen(retentionMessages, tenant.retentionMessages),
  };
}

/** Null where no age ends it. */
export function lifeMs({ retentionDays }: Retention): number | null {
  return retentionDays === null ? null : retentionDays * dayMs;
}

export function isSame(one: Retention, other: Retention): boolean {
  return one.retentionDays === other.retentionDays && one.retentionMessages === other.retentionMessages;
}

/** How many rows one pass may remove, `least` or more, where so many were published in the time since the last one. */
export function rowsOfPass(published: number, sinceMs: number, least: number = fixedLimits.passRows): number {
  const { passRowsMax, passPauseMs } = fixedLimits;
  const untilNext = published * (passPauseMs / Math.max(passPauseMs, sinceMs));
  return Math.min(passRowsMax, Math.max(least, Math.ceil(2 * untilNext)));
}

function chosen(own: number | null, tenants: number | null): number | null {
  return own === 0 ? null : (own ?? tenants);
}
