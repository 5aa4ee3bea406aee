/** What a tenant says of itself. */
import { Stack, Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { FormSkeleton } from "../parts/Loading.tsx";
import { Loaded } from "../parts/Loaded.tsx";
import { PageHeader } from "../parts/PageHeader.tsx";
import { GeneralForm } from "../settings/GeneralForm.tsx";
import { HookForm } from "../settings/HookForm.tsx";
import { Issuers } from "../settings/Issuers.tsx";
import { RetentionForm } from "../settings/RetentionForm.tsx";
import { Revocations } from "../settings/Revocations.tsx";
import { tenantQuery } from "../settings/tenantQuery.ts";
import { type SettingsTab, settingsTabs } from "../settings/settingsTab.ts";
import { WordsForm } from "../settings/WordsForm.tsx";

const labels: Record<SettingsTab, string> = {
  general: "General",
  retention: "Retention",
  words: "Words",
  hook: "Hook",
  identity: "Identity",
  revocations: "Revocations",
};

export function SettingsPage() {
  const { tab = "general" } = useSearch({ from: "/settings" });
  const navigate = useNavigate();
  const profile = useQuery(tenantQuery);
  const show = (value: string | null): void => {
    const wanted = settingsTabs.find((one) => one === value);
    if (wanted !== undefined) void navigate({ to: "/settings", search: { tab: wanted }, replace: true });
  };
  const panel = (value: SettingsTab, content: ReactNode): ReactNode => (
    <Tabs.Panel value={value} pt="md">
      {content}
    </Tabs.Panel>
  );
  return (
    <>
      <PageHeader title="Settings" description="What is changed here is in force at once, in every open room." />
      <Tabs value={tab} onChange={show}>
        <Tabs.List>
          {settingsTabs.map((value) => (
            <Tabs.Tab key={value} value={value}>
              {labels[value]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Loaded
          query={profile}
          skeleton={
            <Stack mt="md">
              <FormSkeleton fields={5} />
            </Stack>
          }
        >
          {(found) => (
            <>
              {panel("general", <GeneralForm profile={found} />)}
              {panel("retention", <RetentionForm settings={found.settings} />)}
              {panel("words", <WordsForm settings={found.settings} />)}
              {panel("hook", <HookForm settings={found.settings} />)}
              {panel("identity", <Issuers />)}
              {panel("revocations", <Revocations />)}
            </>
          )}
        </Loaded>
      </Tabs>
    </>
  );
}
