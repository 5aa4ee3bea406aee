/** Bars in rows and columns as SVG that suits light and dark pages: a row for what is compared, a column for each figure. */
import { figure } from "./table.ts";

export interface Plot {
  title: string;
  /** `isOurs`: in colour. */
  rows: readonly { label: string; isOurs: boolean }[];
  columns: readonly Column[];
}

export interface Column {
  title: string;
  /** One for each row; undefined where nothing was measured. */
  values: readonly (number | undefined)[];
  /** Marked in the rows that have one. */
  goals?: readonly (number | undefined)[];
}

const rowHeight = 24;
const barHeight = 14;
/** Above the first row: the title, and the columns' titles. */
const top = 60;
const edge = 16;
/** Of a character in the labels, about. */
const characterWidth = 6.6;
const columnWidth = 142;
const columnGap = 16;
/** Behind the longest bar, for its figure. */
const figureWidth = 48;

const style = `
text { font: 12px system-ui, sans-serif; fill: #16201f; }
.title { font-size: 14px; font-weight: 600; }
.head { fill: #5a6867; }
.figure { font-variant-numeric: tabular-nums; }
.page { fill: #fbfcfc; stroke: #dde2e2; }
.bar { fill: #b3bfbd; }
.ours { fill: #0f766e; }
.goal { stroke: #b45309; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
  text { fill: #e2e9e8; }
  .head { fill: #98a8a6; }
  .page { fill: #0e1414; stroke: #2a3535; }
  .bar { fill: #556361; }
  .ours { fill: #2dd4bf; }
  .goal { stroke: #fbbf24; }
}`;

export function svgOf({ title, rows, columns }: Plot): string {
  const labels = Math.ceil(Math.max(...rows.map(({ label }) => label.length)) * characterWidth);
  const leftOf = (index: number): number => edge + labels + columnGap + index * (columnWidth + columnGap);
  const width = leftOf(columns.length) - columnGap + edge;
  const height = top + rows.length * rowHeight + edge;
  const middleOf = (row: number): number => top + row * rowHeight + rowHeight / 2;
  const names = rows.map(({ label }, row) => text(edge, middleOf(row) + 4, label));
  const parts = columns.map((column, index) => columnOf(column, rows, { left: leftOf(index), middleOf }));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escaped(title)}</title>
<style>${style}</style>
<rect class="page" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="6"/>
${[text(edge, 26, title, "title"), ...names, ...parts].join("\n")}
</svg>
`;
}

function columnOf(
  { title, values, goals = [] }: Column,
  rows: Plot["rows"],
  { left, middleOf }: { left: number; middleOf: (row: number) => number },
): string {
  const most = Math.max(...values.map((value) => value ?? 0), ...goals.map((goal) => goal ?? 0)) || 1;
  const lengthOf = (value: number): number => Math.round((value / most) * (columnWidth - figureWidth) * 10) / 10;
  const bars = values.flatMap((value, row) => {
    if (value === undefined) return [text(left, middleOf(row) + 4, "–", "head")];
    const kind = rows[row]?.isOurs === true ? "bar ours" : "bar";
    const y = middleOf(row) - barHeight / 2;
    const goal = goals[row];
    const end = Math.max(lengthOf(value), goal === undefined ? 0 : lengthOf(goal));
    return [
      `<rect class="${kind}" x="${left}" y="${y}" width="${Math.max(1, lengthOf(value))}" height="${barHeight}" rx="2"/>`,
      ...(goal === undefined ? [] : [markOf(left + lengthOf(goal), middleOf(row))]),
      text(left + end + 6, middleOf(row) + 4, figure(value), "figure"),
    ];
  });
  return [text(left, top - 8, title, "head"), ...bars].join("\n");
}

function markOf(x: number, middle: number): string {
  return `<line class="goal" x1="${x}" x2="${x}" y1="${middle - barHeight / 2 - 2}" y2="${middle + barHeight / 2 + 2}"/>`;
}

function text(x: number, y: number, content: string, kind?: string): string {
  return `<text${kind === undefined ? "" : ` class="${kind}"`} x="${x}" y="${y}">${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
