/** What this tenant has used, hour by hour and day by day. */
import { SegmentedControl, SimpleGrid } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ErrorState } from "../parts/ErrorState.tsx";
import { PageHeader } from "../parts/PageHeader.tsx";
import { charts } from "../usage/figures.ts";
import { type SpanName, spans } from "../usage/span.ts";
import { UsageChart } from "../usage/UsageChart.tsx";
import { usageQuery } from "../usage/usageQuery.ts";

const names = Object.keys(spans) as SpanName[];

export function UsagePage() {
  const [span, setSpan] = useState<SpanName>("day");
  const { data, error, refetch, isPlaceholderData } = useQuery({
    ...usageQuery(span),
    placeholderData: keepPreviousData,
  });
  return (
    <>
      <PageHeader
        title="Usage"
        description="Hours by your clock, days of UTC. Rooms say what they did within 10 seconds; the last hour is still running."
        actions={
          <SegmentedControl
            aria-label="Of which time"
            data={names.map((value) => ({ value, label: spans[value].label }))}
            value={span}
            onChange={(value) => setSpan(names.find((name) => name === value) ?? "day")}
          />
        }
      />
      {error !== null && data === undefined ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : (
        <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md" className="charts">
          {charts.map((chart) => (
            <UsageChart key={chart.title} chart={chart} span={span} items={isPlaceholderData ? undefined : data} />
          ))}
        </SimpleGrid>
      )}
    </>
  );
}
