/** Makes a new secret, and shows it once. */
import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { answered, api } from "../api.ts";
import { ErrorState } from "../parts/ErrorState.tsx";
import { SecretOnce } from "../parts/SecretOnce.tsx";
import type { EndpointDialog } from "./dialog.ts";

export function RotateSecretModal({ endpoint: { id }, isOpen, onClose }: EndpointDialog) {
  const queries = useQueryClient();
  const rotating = useMutation({
    mutationFn: () => answered(api.v1.webhooks[":webhook"]["rotate-secret"].$post({ param: { webhook: id } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["webhooks", "one", id] }),
  });
  const leave = (): void => {
    rotating.reset();
    onClose();
  };
  return (
    <Modal
      opened={isOpen}
      onClose={leave}
      closeOnClickOutside={rotating.data === undefined}
      title="Rotate the secret"
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Stack>
        {rotating.data === undefined ? (
          <Text size="sm">
            A new secret signs every delivery from now on. For 24 hours the old one signs them too, so that your server
            can change over in between.
          </Text>
        ) : (
          <SecretOnce secret={rotating.data.secret} title="The new signing secret" copyLabel="Copy the secret" />
        )}
        {rotating.error !== null && <ErrorState error={rotating.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={leave}>
            {rotating.data === undefined ? "Cancel" : "Done"}
          </Button>
          {rotating.data === undefined && (
            <Button loading={rotating.isPending} onClick={() => rotating.mutate()}>
              Rotate
            </Button>
          )}
        </Group>
      </Stack>
    </Modal>
  );
}
