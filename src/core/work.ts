/** How rooms have worked: how long they were awake, and how large their flushes were. Amounts that add up. */

export interface Work {
  /** How often a room woke, as far as it has told of it since. */
  readonly wakings: number;
  /** Until each last told of it: what came after that, until it slept, nobody has told. */
  readonly awakeMs: number;
  /** Flushes that stored messages, and these messages. */
  readonly flushes: number;
  readonly flushed: number;
  /** Those of the flushes that stored so many messages at most: each counts in all that are wider, too. */
  readonly flushesTo1: number;
  readonly flushesTo4: number;
  readonly flushesTo16: number;
  readonly flushesTo64: number;
}

export const noWork: Work = {
  wakings: 0,
  awakeMs: 0,
  flushes: 0,
  flushed: 0,
  flushesTo1: 0,
  flushesTo4: 0,
  flushesTo16: 0,
  flushesTo64: 0,
};

export function together(one: Work, other: Work): Work {
  return {
    wakings: one.wakings + other.wakings,
    awakeMs: one.awakeMs + other.awakeMs,
    flushes: one.flushes + other.flushes,
    flushed: one.flushed + other.flushed,
    flushesTo1: one.flushesTo1 + other.flushesTo1,
    flushesTo4: one.flushesTo4 + other.flushesTo4,
    flushesTo16: one.flushesTo16 + other.flushesTo16,
    flushesTo64: one.flushesTo64 + other.flushesTo64,
  };
}
