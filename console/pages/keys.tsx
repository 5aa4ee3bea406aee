/** The API keys of a tenant: who may speak for it. */
import { Badge, Button, Group, Text } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { capabilities } from "../../src/protocol/capabilities.ts";
import type { Capability } from "../../src/protocol/capabilities.ts";
import { answered, api } from "../api.ts";
import { ConfirmModal } from "../parts/ConfirmModal.tsx";
import { type Column, DataTable } from "../parts/DataTable.tsx";
import { Loaded } from "../parts/Loaded.tsx";
import { TableSkeleton } from "../parts/Loading.tsx";
import { PageHeader } from "../parts/PageHeader.tsx";
import { Time } from "../parts/Time.tsx";
import { queries } from "../queries.ts";
import { useTenantKey } from "../who.ts";
import { NewKeyModal } from "../keys/NewKeyModal.tsx";

interface ListedKey {
  readonly id: string;
  readonly name: string | null;
  readonly capabilities: readonly Capability[];
  readonly createdAt: number;
  readonly lastUsedAt: number | null;
}

export function KeysPage() {
  const { keyId } = useTenantKey();
  const keys = useQuery({ queryKey: ["keys"], queryFn: () => answered(api.v1.keys.$get()) });
  const [isMaking, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<ListedKey | null>(null);
  return (
    <>
      <PageHeader
        title="API keys"
        description="For your servers. A key speaks for the whole tenant, and signs the tokens that your users bring."
        actions={
          <Button onClick={() => setMaking(true)} leftSection={<IconPlus size={16} />}>
            New key
          </Button>
        }
      />
      <Loaded query={keys} skeleton={<TableSkeleton rows={3} />}>
        {({ items }) => (
          <DataTable label="API keys" columns={columnsFor(keyId, setRevoking)} items={items} keyOf={({ id }) => id} />
        )}
      </Loaded>
      <NewKeyModal isOpen={isMaking} onClose={() => setMaking(false)} />
      <ConfirmModal
        isOpen={revoking !== null}
        onClose={() => setRevoking(null)}
        title="Revoke this key?"
        action="Revoke"
        onConfirm={() => revoke(revoking?.id ?? "")}
      >
        <Text size="sm" className="anywhere">
          {revoking?.name ?? revoking?.id} and every token that it signed are refused within 5 seconds, and connections
          that they opened are closed. This cannot be undone.
          {revoking?.id === keyId && " It is the key that you are signed in with: you will be signed out."}
        </Text>
      </ConfirmModal>
    </>
  );
}

async function revoke(key: string): Promise<void> {
  await answered(api.v1.keys[":key"].$delete({ param: { key } }));
  await queries.invalidateQueries({ queryKey: ["keys"] });
}

function columnsFor(ownId: string, onRevoke: (key: ListedKey) => void): readonly Column<ListedKey>[] {
  return [
    {
      heading: "Key",
      cell: ({ id, name }) => (
        <>
          <Group gap="xs">
            {name !== null && <Text size="sm">{name}</Text>}
            {id === ownId && <Badge variant="light">this tab</Badge>}
          </Group>
          <Text size="xs" c={name === null ? "inherit" : "dimmed"} ff="monospace">
            {id}
          </Text>
        </>
      ),
    },
    { heading: "May", cell: ({ capabilities: held }) => <Text size="sm">{inWords(held)}</Text> },
    { heading: "Made", wideOnly: true, cell: ({ createdAt }) => <Time at={createdAt} /> },
    { heading: "Last used", wideOnly: true, cell: ({ lastUsedAt }) => <Time at={lastUsedAt} /> },
    {
      heading: "Revoke",
      isHeadingHidden: true,
      align: "right",
      cell: (key) => (
        <Button variant="default" size="xs" onClick={() => onRevoke(key)} aria-label={`Revoke ${key.name ?? key.id}`}>
          Revoke
        </Button>
      ),
    },
  ];
}

function inWords(held: readonly Capability[]): string {
  return held.length === capabilities.length ? "everything" : held.join(", ");
}
