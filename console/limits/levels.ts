/** What is left of a tenant's limits: the API names each by where it is counted. */
import type { LimitName } from "../../src/protocol/limits.ts";

export interface Left {
  readonly remaining: number;
  readonly limit: number;
}

const limitOf: Readonly<Record<string, LimitName>> = {
  tenant_day: "changesPerDay",
  tenant_sockets: "socketsPerTenant",
  tenant: "publishPerTenantPerSecond",
  upload_day: "uploadBytesPerDay",
  upload_stored: "uploadBytesStored",
  uploads_open: "uploadsOpen",
};

/** By the limit's name. */
export function leftOf(levels: readonly (Left & { readonly scope: string })[]): ReadonlyMap<string, Left> {
  return new Map(levels.map((level) => [limitOf[level.scope] ?? level.scope, level]));
}
