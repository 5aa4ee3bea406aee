/** Changes a message's text or data, if nobody has been faster. */
import { Button, Group, JsonInput, Modal, Stack, Textarea } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import type { Message, Room } from "../../src/client/client.ts";
import { ErrorState } from "../parts/ErrorState.tsx";
import { shownError } from "./refused.ts";

export interface EditMessageProps {
  readonly room: Room;
  /** Null while none is being edited. */
  readonly message: Message | null;
  readonly onClose: () => void;
}

export function EditMessage({ room, message, onClose }: EditMessageProps) {
  return (
    <Modal
      opened={message !== null}
      onClose={onClose}
      title={`Edit message #${message?.id ?? ""}`}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      {message !== null && <EditForm room={room} message={message} onClose={onClose} />}
    </Modal>
  );
}

function EditForm({
  room,
  message,
  onClose,
}: {
  readonly room: Room;
  readonly message: Message;
  readonly onClose: () => void;
}) {
  const [text, setText] = useState(message.text ?? "");
  const [data, setData] = useState(message.data === null ? "" : JSON.stringify(message.data, null, 2));
  const saving = useMutation({
    mutationFn: () => {
      const change = {
        text: text === "" ? null : text,
        data: data.trim() === "" ? null : (JSON.parse(data) as unknown),
      };
      return room.edit(message.id, {
        ...(change.text === message.text ? {} : { text: change.text ?? "" }),
        ...(JSON.stringify(change.data) === JSON.stringify(message.data) ? {} : { data: change.data }),
        ifVersion: message.version,
      });
    },
    onSuccess: onClose,
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        saving.mutate();
      }}
    >
      <Stack>
        <Textarea
          label="Text"
          autosize
          minRows={2}
          maxRows={12}
          data-autofocus
          value={text}
          onChange={({ currentTarget }) => setText(currentTarget.value)}
        />
        <JsonInput label="Data" autosize minRows={2} maxRows={12} value={data} onChange={setData} />
        {saving.error !== null && <ErrorState error={shownError(saving.error)} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={saving.isPending}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
