/** Who is asked about messages before they are stored. */
import { Alert, NumberInput, Radio, Stack, Switch, TextInput } from "@mantine/core";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { count } from "../parts/amount.ts";
import { HookSecret } from "./HookSecret.tsx";
import { SettingsForm } from "./SettingsForm.tsx";
import type { Settings } from "./tenantQuery.ts";

type Values = { hook: boolean; url: string; timeoutMs: number | string; onFailure: string };

export function HookForm({ settings: { hook } }: { readonly settings: Settings }) {
  const { url, timeoutMs, onFailure } = hook ?? { url: "", timeoutMs: 500, onFailure: "refuse" };
  const initial: Values = { hook: hook !== null, url, timeoutMs, onFailure };
  return (
    <Stack gap="lg">
      <SettingsForm
        title="Hook"
        description="Your server is asked about every message and edit before anybody sees it: it lets it pass, refuses it with a reason, or says something else in its place. Senders wait for it."
        initial={initial}
        patchOf={patchOf}
      >
        {(form) => (
          <>
            <Switch label="Ask a hook" {...form.getInputProps("hook", { type: "checkbox" })} />
            {form.values.hook && (
              <>
                <TextInput
                  label="Address"
                  description="Of your server: https, and public, unless this deployment allows others."
                  placeholder="https://example.com/parley-hook"
                  type="url"
                  spellCheck={false}
                  {...form.getInputProps("url")}
                />
                <NumberInput
                  label="Patience, in milliseconds"
                  description={`${count(fixedLimits.hookMsMin)} to ${count(fixedLimits.hookMsMax)}`}
                  allowDecimal={false}
                  thousandSeparator=","
                  maw={280}
                  {...form.getInputProps("timeoutMs")}
                />
                <Radio.Group label="Where it does not answer in time" {...form.getInputProps("onFailure")}>
                  <Stack gap="xs" mt="xs">
                    <Radio value="refuse" label="the message is refused" />
                    <Radio value="allow" label="the message passes" />
                  </Stack>
                </Radio.Group>
              </>
            )}
            {!form.values.hook && hook !== null && (
              <Alert color="yellow">Saved like this, messages pass without being asked about.</Alert>
            )}
          </>
        )}
      </SettingsForm>
      <HookSecret />
    </Stack>
  );
}

function patchOf({ hook, url, timeoutMs, onFailure }: Values) {
  if (!hook) return { settings: { hook: null } };
  const patience = timeoutMs === "" ? Number.NaN : Number(timeoutMs);
  const kept: "allow" | "refuse" = onFailure === "allow" ? "allow" : "refuse";
  return { settings: { hook: { url: url.trim(), timeoutMs: patience, onFailure: kept } } };
}
