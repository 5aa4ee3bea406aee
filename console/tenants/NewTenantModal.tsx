/** Makes a tenant, and shows the first key of it once. */
import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { NewTenant } from "../../src/protocol/http.ts";
import { answered, api } from "../api.ts";
import { FormActions } from "../parts/FormActions.tsx";
import { LinkButton } from "../parts/LinkButton.tsx";
import { SecretOnce } from "../parts/SecretOnce.tsx";
import { useSending } from "../sending.ts";

interface Made {
  readonly tenant: { readonly id: string };
  readonly key: { readonly secret: string };
}

export function NewTenantModal({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  const [made, setMade] = useState<Made | null>(null);
  const leave = (): void => {
    setMade(null);
    onClose();
  };
  return (
    <Modal
      opened={isOpen}
      onClose={leave}
      // A key that is shown once is not lost by a click beside it.
      closeOnClickOutside={made === null}
      title={made === null ? "New tenant" : `Tenant ${made.tenant.id}`}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      {made === null ? <Form onMade={setMade} onLeave={leave} /> : <Key made={made} onLeave={leave} />}
    </Modal>
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

function Key({ made: { tenant, key }, onLeave }: { readonly made: Made; readonly onLeave: () => void }) {
  return (
    <Stack>
      <SecretOnce secret={key.secret} title="Its first API key" copyLabel="Copy the key" />
      <Text size="sm">Whoever signs in with it administers this tenant.</Text>
      <Group>
        <Button onClick={onLeave}>Done</Button>
        <LinkButton variant="default" to="/tenants/$tenant" params={{ tenant: tenant.id }} onClick={onLeave}>
          Open the tenant
        </LinkButton>
      </Group>
    </Stack>
  );
}
