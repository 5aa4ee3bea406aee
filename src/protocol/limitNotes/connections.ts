/** What is said of limits: connections, and what is told over them. */
import type { FixedNotes } from "./note.ts";

export const connectionNotes: FixedNotes = {
  framesPerBatch: {
    what: "Frames in one JSON array of a client",
    unit: "frames",
    code: "too_large",
    effect: "The array is refused.",
  },
  refusedFrames: {
    what: "Refused frames within ten seconds",
    unit: "frames",
    code: "rate_limited",
    effect: "The socket is closed with 4429.",
  },
  roomsPerConnection: {
    what: "Rooms on `/v1/socket`",
    unit: "rooms",
    code: "connection_limit",
    effect: "The next `join` is refused.",
  },
  roomsPerStream: {
    what: "Rooms of `/v1/events`",
    unit: "rooms",
    code: "invalid_field",
    effect: "The request is refused.",
  },
  roomlessMs: {
    what: "A connection of many rooms without any",
    unit: "ms",
    code: "connection_limit",
    effect: "It is closed with 4430.",
  },
  heldMsMax: {
    what: "Life of an event stream, or of `/v1/socket`",
    unit: "ms",
    code: "restarting",
    effect: "It is closed with 4412 and resumes.",
  },
  slowConsumerBytes: {
    what: "What waits for a reader that does not read",
    unit: "bytes",
    code: "slow_consumer",
    effect: "It is cut with 4408 and resumes.",
  },
  silentMs: {
    what: "Silence of a connection that had pinged",
    unit: "ms",
    code: "restarting",
    effect: "It is closed with 4412.",
  },
  neverPingedMs: {
    what: "Silence of one that never pinged",
    unit: "ms",
    code: "restarting",
    effect: "It is closed with 4412.",
  },
  heartbeatMs: {
    what: "A comment on event streams, every",
    unit: "ms",
    code: null,
    effect: "Who hears nothing for three of them connects again.",
  },
  queueChanges: {
    what: "Changes waiting in a room",
    unit: "changes",
    code: "overloaded",
    effect: "The next one is refused.",
  },
  streamLeaseMs: {
    what: "Silence of a streamed message's producer",
    unit: "ms",
    code: "stream_closed",
    effect: "The message ends as `interrupted`.",
  },
  streamLifeMs: {
    what: "A streamed message, from its beginning",
    unit: "ms",
    code: "stream_closed",
    effect: "It ends as `interrupted`, with its text.",
  },
};
