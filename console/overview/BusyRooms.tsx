/** The rooms in which most people are, of those that were listed. */
import { Text } from "@mantine/core";
import { type Column, DataTable } from "../parts/DataTable.tsx";
import { LinkText } from "../parts/LinkText.tsx";
import { Time } from "../parts/Time.tsx";
import { count } from "../parts/amount.ts";

interface ListedRoom {
  readonly name: string;
  readonly online: number;
  readonly messages: number;
  readonly lastActivityAt: number | null;
}

const shown = 5;

const columns: readonly Column<ListedRoom>[] = [
  {
    heading: "Room",
    cell: ({ name }) => (
      <LinkText to="/rooms/$room" params={{ room: name }}>
        {name}
      </LinkText>
    ),
  },
  { heading: "Here", align: "right", cell: ({ online }) => count(online) },
  { heading: "Messages", align: "right", cell: ({ messages }) => count(messages) },
  {
    heading: "Last activity",
    align: "right",
    wideOnly: true,
    cell: ({ lastActivityAt }) => <Time at={lastActivityAt} />,
  },
];

export function BusyRooms({ rooms, isMore }: { readonly rooms: readonly ListedRoom[]; readonly isMore: boolean }) {
  const busiest = rooms.toSorted(
    (one, other) => other.online - one.online || (other.lastActivityAt ?? 0) - (one.lastActivityAt ?? 0),
  );
  return (
    <>
      <DataTable
        label="Rooms with most people"
        columns={columns}
        items={busiest.slice(0, shown)}
        keyOf={({ name }) => name}
      />
      <Text size="sm" mt="xs" c="dimmed">
        {isMore ? `Of the first ${rooms.length} rooms by name. ` : ""}
        <LinkText to="/rooms">All rooms</LinkText>
      </Text>
    </>
  );
}
