/** Beside the messages: how the room is reached, who is here, and what else happens. */
import { ActionIcon, Code, Group, Stack, Text, Title } from "@mantine/core";
import { IconShield } from "@tabler/icons-react";
import type { RoomSnapshot } from "../../src/client/client.ts";
import { CopyButton } from "../parts/CopyButton.tsx";
import { Time } from "../parts/Time.tsx";
import { count } from "../parts/amount.ts";
import type { Happening } from "./activity.ts";
import type { Deeds } from "./deeds.ts";

export interface AsideProps {
  readonly snapshot: RoomSnapshot;
  readonly happenings: readonly Happening[];
  readonly deeds: Deeds;
}

export function Aside({ snapshot, happenings, deeds }: AsideProps) {
  const { cursor, capabilities } = snapshot;
  return (
    <Stack gap="lg" className="live-aside">
      <Here snapshot={snapshot} deeds={deeds} />
      <section>
        <Title order={2} size="h6" mb={4}>
          Cursor
        </Title>
        <Group gap="xs" wrap="nowrap">
          <Code className="anywhere">{cursor ?? "none yet"}</Code>
          {cursor !== null && <CopyButton value={cursor} label="Copy the cursor" size="compact-xs" />}
        </Group>
        <Text size="xs" c="dimmed" mt={4}>
          {capabilities.length === 0 ? "No rights yet." : `May ${capabilities.join(", ")}.`}
        </Text>
      </section>
      <section>
        <Title order={2} size="h6" mb={4}>
          Activity
        </Title>
        {happenings.length === 0 && (
          <Text size="xs" c="dimmed">
            Who comes and goes, roles, settings and limits are told here.
          </Text>
        )}
        <ol className="plain happenings" tabIndex={0} aria-label="Activity">
          {happenings.map(({ key, atMs, text }) => (
            <li key={key}>
              <Text size="xs" className="anywhere">
                {text}{" "}
                <Text span inherit c="dimmed">
                  <Time at={atMs} />
                </Text>
              </Text>
            </li>
          ))}
        </ol>
      </section>
    </Stack>
  );
}

function Here({ snapshot: { present, online, user }, deeds }: Pick<AsideProps, "snapshot" | "deeds">) {
  return (
    <section>
      <Title order={2} size="h6" mb={4}>
        Here now: {count(online)}
      </Title>
      <ul className="plain people" tabIndex={0} aria-label="Who is here">
        {present.map(({ user: id, name, connections }) => (
          <li key={id}>
            <Group gap={6} wrap="nowrap" justify="space-between">
              <Text size="sm" truncate title={id}>
                {name ?? id}
                {id === user?.id && " (this tab)"}
                <Text span size="xs" c="dimmed">
                  {connections > 1 && ` ${connections} connections`}
                </Text>
              </Text>
              <ActionIcon
                variant="subtle"
                color="gray"
                size="sm"
                aria-label={`Moderate ${id}`}
                onClick={() => deeds.ask({ what: "moderate", user: id })}
              >
                <IconShield size={14} />
              </ActionIcon>
            </Group>
          </li>
        ))}
      </ul>
      {online > present.length && (
        <Text size="xs" c="dimmed">
          {present.length === 0
            ? "Who they are is not told to this key."
            : `and ${count(online - present.length)} more`}
        </Text>
      )}
    </section>
  );
}
