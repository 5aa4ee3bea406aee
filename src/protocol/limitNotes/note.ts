/** What a person is told of a limit beside its number. */
import type { fixedLimits } from "../limits.ts";
import type { RefusalCode } from "../refusals.ts";

export interface LimitNote {
  readonly unit: string;
  /** With which refusal it is told; null where nothing is refused. */
  readonly code: RefusalCode | null;
  /** What is refused, or what happens instead. Markdown, on one line. */
  readonly effect: string;
}

interface FixedNote extends LimitNote {
  /** What the number bounds, for who does not read the source. */
  readonly what: string;
}

/** Of limits that are the same for everyone: not of each of them. */
export type FixedNotes = Partial<Record<keyof typeof fixedLimits, FixedNote>>;
