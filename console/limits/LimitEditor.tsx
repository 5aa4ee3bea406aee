/** One limit, changed where it stands. */
import { ActionIcon, Button, Group, NumberInput, Stack, Text, Tooltip } from "@mantine/core";
import { IconArrowBackUp } from "@tabler/icons-react";
import { useState } from "react";
import type { LimitName } from "../../src/protocol/limits.ts";
import { LimitsPatch } from "../../src/protocol/policy.ts";
import { textOf } from "../parts/ErrorState.tsx";
import { useSending } from "../sending.ts";
import { count } from "../parts/amount.ts";
import { amount, type LimitRow } from "./limitRow.ts";

export type SaveLimit = (name: LimitName, value: number) => Promise<unknown>;

export interface LimitEditorProps {
  readonly row: LimitRow;
  readonly onSave: SaveLimit;
}

export function LimitEditor({ row, onSave }: LimitEditorProps) {
  const [isOpen, setOpen] = useState(false);
  if (isOpen) return <Editing row={row} onSave={onSave} onLeave={() => setOpen(false)} />;
  return (
    <Stack gap={2} align="flex-end">
      <Button
        variant="subtle"
        size="compact-sm"
        aria-label={`Change ${row.name}, now ${amount(row, row.value)}`}
        className="unbroken"
        onClick={() => setOpen(true)}
      >
        {amount(row, row.value)}
      </Button>
      <Text size="xs" c="dimmed">
        {row.value === row.default ? row.unit.replace(/^bytes ?/, "") : "changed"}
      </Text>
    </Stack>
  );
}

function Editing({ row, onSave, onLeave }: LimitEditorProps & { readonly onLeave: () => void }) {
  const wanted: Record<string, number | string> = { [row.name]: row.value };
  const { form, submit, isSending, problem } = useSending({
    initial: wanted,
    schema: LimitsPatch,
    bodyOf: (values) => ({ [row.name]: values[row.name] === "" ? null : values[row.name] }),
    send: (body) => onSave(row.name, Number(body[row.name])),
    onSent: onLeave,
  });
  return (
    <form onSubmit={submit} noValidate onKeyDown={({ key }) => key === "Escape" && onLeave()}>
      <Stack gap={6} align="flex-end">
        <NumberInput
          aria-label={`${row.name}${row.unit === "" ? "" : ` in ${row.unit}`}`}
          description={`1 to ${count(row.ceiling)}${row.unit === "" ? "" : `, ${row.unit}`}`}
          allowDecimal={false}
          thousandSeparator=","
          hideControls
          size="xs"
          w={150}
          data-autofocus
          autoFocus
          {...form.getInputProps(row.name)}
          {...(problem === null ? {} : { error: textOf(problem) })}
        />
        <Group gap={4} wrap="nowrap">
          <Tooltip label={`Default: ${count(row.default)}`}>
            <ActionIcon
              variant="default"
              size="md"
              aria-label={`Take the default, ${count(row.default)}`}
              onClick={() => form.setFieldValue(row.name, row.default)}
            >
              <IconArrowBackUp size={16} />
            </ActionIcon>
          </Tooltip>
          <Button size="compact-sm" variant="default" onClick={onLeave}>
            Cancel
          </Button>
          <Button size="compact-sm" type="submit" loading={isSending}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
