/** How a room stores and tells, and what it does when there is too much. */
export const flushLimits = {
  /** A flush is one transaction and one fsync; larger ones would hold up the other rooms of the thread. */
  flushChanges: 64,
  flushBytes: 65_536,
  /**
   * The pace: a frame to one socket costs 15 to 25 µs of CPU, so a span of 100 µs a socket is a quarter of a core at most. A message
   * waits for half of it, so beyond so many sockets each adds half as much (docs/decisions/0062).
   */
  paceMicrosecondsPerSocket: 100,
  paceFullSockets: 200,
  paceMsMax: 250,
  /** A room that flushed this lately lets the others of its thread have their turn first. */
  busyMs: 20,
  /** Admitted changes waiting for a flush; beyond it a room answers `overloaded` at once. */
  queueChanges: 4_096,
  /** Calls to an object that was reset or could not be reached, the pauses between them at most, doubled each time. */
  callAttempts: 3,
  callPauseMs: 200,
  /** When to come again: an object that was reset is back at once; one that has too much to do needs time. */
  restartingRetryMs: 1_000,
  overloadedRetryMs: 5_000,
  /** Ten gigabytes is an object's end; a room refuses writes before it, because a failed commit cuts every socket. */
  roomStorageBytes: 9_500_000_000,
  /** A room asks its tenant for credits and places this often, and so often at once after a pause: 9 times in any second. */
  asksPerSecond: 4,
  asksBurst: 5,
  /** What a room takes at least: one that speaks now and then need not ask for each word. */
  creditsMin: 4,
  /** Credits that were not spent by then are given back, or lost with the room's memory. */
  creditsMs: 15_000,
} as const;
