/** Messages that grow while they are read. */
export const streamLimits = {
  /** A producer that was not heard of for so long is gone, and its message is over: it may think, but not for ever. */
  streamLeaseMs: 30_000,
  /** From its beginning, however alive its producer is: a loop that says nothing every 29 seconds would never end. An answer has an end. */
  streamLifeMs: 3_600_000,
  /** What is appended is gathered so long before it is told: 25 frames a second read as fluently as a hundred. */
  streamDeltaMs: 40,
  /** What of a streamed text may be lost with the room's memory, and sent once more by its producer. */
  streamCheckpointMs: 1_000,
  streamCheckpointChars: 4_096,
} as const;
