/** How long messages are kept, and how they go. */
export const retentionLimits = {
  /**
   * What one pass of retention or expiry removes, rows of messages and of reactions each: one transaction of a millisecond or two.
   * It grows to twice what is published from one to the next, where that is more, so that what goes keeps up with what comes.
   */
  passRows: 100,
  passRowsMax: 5_000,
  /**
   * From one pass to the next. The nonce of each row lies on a page of its own, and after a thousand pages SQLite tidies up for
   * 10 to 20 ms: with half a second between passes that is once in four seconds. With 200 ms it is once in two, and whoever is
   * among the slowest 1 % waits twice as long; with 20 ms, three times.
   */
  passPauseMs: 500,
  /** Messages that have expired are not shown by anybody, so their rows can go together. */
  expirySweepMs: 10_000,
  /** A hundred years, and more messages than a room has space for. */
  retentionDaysMax: 36_500,
  retentionMessagesMax: 100_000_000,
  /** A message may be so much older than its room keeps any: a room that nobody enters wakes for it once an hour at most. */
  retentionAgeMs: 3_600_000,
  /** A room may hold for so long more messages than it keeps: each that is published would cost two writes else. */
  retentionCountMs: 60_000,
} as const;
