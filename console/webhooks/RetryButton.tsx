/** Sends a delivery again that has not arrived. */
import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { answered, api } from "../api.ts";
import { textOf } from "../parts/ErrorState.tsx";
import type { DeliveryItem } from "./webhookQueries.ts";

export interface RetryButtonProps {
  readonly webhook: string;
  readonly delivery: Pick<DeliveryItem, "delivery" | "state">;
}

export function RetryButton({ webhook, delivery: { delivery, state } }: RetryButtonProps) {
  const queries = useQueryClient();
  const retry = useMutation({
    mutationFn: () =>
      answered(
        api.v1.webhooks[":webhook"].deliveries[":delivery"].retry.$post({
          param: { webhook, delivery: String(delivery) },
        }),
      ),
    onError: (error) => notifications.show({ color: "red", title: "It was not sent", message: textOf(error) }),
    onSettled: () => queries.invalidateQueries({ queryKey: ["webhooks"] }),
  });
  if (state === "delivered") return null;
  return (
    <Button
      size="compact-sm"
      variant="default"
      loading={retry.isPending}
      onClick={() => retry.mutate()}
      aria-label={`Retry delivery ${delivery}`}
    >
      Retry
    </Button>
  );
}
