/** What can be said of an assistant. */
import { Group, NumberInput, PasswordInput, Select, Textarea, TextInput } from "@mantine/core";
import type { UseFormReturnType } from "@mantine/form";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { count } from "../parts/amount.ts";
import type { AssistantValues } from "./assistantForm.ts";
import type { Assistant } from "./assistantsQuery.ts";

export interface AssistantFieldsProps {
  readonly form: UseFormReturnType<AssistantValues>;
  readonly assistant: Assistant | null;
}

const when = [
  { value: "mention", label: "messages that mention it" },
  { value: "always", label: "every message of a user" },
  { value: "command", label: "messages that begin with a word" },
];

export function AssistantFields({ form, assistant }: AssistantFieldsProps) {
  return (
    <>
      {assistant === null && (
        <TextInput
          label="Id"
          description="The user as whom it speaks."
          placeholder="helper"
          required
          withAsterisk={false}
          spellCheck={false}
          data-autofocus
          {...form.getInputProps("id")}
        />
      )}
      <TextInput label="Name" description="Shown beside what it says." {...form.getInputProps("name")} />
      <TextInput
        label="Address of its model"
        description="An endpoint that speaks OpenAI’s protocol, without /chat/completions. Empty: Workers AI, where this deployment has it."
        placeholder="https://api.openai.com/v1"
        type="url"
        spellCheck={false}
        {...form.getInputProps("url")}
      />
      <TextInput label="Model" placeholder="gpt-4o-mini" spellCheck={false} {...form.getInputProps("model")} />
      <PasswordInput
        label="Key of the endpoint"
        description={
          assistant?.hasKey === true
            ? "It has one, and it is shown to nobody. Left empty, it stays; at another address it has to be given again."
            : "Kept sealed, and shown to nobody. Empty where the endpoint takes none."
        }
        autoComplete="off"
        spellCheck={false}
        visibilityToggleButtonProps={{ "aria-label": "Show the key" }}
        {...form.getInputProps("key")}
      />
      <Textarea
        label="What it is told first"
        description={`Up to ${count(fixedLimits.assistantPromptLength)} characters.`}
        autosize
        minRows={3}
        maxRows={10}
        {...form.getInputProps("prompt")}
      />
      <Select label="It answers" data={when} allowDeselect={false} {...form.getInputProps("answers")} />
      {form.values.answers === "command" && (
        <TextInput label="The word" placeholder="/ask" spellCheck={false} {...form.getInputProps("prefix")} />
      )}
      <Numbers form={form} />
    </>
  );
}

function Numbers({ form }: Pick<AssistantFieldsProps, "form">) {
  const { assistantHistoryMax, assistantTokensMax, assistantSilenceMsMin, assistantSilenceMsMax } = fixedLimits;
  return (
    <Group align="flex-start" grow preventGrowOverflow={false}>
      <NumberInput
        label="Messages it is shown"
        description={`1 to ${count(assistantHistoryMax)}`}
        allowDecimal={false}
        miw={150}
        {...form.getInputProps("history")}
      />
      <NumberInput
        label="Tokens of an answer"
        description={`Up to ${count(assistantTokensMax)}; empty: the model’s`}
        allowDecimal={false}
        thousandSeparator=","
        miw={150}
        {...form.getInputProps("maxTokens")}
      />
      <NumberInput
        label="Patience, in milliseconds"
        description={`${count(assistantSilenceMsMin)} to ${count(assistantSilenceMsMax)}`}
        allowDecimal={false}
        thousandSeparator=","
        miw={150}
        {...form.getInputProps("silenceMs")}
      />
    </Group>
  );
}
