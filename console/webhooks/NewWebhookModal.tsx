/** Has events sent to an address, and shows the secret that signs them once. */
import { Button, Group, Modal, Stack } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { NewWebhook } from "../../src/protocol/webhook.ts";
import { answered, api } from "../api.ts";
import { FormActions } from "../parts/FormActions.tsx";
import { LinkButton } from "../parts/LinkButton.tsx";
import { SecretOnce } from "../parts/SecretOnce.tsx";
import { useSending } from "../sending.ts";
import { EndpointFields } from "./EndpointFields.tsx";
import { newEndpoint, settingsOf } from "./endpointForm.ts";

interface Made {
  readonly webhook: { readonly id: string };
  readonly secret: string;
}

export function NewWebhookModal({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  const [made, setMade] = useState<Made | null>(null);
  const leave = (): void => {
    setMade(null);
    onClose();
  };
  return (
    <Modal
      opened={isOpen}
      onClose={leave}
      closeOnClickOutside={made === null}
      size="lg"
      title={made === null ? "New webhook" : "The webhook is made"}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      {made === null ? (
        <Form onMade={setMade} onLeave={leave} />
      ) : (
        <Stack>
          <SecretOnce secret={made.secret} title="Its signing secret" copyLabel="Copy the secret" />
          <Group>
            <Button onClick={leave}>Done</Button>
            <LinkButton variant="default" to="/webhooks/$webhook" params={{ webhook: made.webhook.id }} onClick={leave}>
              Open the webhook
            </LinkButton>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}

function Form({ onMade, onLeave }: { readonly onMade: (made: Made) => void; readonly onLeave: () => void }) {
  const queries = useQueryClient();
  const { form, submit, isSending, problem } = useSending({
    initial: newEndpoint,
    schema: NewWebhook,
    bodyOf: settingsOf,
    send: (json) => answered(api.v1.webhooks.$post({ json })),
    onSent: (made) => {
      void queries.invalidateQueries({ queryKey: ["webhooks"] });
      onMade(made);
    },
  });
  return (
    <form onSubmit={submit} noValidate>
      <EndpointFields form={form} />
      <FormActions action="Create" isSending={isSending} problem={problem} onLeave={onLeave} />
    </form>
  );
}
