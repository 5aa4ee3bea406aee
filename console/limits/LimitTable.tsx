/** Every limit of a tenant: what it is, what it may be, why it is there, and what is left of it. */
import { Badge, Checkbox, Code, Group, Progress, Stack, Text, TextInput } from "@mantine/core";
import { IconFilter, IconGauge } from "@tabler/icons-react";
import { useState } from "react";
import type { Limits } from "../../src/protocol/limits.ts";
import { type Column, DataTable } from "../parts/DataTable.tsx";
import { EmptyState } from "../parts/EmptyState.tsx";
import { count } from "../parts/amount.ts";
import type { Left } from "./levels.ts";
import { LimitEditor, type SaveLimit } from "./LimitEditor.tsx";
import { amount, type LimitRow, limitRows, matches } from "./limitRow.ts";

export interface LimitTableProps {
  readonly limits: Limits;
  /** What is left, by the limit's name. */
  readonly left?: ReadonlyMap<string, Left>;
  /** Left out where the limits are only read. */
  readonly onSave?: SaveLimit;
}

export function LimitTable({ limits, left, onSave }: LimitTableProps) {
  const [words, setWords] = useState("");
  const [isOwnOnly, setOwnOnly] = useState(false);
  const rows = limitRows(limits).filter((row) => matches(row, words) && (!isOwnOnly || row.value !== row.default));
  return (
    <Stack gap="sm">
      <Group gap="md">
        <TextInput
          aria-label="Filter the limits"
          placeholder="Filter by name or reason"
          leftSection={<IconFilter size={16} />}
          value={words}
          onChange={({ currentTarget }) => setWords(currentTarget.value)}
          w={{ base: "100%", sm: 280 }}
        />
        <Checkbox
          label="Only those that differ from the default"
          checked={isOwnOnly}
          onChange={({ currentTarget }) => setOwnOnly(currentTarget.checked)}
        />
        <Text size="sm" c="dimmed" role="status">
          {count(rows.length)} shown
        </Text>
      </Group>
      {rows.length === 0 ? (
        <EmptyState icon={IconGauge} title="No such limit">
          None of them has this in its name or its reason.
        </EmptyState>
      ) : (
        <DataTable label="Limits" columns={columnsOf(left, onSave)} items={rows} keyOf={({ name }) => name} />
      )}
    </Stack>
  );
}

function columnsOf(left: ReadonlyMap<string, Left> | undefined, onSave: SaveLimit | undefined): Column<LimitRow>[] {
  return [
    { heading: "Limit", cell: (row) => <Name row={row} /> },
    {
      heading: "Now",
      align: "right",
      cell: (row) => (onSave === undefined ? <Value row={row} /> : <LimitEditor row={row} onSave={onSave} />),
    },
    { heading: "Default", align: "right", wideOnly: true, cell: (row) => <Figure>{amount(row, row.default)}</Figure> },
    { heading: "At most", align: "right", wideOnly: true, cell: (row) => <Figure>{amount(row, row.ceiling)}</Figure> },
    ...(left === undefined
      ? []
      : [
          {
            heading: "Left",
            align: "right" as const,
            cell: (row: LimitRow) => <Rest row={row} left={left.get(row.name)} />,
          },
        ]),
  ];
}

function Name({ row: { name, reason } }: { readonly row: LimitRow }) {
  return (
    <>
      <Text size="sm" ff="monospace" className="anywhere">
        {name}
      </Text>
      <Text size="xs" c="dimmed" miw="9rem" maw="34rem">
        {/* As in Markdown. */}
        {reason.split("`").map((part, index) => (index % 2 === 1 ? <Code key={index}>{part}</Code> : part))}
      </Text>
    </>
  );
}

function Value({ row }: { readonly row: LimitRow }) {
  return (
    <Stack gap={2} align="flex-end">
      <Figure>{amount(row, row.value)}</Figure>
      {row.unit !== "" && row.unit !== "bytes" && (
        <Text size="xs" c="dimmed">
          {row.unit}
        </Text>
      )}
      {row.value !== row.default && (
        <Badge variant="light" size="sm">
          changed
        </Badge>
      )}
    </Stack>
  );
}

function Rest({ row, left }: { readonly row: LimitRow; readonly left: Left | undefined }) {
  if (left === undefined) return null;
  const share = left.limit === 0 ? 0 : (100 * left.remaining) / left.limit;
  return (
    <Stack gap={4} align="flex-end">
      <Figure>{amount(row, left.remaining)}</Figure>
      <Progress
        value={share}
        size="xs"
        w={80}
        color={share < 20 ? "red" : "parley"}
        aria-label={`Left of ${row.name}`}
      />
    </Stack>
  );
}

function Figure({ children }: { readonly children: string }) {
  return (
    <Text size="sm" className="unbroken">
      {children}
    </Text>
  );
}
