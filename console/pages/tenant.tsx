/** One tenant, for the operator: how it stands, what it has used, its limits, and its end. */
import { Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { Loaded } from "../parts/Loaded.tsx";
import { FormSkeleton } from "../parts/Loading.tsx";
import { PageHeader } from "../parts/PageHeader.tsx";
import { ProblemError } from "../problem.ts";
import { TenantEnding } from "../tenants/TenantEnding.tsx";
import { TenantFigures } from "../tenants/TenantFigures.tsx";
import { TenantKey } from "../tenants/TenantKey.tsx";
import { TenantLimits } from "../tenants/TenantLimits.tsx";
import { TenantName } from "../tenants/TenantName.tsx";
import { TenantState } from "../tenants/TenantState.tsx";
import { type TenantProfile, tenantQuery } from "../tenants/tenantQueries.ts";

/** While it is being deleted it is asked whether it is still there. */
const againMs = 1_000;

export function TenantPage() {
  const { tenant: id } = useParams({ from: "/tenants/$tenant" });
  const query = useQuery({
    ...tenantQuery(id),
    // Whoever comes back from another tab may have changed it there.
    refetchOnWindowFocus: "always",
    refetchInterval: ({ state }) => (state.data?.deleting === true && !hasGone(state) ? againMs : false),
  });
  return (
    <>
      <PageHeader
        title={query.data?.name ?? id}
        description={
          <Text span ff="monospace" inherit>
            {id}
          </Text>
        }
      />
      {hasGone(query) ? (
        <Text role="status">Nothing is left of this tenant. Its id is never given again.</Text>
      ) : (
        <Loaded query={query} skeleton={<FormSkeleton fields={6} />}>
          {(tenant) => (
            <Stack gap="lg">
              <TenantFigures tenant={tenant} state={<TenantState tenant={tenant} />} />
              {!tenant.deleting && (
                <>
                  <TenantName tenant={tenant} />
                  <TenantKey key={id} tenant={id} />
                  <TenantLimits tenant={tenant} />
                </>
              )}
              <TenantEnding tenant={tenant} />
            </Stack>
          )}
        </Loaded>
      )}
    </>
  );
}

interface Asked {
  readonly data: TenantProfile | undefined;
  readonly error: Error | null;
}

/** It was being deleted, and there is no such tenant any more. A server that is not reached says nothing of it. */
function hasGone({ data, error }: Asked): boolean {
  return data?.deleting === true && error instanceof ProblemError && error.status === 404;
}
