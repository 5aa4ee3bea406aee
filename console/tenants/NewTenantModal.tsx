/** Makes a tenant, and shows the first key of it once. */
import { Stack, Text, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { NewTenant } from "../../src/protocol/http.ts";
import { answered, api } from "../api.ts";
import { FormActions } from "../parts/FormActions.tsx";
import { LinkButton } from "../parts/LinkButton.tsx";
import { SecretModal } from "../parts/SecretModal.tsx";
import { SecretOnce } from "../parts/SecretOnce.tsx";
import { useSending } from "../sending.ts";

interface Made {
  readonly tenant: { readonly id: string };
  readonly key: { readonly secret: string };
}

export function NewTenantModal({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  return (
    <SecretModal<Made>
      isOpen={isOpen}
      onClose={onClose}
      title="New tenant"
      form={(onMade) => <Form onMade={onMade} onLeave={onClose} />}
      madeTitle={({ tenant }) => `Tenant ${tenant.id}`}
      actions={({ tenant }, onDone) => (
        <LinkButton variant="default" to="/tenants/$tenant" params={{ tenant: tenant.id }} onClick={onDone}>
          Open the tenant
        </LinkButton>
      )}
    >
      {({ key }) => (
        <>
          <SecretOnce secret={key.secret} title="Its first API key" copyLabel="Copy the key" />
          <Text size="sm">Whoever signs in with it administers this tenant.</Text>
        </>
      )}
    </SecretModal>
  );
}

function Form({ onMade, onLeave }: { readonly onMade: (made: Made) => void; readonly onLeave: () => void }) {
  const queries = useQueryClient();
  const { form, submit, isSending, problem } = useSending({
    initial: { name: "", id: "" },
    schema: NewTenant,
    bodyOf: ({ name, id }) => ({ name, ...(id === "" ? {} : { id }) }),
    send: (json) => answered(api.v1.tenants.$post({ json })),
    onSent: (made) => {
      void queries.invalidateQueries({ queryKey: ["tenants"] });
      onMade(made);
    },
  });
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <TextInput
          label="Name"
          description="For people; it can be changed."
          data-autofocus
          {...form.getInputProps("name")}
        />
        <TextInput
          label="Id"
          description="In keys and tokens, and for ever: 2 to 40 of a–z, 0–9 and -. Left empty, one is made."
          spellCheck={false}
          autoCapitalize="none"
          {...form.getInputProps("id")}
        />
        <FormActions action="Create" isSending={isSending} problem={problem} onLeave={onLeave} />
      </Stack>
    </form>
  );
}
