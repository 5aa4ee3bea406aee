/** Who belongs to the room, and in which role. */
import { Button, Group, Select, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconUsers } from "@tabler/icons-react";
import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import type { InferResponseType } from "hono/client";
import { useState } from "react";
import { type Role, roles } from "../../src/protocol/capabilities.ts";
import { answered, api } from "../api.ts";
import { ConfirmModal } from "../parts/ConfirmModal.tsx";
import { type Column, DataTable } from "../parts/DataTable.tsx";
import { EmptyState } from "../parts/EmptyState.tsx";
import { ErrorState } from "../parts/ErrorState.tsx";
import { TableSkeleton } from "../parts/Loading.tsx";
import { ShowMore } from "../parts/ShowMore.tsx";
import { queries } from "../queries.ts";
import { orComplain } from "./complain.ts";
import { placeOf } from "./place.ts";
import { unfitUser } from "./speaker.ts";

const ofRoom = api.v1.rooms[":room"].members;
type Member = InferResponseType<typeof ofRoom.$get, 200>["items"][number];

export function Members({ room }: { readonly room: string }) {
  const found = useInfiniteQuery({
    queryKey: ["members", room],
    queryFn: ({ pageParam }) =>
      answered(
        ofRoom.$get({ param: { room }, query: { limit: "100", ...(pageParam === null ? {} : { after: pageParam }) } }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next ?? null,
    refetchInterval: 10_000,
  });
  const [leaving, setLeaving] = useState<string | null>(null);
  // Who was a member stays in the list for those who were away.
  const items = found.data?.pages.flatMap((page) => page.items).filter(({ role }) => role !== null);
  return (
    <Stack>
      <AddMember room={room} />
      {found.error !== null && !found.isFetchNextPageError && (
        <ErrorState error={found.error} onRetry={() => void found.refetch()} />
      )}
      {items === undefined ? (
        found.error === null && <TableSkeleton />
      ) : items.length === 0 ? (
        <NoMembers />
      ) : (
        <>
          <DataTable label="Members" columns={columnsFor(room, setLeaving)} items={items} keyOf={({ user }) => user} />
          <ShowMore rest={found} />
        </>
      )}
      <ConfirmModal
        isOpen={leaving !== null}
        onClose={() => setLeaving(null)}
        title="Remove this member?"
        action="Remove"
        onConfirm={() => remove(room, leaving ?? "")}
      >
        {leaving} loses the role in this room. What was said stays.
      </ConfirmModal>
    </Stack>
  );
}

function NoMembers() {
  return (
    <EmptyState icon={IconUsers} title="No members">
      A room needs none. Members have roles, and a room that is for members only lets in nobody else.
    </EmptyState>
  );
}

function columnsFor(room: string, onRemove: (user: string) => void): readonly Column<Member>[] {
  return [
    { heading: "User", cell: ({ user }) => user },
    { heading: "Name", cell: ({ name }) => name ?? "", wideOnly: true },
    { heading: "Role", cell: (member) => <RoleOf room={room} member={member} /> },
    {
      heading: "Remove",
      isHeadingHidden: true,
      align: "right",
      cell: ({ user }) => (
        <Button size="compact-sm" variant="default" onClick={() => onRemove(user)} aria-label={`Remove ${user}`}>
          Remove
        </Button>
      ),
    },
  ];
}

function RoleOf({ room, member: { user, role } }: { readonly room: string; readonly member: Member }) {
  return (
    <Select
      aria-label={`Role of ${user}`}
      size="xs"
      w={130}
      data={[...roles]}
      value={role}
      allowDeselect={false}
      onChange={(value) => {
        const chosen = roleOf(value);
        if (chosen !== null) void orComplain(put(room, user, { role: chosen }));
      }}
    />
  );
}

function AddMember({ room }: { readonly room: string }) {
  const form = useForm<{ user: string; name: string; role: Role }>({
    initialValues: { user: "", name: "", role: "member" },
    validate: { user: unfitUser },
  });
  const adding = useMutation({
    mutationFn: ({ user, name, role }: typeof form.values) =>
      put(room, user, { role, ...(name === "" ? {} : { name }) }),
    onSuccess: () => form.reset(),
  });
  return (
    <form onSubmit={form.onSubmit((values) => adding.mutate(values))}>
      <Group align="flex-start" gap="sm">
        <TextInput label="User" flex="1 1 8rem" maw={220} maxLength={128} {...form.getInputProps("user")} />
        <TextInput label="Name, if any" flex="1 1 8rem" maw={220} maxLength={128} {...form.getInputProps("name")} />
        <Select label="Role" w={130} data={[...roles]} allowDeselect={false} {...form.getInputProps("role")} />
        <Button type="submit" mt={25} loading={adding.isPending}>
          Add
        </Button>
      </Group>
      {adding.error !== null && <ErrorState error={adding.error} />}
    </form>
  );
}

async function put(room: string, user: string, json: { role: Role; name?: string }): Promise<void> {
  await answered(ofRoom[":user"].$put({ param: placeOf(room, user), json }));
  await queries.invalidateQueries({ queryKey: ["members", room] });
}

async function remove(room: string, user: string): Promise<void> {
  await answered(ofRoom[":user"].$delete({ param: placeOf(room, user) }));
  await queries.invalidateQueries({ queryKey: ["members", room] });
}

function roleOf(value: string | null): Role | null {
  return roles.find((role) => role === value) ?? null;
}
