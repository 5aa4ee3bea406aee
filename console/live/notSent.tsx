/** What was refused while something else was being written: it waits here, whole, until somebody says what becomes of it. */
import { Button, Group, Paper, Text } from "@mantine/core";
import type { Room } from "../../src/client/client.ts";
import { coded, textOf } from "../parts/ErrorState.tsx";
import { type Drafts, draftBox, isEmpty } from "./draft.ts";
import { shownError } from "./refused.ts";

export function NotSent({ room, drafts: { draft, refused } }: { readonly room: Room; readonly drafts: Drafts }) {
  const box = draftBox(room.name);
  const isFree = isEmpty(draft);
  return refused.map((one) => (
    <Paper key={one.key} withBorder p="xs" role="group" aria-label="Not sent">
      <Text size="sm" lineClamp={3} className="anywhere">
        {one.draft.replyTo !== null && (
          <Text span inherit c="dimmed">
            Reply to #{one.draft.replyTo.id}:{" "}
          </Text>
        )}
        {one.draft.text === "" ? (one.draft.data ?? "") : one.draft.text}
        {one.draft.files.map(({ name }) => ` ${name}`)}
      </Text>
      <Text size="xs" c="var(--mantine-color-error)" role="alert" className="anywhere">
        Not sent: {coded(textOf(shownError(one.error)))}
      </Text>
      <Group gap="xs" mt={4}>
        <Button size="compact-xs" variant="default" onClick={() => box.sendAgain(room, one)}>
          Send again
        </Button>
        <Button
          size="compact-xs"
          variant="default"
          disabled={!isFree}
          title={isFree ? "" : "Something else is being written."}
          onClick={() => box.takeBack(one)}
        >
          Change it
        </Button>
        <Button size="compact-xs" variant="subtle" color="gray" onClick={() => box.discard(one.key)}>
          Discard
        </Button>
      </Group>
    </Paper>
  ));
}
