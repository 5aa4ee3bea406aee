/** Sends a part of a room's history once more. */
import { Modal, NumberInput, Stack, Text, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { ReplayBody } from "../../src/protocol/http.ts";
import { answered, api } from "../api.ts";
import { FormActions } from "../parts/FormActions.tsx";
import { useSending } from "../sending.ts";
import { count } from "../parts/amount.ts";
import type { EndpointDialog } from "./dialog.ts";

/** A field of a number that is emptied holds a text. */
const wholeRoom: { room: string; from: number | string; to: number | string } = { room: "", from: 1, to: 1_000 };

export function ReplayModal({ endpoint: { id }, isOpen, onClose }: EndpointDialog) {
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      title="Replay a room’s history"
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Form webhook={id} onLeave={onClose} />
    </Modal>
  );
}

function Form({ webhook, onLeave }: { readonly webhook: string; readonly onLeave: () => void }) {
  const queries = useQueryClient();
  const { form, submit, isSending, problem } = useSending({
    initial: wholeRoom,
    schema: ReplayBody,
    bodyOf: ({ room, from, to }) => ({ room, from: Number(from), to: Number(to) }),
    send: (json) => answered(api.v1.webhooks[":webhook"].replay.$post({ param: { webhook }, json })),
    onSent: ({ events, next }) => {
      const rest = next === null ? "" : ` Go on from ${count(next)}.`;
      notifications.show({ message: `${count(events)} events wait to be sent.${rest}` });
      void queries.invalidateQueries({ queryKey: ["webhooks"] });
      onLeave();
    },
  });
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <Text size="sm">
          Events keep the ids that they had, so that a server which knows them already can tell. They say how things
          stand now.
        </Text>
        <TextInput label="Room" data-autofocus spellCheck={false} {...form.getInputProps("room")} />
        <NumberInput
          label="From change"
          description="The first seq"
          allowDecimal={false}
          {...form.getInputProps("from")}
        />
        <NumberInput label="To change" description="The last seq" allowDecimal={false} {...form.getInputProps("to")} />
        <FormActions action="Replay" isSending={isSending} problem={problem} onLeave={onLeave} />
      </Stack>
    </form>
  );
}
