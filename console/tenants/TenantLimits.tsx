/** A tenant's limits, as the operator sets them. */
import { useQueryClient } from "@tanstack/react-query";
import { answered, api } from "../api.ts";
import { LimitTable } from "../limits/LimitTable.tsx";
import { Card } from "../parts/Card.tsx";
import { type TenantProfile, tenantQuery } from "./tenantQueries.ts";

export function TenantLimits({ tenant: { id, limits } }: { readonly tenant: TenantProfile }) {
  const queries = useQueryClient();
  return (
    <Card
      title="Limits"
      description="In force in every open room as soon as they are saved. A burst that was never set goes with its rate."
    >
      <LimitTable
        limits={limits}
        onSave={async (name, value) => {
          const changing = api.v1.tenants[":tenant"].$patch({
            param: { tenant: id },
            json: { limits: { [name]: value } },
          });
          queries.setQueryData(tenantQuery(id).queryKey, await answered(changing));
        }}
      />
    </Card>
  );
}
