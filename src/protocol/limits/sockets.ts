/** Connections: who is heard of, who does not read, who does not listen to a no. */
export const socketLimits = {
  /** Frames in one JSON array from a client. */
  framesPerBatch: 50,
  /** Three pings missed, and the time that a sleeping room may know late of a frame. */
  silentMs: 75_000,
  seenEveryMs: 15_000,
  /** One that never pinged may be a debugging tool, or gone. */
  neverPingedMs: 600_000,
  /** How long a connection of which nothing was heard yet may take nothing of what it is sent. */
  deafMs: 5_000,
  /** How often a room with sockets looks for those that are gone. */
  sweepMs: 60_000,
  /** What may wait for a reader that does not read: 128 MB of an object's memory are shared by all its sockets. */
  slowConsumerBytes: 1_048_576,
  /** Refused frames within the window that close a socket with 4429: a client that hears no and goes on. */
  refusedFrames: 50,
  refusedFramesWindowMs: 10_000,
  pingMs: 25_000,
  reconnectJitterMs: 2_000,
} as const;
