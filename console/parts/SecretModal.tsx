/** A dialog that makes something whose secret is shown once. From then on it closes by its button alone: no key and no click beside it. */
import { Button, Group, Modal, type ModalProps, Stack } from "@mantine/core";
import { type ReactNode, useState } from "react";

export interface SecretModalProps<Made> {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly title: string;
  readonly size?: ModalProps["size"];
  /** What makes it. It lives as long as the dialog is open and nothing is made. */
  readonly form: (onMade: (made: Made) => void) => ReactNode;
  readonly madeTitle: (made: Made) => string;
  /** What was made, with its secret. */
  readonly children: (made: Made) => ReactNode;
  /** Other ways out than "Done". Each calls `onDone`. */
  readonly actions?: (made: Made, onDone: () => void) => ReactNode;
}

export function SecretModal<Made>(props: SecretModalProps<Made>) {
  const { isOpen, onClose, title, size, form, madeTitle, children, actions } = props;
  const [made, setMade] = useState<Made | null>(null);
  const isLeavable = made === null;
  const leave = (): void => {
    setMade(null);
    onClose();
  };
  return (
    <Modal
      // What is made after the dialog was left is shown all the same.
      opened={isOpen || !isLeavable}
      onClose={onClose}
      closeOnClickOutside={isLeavable}
      closeOnEscape={isLeavable}
      withCloseButton={isLeavable}
      closeButtonProps={{ "aria-label": "Close" }}
      title={made === null ? title : madeTitle(made)}
      {...(size === undefined ? {} : { size })}
    >
      {made === null ? (
        form(setMade)
      ) : (
        <Stack>
          {children(made)}
          <Group>
            <Button onClick={leave}>Done</Button>
            {actions?.(made, leave)}
          </Group>
        </Stack>
      )}
    </Modal>
  );
}
