/** A page of an export: lines up to a bound, and where the next page goes on. */
import { fixedLimits } from "../protocol/limits.ts";

export interface ExportPage<Position> {
  /** Whole lines. */
  readonly text: string;
  readonly counts: Readonly<Record<string, number>>;
  /** Null where this was all. */
  readonly next: Position | null;
}

/** What an object reads in one instant is bounded: while it reads it does nothing else. */
export class PageOfLines {
  readonly #lines: string[] = [];
  readonly #counts: Record<string, number> = {};
  #units = 0;

  add(line: { readonly type: string }): void {
    const json = JSON.stringify(line);
    this.#lines.push(json);
    this.#units += json.length;
    this.#counts[line.type] = (this.#counts[line.type] ?? 0) + 1;
  }

  /** Of a few that belong to the line before them. */
  addEach(lines: readonly { readonly type: string }[]): void {
    for (const line of lines) this.add(line);
  }

  /** Adds what fits of a list that was read with one more than fits; answers the last one that is in, and whether that was all. */
  addAll<Row>(
    rows: readonly Row[],
    lineOf: (row: Row) => { readonly type: string },
  ): { last: Row | null; all: boolean } {
    let last: Row | null = null;
    for (const row of rows) {
      if (this.isFull) return { last, all: false };
      this.add(lineOf(row));
      last = row;
    }
    return { last, all: true };
  }

  get isFull(): boolean {
    return this.#lines.length >= fixedLimits.exportPageLines || this.#units >= fixedLimits.exportPageUnits;
  }

  /** How many rows there is any use in reading. */
  get room(): number {
    return fixedLimits.exportPageLines - this.#lines.length + 1;
  }

  upTo<Position>(next: Position | null): ExportPage<Position> {
    return { text: this.#lines.map((line) => `${line}\n`).join(""), counts: this.#counts, next };
  }
}
