/** Asks before something that cannot be undone. What is refused is said in the dialog, which stays. */
import { Button, Group, Modal, Stack } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ErrorState } from "./ErrorState.tsx";

export interface ConfirmModalProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  /** A question: "Revoke this key?". */
  readonly title: string;
  /** What happens then. */
  readonly children: ReactNode;
  /** The deed, as its button says it: "Revoke". */
  readonly action: string;
  /** False while something is missing: a name that has to be typed. */
  readonly isReady?: boolean;
  /** Closes the dialog when it is done; shows what it throws. */
  readonly onConfirm: () => Promise<unknown>;
}

export function ConfirmModal({
  isOpen,
  onClose,
  title,
  children,
  action,
  isReady = true,
  onConfirm,
}: ConfirmModalProps) {
  const deed = useMutation({ mutationFn: onConfirm, onSuccess: onClose });
  const leave = (): void => {
    deed.reset();
    onClose();
  };
  return (
    <Modal opened={isOpen} onClose={leave} title={title} closeButtonProps={{ "aria-label": "Close" }}>
      <Stack>
        <div>{children}</div>
        {deed.error !== null && <ErrorState error={deed.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={leave} data-autofocus>
            Cancel
          </Button>
          <Button color="red.9" loading={deed.isPending} disabled={!isReady} onClick={() => deed.mutate()}>
            {action}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
