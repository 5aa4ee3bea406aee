/** The limits of a tenant: the defaults, and over them what was set. */
import { defaultLimits, type Limits } from "../../protocol/limits.ts";
import { tenantLimits } from "../../protocol/limits/tenant.ts";
import type { TenantState } from "./store.ts";

const bucketNames = ["publishPerUser", "publishPerRoom", "publishPerTenant", "framesPerSocket"] as const;

/** A burst is twice its rate unless it is set itself. */
export function limitsOf({ limits }: Pick<TenantState, "limits">): Limits {
  const set = defined(limits);
  const bursts = bucketNames
    .filter((bucket) => set[`${bucket}PerSecond`] !== undefined)
    .map((bucket) => [
      `${bucket}Burst`,
      Math.min(tenantLimits[`${bucket}Burst`].ceiling, 2 * (set[`${bucket}PerSecond`] ?? 0)),
    ]);
  return withinRefill({ ...defaultLimits, ...Object.fromEntries(bursts), ...set });
}

/**
 * A room forgets its buckets when it sleeps, which is after ten seconds of quiet at the soonest: a burst of ten seconds' worth
 * would be whole again by then, and a larger one would be given twice.
 */
function withinRefill(limits: Limits): Limits {
  const bounded = (["publishPerUser", "publishPerRoom", "framesPerSocket"] as const).map((bucket) => [
    `${bucket}Burst`,
    Math.min(limits[`${bucket}Burst`], 10 * limits[`${bucket}PerSecond`]),
  ]);
  return { ...limits, ...Object.fromEntries(bounded) };
}

/** Without the fields that are undefined: a spread would overwrite with them. */
export function defined<T extends object>(patch: T | undefined): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(patch ?? {}).filter(([, value]) => value !== undefined)) as {
    [Name in keyof T]?: Exclude<T[Name], undefined>;
  };
}
