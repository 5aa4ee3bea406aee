/** Where events are sent. */
import { Button, Skeleton, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconPlus, IconWebhook } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { type Column, DataTable } from "../parts/DataTable.tsx";
import { EmptyState } from "../parts/EmptyState.tsx";
import { LinkText } from "../parts/LinkText.tsx";
import { Loaded } from "../parts/Loaded.tsx";
import { TableSkeleton } from "../parts/Loading.tsx";
import { PageHeader } from "../parts/PageHeader.tsx";
import { count } from "../parts/amount.ts";
import { EndpointState } from "../webhooks/EndpointState.tsx";
import { NewWebhookModal } from "../webhooks/NewWebhookModal.tsx";
import { type Endpoint, webhookQuery, webhooksQuery } from "../webhooks/webhookQueries.ts";

export function WebhooksPage() {
  const [isOpen, { open, close }] = useDisclosure(false);
  const webhooks = useQuery(webhooksQuery);
  return (
    <>
      <PageHeader
        title="Webhooks"
        description="What happens in rooms, told to your server: signed, in the order of each room, and sent until it has arrived."
        actions={
          <Button leftSection={<IconPlus size={16} />} onClick={open}>
            New webhook
          </Button>
        }
      />
      <Loaded query={webhooks} skeleton={<TableSkeleton />}>
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState icon={IconWebhook} title="No webhooks yet">
              Make one, and your server hears of every message, member and room that it wants to hear of.
            </EmptyState>
          ) : (
            <DataTable label="Webhooks" columns={columns} items={items} keyOf={({ id }) => id} />
          )
        }
      </Loaded>
      <NewWebhookModal isOpen={isOpen} onClose={close} />
    </>
  );
}

type Listed = Omit<Endpoint, "queue">;

const columns: readonly Column<Listed>[] = [
  {
    heading: "Address",
    cell: ({ id, url, description }) => (
      <>
        <LinkText to="/webhooks/$webhook" params={{ webhook: id }} size="sm">
          {url}
        </LinkText>
        <Text size="xs" c="dimmed">
          {description}
        </Text>
      </>
    ),
  },
  { heading: "State", cell: ({ id }) => <Of id={id}>{(endpoint) => <EndpointState endpoint={endpoint} />}</Of> },
  {
    heading: "Events",
    wideOnly: true,
    cell: ({ events }) => (
      <Text size="sm">{events.length > 3 ? `${count(events.length)} kinds` : events.join(", ")}</Text>
    ),
  },
  {
    heading: "Rooms",
    wideOnly: true,
    cell: ({ rooms }) => <Text size="sm">{rooms === null ? "all" : rooms.join(", ")}</Text>,
  },
  {
    heading: "Waiting",
    align: "right",
    cell: ({ id }) => <Of id={id}>{({ queue }) => count(queue.waiting)}</Of>,
  },
  {
    heading: "Failed",
    align: "right",
    wideOnly: true,
    cell: ({ id }) => <Of id={id}>{({ queue }) => count(queue.failed)}</Of>,
  },
];

/** What waits at an endpoint only the endpoint knows. */
function Of({ id, children }: { readonly id: string; readonly children: (endpoint: Endpoint) => React.ReactNode }) {
  const { data, error } = useQuery(webhookQuery(id));
  if (data !== undefined) return children(data);
  return error === null ? <Skeleton height={20} width={60} display="inline-block" /> : "?";
}
