/** Data that leaves, comes and goes for good: exports, imports, erasures, and what is known of their past. */
export const dataLimits = {
  /** What a page of the audit log holds, about: an entry may tell of two word lists, and a page has 200 entries. */
  auditPageUnits: 1_048_576,
  /** How long it is known what was used in each hour: a year to compare with, and a month to do so. */
  usageDays: 400,
  /** Rooms erased in one step of a tenant's end: each is a call, of which the platform allows 1,000 in one event. */
  erasedPerStep: 100,
  /** A page of an export is read in one instant, in which its object does nothing else. */
  exportPageLines: 500,
  exportPageUnits: 262_144,
  /** A line of an import is held whole before it is looked at: a message of full length, each unit of it escaped. */
  importLineUnits: 1_048_576,
  /** Lines and their characters that a room takes in one transaction. */
  importBatchLines: 500,
  importBatchUnits: 262_144,
  /** An import of which nothing was heard for so long is given up: whoever sent it is gone. */
  importIdleMs: 60_000,
  /** The highest seq, version or count that an import may bring: half of what can be told apart is left to what comes later. */
  importCountMax: 2 ** 52,
  /** Passes of an erasure in a room before its tenant, which has more to do, comes again: of 500 messages, reactions and mentions each. */
  erasurePasses: 20,
  /** Users that are being erased at a time: each is a way through all rooms. */
  erasuresAtOnce: 1_000,
  /** How long it stays known that an erasure was made, without whose: whoever asked for it can look. */
  erasureKeptMs: 30 * 86_400_000,
} as const;
