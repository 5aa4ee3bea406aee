/** Connections that the Worker holds: event streams, and those of many rooms. */
export const heldLimits = {
  /** Event streams: a comment this often, without which a reader that vanished is not noticed; proxies cut after 30 s and more. */
  heartbeatMs: 15_000,
  /** A connection of many rooms that has joined none hears of no room what is over: so often its credential is looked at. */
  lookMs: 1_000,
  /** When a browser's EventSource comes back, give or take half: a thousand of them must not come at once. */
  streamRetryMs: 2_000,
  /** What may wait for a reader of a stream: a slow consumer's, and a whole replay before it. */
  streamBufferBytes: 2_621_440,
  /** More than that may wait for a reader who has taken something just now: in a storm it is the thread that is slow, not he. */
  streamBufferBytesMax: 10_485_760,
  streamPatienceMs: 2_000,
  /** What may wait for a client of many rooms: the replays of six that are joined at once, and a slow consumer's. */
  heldBufferBytes: 8_388_608,
  /** While more than this waits for it, no further room is joined. */
  heldDrainedBytes: 262_144,
  drainPollMs: 50,
  /** How long a room may take to let one of many in: six that hang must not keep all others out. */
  enterMsMax: 15_000,
  /** What is said to a room that is still being joined. */
  waitingBytesMax: 131_072,
  /** A connection of many rooms that has none: it costs memory and a check every 15 s, and is read by nobody. */
  roomlessMs: 60_000,
  /** Each joined room is a subrequest and a socket of its own, held by one Worker. */
  roomsPerConnection: 100,
  /** Their cursors must fit into one `Last-Event-ID`. */
  roomsPerStream: 20,
  /** The platform opens six connections at a time for one request; more would wait and hide it. */
  joinsAtOnce: 6,
  /** Frames for a room that is still being joined. */
  framesWhileJoining: 50,
  /** A connection that a Worker holds is retired before its CPU time (30 s) and its 1,000 subrequests are used up. */
  heldMsMax: 1_800_000,
  heldFramesMax: 500_000,
  heldJoinsMax: 900,
} as const;
