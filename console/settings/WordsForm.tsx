/** Words that are not to be said. */
import { Radio, Stack, Textarea } from "@mantine/core";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { count } from "../parts/amount.ts";
import { SettingsForm } from "./SettingsForm.tsx";
import type { Settings } from "./tenantQuery.ts";

type Values = { list: string; action: string };

export function WordsForm({ settings: { words } }: { readonly settings: Settings }) {
  const initial: Values = { list: words.list.join("\n"), action: words.action };
  return (
    <SettingsForm
      title="Words"
      description="Looked for in the texts of new and edited messages, as whole words and in any case. What was said before stays."
      initial={initial}
      patchOf={({ list, action }) => ({
        settings: { words: { list: wordsIn(list), action: action === "mask" ? "mask" : "block" } },
      })}
    >
      {(form) => (
        <>
          <Textarea
            label="Words"
            description={`One on each line, up to ${count(fixedLimits.words)}, each of ${fixedLimits.wordLength} characters at most. ${count(wordsIn(form.values.list).length)} now.`}
            autosize
            minRows={4}
            maxRows={14}
            spellCheck={false}
            {...form.getInputProps("list")}
          />
          <Radio.Group label="A message that holds one" {...form.getInputProps("action")}>
            <Stack gap="xs" mt="xs">
              <Radio value="block" label="is refused" />
              <Radio value="mask" label="is stored with each letter of the word as *" />
            </Stack>
          </Radio.Group>
        </>
      )}
    </SettingsForm>
  );
}

function wordsIn(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
