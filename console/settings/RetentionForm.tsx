/** How long messages are kept. */
import { NumberInput } from "@mantine/core";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { count } from "../parts/amount.ts";
import { SettingsForm } from "./SettingsForm.tsx";
import type { Settings } from "./tenantQuery.ts";

type Values = { retentionDays: number | string; retentionMessages: number | string };

export function RetentionForm({ settings }: { readonly settings: Settings }) {
  const initial: Values = {
    retentionDays: settings.retentionDays ?? "",
    retentionMessages: settings.retentionMessages ?? "",
  };
  return (
    <SettingsForm
      title="Retention"
      description="Whichever is reached first. What goes is gone within seconds, in every room, and nothing brings it back. A room’s own retention goes before this."
      initial={initial}
      patchOf={({ retentionDays, retentionMessages }) => ({
        settings: { retentionDays: orNull(retentionDays), retentionMessages: orNull(retentionMessages) },
      })}
    >
      {(form) => (
        <>
          <NumberInput
            label="Keep messages for days"
            description={`1 to ${count(fixedLimits.retentionDaysMax)}; empty is for ever`}
            placeholder="for ever"
            allowDecimal={false}
            thousandSeparator=","
            maw={280}
            {...form.getInputProps("retentionDays")}
          />
          <NumberInput
            label="Keep the newest messages of each room"
            description={`1 to ${count(fixedLimits.retentionMessagesMax)}; empty is all`}
            placeholder="all"
            allowDecimal={false}
            thousandSeparator=","
            maw={280}
            {...form.getInputProps("retentionMessages")}
          />
        </>
      )}
    </SettingsForm>
  );
}

function orNull(value: number | string): number | null {
  return value === "" ? null : Number(value);
}
