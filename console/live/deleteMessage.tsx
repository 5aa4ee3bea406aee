/** Deletes a message, or takes away every trace of what it said. */
import { Checkbox, Text } from "@mantine/core";
import { useState } from "react";
import type { Message, Room } from "../../src/client/client.ts";
import { ConfirmModal } from "../parts/ConfirmModal.tsx";
import { shownError } from "./refused.ts";

export interface DeleteMessageProps {
  readonly room: Room;
  readonly message: Message | null;
  readonly onClose: () => void;
}

export function DeleteMessage({ room, message, onClose }: DeleteMessageProps) {
  const [redacts, setRedacts] = useState(false);
  const isGone = message !== null && message.deletedAt !== null;
  const isRedacted = redacts || isGone;
  const remove = async (): Promise<void> => {
    if (message === null) return;
    try {
      await room.delete(message.id, { redact: isRedacted });
    } catch (error) {
      throw shownError(error);
    }
  };
  // The next message is asked about anew.
  const leave = (): void => {
    setRedacts(false);
    onClose();
  };
  return (
    <ConfirmModal
      isOpen={message !== null}
      onClose={leave}
      title={isGone ? "Redact this message?" : "Delete this message?"}
      action={isRedacted ? "Redact" : "Delete"}
      onConfirm={remove}
    >
      <Text size="sm" mb="md" className="anywhere" lineClamp={3}>
        #{message?.id}: {message?.text ?? "no text"}
      </Text>
      {isGone ? (
        <Text size="sm">It is deleted. What it said before, where that is kept, goes too.</Text>
      ) : (
        <Checkbox
          label="Redact"
          description="Also what it said before, where that is kept, and its files: nothing of it remains."
          checked={redacts}
          onChange={({ currentTarget }) => setRedacts(currentTarget.checked)}
        />
      )}
    </ConfirmModal>
  );
}
