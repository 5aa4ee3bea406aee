/** Has events sent to an address, and shows the secret that signs them once. */
import { useQueryClient } from "@tanstack/react-query";
import { NewWebhook } from "../../src/protocol/webhook.ts";
import { answered, api } from "../api.ts";
import { FormActions } from "../parts/FormActions.tsx";
import { LinkButton } from "../parts/LinkButton.tsx";
import { SecretModal } from "../parts/SecretModal.tsx";
import { SecretOnce } from "../parts/SecretOnce.tsx";
import { useSending } from "../sending.ts";
import { EndpointFields } from "./EndpointFields.tsx";
import { newEndpoint, settingsOf } from "./endpointForm.ts";

interface Made {
  readonly webhook: { readonly id: string };
  readonly secret: string;
}

export function NewWebhookModal({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  return (
    <SecretModal<Made>
      isOpen={isOpen}
      onClose={onClose}
      size="lg"
      title="New webhook"
      form={(onMade) => <Form onMade={onMade} onLeave={onClose} />}
      madeTitle={() => "The webhook is made"}
      actions={({ webhook }, onDone) => (
        <LinkButton variant="default" to="/webhooks/$webhook" params={{ webhook: webhook.id }} onClick={onDone}>
          Open the webhook
        </LinkButton>
      )}
    >
      {({ secret }) => <SecretOnce secret={secret} title="Its signing secret" copyLabel="Copy the secret" />}
    </SecretModal>
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
