/** What users have flagged, and who is banned. */
import { Button, Tabs } from "@mantine/core";
import { useState } from "react";
import { BanModal } from "../moderation/BanModal.tsx";
import { Bans } from "../moderation/Bans.tsx";
import { Flags } from "../moderation/Flags.tsx";
import { PageHeader } from "../parts/PageHeader.tsx";

export function ModerationPage() {
  const [banned, setBanned] = useState<string | null>(null);
  return (
    <>
      <PageHeader
        title="Moderation"
        description="What users say somebody should look at, and who may enter no room."
        actions={
          <Button variant="default" onClick={() => setBanned("")}>
            Ban a user…
          </Button>
        }
      />
      <Tabs defaultValue="flags" keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="flags">Flags</Tabs.Tab>
          <Tabs.Tab value="bans">Bans</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="flags" pt="md">
          <Flags onBan={setBanned} />
        </Tabs.Panel>
        <Tabs.Panel value="bans" pt="md">
          <Bans />
        </Tabs.Panel>
      </Tabs>
      <BanModal user={banned} onClose={() => setBanned(null)} />
    </>
  );
}
