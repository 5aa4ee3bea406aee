/** Figures over time, drawn by uPlot. Who cannot see them reads the table beside it. */
import { useComputedColorScheme, useMantineTheme } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { ChartOf } from "./figures.ts";
import { axisText, type SpanName, spans, stepOf } from "./span.ts";
import type { UsageItem } from "./usageQuery.ts";

/** Blue and orange of Okabe and Ito, which the colour blind tell apart; lighter where it is dark. The second line is broken as well. */
const colors = {
  light: { lines: ["#0072b2", "#b85c00"], text: "#495057", grid: "#e9ecef" },
  dark: { lines: ["#56b4e9", "#e69f00"], text: "#c9c9c9", grid: "#3b3b3b" },
} as const;

export const plotHeight = 220;

export interface PlotProps {
  readonly chart: ChartOf;
  readonly span: SpanName;
  readonly items: readonly UsageItem[];
}

export function Plot({ chart, span, items }: PlotProps) {
  const { ref, width } = useElementSize();
  const place = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme("light", { getInitialValueInEffect: false });
  const { fontFamily } = useMantineTheme();
  useEffect(() => {
    const within = place.current;
    if (within === null || width === 0) return undefined;
    const plot = new uPlot(optionsOf({ chart, span, scheme, width, fontFamily }), dataOf(chart, items), within);
    return () => plot.destroy();
  }, [chart, span, items, scheme, width, fontFamily]);
  return (
    <div
      ref={ref}
      className="plot"
      role="img"
      aria-label={`${chart.title}, drawn. The figures stand in the table below.`}
    >
      <div ref={place} />
    </div>
  );
}

function dataOf({ figures }: ChartOf, items: readonly UsageItem[]): uPlot.AlignedData {
  return [items.map(({ from }) => from / 1_000), ...figures.map(({ of }) => items.map(of))];
}

interface Look {
  readonly chart: ChartOf;
  readonly span: SpanName;
  readonly scheme: "light" | "dark";
  readonly width: number;
  readonly fontFamily: string;
}

function optionsOf({ chart, span, scheme, width, fontFamily }: Look): uPlot.Options {
  const { lines, text, grid } = colors[scheme];
  const axis: uPlot.Axis = {
    stroke: text,
    font: `11px ${fontFamily}`,
    grid: { stroke: grid, width: 1 },
    ticks: { show: false },
  };
  const isDays = spans[span].by === "day";
  // A bar stands around its time: the first and the last are whole.
  const half = chart.shape === "bars" ? stepOf(span) / 2_000 : 0;
  return {
    width,
    height: plotHeight,
    legend: { show: true },
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    // Days are those of UTC, and are named so; an hour is that of whoever looks.
    ...(isDays ? { tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1_000), "Etc/UTC") } : {}),
    scales: {
      x: { range: (_, min, max) => [min - half, max + half] },
      y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] },
    },
    axes: [
      { ...axis, space: 70, values: (_, splits) => splits.map((seconds) => axisText(span, seconds * 1_000)) },
      {
        ...axis,
        size: 64,
        values: (_, splits) => splits.map((value) => (Number.isInteger(value) ? chart.text(value) : "")),
      },
    ],
    series: [
      { label: isDays ? "Day (UTC)" : "Hour", value: isDays ? "{MMM} {D}" : "{MMM} {D}, {HH}:{mm}" },
      ...chart.figures.map(({ label }, index): uPlot.Series => {
        const color = lines[index % lines.length] ?? lines[0];
        return {
          label,
          stroke: color,
          width: chart.shape === "bars" ? 0 : 2,
          ...(index === 1 ? { dash: [6, 4] } : {}),
          ...(chart.shape === "bars"
            ? { fill: color, paths: uPlot.paths.bars?.({ size: [0.7, 40] }) ?? (() => null) }
            : {}),
          points: { show: false },
          value: (_, value) => (value === null ? "–" : chart.text(value)),
        };
      }),
    ],
  };
}
