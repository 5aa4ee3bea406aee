/** How an endpoint fares, in a word. */
import { Badge } from "@mantine/core";
import type { Endpoint } from "./webhookQueries.ts";

export function EndpointState({ endpoint }: { readonly endpoint: Endpoint }) {
  const { isEnabled, disabledReason, queue } = endpoint;
  if (!isEnabled)
    return (
      <Badge color={disabledReason === null ? "gray" : "red"} variant="light">
        {disabledReason === null ? "turned off" : "disabled"}
      </Badge>
    );
  if (queue.failingSince !== null)
    return (
      <Badge color="orange" variant="light">
        failing
      </Badge>
    );
  return (
    <Badge color="parley" variant="light">
      healthy
    </Badge>
  );
}
