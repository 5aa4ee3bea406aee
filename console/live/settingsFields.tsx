/** Every field of a room's settings, within the bounds of the protocol. */
import { NumberInput, Select, SimpleGrid, Stack, Switch, TextInput } from "@mantine/core";
import type { UseFormReturnType } from "@mantine/form";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { count } from "../parts/amount.ts";
import type { SettingsDraft } from "./settingsDraft.ts";

interface FieldsProps {
  readonly form: UseFormReturnType<SettingsDraft>;
}

export function SettingsFields({ form }: FieldsProps) {
  return (
    <Stack>
      <SimpleGrid cols={{ base: 1, sm: 2 }} verticalSpacing="md">
        <Entrance form={form} />
        <Retention form={form} />
        <Services form={form} />
      </SimpleGrid>
      <Switch
        label="Frozen"
        description="Nobody publishes, edits or reacts but those who may moderate."
        {...form.getInputProps("frozen", { type: "checkbox" })}
      />
      <Switch
        label="Keep revisions"
        description="What a message said before an edit or a deletion is kept for its author and for those who may moderate."
        {...form.getInputProps("keepRevisions", { type: "checkbox" })}
      />
    </Stack>
  );
}

function Entrance({ form: { getInputProps } }: FieldsProps) {
  return (
    <>
      <Select
        label="Who may enter"
        description="Members only: others are refused, but for those who may moderate or manage."
        data={[
          { value: "open", label: "All whose token allows it" },
          { value: "members", label: "Members only" },
        ]}
        allowDeselect={false}
        {...getInputProps("access")}
      />
      <NumberInput
        label="Slow mode, seconds"
        description={`How long a user waits between two messages: up to ${fixedLimits.slowModeMsMax / 3_600_000} hours, 0 for not at all.`}
        min={0}
        max={fixedLimits.slowModeMsMax / 1_000}
        decimalScale={3}
        clampBehavior="none"
        {...getInputProps("slowModeSeconds")}
      />
    </>
  );
}

function Retention({ form: { getInputProps } }: FieldsProps) {
  return (
    <>
      <NumberInput
        label="Keep messages, days"
        description={`1 to ${count(fixedLimits.retentionDaysMax)}; 0 is for ever, and empty is as the tenant has it.`}
        min={0}
        max={fixedLimits.retentionDaysMax}
        allowDecimal={false}
        clampBehavior="none"
        {...getInputProps("retentionDays")}
      />
      <NumberInput
        label="Keep messages, number"
        description={`The newest 1 to ${count(fixedLimits.retentionMessagesMax)}; 0 is all, and empty is as the tenant has it.`}
        min={0}
        max={fixedLimits.retentionMessagesMax}
        allowDecimal={false}
        clampBehavior="none"
        {...getInputProps("retentionMessages")}
      />
    </>
  );
}

function Services({ form: { getInputProps } }: FieldsProps) {
  return (
    <>
      <Select
        label="Search"
        description="Whether messages can be searched. Older ones are put into the index by and by."
        data={[
          { value: "tenant", label: "As the tenant has it" },
          { value: "on", label: "On" },
          { value: "off", label: "Off" },
        ]}
        allowDeselect={false}
        {...getInputProps("search")}
      />
      <TextInput
        label="Assistant"
        description="The user of an assistant; “none” for none, and empty is as the tenant has it."
        {...getInputProps("assistant")}
      />
    </>
  );
}
