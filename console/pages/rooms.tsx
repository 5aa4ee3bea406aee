/** The tenant's rooms by name, with how lively each is. */
import { Button, Code, Loader, Stack, TextInput } from "@mantine/core";
import { useDebouncedValue, useDisclosure } from "@mantine/hooks";
import { IconMessages, IconPlus, IconSearch } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import type { InferResponseType } from "hono/client";
import { useState } from "react";
import { answered, api } from "../api.ts";
import { NewRoom } from "../live/newRoom.tsx";
import { CopyButton } from "../parts/CopyButton.tsx";
import { type Column, DataTable } from "../parts/DataTable.tsx";
import { EmptyState } from "../parts/EmptyState.tsx";
import { ErrorState } from "../parts/ErrorState.tsx";
import { LinkText } from "../parts/LinkText.tsx";
import { TableSkeleton } from "../parts/Loading.tsx";
import { PageHeader } from "../parts/PageHeader.tsx";
import { ShowMore } from "../parts/ShowMore.tsx";
import { Time } from "../parts/Time.tsx";
import { count } from "../parts/amount.ts";

type Listing = InferResponseType<typeof api.v1.rooms.$get, 200>["items"][number];

const columns: readonly Column<Listing>[] = [
  {
    heading: "Name",
    cell: ({ name }) => (
      <LinkText size="sm" to="/rooms/$room" params={{ room: name }}>
        {name}
      </LinkText>
    ),
  },
  { heading: "Here now", cell: ({ online }) => count(online), align: "right" },
  { heading: "Messages", cell: ({ messages }) => count(messages), align: "right" },
  { heading: "Members", cell: ({ members }) => count(members), align: "right", wideOnly: true },
  { heading: "Last activity", cell: ({ lastActivityAt }) => <Time at={lastActivityAt} /> },
  { heading: "Created", cell: ({ createdAt }) => <Time at={createdAt} />, wideOnly: true },
];

export function RoomsPage() {
  const [prefix, setPrefix] = useState("");
  const [asked] = useDebouncedValue(prefix, 200);
  const [isMaking, making] = useDisclosure(false);
  const rooms = useRooms(asked);
  return (
    <>
      <PageHeader
        title="Rooms"
        description="Every room of this tenant. The counts are at most ten seconds old."
        actions={
          <Button leftSection={<IconPlus size={16} />} onClick={making.open}>
            New room
          </Button>
        }
      />
      <TextInput
        label="Names that begin with"
        placeholder="team:"
        maw="24rem"
        mb="md"
        maxLength={128}
        value={prefix}
        onChange={({ currentTarget }) => setPrefix(currentTarget.value)}
        leftSection={<IconSearch size={16} />}
        rightSection={rooms.isPlaceholderData ? <Loader size={14} aria-label="Searching" /> : null}
      />
      <List rooms={rooms} prefix={asked} onNew={making.open} />
      <NewRoom isOpen={isMaking} onClose={making.close} />
    </>
  );
}

type Rooms = ReturnType<typeof useRooms>;

/** What is shown stays while other names are searched, and while it is asked for anew. */
function useRooms(prefix: string) {
  return useInfiniteQuery({
    queryKey: ["rooms", "list", prefix],
    queryFn: ({ pageParam }) => {
      const after = pageParam === null ? {} : { after: pageParam };
      return answered(api.v1.rooms.$get({ query: { ...(prefix === "" ? {} : { prefix }), ...after } }));
    },
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next ?? null,
    placeholderData: keepPreviousData,
    refetchInterval: 5_000,
  });
}

function List({
  rooms,
  prefix,
  onNew,
}: {
  readonly rooms: Rooms;
  readonly prefix: string;
  readonly onNew: () => void;
}) {
  const { data, error, refetch, isRefetchError } = rooms;
  if (data === undefined)
    return error === null ? <TableSkeleton rows={8} /> : <ErrorState error={error} onRetry={() => void refetch()} />;
  const items = data.pages.flatMap((page) => page.items);
  return (
    <Stack>
      {isRefetchError && <ErrorState error={error} onRetry={() => void refetch()} />}
      {items.length > 0 ? (
        <>
          <DataTable label="Rooms" columns={columns} items={items} keyOf={({ name }) => name} />
          <ShowMore key={prefix} rest={rooms} />
        </>
      ) : prefix === "" ? (
        <NoRooms onNew={onNew} />
      ) : (
        <EmptyState icon={IconSearch} title={`No room begins with “${prefix}”`} />
      )}
    </Stack>
  );
}

function NoRooms({ onNew }: { readonly onNew: () => void }) {
  const command = [
    `curl ${location.origin}/v1/rooms/general/messages -H "Authorization: Bearer $KEY" \\`,
    `  -H "Parley-User: ada" -H "Content-Type: application/json" -d '{"text":"Hello"}'`,
  ].join("\n");
  return (
    <EmptyState
      icon={IconMessages}
      title="No rooms yet"
      action={
        <Button variant="default" onClick={onNew}>
          Make the first one
        </Button>
      }
    >
      A room comes to be with its first message, unless your settings say otherwise. Try it, with an API key in KEY:
      <Code block ta="left" my="sm" className="anywhere" style={{ whiteSpace: "pre-wrap" }}>
        {command}
      </Code>
      <CopyButton value={command} label="Copy the command" />
    </EmptyState>
  );
}
