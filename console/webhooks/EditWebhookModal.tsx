/** Changes an endpoint. */
import { Modal } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { WebhookPatch } from "../../src/protocol/webhook.ts";
import { answered, api } from "../api.ts";
import { FormActions } from "../parts/FormActions.tsx";
import { useSending } from "../sending.ts";
import { changedOf } from "../takeOver.ts";
import type { EndpointDialog } from "./dialog.ts";
import { EndpointFields } from "./EndpointFields.tsx";
import { settingsOf, valuesOf } from "./endpointForm.ts";

export function EditWebhookModal({ endpoint, isOpen, onClose }: EndpointDialog) {
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      size="lg"
      title="Edit the webhook"
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Form endpoint={endpoint} onLeave={onClose} />
    </Modal>
  );
}

function Form({ endpoint, onLeave }: { readonly endpoint: EndpointDialog["endpoint"]; readonly onLeave: () => void }) {
  const queries = useQueryClient();
  const { form, submit, isSending, problem } = useSending({
    initial: valuesOf(endpoint),
    schema: WebhookPatch,
    bodyOf: (values) => changedOf(settingsOf(valuesOf(endpoint)), settingsOf(values)),
    send: (json) => answered(api.v1.webhooks[":webhook"].$patch({ param: { webhook: endpoint.id }, json })),
    onSent: () => {
      void queries.invalidateQueries({ queryKey: ["webhooks"] });
      onLeave();
    },
  });
  return (
    <form onSubmit={submit} noValidate>
      <EndpointFields form={form} />
      <FormActions action="Save" isSending={isSending} problem={problem} onLeave={onLeave} />
    </form>
  );
}
