/** Makes an API key and shows its secret, once. */
import { Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation } from "@tanstack/react-query";
import { type Capability, capabilities } from "../../src/protocol/capabilities.ts";
import { answered, api } from "../api.ts";
import { CapabilityField } from "../parts/CapabilityField.tsx";
import { ErrorState } from "../parts/ErrorState.tsx";
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
    <Modal
      opened={isOpen}
      onClose={onClose}
      // A key that is shown once is not lost by a click beside it.
      closeOnClickOutside={false}
      title="New API key"
      size="lg"
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Making onClose={onClose} />
    </Modal>
  );
}

/** Within the dialog, so that nothing of it, and no secret, is there when it opens again. */
function Making({ onClose }: { readonly onClose: () => void }) {
  const making = useMutation({
    mutationFn: async ({ name, capabilities: wanted }: NewKey) => {
      const trimmed = name.trim();
      const json = { capabilities: wanted, ...(trimmed === "" ? {} : { name: trimmed }) };
      const { key } = await answered(api.v1.keys.$post({ json }));
      await queries.invalidateQueries({ queryKey: ["keys"] });
      return key;
    },
    // It would stay in memory for minutes.
    gcTime: 0,
  });
  if (making.data !== undefined)
    return (
      <Stack>
        <SecretOnce secret={making.data.secret} title="Your new API key" copyLabel="Copy the key" />
        <Group justify="flex-end">
          <Button onClick={onClose}>Done</Button>
        </Group>
      </Stack>
    );
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
