/** Makes a new secret, and shows it once. */
import { Button, Group, Stack, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { answered, api } from "../api.ts";
import { ErrorState } from "../parts/ErrorState.tsx";
import { SecretModal } from "../parts/SecretModal.tsx";
import { SecretOnce } from "../parts/SecretOnce.tsx";
import type { EndpointDialog } from "./dialog.ts";

export function RotateSecretModal({ endpoint: { id }, isOpen, onClose }: EndpointDialog) {
  return (
    <SecretModal<string>
      isOpen={isOpen}
      onClose={onClose}
      title="Rotate the secret"
      form={(onMade) => <Rotation webhook={id} onMade={onMade} onLeave={onClose} />}
      madeTitle={() => "The secret is rotated"}
    >
      {(secret) => <SecretOnce secret={secret} title="The new signing secret" copyLabel="Copy the secret" />}
    </SecretModal>
  );
}

interface RotationProps {
  readonly webhook: string;
  readonly onMade: (secret: string) => void;
  readonly onLeave: () => void;
}

function Rotation({ webhook, onMade, onLeave }: RotationProps) {
  const queries = useQueryClient();
  const rotating = useMutation({
    mutationFn: () => answered(api.v1.webhooks[":webhook"]["rotate-secret"].$post({ param: { webhook } })),
    onSuccess: ({ secret }) => {
      void queries.invalidateQueries({ queryKey: ["webhooks", "one", webhook] });
      onMade(secret);
    },
    gcTime: 0,
  });
  return (
    <Stack>
      <Text size="sm">
        A new secret signs every delivery from now on. For 24 hours the old one signs them too, so that your server can
        change over in between.
      </Text>
      {rotating.error !== null && <ErrorState error={rotating.error} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={onLeave}>
          Cancel
        </Button>
        <Button loading={rotating.isPending} onClick={() => rotating.mutate()}>
          Rotate
        </Button>
      </Group>
    </Stack>
  );
}
