/** What was sent to an endpoint, what waits, and what came of it. */
import { Button, SegmentedControl, Stack, Text } from "@mantine/core";
import { IconMailFast } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { DeliveryState } from "../../src/protocol/webhook.ts";
import { Card } from "../parts/Card.tsx";
import { type Column, DataTable } from "../parts/DataTable.tsx";
import { EmptyState } from "../parts/EmptyState.tsx";
import { Listed } from "../parts/Listed.tsx";
import { Time } from "../parts/Time.tsx";
import { DeliveryBadge } from "./DeliveryBadge.tsx";
import { DeliveryModal } from "./DeliveryModal.tsx";
import { RetryButton } from "./RetryButton.tsx";
import { deliveriesQuery, type DeliveryItem } from "./webhookQueries.ts";

const againMs = 2_000;
const choices = [
  { value: "", label: "All" },
  { value: "pending", label: "Waiting" },
  { value: "delivered", label: "Arrived" },
  { value: "failed", label: "Dead letters" },
];

export function Deliveries({ webhook }: { readonly webhook: string }) {
  const [state, setState] = useState<DeliveryState | null>(null);
  const [shown, setShown] = useState<number | null>(null);
  return (
    <Card
      title="Deliveries"
      description="Those of the last day, those that wait, and dead letters of two weeks. The newest first."
      actions={
        <SegmentedControl
          size="xs"
          aria-label="Which deliveries"
          data={choices}
          value={state ?? ""}
          onChange={(value) => setState(value === "" ? null : (value as DeliveryState))}
        />
      }
    >
      <Stack gap="sm">
        <List webhook={webhook} state={state} onShow={setShown} />
      </Stack>
      <DeliveryModal webhook={webhook} delivery={shown} onClose={() => setShown(null)} />
    </Card>
  );
}

interface ListProps {
  readonly webhook: string;
  readonly state: DeliveryState | null;
  readonly onShow: (delivery: number) => void;
}

function List({ webhook, state, onShow }: ListProps) {
  const list = useInfiniteQuery({ ...deliveriesQuery(webhook, state), refetchInterval: againMs });
  return (
    <Listed
      key={state}
      query={list}
      empty={
        <EmptyState icon={IconMailFast} title="No deliveries">
          Events stand here as soon as something happens that this webhook wants to hear of.
        </EmptyState>
      }
    >
      {(items) => (
        <DataTable
          label="Deliveries"
          columns={columnsOf(webhook, onShow)}
          items={items}
          keyOf={({ delivery }) => delivery}
        />
      )}
    </Listed>
  );
}

function columnsOf(webhook: string, onShow: (delivery: number) => void): Column<DeliveryItem>[] {
  return [
    {
      heading: "Delivery",
      cell: ({ delivery, events }) => {
        const what = events.length === 1 ? (events[0]?.type ?? "") : `${events.length} events`;
        return (
          <Button
            variant="subtle"
            size="compact-sm"
            px={4}
            onClick={() => onShow(delivery)}
            aria-label={`${what}, delivery ${delivery}`}
          >
            {what}
          </Button>
        );
      },
    },
    { heading: "State", cell: ({ state }) => <DeliveryBadge state={state} /> },
    { heading: "Room", wideOnly: true, cell: ({ events }) => <Text size="sm">{events[0]?.room ?? "–"}</Text> },
    { heading: "Attempts", align: "right", wideOnly: true, cell: ({ attempts }) => attempts },
    { heading: "Answer", align: "right", wideOnly: true, cell: ({ status }) => status ?? "–" },
    { heading: "Made", wideOnly: true, cell: ({ createdAt }) => <Time at={createdAt} /> },
    { heading: "Next attempt", wideOnly: true, cell: ({ nextAttemptAt }) => <Time at={nextAttemptAt} never="–" /> },
    {
      heading: "Deeds",
      isHeadingHidden: true,
      align: "right",
      cell: (delivery) => <RetryButton webhook={webhook} delivery={delivery} />,
    },
  ];
}
