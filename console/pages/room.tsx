/** One room: as it happens, its members, its settings, and who may not be in it. */
import { Button, Skeleton, Tabs } from "@mantine/core";
import { IconMapOff, IconMessageOff } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useLocation, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import type { RoomCapability } from "../../src/protocol/capabilities.ts";
import { clientAs } from "../live/clients.ts";
import { Live } from "../live/live.tsx";
import { Members } from "../live/members.tsx";
import { Moderation } from "../live/moderation.tsx";
import { useRights } from "../live/rights.ts";
import { createRoom, type RoomInfo, useRoomInfo } from "../live/roomInfo.ts";
import { Settings } from "../live/settings.tsx";
import { unfitRoom, useSpeaker } from "../live/speaker.ts";
import { EmptyState } from "../parts/EmptyState.tsx";
import { ErrorState } from "../parts/ErrorState.tsx";
import { LinkButton } from "../parts/LinkButton.tsx";
import { LinkText } from "../parts/LinkText.tsx";
import { Loaded } from "../parts/Loaded.tsx";
import { PageHeader } from "../parts/PageHeader.tsx";
import { ProblemError } from "../problem.ts";
import { useTenantKey } from "../who.ts";

export function RoomPage() {
  const { room } = useParams({ from: "/rooms/$room" });
  const unfit = unfitRoom(room);
  return unfit === null ? <Fit room={room} /> : <Unfit name={room} why={unfit} />;
}

function Unfit({ name, why }: { readonly name: string; readonly why: string }) {
  return (
    <>
      <PageHeader title={name} />
      <EmptyState
        icon={IconMapOff}
        title="No room can have this name."
        action={<LinkButton to="/rooms">All rooms</LinkButton>}
      >
        A name is {why}
      </EmptyState>
    </>
  );
}

function Fit({ room }: { readonly room: string }) {
  const info = useRoomInfo(room);
  // What is gone is gone, whatever was shown of it before.
  const gone = info.error instanceof ProblemError && (info.error.status === 404 || info.error.status === 410);
  return (
    <>
      <PageHeader
        title={room}
        description={
          <LinkText size="sm" to="/rooms">
            All rooms
          </LinkText>
        }
      />
      {gone ? (
        <NoRoom room={room} why={info.error} />
      ) : (
        <Loaded query={info} skeleton={<Skeleton height={480} />}>
          {(found) => <RoomTabs key={room} info={found} />}
        </Loaded>
      )}
    </>
  );
}

function NoRoom({ room, why }: { readonly room: string; readonly why: Error | null }) {
  const making = useMutation({ mutationFn: () => createRoom(room, {}) });
  return (
    <EmptyState
      icon={IconMessageOff}
      title={why?.message ?? ""}
      action={
        <Button variant="default" loading={making.isPending} onClick={() => making.mutate()}>
          Make a room of this name
        </Button>
      }
    >
      {making.error !== null && <ErrorState error={making.error} />}
    </EmptyState>
  );
}

const tabs = ["live", "members", "settings", "moderation"] as const;
const labels = { live: "Live", members: "Members", settings: "Settings", moderation: "Moderation" };

function RoomTabs({ info: { name, settings } }: { readonly info: RoomInfo }) {
  // On the way to another page its address is there before it: until then this one shows what it has shown.
  const asked = useLocation({ select: ({ pathname, hash }) => (pathname.includes("/rooms/") ? hash : null) });
  const [hash, setHash] = useState(asked ?? "");
  if (asked !== null && asked !== hash) setHash(asked);
  const navigate = useNavigate();
  const tab = tabs.find((known) => known === hash) ?? "live";
  const go = (chosen: string | null): void => {
    void navigate({
      to: "/rooms/$room",
      params: { room: name },
      hash: chosen === "live" ? "" : (chosen ?? ""),
      replace: true,
    });
  };
  return (
    <Tabs value={tab} onChange={go} keepMounted={false}>
      <Tabs.List mb="md" className="tabs">
        {tabs.map((known) => (
          <Tabs.Tab key={known} value={known}>
            {labels[known]}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value="live">
        <LiveTab room={name} />
      </Tabs.Panel>
      <Tabs.Panel value="members">
        <Members room={name} />
      </Tabs.Panel>
      <Tabs.Panel value="settings">
        <Settings room={name} settings={settings} />
      </Tabs.Panel>
      <Tabs.Panel value="moderation">
        <Moderation room={name} />
      </Tabs.Panel>
    </Tabs>
  );
}

function LiveTab({ room }: { readonly room: string }) {
  const rights = useRights();
  return (
    <Loaded query={rights} skeleton={<Skeleton height={480} />}>
      {(held) => <Entered room={room} rights={held} />}
    </Loaded>
  );
}

function Entered({ room, rights }: { readonly room: string; readonly rights: readonly RoomCapability[] }) {
  const { keyId } = useTenantKey();
  const [user, setUser] = useSpeaker();
  // Entered anew, a room that had refused is asked again.
  const [times, setTimes] = useState(0);
  const client = clientAs(user, keyId, rights);
  return (
    <Live
      key={`${user} ${times}`}
      client={client}
      room={client.room(room)}
      user={user}
      onUser={setUser}
      onAgain={() => setTimes(times + 1)}
    />
  );
}
