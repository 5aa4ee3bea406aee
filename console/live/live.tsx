/** A room as it happens: its messages, who is here, and everything that can be done about them. */
import "./live.css";
import { Alert, Group, Text } from "@mantine/core";
import { IconSnowflake } from "@tabler/icons-react";
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Client, Room, RoomSnapshot } from "../../src/client/client.ts";
import { queries } from "../queries.ts";
import { useActivity } from "./activity.ts";
import { Aside } from "./aside.tsx";
import { orComplain } from "./complain.ts";
import { Composer } from "./composer.tsx";
import { ConnectionBar, ConnectionTrouble } from "./connectionBar.tsx";
import type { Asking, Deeds } from "./deeds.ts";
import { DeleteMessage } from "./deleteMessage.tsx";
import { draftBox } from "./draft.ts";
import { streamDemo } from "./demoStream.ts";
import { EditMessage } from "./editMessage.tsx";
import { Moderate } from "./moderate.tsx";
import { pin } from "./pin.ts";
import { RoomSearch } from "./roomSearch.tsx";
import { useSeeker } from "./seek.ts";
import { SeekState } from "./seekState.tsx";
import { useConnection, useSnapshot } from "./snapshot.ts";
import { Timeline, type TimelineHandle } from "./timeline.tsx";

export interface LiveProps {
  readonly client: Client;
  readonly room: Room;
  readonly user: string;
  readonly onUser: (user: string) => void;
  /** Enters the room anew. */
  readonly onAgain: () => void;
}

export function Live({ client, room, user, onUser, onAgain }: LiveProps) {
  const snapshot = useSnapshot(room);
  const state = useConnection(client);
  const happenings = useActivity(room, snapshot);
  const timeline = useRef<TimelineHandle>(null);
  const [asking, setAsking] = useState<Asking | null>(null);
  const show = useCallback((id: number) => timeline.current?.show(id) ?? false, []);
  const seeker = useSeeker(room, snapshot.messages, show);
  const deeds = useDeeds({ room, user, seek: seeker.seek, setAsking });
  const stream = useDemo(room);
  useEnd(room.name, snapshot);
  return (
    <>
      <Group justify="space-between" mb="xs" gap="xs">
        <ConnectionBar state={state} snapshot={snapshot} user={user} onUser={onUser} />
        {snapshot.settings !== null && <RoomSearch room={room} setting={snapshot.settings.search} deeds={deeds} />}
      </Group>
      <ConnectionTrouble client={client} state={state} error={snapshot.error} onAgain={onAgain} />
      {snapshot.settings?.frozen === true && <Frozen />}
      <div className="live">
        <div className="live-main">
          <SeekState seeker={seeker} loaded={snapshot.messages.length} />
          <Timeline ref={timeline} room={room} snapshot={snapshot} user={user} deeds={deeds} />
          <Text size="xs" c="dimmed" truncate className="writing">
            {writing(snapshot)}
          </Text>
          <Composer room={room} user={user} closed={closedWhy(snapshot)} onStream={stream} />
        </div>
        <Aside snapshot={snapshot} happenings={happenings} deeds={deeds} />
      </div>
      <Dialogs room={room} asking={asking} onClose={() => setAsking(null)} />
    </>
  );
}

/** A room that is gone is asked for at once, so that its page says so. */
function useEnd(room: string, { error }: RoomSnapshot): void {
  const isGone = error?.code === "room_deleted" || error?.code === "not_found";
  useEffect(() => {
    if (isGone) void queries.invalidateQueries({ queryKey: ["room", room] });
  }, [room, isGone]);
}

function Frozen(): ReactNode {
  return (
    <Alert color="blue" icon={<IconSnowflake />} mb="xs" p="xs">
      The room is frozen: only those who may moderate change anything.
    </Alert>
  );
}

function Dialogs(props: { readonly room: Room; readonly asking: Asking | null; readonly onClose: () => void }) {
  const { room, asking, onClose } = props;
  return (
    <>
      <EditMessage room={room} message={asking?.what === "edit" ? asking.message : null} onClose={onClose} />
      <DeleteMessage room={room} message={asking?.what === "delete" ? asking.message : null} onClose={onClose} />
      <Moderate room={room.name} user={asking?.what === "moderate" ? asking.user : null} onClose={onClose} />
    </>
  );
}

interface DeedParts {
  readonly room: Room;
  readonly user: string;
  readonly seek: (id: number) => void;
  readonly setAsking: (asking: Asking) => void;
}

function useDeeds({ room, user, seek, setAsking }: DeedParts): Deeds {
  return useMemo(
    () => ({
      ask: setAsking,
      replyTo: (message) => {
        draftBox(room.name).set({ replyTo: message });
        document.querySelector<HTMLElement>(".composer textarea")?.focus();
      },
      pin: (id, isPinned) => void orComplain(pin(room.name, id, { isPinned, user })),
      react: (id, emoji, isOwn) => void orComplain(isOwn ? room.unreact(id, emoji) : room.react(id, emoji)),
      stop: (id) => void orComplain(room.cancel(id, { reason: "Stopped in the console." })),
      show: seek,
    }),
    [room, user, seek, setAsking],
  );
}

/** Starts one; whoever leaves the page stops it. */
function useDemo(room: Room): () => void {
  const leaving = useRef(new AbortController());
  useEffect(() => {
    leaving.current = new AbortController();
    return () => leaving.current.abort();
  }, [room]);
  return () => void orComplain(streamDemo(room, leaving.current.signal));
}

function writing({ typing, user }: RoomSnapshot): string {
  const others = typing.filter((writer) => writer !== user?.id);
  if (others.length === 0) return "";
  const named = others.slice(0, 3).join(", ");
  return `${named}${others.length > 3 ? " and others" : ""} ${others.length === 1 ? "is" : "are"} writing`;
}

function closedWhy({ status, capabilities }: RoomSnapshot): string | null {
  if (status === "failed") return "Nothing can be said here now.";
  return status !== "live" || capabilities.includes("publish") ? null : "This key may not publish.";
}
