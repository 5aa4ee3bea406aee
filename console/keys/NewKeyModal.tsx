/** Makes an API key and shows its secret, once. */
import { Button, Group, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation } from "@tanstack/react-query";
import { type Capability, capabilities } from "../../src/protocol/capabilities.ts";
import { answered, api } from "../api.ts";
import { CapabilityField } from "../parts/CapabilityField.tsx";
import { ErrorState } from "../parts/ErrorState.tsx";
import { SecretModal } from "../parts/SecretModal.tsx";
import { SecretOnce } from "../parts/SecretOnce.tsx";
import { queries } from "../queries.ts";
import { useTenantKey } from "../who.ts";

interface NewKey {
  readonly name: string;
  readonly capabilities: Capability[];
}

export interface NewKeyModalProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

export function NewKeyModal({ isOpen, onClose }: NewKeyModalProps) {
  return (
    <SecretModal<string>
      isOpen={isOpen}
      onClose={onClose}
      size="lg"
      title="New API key"
      form={(onMade) => <Making onMade={onMade} />}
      madeTitle={() => "The key is made"}
    >
      {(secret) => <SecretOnce secret={secret} title="Your new API key" copyLabel="Copy the key" />}
    </SecretModal>
  );
}

function Making({ onMade }: { readonly onMade: (secret: string) => void }) {
  const making = useMutation({
    mutationFn: ({ name, capabilities: wanted }: NewKey) => {
      const trimmed = name.trim();
      return answered(
        api.v1.keys.$post({ json: { capabilities: wanted, ...(trimmed === "" ? {} : { name: trimmed }) } }),
      );
    },
    onSuccess: ({ key }) => {
      void queries.invalidateQueries({ queryKey: ["keys"] });
      onMade(key.secret);
    },
    // It would stay in memory for minutes.
    gcTime: 0,
  });
  return <KeyForm onMake={(key) => making.mutate(key)} isMaking={making.isPending} error={making.error} />;
}

interface KeyFormProps {
  readonly onMake: (key: NewKey) => void;
  readonly isMaking: boolean;
  readonly error: Error | null;
}

function KeyForm({ onMake, isMaking, error }: KeyFormProps) {
  const { capabilities: held } = useTenantKey();
  const offered = held ?? capabilities;
  const form = useForm<NewKey>({
    // What governs the tenant is given when it is asked for.
    initialValues: { name: "", capabilities: offered.filter((capability) => capability !== "admin") },
    validate: { capabilities: (chosen) => (chosen.length === 0 ? "Choose at least one." : null) },
  });
  return (
    <form onSubmit={form.onSubmit(onMake)}>
      <Stack>
        <TextInput
          label="Name"
          description="For whom it is, such as “chat server”."
          data-autofocus
          {...form.getInputProps("name")}
        />
        <CapabilityField label="It may" offered={offered} {...form.getInputProps("capabilities")} />
        {error !== null && <ErrorState error={error} />}
        <Group justify="flex-end">
          <Button type="submit" loading={isMaking}>
            Make the key
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
