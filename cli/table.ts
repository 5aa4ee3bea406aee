/** Columns that stand below each other. */
import { harmless } from "./harmless.ts";
import { type Piece, styled, type Terminal } from "./terminal.ts";

const segments = new Intl.Segmenter();
// Those that take two places: what East Asia writes, and emoji.
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|\ufe0f/u;

/** A row for each item; the first line names the columns. */
export function table(terminal: Terminal, names: readonly string[], rows: readonly (readonly string[])[]): void {
  const clean = rows.map((row) => row.map((cell) => harmless(cell)));
  const widths = names.map((name, at) => Math.max(...[name, ...clean.map((row) => row[at] ?? "")].map(widthOf)));
  const spread = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => padded(cell, widths[at] ?? 0))
      .join("  ")
      .trimEnd();
  terminal.line(styled("dim", spread(names)));
  for (const row of clean) terminal.line(spread(row));
}

/** One thing, a line for each of its fields. */
export function card(terminal: Terminal, fields: Readonly<Record<string, Piece>>): void {
  const width = Math.max(...Object.keys(fields).map(widthOf));
  for (const [name, value] of Object.entries(fields)) terminal.line(styled("dim", padded(name, width)), "  ", value);
}

export function padded(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}

function widthOf(text: string): number {
  let width = 0;
  for (const { segment } of segments.segment(text)) width += wide.test(segment) ? 2 : 1;
  return width;
}
