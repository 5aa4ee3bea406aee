/** What became of a delivery, in a word. */
import { Badge } from "@mantine/core";
import type { DeliveryState } from "../../src/protocol/webhook.ts";

const colors = { pending: "orange", delivered: "parley", failed: "red" } as const;
const words = { pending: "waiting", delivered: "arrived", failed: "dead letter" } as const;

export function DeliveryBadge({ state }: { readonly state: DeliveryState }) {
  return (
    <Badge color={colors[state]} variant="light">
      {words[state]}
    </Badge>
  );
}
