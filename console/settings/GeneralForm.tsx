/** What a tenant is called, which pages may use it, and how its rooms come to be. */
import { Select, Switch, TagsInput, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { answered, api } from "../api.ts";
import { SettingsForm } from "./SettingsForm.tsx";
import type { Profile } from "./tenantQuery.ts";

export function GeneralForm({ profile: { name, settings } }: { readonly profile: Profile }) {
  const { origins, autoCreate, search, assistant } = settings;
  const assistants = useQuery({ queryKey: ["assistants"], queryFn: () => answered(api.v1.assistants.$get()) });
  const ids = new Set([
    ...(assistants.data?.items.map(({ id }) => id) ?? []),
    ...(assistant === null ? [] : [assistant]),
  ]);
  return (
    <SettingsForm
      title="General"
      description="For all rooms, where a room does not say it for itself."
      initial={{ name, origins: [...origins], autoCreate, search, assistant }}
      patchOf={({ name: called, ...rest }) => ({ name: called, settings: rest })}
    >
      {(form) => (
        <>
          <TextInput label="Name" description="For people." {...form.getInputProps("name")} />
          <TagsInput
            label="Origins"
            description="Pages of which addresses may use this tenant, such as https://app.example.com. * is every page; servers send none."
            placeholder={form.values.origins.length === 0 ? "no page at all" : ""}
            splitChars={[",", " "]}
            acceptValueOnBlur
            {...form.getInputProps("origins")}
          />
          <Switch
            label="Rooms come to be by themselves"
            description="When somebody who may publish in it connects or publishes. Otherwise your server makes each room."
            {...form.getInputProps("autoCreate", { type: "checkbox" })}
          />
          <Switch
            label="Messages can be searched"
            description="Each room keeps an index, which takes space and some time."
            {...form.getInputProps("search", { type: "checkbox" })}
          />
          <Select
            label="Assistant"
            description="Who answers in rooms that do not name one themselves."
            placeholder="none"
            data={[...ids]}
            clearable
            clearButtonProps={{ "aria-label": "No assistant" }}
            {...form.getInputProps("assistant")}
          />
        </>
      )}
    </SettingsForm>
  );
}
