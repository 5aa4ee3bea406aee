/** Changes a message's text or data, if nobody has been faster. What was typed stays until it is saved or cancelled, also when the dialog is left. */
import { Button, Group, JsonInput, Modal, Stack, Text, Textarea } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import type { Message, Room } from "../../src/client/client.ts";
import { ErrorState } from "../parts/ErrorState.tsx";
import { draftBox, type Edit } from "./draft.ts";
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

function EditForm({ room, message, onClose }: EditMessageProps & { readonly message: Message }) {
  const box = draftBox(room.name);
  const [kept] = useState(() => box.edit(message.id));
  const [edit, setEdit] = useState(kept ?? editOf(message));
  const change = (part: Partial<Edit>): void => {
    const changed = { ...edit, ...part };
    setEdit(changed);
    box.keepEdit(message.id, changed);
  };
  const leave = (): void => {
    box.forgetEdit(message.id);
    onClose();
  };
  const saving = useMutation({ mutationFn: () => save(room, message, edit), onSuccess: leave });
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
          value={edit.text}
          onChange={({ currentTarget }) => change({ text: currentTarget.value })}
        />
        <JsonInput
          label="Data"
          autosize
          minRows={2}
          maxRows={12}
          value={edit.data}
          onChange={(data) => change({ data })}
        />
        {kept !== null && (
          <Text size="sm" c="dimmed" role="status">
            As you left it. Cancel gives it up.
          </Text>
        )}
        {saving.error !== null && <ErrorState error={shownError(saving.error)} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={leave}>
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

function editOf({ text, data, version }: Message): Edit {
  return { text: text ?? "", data: data === null ? "" : JSON.stringify(data, null, 2), version };
}

/** Of what was changed here, and only over the version that was changed. */
function save(room: Room, message: Message, { text, data, version }: Edit): Promise<unknown> {
  const parsed: unknown = data.trim() === "" ? null : JSON.parse(data);
  return room.edit(message.id, {
    ...(text === (message.text ?? "") ? {} : { text }),
    ...(JSON.stringify(parsed) === JSON.stringify(message.data) ? {} : { data: parsed }),
    ifVersion: version,
  });
}
