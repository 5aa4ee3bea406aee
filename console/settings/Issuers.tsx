/** Identity providers whose tokens are taken as they are. */
import { Anchor, Button, Code, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconId } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answered, api } from "../api.ts";
import { Card } from "../parts/Card.tsx";
import { ConfirmModal } from "../parts/ConfirmModal.tsx";
import { type Column, DataTable } from "../parts/DataTable.tsx";
import { EmptyState } from "../parts/EmptyState.tsx";
import { Loaded } from "../parts/Loaded.tsx";
import { TableSkeleton } from "../parts/Loading.tsx";
import { Time } from "../parts/Time.tsx";
import { useTenantKey } from "../who.ts";
import { NewIssuerModal } from "./NewIssuerModal.tsx";

const issuersQuery = { queryKey: ["issuers"], queryFn: () => answered(api.v1.issuers.$get()) };
type Issuer = Awaited<ReturnType<typeof issuersQuery.queryFn>>["items"][number];

export function Issuers() {
  const { tenant } = useTenantKey();
  const [isOpen, { open, close }] = useDisclosure(false);
  const [leaving, setLeaving] = useState<Issuer | null>(null);
  const issuers = useQuery(issuersQuery);
  return (
    <Card
      title="Identity providers"
      description={
        <>
          Their tokens let your users in as they are, with the audience <Code>parley/{tenant}</Code>.
        </>
      }
      actions={<Button onClick={open}>Add a provider</Button>}
    >
      <Loaded query={issuers} skeleton={<TableSkeleton rows={2} />}>
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState icon={IconId} title="No identity providers">
              Users come with tokens that your server makes with an API key.
            </EmptyState>
          ) : (
            <DataTable
              label="Identity providers"
              columns={columnsOf(setLeaving)}
              items={items}
              keyOf={({ id }) => id}
            />
          )
        }
      </Loaded>
      <NewIssuerModal isOpen={isOpen} onClose={close} />
      <Removal issuer={leaving} onClose={() => setLeaving(null)} />
    </Card>
  );
}

function Removal({ issuer, onClose }: { readonly issuer: Issuer | null; readonly onClose: () => void }) {
  const queries = useQueryClient();
  return (
    <ConfirmModal
      isOpen={issuer !== null}
      onClose={onClose}
      title="Remove this identity provider?"
      action="Remove"
      onConfirm={async () => {
        await answered(api.v1.issuers[":issuer"].$delete({ param: { issuer: issuer?.id ?? "" } }));
        await queries.invalidateQueries({ queryKey: issuersQuery.queryKey });
      }}
    >
      <Text size="sm" className="anywhere">
        Within 5 seconds its tokens let nobody in, and what they have opened is closed: {issuer?.issuer}
      </Text>
    </ConfirmModal>
  );
}

function columnsOf(onRemove: (issuer: Issuer) => void): Column<Issuer>[] {
  return [
    {
      heading: "Issuer",
      cell: ({ issuer, name }) => (
        <>
          <Text size="sm">{issuer}</Text>
          <Text size="xs" c="dimmed">
            {name}
          </Text>
        </>
      ),
    },
    {
      heading: "Keys",
      cell: ({ jwksUrl, algorithms }) => (
        <>
          <Anchor href={jwksUrl} target="_blank" rel="noreferrer noopener" size="sm">
            See its keys
          </Anchor>
          <Text size="xs" c="dimmed">
            {algorithms.join(", ")}
          </Text>
        </>
      ),
    },
    {
      heading: "Rooms",
      wideOnly: true,
      cell: ({ rooms }) => <Text size="sm">{Object.keys(rooms).join(", ") || "those in its tokens"}</Text>,
    },
    { heading: "Added", wideOnly: true, cell: ({ createdAt }) => <Time at={createdAt} /> },
    {
      heading: "Deeds",
      isHeadingHidden: true,
      align: "right",
      cell: (issuer) => (
        <Button
          size="compact-sm"
          variant="default"
          onClick={() => onRemove(issuer)}
          aria-label={`Remove ${issuer.issuer}`}
        >
          Remove
        </Button>
      ),
    },
  ];
}
