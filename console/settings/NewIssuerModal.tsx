/** Takes the tokens of an identity provider. */
import { Checkbox, Group, Modal, MultiSelect, Stack, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { roomCapabilities } from "../../src/protocol/capabilities.ts";
import { issuerAlgorithms, NewIssuer } from "../../src/protocol/issuer.ts";
import { answered, api } from "../api.ts";
import { FormActions } from "../parts/FormActions.tsx";
import { useSending } from "../sending.ts";

type Values = {
  issuer: string;
  name: string;
  jwksUrl: string;
  algorithms: string[];
  rooms: string;
  granted: string[];
};

const initial: Values = {
  issuer: "",
  name: "",
  jwksUrl: "",
  algorithms: ["RS256"],
  rooms: "",
  granted: ["read", "publish", "presence"],
};

export function NewIssuerModal({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      size="lg"
      title="Add an identity provider"
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Form onLeave={onClose} />
    </Modal>
  );
}

function Form({ onLeave }: { readonly onLeave: () => void }) {
  const queries = useQueryClient();
  const { form, submit, isSending, problem } = useSending({
    initial,
    schema: NewIssuer,
    fieldOf: { capabilities: "granted" },
    bodyOf,
    send: (json) => answered(api.v1.issuers.$post({ json })),
    onSent: () => {
      void queries.invalidateQueries({ queryKey: ["issuers"] });
      onLeave();
    },
  });
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <TextInput
          label="Issuer"
          description="What its tokens say in iss, to the letter."
          placeholder="https://login.example.com/"
          spellCheck={false}
          data-autofocus
          {...form.getInputProps("issuer")}
        />
        <TextInput label="Name" description="For people." {...form.getInputProps("name")} />
        <TextInput
          label="Address of its keys"
          description="A JSON Web Key Set. It is asked for when the first token comes."
          placeholder="https://login.example.com/.well-known/jwks.json"
          type="url"
          spellCheck={false}
          {...form.getInputProps("jwksUrl")}
        />
        <Checkbox.Group label="Algorithms" {...form.getInputProps("algorithms")}>
          <Group mt="xs">
            {issuerAlgorithms.map((algorithm) => (
              <Checkbox key={algorithm} value={algorithm} label={algorithm} />
            ))}
          </Group>
        </Checkbox.Group>
        <TextInput
          label="Rooms"
          description="For tokens that name no rooms: names or patterns, such as general team:*. Empty: only those in the tokens."
          spellCheck={false}
          {...form.getInputProps("rooms")}
        />
        <MultiSelect
          label="May do there"
          description="No token of it has more than this, whatever it says."
          data={[...roomCapabilities]}
          {...form.getInputProps("granted")}
        />
        <FormActions action="Add" isSending={isSending} problem={problem} onLeave={onLeave} />
      </Stack>
    </form>
  );
}

function bodyOf({ issuer, name, jwksUrl, algorithms, rooms, granted }: Values) {
  const capabilities = roomCapabilities.filter((capability) => granted.includes(capability));
  const patterns = rooms.split(/[\s,]+/).filter((pattern) => pattern !== "");
  return {
    issuer,
    jwksUrl: jwksUrl.trim(),
    algorithms: issuerAlgorithms.filter((algorithm) => algorithms.includes(algorithm)),
    capabilities,
    rooms: Object.fromEntries(patterns.map((pattern) => [pattern, capabilities])),
    ...(name === "" ? {} : { name }),
  };
}
