/** Makes an assistant, or changes it. Its key is given, and never shown. */
import { Modal, Stack } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { AssistantBody, AssistantId } from "../../src/protocol/assistant.ts";
import { answered, api } from "../api.ts";
import { FormActions } from "../parts/FormActions.tsx";
import { useSending } from "../sending.ts";
import { AssistantFields } from "./AssistantFields.tsx";
import { changedOf } from "../takeOver.ts";
import { type AssistantRequest, bodyOf, valuesOf } from "./assistantForm.ts";
import type { Assistant } from "./assistantsQuery.ts";

export interface AssistantModalProps {
  /** Null for a new one. */
  readonly assistant: Assistant | null;
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

export function AssistantModal({ assistant, isOpen, onClose }: AssistantModalProps) {
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      size="lg"
      title={assistant === null ? "New assistant" : `Edit ${assistant.id}`}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Form assistant={assistant} onLeave={onClose} />
    </Modal>
  );
}

function Form({ assistant, onLeave }: { readonly assistant: Assistant | null; readonly onLeave: () => void }) {
  const queries = useQueryClient();
  const { form, submit, isSending, problem } = useSending({
    initial: valuesOf(assistant),
    schema: AssistantBody,
    inAddress: { id: AssistantId },
    bodyOf,
    send: async (body, { id }) => {
      const param = { assistant: encodeURIComponent(id.trim()) };
      const json = assistant === null ? body : await laidOver(assistant, body);
      return answered(api.v1.assistants[":assistant"].$put({ param, json }));
    },
    onSent: () => {
      void queries.invalidateQueries({ queryKey: ["assistants"] });
      onLeave();
    },
  });
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <AssistantFields form={form} assistant={assistant} />
        <FormActions
          action={assistant === null ? "Create" : "Save"}
          isSending={isSending}
          problem={problem}
          onLeave={onLeave}
        />
      </Stack>
    </form>
  );
}

/** The API takes an assistant as a whole: what was changed here goes over what is stored now, whoever has saved it. */
async function laidOver(assistant: Assistant, body: AssistantRequest): Promise<AssistantRequest> {
  const param = { assistant: encodeURIComponent(assistant.id) };
  const stored = await answered(api.v1.assistants[":assistant"].$get({ param }));
  return { ...bodyOf(valuesOf(stored)), ...changedOf(bodyOf(valuesOf(assistant)), body) };
}
