/** To stop a tenant for a while, or for ever. */
import { Button, Code, Group, Loader, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answered, api } from "../api.ts";
import { Card } from "../parts/Card.tsx";
import { ConfirmModal } from "../parts/ConfirmModal.tsx";
import { type TenantProfile, tenantQuery } from "./tenantQueries.ts";

export function TenantEnding({ tenant }: { readonly tenant: TenantProfile }) {
  if (tenant.deleting)
    return (
      <Card title="Being deleted">
        <Group gap="sm" role="status" wrap="nowrap">
          <Loader size="sm" />
          <Text>Its rooms, its files and itself are being erased, step by step. This goes on without you.</Text>
        </Group>
      </Card>
    );
  return (
    <Card
      title="Stop this tenant"
      description="Suspended, it keeps everything and may do nothing: open connections close. Deleted, nothing of it is left."
    >
      <Group>
        <Suspension tenant={tenant} />
        <Deletion tenant={tenant} />
      </Group>
    </Card>
  );
}

function Suspension({ tenant: { id, suspended } }: { readonly tenant: TenantProfile }) {
  const queries = useQueryClient();
  const [isOpen, { open, close }] = useDisclosure(false);
  const known = (profile: TenantProfile): unknown => queries.setQueryData(tenantQuery(id).queryKey, profile);
  const ofTenant = api.v1.tenants[":tenant"];
  return (
    <>
      <Button variant="default" onClick={open}>
        {suspended ? "End the suspension" : "Suspend"}
      </Button>
      <ConfirmModal
        isOpen={isOpen}
        onClose={close}
        title={suspended ? "End the suspension?" : `Suspend ${id}?`}
        action={suspended ? "End it" : "Suspend"}
        onConfirm={async () =>
          known(
            await (suspended
              ? answered(ofTenant.resume.$post({ param: { tenant: id } }))
              : answered(ofTenant.suspend.$post({ param: { tenant: id } }))),
          )
        }
      >
        <Text size="sm">
          {suspended
            ? "Its keys and tokens are good again at once."
            : "Its connections close now, and whatever it asks is refused until the suspension ends."}
        </Text>
      </ConfirmModal>
    </>
  );
}

function Deletion({ tenant: { id } }: { readonly tenant: TenantProfile }) {
  const queries = useQueryClient();
  const [isOpen, { open, close }] = useDisclosure(false);
  const [typed, setTyped] = useState("");
  const leave = (): void => {
    setTyped("");
    close();
  };
  return (
    <>
      <Button color="red" variant="light" onClick={open}>
        Delete…
      </Button>
      <ConfirmModal
        isOpen={isOpen}
        onClose={leave}
        title={`Delete ${id}?`}
        action="Delete for ever"
        isReady={typed === id}
        onConfirm={async () =>
          queries.setQueryData(
            tenantQuery(id).queryKey,
            await answered(api.v1.tenants[":tenant"].$delete({ param: { tenant: id } })),
          )
        }
      >
        <Text size="sm" mb="sm">
          Every room, message, file and key of it is erased, and nobody can bring them back. Its id is never given
          again.
        </Text>
        <TextInput
          label={
            <>
              Type <Code>{id}</Code> to go on
            </>
          }
          value={typed}
          onChange={({ currentTarget }) => setTyped(currentTarget.value)}
          autoComplete="off"
          spellCheck={false}
        />
      </ConfirmModal>
    </>
  );
}
