/** All that an entry of the audit log says. */
import { Code, Modal, SimpleGrid, Stack, Text } from "@mantine/core";
import { Facts } from "../parts/Facts.tsx";
import { JsonBlock } from "../parts/JsonBlock.tsx";
import { Time } from "../parts/Time.tsx";
import type { Entry } from "./auditQuery.ts";
import { actorText, readable, targetText } from "./entryText.ts";

export function EntryModal({ entry, onClose }: { readonly entry: Entry | null; readonly onClose: () => void }) {
  return (
    <Modal
      opened={entry !== null}
      onClose={onClose}
      size="xl"
      title={entry === null ? "" : `Entry ${entry.seq}: ${entry.action}`}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      {entry !== null && <Shown entry={entry} />}
    </Modal>
  );
}

function Shown({ entry }: { readonly entry: Entry }) {
  const { at, actor, target, before, after, requestId, previous, hash } = entry;
  return (
    <Stack>
      <Facts
        facts={[
          { name: "When", value: <Time at={at} /> },
          { name: "Who", value: actorText(actor) },
          { name: "To what", value: targetText(target) || "the tenant" },
          { name: "Request", value: <Code>{requestId}</Code> },
        ]}
      />
      {(before !== null || after !== null) && (
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <Side title="Before" value={before} />
          <Side title="After" value={after} />
        </SimpleGrid>
      )}
      <div>
        <Text size="xs" c="dimmed">
          Hash, and that of the entry before it
        </Text>
        <Code block className="anywhere json">{`${hash}\n${previous}`}</Code>
      </div>
    </Stack>
  );
}

function Side({ title, value }: { readonly title: string; readonly value: unknown }) {
  return (
    <div>
      <Text size="xs" c="dimmed" mb={4}>
        {title}
      </Text>
      {value === null ? <Text size="sm">nothing</Text> : <JsonBlock value={readable(value)} label={title} />}
    </div>
  );
}
