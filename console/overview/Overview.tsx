/** How a tenant is doing now, and what a newcomer does next. */
import { Paper, SimpleGrid, Stack, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { answered, api } from "../api.ts";
import { ErrorState } from "../parts/ErrorState.tsx";
import { TableSkeleton } from "../parts/Loading.tsx";
import { PageHeader } from "../parts/PageHeader.tsx";
import { StatTile } from "../parts/StatTile.tsx";
import { bytes, count } from "../parts/amount.ts";
import { useTenantKey } from "../who.ts";
import { BusyRooms } from "./BusyRooms.tsx";
import { FirstSteps } from "./FirstSteps.tsx";

/** Counts of rooms are at most 10 seconds old: asking more often shows nothing new. */
const refreshMs = 10_000;
const listedRooms = 200;

export function Overview() {
  const { tenant } = useTenantKey();
  const profile = useQuery({ queryKey: ["tenant"], queryFn: () => answered(api.v1.tenant.$get()) });
  const rooms = useQuery({
    queryKey: ["rooms", "overview"],
    queryFn: () => answered(api.v1.rooms.$get({ query: { limit: String(listedRooms) } })),
    refetchInterval: refreshMs,
  });
  const name = profile.data?.name;
  return (
    <>
      <PageHeader
        title="Overview"
        description={name === undefined || name === tenant ? `Tenant ${tenant}` : `${name}, tenant ${tenant}`}
      />
      {rooms.error !== null && rooms.data === undefined ? (
        <ErrorState error={rooms.error} onRetry={() => void rooms.refetch()} />
      ) : (
        <Stack gap="lg">
          <Numbers rooms={rooms.data && { count: rooms.data.items.length, isMore: rooms.data.next !== undefined }} />
          {rooms.data?.items.length === 0 ? (
            <FirstSteps />
          ) : (
            <Paper withBorder p="md">
              <Title order={2} fz="md" mb="xs">
                Rooms with most people
              </Title>
              {rooms.data === undefined ? (
                <TableSkeleton rows={5} />
              ) : (
                <BusyRooms rooms={rooms.data.items} isMore={rooms.data.next !== undefined} />
              )}
            </Paper>
          )}
        </Stack>
      )}
    </>
  );
}

function Numbers({ rooms }: { readonly rooms: { count: number; isMore: boolean } | undefined }) {
  const usage = useQuery({
    queryKey: ["usage", "today"],
    queryFn: () => answered(api.v1.usage.$get({ query: { by: "day" } })),
    refetchInterval: refreshMs,
  });
  const limits = useQuery({
    queryKey: ["limits"],
    queryFn: () => answered(api.v1.limits.$get({ query: {} })),
    refetchInterval: refreshMs,
  });
  const today = usage.data?.items.at(-1);
  const places = limits.data?.levels.find(({ scope }) => scope === "tenant_sockets");
  const stored = today && bytes(today.storageBytes + today.fileBytes);
  return (
    <SimpleGrid cols={{ base: 2, md: 4 }} spacing="md">
      <StatTile
        label="Connections now"
        value={places && count(places.limit - places.remaining)}
        note={places && `of ${count(places.limit)}`}
      />
      <StatTile
        label="Messages today"
        value={today && count(today.messages)}
        note={today && `${bytes(today.bytes)}, since 0:00 UTC`}
      />
      <StatTile label="Rooms" value={rooms && `${count(rooms.count)}${rooms.isMore ? "+" : ""}`} />
      <StatTile label="Stored" value={stored} note={today && `${bytes(today.fileBytes)} of it files`} />
    </SimpleGrid>
  );
}
