/** Removes an endpoint. */
import { Code, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { answered, api } from "../api.ts";
import { ConfirmModal } from "../parts/ConfirmModal.tsx";
import { count } from "../parts/amount.ts";
import type { EndpointDialog } from "./dialog.ts";

export function RemoveWebhookModal({ endpoint: { id, url, queue }, isOpen, onClose }: EndpointDialog) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  return (
    <ConfirmModal
      isOpen={isOpen}
      onClose={onClose}
      title="Remove this webhook?"
      action="Remove"
      onConfirm={async () => {
        await answered(api.v1.webhooks[":webhook"].$delete({ param: { webhook: id } }));
        await navigate({ to: "/webhooks" });
        await queries.invalidateQueries({ queryKey: ["webhooks", "list"] });
      }}
    >
      <Text size="sm">
        Nothing is sent to <Code className="anywhere">{url}</Code> any more. Its {count(queue.waiting)} waiting events,
        its dead letters and its secret are gone with it.
      </Text>
    </ConfirmModal>
  );
}
