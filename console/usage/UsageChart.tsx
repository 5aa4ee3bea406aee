/** One chart of usage, with its sum and the same figures as a table. */
import { Button, Collapse, Skeleton } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMemo } from "react";
import { Card } from "../parts/Card.tsx";
import { type Column, DataTable } from "../parts/DataTable.tsx";
import type { ChartOf } from "./figures.ts";
import { Plot } from "./Plot.tsx";
import { type SpanName, spanText, spans } from "./span.ts";
import type { UsageItem } from "./usageQuery.ts";

export interface UsageChartProps {
  readonly chart: ChartOf;
  readonly span: SpanName;
  /** Undefined while they are being asked for: the chart has its place already. */
  readonly items: readonly UsageItem[] | undefined;
}

export function UsageChart({ chart, span, items }: UsageChartProps) {
  const [isOpen, { toggle }] = useDisclosure(false);
  const newestFirst = useMemo(() => [...(items ?? [])].reverse(), [items]);
  return (
    <Card title={chart.title} description={chart.description}>
      <div className="plot-place">
        {items === undefined ? <Skeleton height="100%" /> : <Plot chart={chart} span={span} items={items} />}
      </div>
      <Button variant="subtle" size="compact-sm" onClick={toggle} aria-expanded={isOpen} mt={4} ml={-4} px={4}>
        {isOpen ? "Hide" : "Show"} the {chart.title.toLowerCase()} table
      </Button>
      <Collapse expanded={isOpen}>
        {isOpen && (
          <DataTable
            label={`${chart.title} by ${spans[span].by}`}
            columns={columnsOf(chart, span)}
            items={newestFirst}
            keyOf={({ from }) => from}
          />
        )}
      </Collapse>
    </Card>
  );
}

function columnsOf({ figures, text }: ChartOf, span: SpanName): Column<UsageItem>[] {
  return [
    { heading: spans[span].by === "hour" ? "Hour" : "Day (UTC)", cell: ({ from }) => spanText(span, from) },
    ...figures.map(({ label, of }) => ({
      heading: label,
      align: "right" as const,
      cell: (item: UsageItem) => text(of(item)),
    })),
  ];
}
