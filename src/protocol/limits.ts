/** Every limit, each with its reason. No zod in here: the SDK imports it. */

export interface Limit {
  readonly default: number;
  /** The most that a tenant may be given on this deployment. */
  readonly ceiling: number;
  readonly reason: string;
}

/** Limits that the operator sets per tenant, within the ceiling. `PerSecond` rates are token buckets of the `Burst` beside them. */
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

export type LimitName = keyof typeof tenantLimits;
export type Limits = Readonly<Record<LimitName, number>>;

// The table's own keys are its type; `fromEntries` forgets them.
export const defaultLimits = Object.fromEntries(
  Object.entries(tenantLimits).map(([name, limit]) => [name, limit.default]),
) as Limits;

export interface EdgeLimit {
  readonly binding: "ADDRESS_RATE" | "KEY_RATE" | "FAILURE_RATE";
  readonly limit: number;
  readonly periodSeconds: 10 | 60;
  readonly reason: string;
}

/** Counted before a request reaches any object, by the platform's `ratelimits`, which wrangler.toml repeats. */
export const edgeLimits = {
  requestsPerAddress: {
    binding: "ADDRESS_RATE",
    limit: 2_000,
    periodSeconds: 10,
    reason: "An office behind one address, not a script that opens what it can.",
  },
  requestsPerKey: {
    binding: "KEY_RATE",
    limit: 10_000,
    periodSeconds: 10,
    reason: "Requests by an API key and by the tokens that it signed: what one tenant's server may cost the others.",
  },
  failuresPerAddress: {
    binding: "FAILURE_RATE",
    limit: 20,
    periodSeconds: 60,
    reason:
      "Credentials that are refused: a typo or a clock that is wrong, not a search. A right one is never kept out.",
  },
} as const satisfies Record<string, EdgeLimit>;

/** Limits that are the same for everyone. */
export const fixedLimits = {
  /** Frames in one JSON array from a client. */
  framesPerBatch: 50,
  /** Messages in one batch over HTTP: one transaction, in which the room does nothing else. */
  messagesPerBatch: 100,
  /** Rooms of one broadcast: each is a call, of which the platform allows 1,000 in one request, three attempts each. */
  roomsPerBroadcast: 100,
  /** How long a broadcast waits for one of its rooms: six that hang must not keep all others from being asked. */
  broadcastMsMax: 10_000,
  /** Levels of nesting in `data`: deeper JSON costs readers their stack. */
  dataDepth: 32,
  nonceLengthMin: 8,
  nonceLengthMax: 64,
  refLength: 32,
  mentions: 50,
  attachments: 10,
  /** Different emoji on one message, and the UTF-8 bytes of one: a family with skin tones has 25 to 28. */
  emojiPerMessage: 20,
  emojiBytes: 32,
  /** All go with their message: into one page of an export, and out in one pass. */
  revisionsPerMessage: 50,
  /** What a room sets before everybody's eyes is read, and not searched. */
  pinsPerRoom: 100,
  /** Users named per emoji in a message; the whole list is a page of its own. */
  reactionUsersListed: 10,
  backlogDefault: 50,
  backlogMax: 200,
  pageDefault: 50,
  /** A `changes` frame of a replay, so that a reader can begin before all has arrived. */
  changesFrameBytes: 262_144,
  receiptsListed: 50,
  /** Users named in `welcome` and in the sample of a crowd: as many as leave room for the rest in its 64 KB. */
  presenceListed: 50,
  presenceListedBytes: 30_000,
  /** What one presence frame holds of users and their states, about; more waits for the next one. */
  presenceFrameBytes: 262_144,
  /** A cursor, a colour, "away": what is copied to everyone in the room. */
  presenceStateBytes: 1_024,
  /** How long a user who has no connection left is still here: a reload or a tunnel is no leaving. */
  presenceGraceMs: 10_000,
  /** At most 5 presence frames a second; above `presenceMembers` one every two seconds. */
  presenceFrameMs: 200,
  presenceCrowdFrameMs: 2_000,
  /** A producer that was not heard of for so long is gone, and its message is over: it may think, but not for ever. */
  streamLeaseMs: 30_000,
  /** From its beginning, however alive its producer is: a loop that says nothing every 29 seconds would never end. An answer has an end. */
  streamLifeMs: 3_600_000,
  /** What is appended is gathered so long before it is told: 25 frames a second read as fluently as a hundred. */
  streamDeltaMs: 40,
  /** What of a streamed text may be lost with the room's memory, and sent once more by its producer. */
  streamCheckpointMs: 1_000,
  streamCheckpointChars: 4_096,
  /** Receivers let a typing user go after this; a client repeats itself every 5 s while it lasts. */
  typingExpiresMs: 8_000,
  /** The same user's typing is told at most this often; what comes between says nothing new. */
  typingRepeatMs: 1_000,
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
  /** A flush is one transaction and one fsync; larger ones would hold up the other rooms of the thread. */
  flushChanges: 64,
  flushBytes: 65_536,
  /** The pace: a fan-out costs about 12 µs of CPU a socket, so a span of 60 µs a socket is a fifth of a core at most. */
  paceMicrosecondsPerSocket: 60,
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
  /** Refused frames within the window that close a socket with 4429: a client that hears no and goes on. */
  refusedFrames: 50,
  refusedFramesWindowMs: 10_000,
  /** Ten gigabytes is an object's end; a room refuses writes before it, because a failed commit cuts every socket. */
  roomStorageBytes: 9_500_000_000,
  bodyBytes: 131_072,
  /** UTF-16 units, as the file systems that names come from allow. With its reasons it fits into the bucket's 2 KB of metadata. */
  fileNameLength: 255,
  mediaTypeLength: 127,
  /** What comes in one request: the platform takes 100 MB. Larger files come in parts. */
  uploadWholeBytes: 90_000_000,
  /** Of each part but the last: what is lost costs little to send again. The bucket takes 5 MiB and more, and 10,000 of them. */
  uploadPartBytes: 8_388_608,
  /** An upload of which nothing was heard for so long is given up: a device may be off over night. */
  uploadOpenMs: 86_400_000,
  /** What is held of a body on its way to the bucket. */
  uploadChunkBytes: 65_536,
  /** How long one request may bring bytes: far shorter than an upload is kept open, so that none is given up under its sender. */
  uploadRequestMs: 3_600_000,
  /** Of the beginning of a file: what its type and its width and height are looked for in. A photograph's preview comes before them. */
  fileHeadBytes: 262_144,
  /** What a page of the audit log holds, about: an entry may tell of two word lists, and a page has 200 entries. */
  auditPageUnits: 1_048_576,
  tokenSecondsMax: 86_400,
  tokenSecondsDefault: 3_600,
  tokenBytes: 8_192,
  tokenRooms: 100,
  tokenLeewaySeconds: 30,
  /** How long before a token expires its client is told: time to fetch another one. */
  tokenNoticeMs: 60_000,
  /** New tokens on one connection: each costs a signature and a question to the tenant, and one that lives shorter is no use. */
  refreshesPerMinute: 6,
  /** A room looks at its sockets' tokens at most this often: what falls due meanwhile is done in one go, by one alarm. */
  tokenLookMs: 5_000,
  /** The Worker ends what it holds. A room that still has such a socket this much later ends it in its place. */
  tokenBackstopMs: 10_000,
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
  /** Seconds that `changes` may wait: shorter than the patience of proxies. */
  waitSecondsMax: 30,
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
  /** Unread messages are counted up to this, and looked for among so many of the newest. */
  unreadCounted: 100,
  unreadSearched: 1_000,
  unreadRooms: 100,
  /** A ticket stands in a URL, which ends in logs: time to open a stream with it, not to find it there. */
  ticketSeconds: 60,
  keysPerTenant: 100,
  /** How long it is known what was used in each hour: a year to compare with, and a month to do so. */
  usageDays: 400,
  /** In force at a time, each for a day: who has more to revoke names a key, or a time. */
  revocationsPerTenant: 100_000,
  /** Of these, what every edge is given every few seconds; beyond it an edge asks about each credential. */
  revocationsListed: 1_000,
  /** Of the last minute's, what every room with sockets is given with each decision; beyond it a room asks. */
  revocationsPushed: 100,
  /** So long a room is told of a revocation: more than an edge may go by an older policy, and a call may be on its way. */
  revocationPushMs: 60_000,
  /** Of users, tokens and keys in a room, told to its tenant when all is quiet: with more, it is told of every revocation. */
  namesTold: 1_000,
  /** Identity providers, and the patterns in what one gives to tokens that name no rooms: all of it is part of the policy. */
  issuersPerTenant: 10,
  issuerRooms: 20,
  /** An identity provider is asked for its keys again after the first; while it is away, they go on until the second. */
  jwksFreshMs: 600_000,
  jwksHeldMs: 86_400_000,
  /** At most this often for a key that is not among those known; sooner while none is known at all. */
  jwksCooldownMs: 30_000,
  jwksRetryMs: 5_000,
  /** Of an isolate: a provider that hangs holds a question for 5 seconds. */
  jwksAtOnce: 48,
  jwksAtOncePerTenant: 4,
  /** Of the 128 MB that an isolate has, with the parsed keys some 20. */
  jwksKept: 2_000,
  jwksKeptCharacters: 4_194_304,
  /** Tenants that a token only claims, and that this isolate knows nothing of: how many are looked up in a second, a read each. */
  strangersPerSecond: 200,
  /** Rooms erased in one step of a tenant's end: each is a call, of which the platform allows 1,000 in one event. */
  erasedPerStep: 100,
  /** Rooms told in one step of what those must know that sleep, too. Each wakes for it, which is no hurry. */
  toldPerStep: 50,
  /** What a tenant may have us call, and how long and how much of its answer is waited for: it must not hold up anybody else. */
  endpointUrlLength: 2_048,
  outboundMsMax: 5_000,
  outboundBytesMax: 65_536,
  /** Webhook endpoints: every room goes by what all of them want, so they are few, and name few rooms each. */
  webhooksPerTenant: 20,
  webhookRooms: 20,
  /** One delivery: as many events as fit into a body that a receiver takes by default, and as late as somebody would wait. */
  webhookBatchEvents: 100,
  webhookBatchMs: 60_000,
  /** A batch is sent when it has so much of events, about: a receiver holds a body whole before it can check its signature. */
  webhookBatchBytes: 262_144,
  /** Events that wait at one endpoint: a day of one every ten seconds. What comes beyond it is counted, and brought back by a replay. */
  webhookQueueEvents: 10_000,
  /** How long a delivery that has ended is kept: one that arrived, to look at and to know its events again; a dead letter, to retry it. */
  webhookDeliveredMs: 86_400_000,
  webhookFailedMs: 14 * 86_400_000,
  /** A receiver has so long for its whole answer, and is taken to mean at most so much by `Retry-After`. */
  webhookMsMax: 15_000,
  webhookRetryAfterMs: 86_400_000,
  /** Of the answer to a test, for a person: the first line of an error, not a way to read what stands behind an address. */
  webhookExcerpt: 256,
  /** Events that one call brings back from a room's history: it is read and queued while the caller waits. */
  webhookReplayEvents: 1_000,
  /** Deliveries of one endpoint under way, each of another room: the platform opens six connections at a time. */
  webhooksAtOnce: 5,
  /** After it began, an attempt of which nobody has learnt the end is made again. */
  webhookLeaseMs: 30_000,
  /** How long an endpoint goes by what it was told of itself, and how often one that is paused looks whether it still is. */
  webhookFreshMs: 5_000,
  webhookPausedMs: 3_600_000,
  /** An endpoint to which nothing has arrived for so long, though it was tried, is disabled. */
  webhookFailingMs: 5 * 86_400_000,
  /** After a rotation, deliveries are signed with both secrets so long. */
  webhookOverlapMs: 86_400_000,
  /** Ended deliveries removed in one step. */
  webhooksSwept: 1_000,
  /** Assistants: every room goes by when each of them answers. */
  assistantsPerTenant: 20,
  /** What an assistant is told first: some pages. Its key, its model's name and what a command begins with are words. */
  assistantPromptLength: 8_192,
  assistantKeyLength: 1_024,
  assistantModelLength: 128,
  assistantPrefixLength: 32,
  /** Messages of the room that a model is shown: each answer pays for all of them. */
  assistantHistoryDefault: 20,
  assistantHistoryMax: 100,
  assistantTokensMax: 131_072,
  /** What a model is shown of a room at most, in UTF-16 units: some 20,000 tokens. */
  assistantHistoryUnits: 65_536,
  /** How long an endpoint may be silent, before its answer and within it: a machine of one's own may think long. */
  assistantSilenceMsMin: 1_000,
  assistantSilenceMsMax: 120_000,
  assistantSilenceMsDefault: 30_000,
  /** One answer as a whole, and all bytes of it: each piece of a text comes wrapped in some 200 bytes. */
  assistantMsMax: 600_000,
  assistantBytesMax: 33_554_432,
  /** Of one event of it: a whole answer at once passes, each unit of it escaped. What is parsed takes a multiple of it. */
  assistantEventUnits: 1_048_576,
  /** An answer of which nothing has come is asked for again, so often in all, after pauses that double. */
  assistantAttempts: 3,
  assistantPauseMs: 500,
  /** That somebody asks too often is said to that user so often at most: each time it is a message that everybody reads. */
  assistantNoteMs: 60_000,
  /** Who is told to come again later than that gives up: somebody is waiting. */
  assistantRetryAfterMs: 10_000,
  /** In one room: what is answered at once, and what waits for it. */
  assistantAnswers: 3,
  assistantWaiting: 20,
  /** A question that could not be answered for so long is not answered any more. */
  assistantQuestionMs: 300_000,
  /** While an endpoint is silent, so often its message is shown to be alive, and looked at whether somebody has cancelled it. */
  assistantPulseMs: 1_000,
  /** After a loss of memory, what was being answered is looked after this much later. */
  assistantWatchMs: 5_000,
  /** How long whoever asks over HTTP waits for the answer to begin. */
  assistantBeginMs: 20_000,
  /**
   * What waits in a room for one webhook endpoint that does not take it, about 100 bytes each. Beyond it nothing more is written
   * for that endpoint: it is told of the changes since from the rows, when it has this. As many of the tenant's own events wait.
   */
  outboxEvents: 10_000,
  /** Handed on in one call, as many and about as long: what a room holds of it in memory for each endpoint. */
  outboxBatchEvents: 100,
  outboxBatchUnits: 262_144,
  /** How long an endpoint's object may take: it only writes it down. */
  outboxHandMs: 10_000,
  /** When what was not taken is handed on again; the longer it waits the later, up to the second. */
  outboxAgainMs: 10_000,
  outboxRestMsMax: 300_000,
  /** How often an endpoint hears that the same user has hit the same limit. */
  exceededMs: 60_000,
  /** A room asks its tenant for credits and places this often, and so often at once after a pause: 9 times in any second. */
  asksPerSecond: 4,
  asksBurst: 5,
  /** What a room takes at least: one that speaks now and then need not ask for each word. */
  creditsMin: 4,
  /** Credits that were not spent by then are given back, or lost with the room's memory. */
  creditsMs: 15_000,
  pingMs: 25_000,
  reconnectJitterMs: 2_000,
  expiresInMsMin: 1_000,
  expiresInMsMax: 365 * 86_400_000,
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
  reasonLength: 256,
  /**
   * Of a tenant's bans, what every edge is given every few seconds; beyond it an edge asks about each user. Rooms are given as many
   * shadow bans, and as many others; beyond it a room asks about all who are there.
   */
  bansListed: 1_000,
  /** So long rooms are told of a ban: more than an edge may go by an older policy, and a call may be on its way. */
  banPushMs: 60_000,
  /** How long a tenant's hook may think: its senders wait, and take a retry for lost after a while. */
  hookMsMin: 50,
  hookMsMax: 2_000,
  /** What may wait for a hook: of one user, and in a room, where each is an open connection. */
  inquiriesPerUser: 20,
  inquiriesPerRoom: 1_000,
  /** Of a tenant's word list: what a room keeps in memory and in its row. */
  words: 1_000,
  wordLength: 64,
  /** Six hours: longer than that is not slow but shut, for which there is `frozen`. */
  slowModeMsMax: 21_600_000,
  /** How long a file may wait for the message that carries it: a draft may lie over night. */
  unattachedMs: 86_400_000,
  /** Files whose bytes are taken away at once, each asked for before, and how often in one event: it may make 1,000 calls. */
  filesPerRemoval: 100,
  removalBatches: 8,
  /** Where slow mode has just begun, a user's last message is looked for among so many of the newest. */
  slowModeSearched: 1_000,
  /** A search: what is asked, and a word of which only the beginning is said, which stands for all that begin so. */
  searchQueryLength: 256,
  searchWords: 16,
  searchPrefixLength: 2,
  /** Each is put together from all words that begin so before anything is found: 4 to 13 ms of 100,000 messages, and 90 ms for 16. */
  searchPrefixes: 2,
  /**
   * So many pages of the index, of 4 KB, may hold the words that begin so: 0.08 to 0.1 ms each. Two letters have as many in a room of
   * some 200,000 messages, and took 100 ms in one of a million; there a third letter is asked for.
   */
  searchPrefixPages: 250,
  searchPageDefault: 20,
  searchPageMax: 100,
  /**
   * A word that so few messages have bounds what a search looks at. Where none of its words is so rare, one call looks through so
   * many ids, the newest first: a phrase of common words that nobody said takes some 15 ms of them.
   */
  searchRare: 10_000,
  searchSpan: 25_000,
  /** By relevance so many of the newest matches are ranked at a time, of so many UTF-16 units: each is read word by word. */
  searchRanked: 500,
  searchRankedUnits: 131_072,
  /** Of one message, for whoever shows it. */
  searchHighlights: 100,
  searchExcerpt: 160,
  /** The index of older messages is built in passes of so many, and so many UTF-16 units: a millisecond or two each. */
  searchBuildRows: 250,
  searchBuildUnits: 65_536,
  searchBuildPauseMs: 100,
  /**
   * Each flush adds a segment to the index. By so many of them its room merges some pages a time, after a pause; where they are
   * more than the second, as after many short wakings, the flush itself has to.
   */
  searchSegments: 8,
  searchSegmentsMax: 64,
  searchMergePages: 8,
  searchMergePauseMs: 250,
  /**
   * So many borders of the index's pages are looked at in one instant for beginnings of words that are gone. Where there are any
   * the index is merged, and then not again for a while, whatever else is removed: each time it is written anew.
   */
  searchBorders: 250,
  searchCleanPauseMs: 600_000,
  /** A pass of retention, expiry or erasure takes a message out of the index word by word. */
  searchedPassRows: 25,
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
