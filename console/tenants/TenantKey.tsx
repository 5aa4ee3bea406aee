/** A new key for a tenant that has lost its own. */
import { Button, Group, Stack } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { answered, api } from "../api.ts";
import { Card } from "../parts/Card.tsx";
import { ErrorState } from "../parts/ErrorState.tsx";
import { SecretOnce } from "../parts/SecretOnce.tsx";

export function TenantKey({ tenant }: { readonly tenant: string }) {
  const making = useMutation({
    mutationFn: () => answered(api.v1.tenants[":tenant"].keys.$post({ param: { tenant }, json: {} })),
    // It would stay in memory for minutes.
    gcTime: 0,
  });
  return (
    <Card
      title="A key for this tenant"
      description="For a tenant that has lost its own. It may do everything, and its audit log says that the operator made it."
      actions={
        // Another one would take the place of the one that is shown.
        making.data === undefined && (
          <Button variant="default" loading={making.isPending} onClick={() => making.mutate()}>
            Make a key
          </Button>
        )
      }
    >
      <Stack>
        {making.error !== null && <ErrorState error={making.error} />}
        {making.data !== undefined && (
          <>
            <SecretOnce secret={making.data.key.secret} title="The new API key" copyLabel="Copy the key" />
            <Group>
              <Button onClick={making.reset}>Done</Button>
            </Group>
          </>
        )}
      </Stack>
    </Card>
  );
}
