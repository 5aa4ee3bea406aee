/** What a person is told of each limit beside its number: its unit, and what happens at it. No server needs it; the page is made of it. */
import type { fixedLimits, LimitName } from "./limits.ts";
import type { RefusalCode } from "./refusals.ts";

interface LimitNote {
  readonly unit: string;
  /** With which refusal it is told; null where nothing is refused. */
  readonly code: RefusalCode | null;
  /** What is refused, or what happens instead. Markdown, on one line. */
  readonly effect: string;
}

const changes = "Every change: messages, edits, reactions, deletions.";
const alsoFiles = "The announcement of a file is refused.";

export const tenantLimitNotes = {
  frameBytes: { unit: "bytes", code: "too_large", effect: "A longer frame of a client is refused; the socket stays." },
  textLength: { unit: "UTF-16 units", code: "too_large", effect: "The message or edit is refused." },
  dataBytes: { unit: "bytes", code: "too_large", effect: "The message or edit is refused." },
  pageSize: { unit: "messages", code: null, effect: "A page is that long at most, whatever `limit` asks for." },
  replayChanges: {
    unit: "changes",
    code: null,
    effect: "Who resumes from further back is told `gap: too_far` and begins anew. `…/changes` pages without a bound.",
  },
  replayBytes: { unit: "bytes", code: null, effect: "The same." },
  publishPerUserPerSecond: {
    unit: "changes a second",
    code: "rate_limited",
    effect: `Of one user in one room, scope \`user_in_room\`. ${changes}`,
  },
  publishPerUserBurst: { unit: "changes", code: "rate_limited", effect: "At once, before the rate counts." },
  publishPerRoomPerSecond: {
    unit: "changes a second",
    code: "rate_limited",
    effect: "Of all users in one room, scope `room`.",
  },
  publishPerRoomBurst: { unit: "changes", code: "rate_limited", effect: "At once, before the rate counts." },
  publishPerTenantPerSecond: {
    unit: "changes a second",
    code: "rate_limited",
    effect: "Of all rooms, scope `tenant`.",
  },
  publishPerTenantBurst: { unit: "changes", code: "rate_limited", effect: "At once, before the rate counts." },
  changesPerDay: { unit: "changes a day", code: "quota_exceeded", effect: "Until midnight, UTC; scope `tenant_day`." },
  framesPerSocketPerSecond: {
    unit: "frames a second",
    code: "rate_limited",
    effect: "The frame is refused, scope `socket`. 50 refused frames in ten seconds close the socket with 4429.",
  },
  framesPerSocketBurst: { unit: "frames", code: "rate_limited", effect: "At once, before the rate counts." },
  searchPerUserPerSecond: {
    unit: "searches a second",
    code: "rate_limited",
    effect: "Of one user in one room, scope `user_in_room`.",
  },
  searchPerUserBurst: { unit: "searches", code: "rate_limited", effect: "At once, before the rate counts." },
  searchPerRoomPerSecond: {
    unit: "searches a second",
    code: "rate_limited",
    effect: "Of all users in one room, scope `room`.",
  },
  searchPerRoomBurst: { unit: "searches", code: "rate_limited", effect: "At once, before the rate counts." },
  socketsPerRoom: { unit: "connections", code: "connection_limit", effect: "The next one is not let in." },
  socketsPerUser: {
    unit: "connections",
    code: "connection_limit",
    effect: "The user's next one to this room is not let in.",
  },
  connectionsPerUser: {
    unit: "connections",
    code: "connection_limit",
    effect: "The user's next one is not let in anywhere.",
  },
  socketsPerTenant: {
    unit: "places",
    code: "connection_limit",
    effect: "The next one is not let in; scope `tenant_sockets`.",
  },
  streamsPerUser: { unit: "messages", code: "rate_limited", effect: "The next one does not begin." },
  streamsPerRoom: { unit: "messages", code: "rate_limited", effect: "The next one does not begin." },
  streamTextLength: {
    unit: "UTF-16 units",
    code: "too_large",
    effect: "The append is refused; what was appended stays.",
  },
  appendsPerUserPerSecond: {
    unit: "appends a second",
    code: "rate_limited",
    effect: "Scope `appends`. Put pieces together.",
  },
  appendsPerUserBurst: { unit: "appends", code: "rate_limited", effect: "At once, before the rate counts." },
  appendBytesPerUserPerSecond: { unit: "bytes a second", code: "rate_limited", effect: "Scope `append_bytes`." },
  appendBytesPerUserBurst: { unit: "bytes", code: "rate_limited", effect: "At once, before the rate counts." },
  assistantPerUserPerMinute: {
    unit: "questions a minute",
    code: "rate_limited",
    effect:
      "Of one user in one room, scope `assistant`: over HTTP the question is refused, else the message asks nobody, and the assistant says so once a minute.",
  },
  presenceMembers: { unit: "users", code: null, effect: "Above it the count and a sample are told, and no list." },
  uploadBytes: { unit: "bytes", code: "too_large", effect: alsoFiles },
  uploadBytesPerDay: {
    unit: "bytes a day",
    code: "quota_exceeded",
    effect: `${alsoFiles} Until midnight, UTC; scope \`upload_day\`.`,
  },
  uploadBytesStored: { unit: "bytes", code: "storage_full", effect: alsoFiles },
  uploadsOpen: { unit: "files", code: "quota_exceeded", effect: alsoFiles },
  uploadsOpenPerUser: { unit: "files", code: "quota_exceeded", effect: alsoFiles },
} as const satisfies Record<LimitName, LimitNote>;

interface FixedNote extends LimitNote {
  /** What the number bounds, for who does not read the source. */
  readonly what: string;
}

/** Of the limits that are the same for everyone, those that somebody meets who builds on Parley, by what they are about. */
export const fixedLimitNotes = {
  Messages: {
    dataDepth: { what: "Nesting of `data`", unit: "levels", code: "invalid_field", effect: "The message is refused." },
    nonceLengthMax: {
      what: "A nonce, of `A-Z a-z 0-9 _ -`",
      unit: "characters",
      code: "invalid_field",
      effect: "The message is refused.",
    },
    mentions: {
      what: "Users mentioned in a message",
      unit: "users",
      code: "invalid_field",
      effect: "The message is refused.",
    },
    attachments: {
      what: "Files of a message",
      unit: "files",
      code: "invalid_field",
      effect: "The message is refused.",
    },
    emojiPerMessage: {
      what: "Different emoji on a message",
      unit: "emoji",
      code: "conflict",
      effect: "The next one is refused; those that are there take more users.",
    },
    emojiBytes: { what: "One emoji", unit: "bytes", code: "invalid_field", effect: "The reaction is refused." },
    revisionsPerMessage: {
      what: "Earlier versions that a room keeps of a message",
      unit: "versions",
      code: "conflict",
      effect: "The edit is refused.",
    },
    pinsPerRoom: {
      what: "Pinned messages of a room",
      unit: "messages",
      code: "conflict",
      effect: "The next pin is refused.",
    },
    expiresInMsMin: {
      what: "Life of a message that expires, at least",
      unit: "ms",
      code: "invalid_field",
      effect: "The message is refused.",
    },
    expiresInMsMax: { what: "The same, at most", unit: "ms", code: "invalid_field", effect: "The message is refused." },
    roomStorageBytes: {
      what: "What a room holds",
      unit: "bytes",
      code: "storage_full",
      effect: "Changes are refused, reading goes on.",
    },
  },
  Requests: {
    bodyBytes: {
      what: "A body over HTTP, but for files and imports",
      unit: "bytes",
      code: "too_large",
      effect: "The request is refused.",
    },
    messagesPerBatch: {
      what: "Messages of a batch over HTTP",
      unit: "messages",
      code: "invalid_field",
      effect: "The batch is refused.",
    },
    roomsPerBroadcast: {
      what: "Rooms of a broadcast",
      unit: "rooms",
      code: "invalid_field",
      effect: "The broadcast is refused.",
    },
    broadcastMsMax: {
      what: "What a room of it may take",
      unit: "ms",
      code: "overloaded",
      effect: "That room answers so; the others go on.",
    },
    waitSecondsMax: {
      what: "`wait` of `…/changes`",
      unit: "s",
      code: "invalid_field",
      effect: "The request is refused.",
    },
    searchQueryLength: {
      what: "A search",
      unit: "characters",
      code: "invalid_field",
      effect: "The search is refused.",
    },
    searchWords: { what: "Words of a search", unit: "words", code: "invalid_field", effect: "The search is refused." },
    unreadRooms: {
      what: "Rooms of one `GET /v1/unread`",
      unit: "rooms",
      code: "invalid_field",
      effect: "The request is refused.",
    },
    unreadCounted: {
      what: "Unread messages and mentions are counted",
      unit: "messages",
      code: null,
      effect: "Where there are more, this is said.",
    },
  },
  Connections: {
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
  },
  Presence: {
    presenceStateBytes: {
      what: "A user's state",
      unit: "bytes",
      code: "too_large",
      effect: "The state is refused; the last one stays.",
    },
    presenceGraceMs: {
      what: "A user without a connection is still here",
      unit: "ms",
      code: null,
      effect: "Then `left` is told.",
    },
    presenceListed: { what: "Users in `welcome`", unit: "users", code: null, effect: "`presence.get` has the others." },
    typingExpiresMs: { what: "Typing that is not repeated", unit: "ms", code: null, effect: "Receivers let it go." },
  },
  Credentials: {
    tokenSecondsMax: { what: "Life of a token", unit: "s", code: "token_invalid", effect: "A longer one is refused." },
    tokenLeewaySeconds: {
      what: "Clocks may differ by",
      unit: "s",
      code: "token_expired",
      effect: "After it a token is refused, and its connections are closed.",
    },
    tokenBytes: {
      what: "A token",
      unit: "bytes",
      code: "too_large",
      effect: "It is not made: name fewer rooms, or patterns.",
    },
    tokenRooms: {
      what: "Patterns of rooms in a token",
      unit: "patterns",
      code: "invalid_field",
      effect: "It is not made.",
    },
    refreshesPerMinute: {
      what: "New tokens on a connection, in a minute",
      unit: "tokens",
      code: "rate_limited",
      effect: "The new one is refused, the old one holds.",
    },
    ticketSeconds: {
      what: "Life of a ticket, for one opening",
      unit: "s",
      code: "token_expired",
      effect: "Make another one.",
    },
    keysPerTenant: { what: "API keys of a tenant", unit: "keys", code: "quota_exceeded", effect: "Remove one first." },
    issuersPerTenant: {
      what: "Identity providers of a tenant",
      unit: "providers",
      code: "quota_exceeded",
      effect: "Remove one first.",
    },
    revocationsPerTenant: {
      what: "Revocations in force",
      unit: "revocations",
      code: "quota_exceeded",
      effect: "Revoke a key, or everything before a time.",
    },
  },
  Files: {
    uploadWholeBytes: {
      what: "A file that comes in one request",
      unit: "bytes",
      code: null,
      effect: "A larger one comes in parts.",
    },
    uploadPartBytes: {
      what: "A part",
      unit: "bytes",
      code: "bad_request",
      effect: "A part of another size is refused.",
    },
    uploadOpenMs: {
      what: "An upload that nobody goes on with",
      unit: "ms",
      code: "not_found",
      effect: "It is given up.",
    },
    unattachedMs: {
      what: "A complete file that no message carries",
      unit: "ms",
      code: "not_found",
      effect: "It is removed.",
    },
    fileNameLength: {
      what: "The name of a file",
      unit: "UTF-16 units",
      code: "invalid_field",
      effect: "The announcement is refused.",
    },
  },
  "What you have us call": {
    webhooksPerTenant: {
      what: "Webhook endpoints of a tenant",
      unit: "endpoints",
      code: "quota_exceeded",
      effect: "Remove one first.",
    },
    webhookMsMax: {
      what: "A receiver's whole answer",
      unit: "ms",
      code: null,
      effect: "The attempt has failed and is made again.",
    },
    webhookQueueEvents: {
      what: "Events waiting at an endpoint",
      unit: "events",
      code: null,
      effect: "Further ones are dropped and counted (`queue.dropped`).",
    },
    hookMsMax: {
      what: "What a hook may take",
      unit: "ms",
      code: "overloaded",
      effect: "As the tenant has set: let through, or refused.",
    },
    assistantsPerTenant: {
      what: "Assistants of a tenant",
      unit: "assistants",
      code: "quota_exceeded",
      effect: "Remove one first.",
    },
    assistantMsMax: {
      what: "One answer of an assistant",
      unit: "ms",
      code: null,
      effect: "It ends as `failed`; what was said stays.",
    },
    assistantWaiting: {
      what: "Questions waiting in a room",
      unit: "questions",
      code: null,
      effect: "The next one is told so.",
    },
  },
} as const satisfies Record<string, Partial<Record<keyof typeof fixedLimits, FixedNote>>>;
