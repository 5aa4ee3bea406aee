/** Says that a flag has been looked at, with or without deleting the message. */
import { Modal, Stack, Text, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { FlagResolution } from "../../src/protocol/http.ts";
import { answered, steadyApi } from "../api.ts";
import { FormActions } from "../parts/FormActions.tsx";
import { useSending } from "../sending.ts";
import type { Flag } from "./moderationQueries.ts";

export interface ResolveModalProps {
  readonly flag: Flag;
  /** Null while it is closed. */
  readonly deed: "dismiss" | "delete" | null;
  readonly onClose: () => void;
}

export function ResolveModal({ flag, deed, onClose }: ResolveModalProps) {
  return (
    <Modal
      opened={deed !== null}
      onClose={onClose}
      title={deed === "delete" ? "Delete the message?" : "Dismiss the flag?"}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      {deed !== null && <Form flag={flag} deed={deed} onLeave={onClose} />}
    </Modal>
  );
}

interface FormProps {
  readonly flag: Flag;
  readonly deed: "dismiss" | "delete";
  readonly onLeave: () => void;
}

function Form({ flag: { id, room, message }, deed, onLeave }: FormProps) {
  const queries = useQueryClient();
  const { form, submit, isSending, problem } = useSending({
    initial: { note: deed === "delete" ? "Deleted." : "" },
    schema: FlagResolution,
    bodyOf: ({ note }) => ({ state: "resolved" as const, ...(note === "" ? {} : { note }) }),
    send: async (json) => {
      const steady = steadyApi();
      // First what somebody may be hurt by: a flag that still stands is seen again.
      if (deed === "delete")
        await answered(
          steady.v1.rooms[":room"].messages[":id"].$delete({ param: { room, id: String(message) }, query: {} }),
        );
      return answered(steady.v1.flags[":flag"].$patch({ param: { flag: String(id) }, json }));
    },
    onSent: () => {
      void queries.invalidateQueries({ queryKey: ["flags"] });
      void queries.invalidateQueries({ queryKey: ["flagged", room, message] });
      onLeave();
    },
  });
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <Text size="sm">
          {deed === "delete"
            ? "What it said is gone for everybody in the room; a sign that something stood there stays."
            : "The message stays as it is."}
        </Text>
        <TextInput label="Note" description="For your own people." data-autofocus {...form.getInputProps("note")} />
        <FormActions
          action={deed === "delete" ? "Delete" : "Dismiss"}
          isSending={isSending}
          problem={problem}
          onLeave={onLeave}
        />
      </Stack>
    </form>
  );
}
