/** Who changed what, and the proof that nobody has changed what is written of it. */
import { Button, Stack, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconClipboardList } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { AuditFilters } from "../audit/AuditFilters.tsx";
import { type AuditFilter, auditQuery, type Entry, noFilter } from "../audit/auditQuery.ts";
import { EntryModal } from "../audit/EntryModal.tsx";
import { actorText, targetText } from "../audit/entryText.ts";
import { Proof } from "../audit/Proof.tsx";
import { type Column, DataTable } from "../parts/DataTable.tsx";
import { EmptyState } from "../parts/EmptyState.tsx";
import { Listed } from "../parts/Listed.tsx";
import { PageHeader } from "../parts/PageHeader.tsx";
import { Time } from "../parts/Time.tsx";

export function AuditPage() {
  const [filter, setFilter] = useState<AuditFilter>(noFilter);
  const [asked] = useDebouncedValue(filter, 250);
  const [shown, setShown] = useState<Entry | null>(null);
  return (
    <>
      <PageHeader
        title="Audit log"
        description="Who changed this tenant, its rooms, or what others said: when, from what, to what. The newest first."
      />
      <Stack gap="md">
        <Proof />
        <AuditFilters filter={filter} onChange={setFilter} />
        <List filter={asked} onShow={setShown} />
      </Stack>
      <EntryModal entry={shown} onClose={() => setShown(null)} />
    </>
  );
}

function List({ filter, onShow }: { readonly filter: AuditFilter; readonly onShow: (entry: Entry) => void }) {
  const list = useInfiniteQuery(auditQuery(filter));
  return (
    <Listed
      key={JSON.stringify(filter)}
      query={list}
      rows={10}
      empty={
        <EmptyState icon={IconClipboardList} title="No such entries">
          None of the entries is of this kind. What is said in rooms is not written here.
        </EmptyState>
      }
    >
      {(items) => <DataTable label="Audit log" columns={columnsOf(onShow)} items={items} keyOf={({ seq }) => seq} />}
    </Listed>
  );
}

function columnsOf(onShow: (entry: Entry) => void): Column<Entry>[] {
  return [
    {
      heading: "Action",
      cell: (entry) => (
        <Button
          variant="subtle"
          size="compact-sm"
          px={4}
          onClick={() => onShow(entry)}
          aria-label={`${entry.action}, entry ${entry.seq}`}
        >
          {entry.action}
        </Button>
      ),
    },
    { heading: "Who", cell: ({ actor }) => <Text size="sm">{actorText(actor)}</Text> },
    { heading: "To what", wideOnly: true, cell: ({ target }) => <Text size="sm">{targetText(target) || "–"}</Text> },
    { heading: "When", cell: ({ at }) => <Time at={at} /> },
    { heading: "Entry", align: "right", wideOnly: true, cell: ({ seq }) => seq },
  ];
}
