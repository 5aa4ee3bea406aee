/** One webhook endpoint: how it fares, what was sent there, and what can be done about it. */
import { Alert, Button, Group, Menu, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconAlertTriangle, IconDots, IconSend } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { Card } from "../parts/Card.tsx";
import { Facts } from "../parts/Facts.tsx";
import { Loaded } from "../parts/Loaded.tsx";
import { FormSkeleton } from "../parts/Loading.tsx";
import { PageHeader } from "../parts/PageHeader.tsx";
import { Time } from "../parts/Time.tsx";
import { count } from "../parts/amount.ts";
import { Deliveries } from "../webhooks/Deliveries.tsx";
import { EditWebhookModal } from "../webhooks/EditWebhookModal.tsx";
import { EndpointState } from "../webhooks/EndpointState.tsx";
import { RemoveWebhookModal } from "../webhooks/RemoveWebhookModal.tsx";
import { ReplayModal } from "../webhooks/ReplayModal.tsx";
import { RotateSecretModal } from "../webhooks/RotateSecretModal.tsx";
import { TestModal } from "../webhooks/TestModal.tsx";
import { type Endpoint, webhookQuery } from "../webhooks/webhookQueries.ts";

const againMs = 3_000;

export function WebhookPage() {
  const { webhook: id } = useParams({ from: "/webhooks/$webhook" });
  const query = useQuery({ ...webhookQuery(id), refetchInterval: againMs });
  const endpoint = query.data;
  return (
    <>
      <PageHeader
        title={endpoint?.url ?? "Webhook"}
        description={endpoint?.description ?? ""}
        {...(endpoint === undefined ? {} : { actions: <Deeds endpoint={endpoint} /> })}
      />
      <Loaded query={query} skeleton={<FormSkeleton fields={5} />}>
        {(found) => (
          <Stack gap="lg">
            <Trouble endpoint={found} />
            <Card title="Overview">
              <Overview endpoint={found} />
            </Card>
            <Deliveries webhook={id} />
          </Stack>
        )}
      </Loaded>
    </>
  );
}

function Overview({ endpoint }: { readonly endpoint: Endpoint }) {
  const { queue, events, rooms, batch, createdAt, id, previousSecretUntil } = endpoint;
  return (
    <Facts
      facts={[
        { name: "State", value: <EndpointState endpoint={endpoint} /> },
        { name: "Waiting events", value: count(queue.waiting) },
        { name: "Dead letters", value: count(queue.failed) },
        { name: "Events without a place", value: count(queue.dropped) },
        { name: "Events", value: events.join(", ") },
        { name: "Rooms", value: rooms?.join(", ") ?? "all" },
        { name: "Batches", value: batch === null ? "none" : `${batch.maxEvents}, or after ${count(batch.waitMs)} ms` },
        { name: "Made", value: <Time at={createdAt} /> },
        { name: "Id", value: id },
        ...(previousSecretUntil === null
          ? []
          : [{ name: "The earlier secret signs until", value: <Time at={previousSecretUntil} /> }]),
      ]}
    />
  );
}

function Trouble({ endpoint: { disabledReason, queue, isEnabled } }: { readonly endpoint: Endpoint }) {
  if (!isEnabled && disabledReason !== null)
    return (
      <Alert color="red" icon={<IconAlertTriangle />} title="Parley has disabled this webhook" role="status">
        {disabledReason} Turn it on again under Edit: what waits is sent then.
      </Alert>
    );
  if (queue.failingSince === null || !isEnabled) return null;
  return (
    <Alert color="orange" icon={<IconAlertTriangle />} title="Nothing arrives there" role="status">
      It has been failing since <Time at={queue.failingSince} />. Events wait and are tried again, ten times in all;
      after five days of this it is disabled.
    </Alert>
  );
}

/** Which dialog is open, of those behind the menu. */
function Deeds({ endpoint }: { readonly endpoint: Endpoint }) {
  const test = useDisclosure(false);
  const edit = useDisclosure(false);
  const replay = useDisclosure(false);
  const rotate = useDisclosure(false);
  const remove = useDisclosure(false);
  const dialog = ([isOpen, { close }]: typeof test) => ({ endpoint, isOpen, onClose: close });
  return (
    <Group gap="sm">
      <Button variant="default" onClick={edit[1].open}>
        Edit
      </Button>
      <Button leftSection={<IconSend size={16} />} onClick={test[1].open}>
        Send a test
      </Button>
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <Button variant="default" px="xs" aria-label="More">
            <IconDots size={18} />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={replay[1].open}>Replay a room’s history…</Menu.Item>
          <Menu.Item onClick={rotate[1].open}>Rotate the secret…</Menu.Item>
          <Menu.Item c="var(--mantine-color-error)" onClick={remove[1].open}>
            <Text inherit>Remove…</Text>
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <TestModal {...dialog(test)} />
      <EditWebhookModal {...dialog(edit)} />
      <ReplayModal {...dialog(replay)} />
      <RotateSecretModal {...dialog(rotate)} />
      <RemoveWebhookModal {...dialog(remove)} />
    </Group>
  );
}
