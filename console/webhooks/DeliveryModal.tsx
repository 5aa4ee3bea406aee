/** One delivery: its events, its attempts, and what is sent in it. */
import { Code, Modal, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Facts } from "../parts/Facts.tsx";
import { JsonBlock } from "../parts/JsonBlock.tsx";
import { Loaded } from "../parts/Loaded.tsx";
import { FormSkeleton } from "../parts/Loading.tsx";
import { Time } from "../parts/Time.tsx";
import { DeliveryBadge } from "./DeliveryBadge.tsx";
import { RetryButton } from "./RetryButton.tsx";
import { deliveryQuery } from "./webhookQueries.ts";

/** While it is on its way. */
const againMs = 1_000;

export interface DeliveryModalProps {
  readonly webhook: string;
  /** Null while none is shown. */
  readonly delivery: number | null;
  readonly onClose: () => void;
}

export function DeliveryModal({ webhook, delivery, onClose }: DeliveryModalProps) {
  return (
    <Modal
      opened={delivery !== null}
      onClose={onClose}
      size="xl"
      title={`Delivery ${delivery ?? ""}`}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      {delivery !== null && <Shown webhook={webhook} delivery={delivery} />}
    </Modal>
  );
}

function Shown({ webhook, delivery }: { readonly webhook: string; readonly delivery: number }) {
  const query = useQuery({
    ...deliveryQuery(webhook, delivery),
    refetchInterval: ({ state }) => (state.data?.state === "pending" ? againMs : false),
  });
  return (
    <Loaded query={query} skeleton={<FormSkeleton fields={3} />}>
      {(found) => (
        <Stack>
          <Facts
            facts={[
              { name: "State", value: <DeliveryBadge state={found.state} /> },
              { name: "Attempts", value: found.attempts },
              { name: "Last answer", value: found.status ?? "none" },
              { name: "Made", value: <Time at={found.createdAt} /> },
              { name: "Next attempt", value: <Time at={found.nextAttemptAt} never="none" /> },
              { name: "Ended", value: <Time at={found.endedAt} never="not yet" /> },
              { name: "webhook-id", value: <Code>{found.id}</Code> },
            ]}
          />
          {found.error !== null && (
            <Text size="sm" c="var(--mantine-color-error)">
              {found.error}
            </Text>
          )}
          {found.body === null ? (
            <Text size="sm" c="dimmed">
              It has arrived: what was in it is kept no longer. Its events:{" "}
              {found.events.map(({ id }) => id).join(", ")}.
            </Text>
          ) : (
            <JsonBlock value={found.body} label="What is sent" />
          )}
          <div>
            <RetryButton webhook={webhook} delivery={found} />
          </div>
        </Stack>
      )}
    </Loaded>
  );
}
