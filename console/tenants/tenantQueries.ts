/** What the operator asks about tenants. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { answered, api } from "../api.ts";

/** Each row of a page asks for its own tenant. */
const pageSize = "20";

export type TenantProfile = Awaited<ReturnType<typeof readTenant>>;

function readTenant(tenant: string) {
  return answered(api.v1.tenants[":tenant"].$get({ param: { tenant } }));
}

export function tenantQuery(tenant: string) {
  return queryOptions({ queryKey: ["tenants", "one", tenant], queryFn: () => readTenant(tenant) });
}

/** Those whose id begins so. */
export function tenantsQuery(prefix: string) {
  return infiniteQueryOptions({
    queryKey: ["tenants", "list", prefix],
    queryFn: ({ pageParam }) =>
      answered(
        api.v1.tenants.$get({
          query: { limit: pageSize, prefix, ...(pageParam === "" ? {} : { after: pageParam }) },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: ({ next }) => next,
  });
}

/** A day's figures, the newest last. */
export function tenantUsageQuery(tenant: string) {
  return queryOptions({
    queryKey: ["tenants", "usage", tenant],
    queryFn: () => answered(api.v1.tenants[":tenant"].usage.$get({ param: { tenant }, query: { by: "day" } })),
  });
}
