/** What is asked about webhook endpoints. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { answered, api } from "../api.ts";
import type { DeliveryState } from "../../src/protocol/webhook.ts";

const pageSize = "25";

export const webhooksQuery = queryOptions({
  queryKey: ["webhooks", "list"],
  queryFn: () => answered(api.v1.webhooks.$get()),
});

export type Endpoint = Awaited<ReturnType<typeof readWebhook>>;
export type DeliveryItem = Awaited<ReturnType<typeof readDeliveries>>["items"][number];

function readWebhook(webhook: string) {
  return answered(api.v1.webhooks[":webhook"].$get({ param: { webhook } }));
}

/** With how much waits there. */
export function webhookQuery(webhook: string) {
  return queryOptions({ queryKey: ["webhooks", "one", webhook], queryFn: () => readWebhook(webhook) });
}

function readDeliveries(webhook: string, state: DeliveryState | null, after: string) {
  const query = { limit: pageSize, ...(state === null ? {} : { state }), ...(after === "" ? {} : { after }) };
  return answered(api.v1.webhooks[":webhook"].deliveries.$get({ param: { webhook }, query }));
}

export function deliveriesQuery(webhook: string, state: DeliveryState | null) {
  return infiniteQueryOptions({
    queryKey: ["webhooks", "deliveries", webhook, state],
    queryFn: ({ pageParam }) => readDeliveries(webhook, state, pageParam),
    initialPageParam: "",
    getNextPageParam: ({ next }) => next,
  });
}

export function deliveryQuery(webhook: string, delivery: number) {
  return queryOptions({
    queryKey: ["webhooks", "delivery", webhook, delivery],
    queryFn: () =>
      answered(
        api.v1.webhooks[":webhook"].deliveries[":delivery"].$get({ param: { webhook, delivery: String(delivery) } }),
      ),
  });
}
