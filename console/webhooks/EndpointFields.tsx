/** What can be said of an endpoint. */
import { MultiSelect, NumberInput, Stack, Switch, TagsInput, TextInput } from "@mantine/core";
import type { UseFormReturnType } from "@mantine/form";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { webhookEventTypes } from "../../src/protocol/webhook.ts";
import { count } from "../parts/amount.ts";
import type { EndpointValues } from "./endpointForm.ts";

export function EndpointFields({ form }: { readonly form: UseFormReturnType<EndpointValues> }) {
  return (
    <Stack>
      <TextInput
        label="Address"
        description="Of your server: https, and public, unless this deployment allows others."
        placeholder="https://example.com/parley"
        type="url"
        spellCheck={false}
        data-autofocus
        {...form.getInputProps("url")}
      />
      <TextInput label="Description" description="For people." {...form.getInputProps("description")} />
      <MultiSelect
        label="Events"
        description="All of them (*), those of a group (message.*), or one by one."
        data={patterns}
        searchable
        hidePickedOptions
        clearButtonProps={{ "aria-label": "Take all events away" }}
        {...form.getInputProps("events")}
      />
      <TagsInput
        label="Rooms"
        description={`Names or patterns such as team:*, up to ${fixedLimits.webhookRooms}. Empty: every room, and what concerns the tenant.`}
        placeholder={form.values.rooms.length === 0 ? "every room" : ""}
        splitChars={[",", " "]}
        acceptValueOnBlur
        {...form.getInputProps("rooms")}
      />
      <Switch label="Several events in one delivery" {...form.getInputProps("isBatched", { type: "checkbox" })} />
      {form.values.isBatched && <BatchFields form={form} />}
      <Switch
        label="Send events"
        description="Turned off, nothing is sent, and what happens meanwhile is not kept for it."
        {...form.getInputProps("isEnabled", { type: "checkbox" })}
      />
    </Stack>
  );
}

function BatchFields({ form }: { readonly form: UseFormReturnType<EndpointValues> }) {
  return (
    <Stack pl="md">
      <NumberInput
        label="Events at most"
        description={`2 to ${fixedLimits.webhookBatchEvents}`}
        allowDecimal={false}
        maw={240}
        {...form.getInputProps("maxEvents")}
      />
      <NumberInput
        label="Wait for others, in milliseconds"
        description={`0 to ${count(fixedLimits.webhookBatchMs)}`}
        allowDecimal={false}
        thousandSeparator=","
        maw={240}
        {...form.getInputProps("waitMs")}
      />
    </Stack>
  );
}

const groups = [...new Set(webhookEventTypes.map((type) => `${type.split(".")[0]}.*`))];
const patterns = [
  { group: "Many", items: ["*", ...groups] },
  { group: "One by one", items: [...webhookEventTypes] },
];
