/** Limits that the operator sets for each tenant, within the ceiling. No zod in here. */

interface Limit {
  readonly default: number;
  /** The most that a tenant may be given on this deployment. */
  readonly ceiling: number;
  readonly reason: string;
}

/** `PerSecond` rates are token buckets of the `Burst` beside them. */
export const tenantLimits = {
  frameBytes: { default: 65_536, ceiling: 65_536, reason: "A frame is buffered whole before it is looked at." },
  textLength: {
    default: 16_384,
    ceiling: 32_768,
    reason: "UTF-16 units of a message's text; a page of 200 must stay sendable.",
  },
  dataBytes: {
    default: 16_384,
    ceiling: 32_768,
    reason: "Bytes of a message's `data` as JSON; it is copied to every reader.",
  },
  pageSize: {
    default: 200,
    ceiling: 1_000,
    reason: "A page is read in one synchronous instant, in which the room does nothing else.",
  },
  replayChanges: {
    default: 1_000,
    ceiling: 10_000,
    reason: "A replay is read in one instant; a reader further behind starts over (`too_far`).",
  },
  replayBytes: {
    default: 524_288,
    ceiling: 1_048_576,
    reason: "What is buffered at once for one socket while it catches up.",
  },
  publishPerUserPerSecond: {
    default: 10,
    ceiling: 10_000,
    reason: "One person types slower than this; one script does not.",
  },
  publishPerUserBurst: {
    default: 20,
    ceiling: 20_000,
    reason: "Twice the rate: a paste or a reconnect passes, a loop does not.",
  },
  publishPerRoomPerSecond: {
    default: 200,
    ceiling: 20_000,
    reason: "Every change is copied to every reader of the room.",
  },
  publishPerRoomBurst: { default: 400, ceiling: 40_000, reason: "Twice the rate." },
  publishPerTenantPerSecond: {
    default: 1_000,
    ceiling: 1_000_000,
    reason: "All rooms of a tenant together: what keeps one tenant from being the load of all the others.",
  },
  publishPerTenantBurst: { default: 2_000, ceiling: 2_000_000, reason: "Twice the rate." },
  changesPerDay: {
    default: 10_000_000,
    ceiling: 100_000_000_000,
    reason: "From midnight to midnight, UTC: what a script that runs all night may store before somebody looks.",
  },
  framesPerSocketPerSecond: { default: 50, ceiling: 10_000, reason: "Frames that change nothing cost CPU too." },
  framesPerSocketBurst: { default: 100, ceiling: 20_000, reason: "Twice the rate." },
  searchPerUserPerSecond: {
    default: 2,
    ceiling: 1_000,
    reason: "In one room: a search costs as much as a hundred messages, and nobody reads more answers a second.",
  },
  searchPerUserBurst: { default: 10, ceiling: 2_000, reason: "A word that is searched while it is being typed." },
  searchPerRoomPerSecond: {
    default: 20,
    ceiling: 10_000,
    reason: "A room answers one after the other, and stores nothing meanwhile.",
  },
  searchPerRoomBurst: { default: 40, ceiling: 20_000, reason: "Twice the rate." },
  socketsPerRoom: {
    default: 5_000,
    ceiling: 30_000,
    reason: "A room is one thread; the platform holds 32,768 sockets per object.",
  },
  socketsPerUser: {
    default: 20,
    ceiling: 1_000,
    reason: "In one room: tabs and devices, not a leak that reconnects without closing.",
  },
  connectionsPerUser: {
    default: 100,
    ceiling: 100_000,
    reason: "In all rooms, as one process sees them: one token must not take everybody's places.",
  },
  socketsPerTenant: {
    default: 20_000,
    ceiling: 10_000_000,
    reason: "Places in all rooms together; a connection of many rooms has one in each.",
  },
  streamsPerUser: {
    default: 10,
    ceiling: 200,
    reason:
      "Messages of one user being streamed in one room: a few answers side by side, not a loop that never finishes one.",
  },
  streamsPerRoom: {
    default: 50,
    ceiling: 200,
    reason: "The room holds the text of each in memory, and sends all of them to whoever joins.",
  },
  streamTextLength: {
    default: 131_072,
    ceiling: 131_072,
    reason:
      "UTF-16 units of a message that is streamed: an answer is longer than what a person types. Its row is written whole.",
  },
  appendsPerUserPerSecond: {
    default: 500,
    ceiling: 10_000,
    reason: "Ten answers at once of fifty tokens a second each. What comes faster may come together.",
  },
  appendsPerUserBurst: { default: 1_000, ceiling: 20_000, reason: "Twice the rate." },
  appendBytesPerUserPerSecond: {
    default: 65_536,
    ceiling: 10_000_000,
    reason: "Every byte is copied to every reader of the room; ten fast models together write a tenth of it.",
  },
  appendBytesPerUserBurst: {
    default: 524_288,
    ceiling: 20_000_000,
    reason: "A whole text at once passes, in any script: whoever has it already need not pretend to think.",
  },
  assistantPerUserPerMinute: {
    default: 10,
    ceiling: 10_000,
    reason:
      "Questions of one user to a room's assistant: each is a call to a model that somebody pays for, and takes the place of another's.",
  },
  presenceMembers: {
    default: 1_000,
    ceiling: 5_000,
    reason: "Of more users than this in a room only the count and a sample are told: nobody reads such a list.",
  },
  uploadBytes: {
    default: 25_000_000,
    ceiling: 10_000_000_000,
    reason: "Of one file: a photograph or a document passes, a film is a matter of agreement.",
  },
  uploadBytesPerDay: {
    default: 5_000_000_000,
    ceiling: 100_000_000_000_000,
    reason: "From midnight to midnight, UTC: what a script may fill the bucket with before somebody looks.",
  },
  uploadBytesStored: {
    default: 50_000_000_000,
    ceiling: 1_000_000_000_000_000,
    reason: "What lies in the bucket and what is announced: it is paid for month by month.",
  },
  uploadsOpen: {
    default: 1_000,
    ceiling: 100_000,
    reason: "Announced and not complete, of all users together: each holds its bytes of the quota for up to a day.",
  },
  uploadsOpenPerUser: {
    default: 20,
    ceiling: 100_000,
    reason: "One user must not hold the places of all the others; more files than these go one after the other.",
  },
} as const satisfies Record<string, Limit>;
