/** How a tenant stands, in a word. */
import { Badge } from "@mantine/core";
import type { TenantProfile } from "./tenantQueries.ts";

export function TenantState({ tenant: { deleting, suspended } }: { readonly tenant: TenantProfile }) {
  if (deleting)
    return (
      <Badge color="red" variant="light">
        being deleted
      </Badge>
    );
  if (suspended)
    return (
      <Badge color="orange" variant="light">
        suspended
      </Badge>
    );
  return (
    <Badge color="parley" variant="light">
      active
    </Badge>
  );
}
