/** Which rooms name an assistant themselves. Only the rooms know, and each that is asked wakes: so it is asked on demand. */
import { Button, Group, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { answered, steadyApi } from "../api.ts";
import { ErrorState } from "../parts/ErrorState.tsx";
import { LinkText } from "../parts/LinkText.tsx";
import { count } from "../parts/amount.ts";

/** One page of the list of rooms. */
const asked = 200;
const atOnce = 6;

interface Found {
  readonly rooms: readonly { readonly room: string; readonly assistant: string }[];
  readonly looked: number;
  readonly hasMore: boolean;
}

export function RoomsWith() {
  const looking = useMutation({ mutationFn: look });
  return (
    <Stack gap="xs">
      <Group gap="sm">
        <Button variant="default" loading={looking.isPending} onClick={() => looking.mutate()}>
          Find them
        </Button>
        <Text size="sm" c="dimmed" role="status">
          {looking.data === undefined ? "" : summary(looking.data)}
        </Text>
      </Group>
      {looking.error !== null && <ErrorState error={looking.error} />}
      {looking.data?.rooms.map(({ room, assistant }) => (
        <Text key={room} size="sm" className="anywhere">
          <LinkText to="/rooms/$room" params={{ room }} size="sm">
            {room}
          </LinkText>
          : {assistant}
        </Text>
      ))}
    </Stack>
  );
}

async function look(): Promise<Found> {
  const steady = steadyApi();
  const page = await answered(steady.v1.rooms.$get({ query: { limit: String(asked) } }));
  const rooms: { room: string; assistant: string }[] = [];
  for (let from = 0; from < page.items.length; from += atOnce) {
    const some = page.items.slice(from, from + atOnce);
    const infos = await Promise.all(
      some.map(({ name }) => answered(steady.v1.rooms[":room"].$get({ param: { room: name } }))),
    );
    for (const { name, settings } of infos)
      if (settings.assistant !== null) rooms.push({ room: name, assistant: settings.assistant });
  }
  return { rooms, looked: page.items.length, hasMore: page.next !== undefined };
}

function summary({ rooms, looked, hasMore }: Found): string {
  const of = hasMore ? `the first ${count(looked)} rooms` : `${count(looked)} rooms`;
  return `${count(rooms.length)} of ${of} say for themselves who answers.`;
}
