/** Who answers in rooms: users for whom a model speaks. */
import { Badge, Button, Group, Stack, Text } from "@mantine/core";
import { IconPlus, IconRobot } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answered, api } from "../api.ts";
import { AssistantModal } from "../assistants/AssistantModal.tsx";
import { type Assistant, assistantsQuery } from "../assistants/assistantsQuery.ts";
import { RoomsWith } from "../assistants/RoomsWith.tsx";
import { Card } from "../parts/Card.tsx";
import { ConfirmModal } from "../parts/ConfirmModal.tsx";
import { type Column, DataTable } from "../parts/DataTable.tsx";
import { EmptyState } from "../parts/EmptyState.tsx";
import { Loaded } from "../parts/Loaded.tsx";
import { TableSkeleton } from "../parts/Loading.tsx";
import { PageHeader } from "../parts/PageHeader.tsx";
import { Time } from "../parts/Time.tsx";
import { tenantQuery } from "../settings/tenantQuery.ts";

/** `edit` without an assistant makes one. */
type Dialog = { readonly deed: "edit" | "remove"; readonly assistant: Assistant | null };

export function AssistantsPage() {
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const assistants = useQuery(assistantsQuery);
  const everywhere = useQuery(tenantQuery).data?.settings.assistant ?? null;
  const close = (): void => setDialog(null);
  return (
    <>
      <PageHeader
        title="Assistants"
        description="Users for whom a model speaks. One answers in the rooms that name it, or in all that name none."
        actions={
          <Button leftSection={<IconPlus size={16} />} onClick={() => setDialog({ deed: "edit", assistant: null })}>
            New assistant
          </Button>
        }
      />
      <Loaded query={assistants} skeleton={<TableSkeleton rows={3} />}>
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState icon={IconRobot} title="No assistants yet">
              Make one with the address and the key of a model, then name it in a room’s settings or in the tenant’s.
            </EmptyState>
          ) : (
            <Stack gap="lg">
              <DataTable
                label="Assistants"
                columns={columnsOf(everywhere, setDialog)}
                items={items}
                keyOf={({ id }) => id}
              />
              <Card title="Rooms that name one" description="Rooms are asked one by one, the first 200 of them.">
                <RoomsWith />
              </Card>
            </Stack>
          )
        }
      </Loaded>
      <AssistantModal
        assistant={newestOf(dialog?.assistant ?? null, assistants.data?.items)}
        isOpen={dialog?.deed === "edit"}
        onClose={close}
      />
      <Removal assistant={dialog?.deed === "remove" ? dialog.assistant : null} onClose={close} />
    </>
  );
}

function Removal({ assistant, onClose }: { readonly assistant: Assistant | null; readonly onClose: () => void }) {
  const queries = useQueryClient();
  return (
    <ConfirmModal
      isOpen={assistant !== null}
      onClose={onClose}
      title="Remove this assistant?"
      action="Remove"
      onConfirm={async () => {
        const param = { assistant: encodeURIComponent(assistant?.id ?? "") };
        await answered(api.v1.assistants[":assistant"].$delete({ param }));
        await queries.invalidateQueries({ queryKey: assistantsQuery.queryKey });
      }}
    >
      <Text size="sm" className="anywhere">
        {assistant?.id} answers nobody any more, and its key is gone. What it has said stays.
      </Text>
    </ConfirmModal>
  );
}

/** As it is stored now, whoever has saved it while the dialog is open. */
function newestOf(assistant: Assistant | null, items: readonly Assistant[] = []): Assistant | null {
  return items.find(({ id }) => id === assistant?.id) ?? assistant;
}

const answering = { mention: "when it is mentioned", always: "every message", command: "" } as const;

function columnsOf(everywhere: string | null, onDeed: (dialog: Dialog) => void): Column<Assistant>[] {
  return [
    {
      heading: "Assistant",
      cell: ({ id, name }) => (
        <>
          <Group gap="xs">
            <Text size="sm">{id}</Text>
            {id === everywhere && <Badge variant="light">all rooms</Badge>}
          </Group>
          <Text size="xs" c="dimmed">
            {name}
          </Text>
        </>
      ),
    },
    {
      heading: "Model",
      cell: ({ model, url }) => (
        <>
          <Text size="sm">{model}</Text>
          <Text size="xs" c="dimmed" visibleFrom="sm">
            {url ?? "Workers AI"}
          </Text>
        </>
      ),
    },
    {
      heading: "Answers",
      wideOnly: true,
      cell: ({ answers, prefix }) => (
        <Text size="sm">{answers === "command" ? `what begins with ${prefix ?? ""}` : answering[answers]}</Text>
      ),
    },
    { heading: "Key", wideOnly: true, cell: ({ keySetAt }) => <Time at={keySetAt} never="none" /> },
    {
      heading: "Deeds",
      isHeadingHidden: true,
      align: "right",
      cell: (assistant) => (
        <Group gap={6} justify="flex-end" wrap="nowrap">
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => onDeed({ deed: "edit", assistant })}
            aria-label={`Edit ${assistant.id}`}
          >
            Edit
          </Button>
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => onDeed({ deed: "remove", assistant })}
            aria-label={`Remove ${assistant.id}`}
          >
            Remove
          </Button>
        </Group>
      ),
    },
  ];
}
