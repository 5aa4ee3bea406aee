/** Revokes a user, a token, a key, or everything before a time, and says what that does before it is done. */
import { Alert, Modal, SegmentedControl, Stack, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { NewRevocation } from "../../src/protocol/http.ts";
import { answered, api } from "../api.ts";
import { FormActions } from "../parts/FormActions.tsx";
import { useSending } from "../sending.ts";

type What = "user" | "token" | "key" | "all";
type Values = { what: string; named: string; reason: string };

const initial: Values = { what: "user", named: "", reason: "" };
const labels = { user: "User", token: "Token (its jti)", key: "Key id", all: "" } as const;
const effects = {
  user: "Every token of this user that was issued until now is refused. Their connections close with 4502; a new token lets them in again. To keep somebody out, ban them.",
  token: "This one token is refused, whenever it was issued.",
  key: "Every token that this key has signed until now is refused, and what it opened itself is closed. The key goes on: remove it under API keys to end it.",
  all: "Every token and key connection of this tenant that began until now is closed. Everybody needs a new token.",
} as const;

export function NewRevocationModal({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  return (
    <Modal opened={isOpen} onClose={onClose} title="Revoke" closeButtonProps={{ "aria-label": "Close" }}>
      <Form onLeave={onClose} />
    </Modal>
  );
}

function Form({ onLeave }: { readonly onLeave: () => void }) {
  const queries = useQueryClient();
  const { form, submit, isSending, problem } = useSending({
    initial,
    schema: NewRevocation,
    fieldOf: { user: "named", token: "named", key: "named" },
    bodyOf,
    send: (json) => answered(api.v1.revocations.$post({ json })),
    onSent: () => {
      void queries.invalidateQueries({ queryKey: ["revocations"] });
      onLeave();
    },
  });
  const what = whatOf(form.values);
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <SegmentedControl
          aria-label="What is revoked"
          data={[
            { value: "user", label: "A user" },
            { value: "token", label: "A token" },
            { value: "key", label: "A key" },
            { value: "all", label: "Everything" },
          ]}
          value={what}
          onChange={(value) => form.setFieldValue("what", value)}
        />
        {what !== "all" && (
          <TextInput label={labels[what]} spellCheck={false} data-autofocus {...form.getInputProps("named")} />
        )}
        <TextInput label="Reason" description="Whoever is closed is told it." {...form.getInputProps("reason")} />
        <Alert color={what === "all" ? "red" : "yellow"}>{effects[what]}</Alert>
        <FormActions action="Revoke" isSending={isSending} problem={problem} onLeave={onLeave} />
      </Stack>
    </form>
  );
}

function bodyOf({ what, named, reason }: Values) {
  const because = reason === "" ? {} : { reason };
  const kind = whatOf({ what });
  return kind === "all" ? { issuedBefore: Date.now(), ...because } : { [kind]: named.trim(), ...because };
}

function whatOf({ what }: Pick<Values, "what">): What {
  return what === "token" || what === "key" || what === "all" ? what : "user";
}
