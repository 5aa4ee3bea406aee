/** What a person is told of each refusal on its page: why it happens and what to do. No server needs it; the pages are made of it. */
import type { Refusal, RefusalCode } from "./refusals.ts";

export interface Explanation {
  readonly means: string;
  /** Each a way in which it comes about. Markdown, on one line. */
  readonly why: readonly string[];
  readonly todo: readonly string[];
  /** What an answer may say beside what the table says. */
  readonly example?: Partial<Omit<Refusal, "ok" | "error">>;
}

export const explanations = {
  bad_frame: {
    means:
      "The server could not read what was sent over the WebSocket. Only this frame was refused; the connection goes on.",
    why: [
      "It is not JSON, not an object, or a binary frame.",
      "Its `type` names no frame of a client.",
      "On a connection of many rooms it names no `room`, or one that was not joined.",
    ],
    todo: [
      "Send JSON objects in text frames, as [/asyncapi.json](/asyncapi.json) describes them.",
      "Read the `message`: it says what is wrong. Sent again unchanged it is refused again, and 50 refused frames within ten seconds close the socket with 4429.",
    ],
    example: { detail: "The field `type` names no frame of a client." },
  },
  bad_request: {
    means: "The request as a whole cannot be understood, before any of its fields is looked at.",
    why: [
      "A body that is not JSON, was cut off, or came without `Content-Type: application/json`.",
      "A WebSocket's address asked for without an upgrade, or without the subprotocol `parley.v1`.",
      "A file's body that has fewer bytes than were announced.",
    ],
    todo: [
      "Read the `detail`, which says what was expected, and change the request. With curl, the header is what is most often missing.",
    ],
    example: { detail: "Say `Content-Type: application/json`." },
  },
  invalid_field: {
    means: "The request was understood, but one of its fields may not have the value that it has.",
    why: [
      "A wrong type, a number out of range, a name with characters that names do not have.",
      "A field that is unknown here: what is misspelt is refused and not ignored.",
      "Two fields that exclude each other, or none where one is needed.",
    ],
    todo: [
      "The `detail` names the field. The fields of each call are in the [reference](/docs), those of frames in [/asyncapi.json](/asyncapi.json).",
    ],
    example: { detail: "A message needs `text`, `data` or `attachments`." },
  },
  token_missing: {
    means: "Nobody said who is asking.",
    why: [
      "There is no `Authorization` header, and on a WebSocket no `bearer.<token>` among the subprotocols.",
      "An event stream was opened by a browser's `EventSource`, which sends no headers, and without a ticket.",
    ],
    todo: [
      "Send `Authorization: Bearer …` with an API key (servers) or a token (users).",
      'In a browser open a WebSocket with `["parley.v1", "bearer." + token]`, and an `EventSource` with a `ticket`: see [auth](/guides/auth).',
    ],
  },
  token_invalid: {
    means: "What was presented is not a token, ticket or API key of this server.",
    why: [
      "Its signature was not made with the key that it names: another deployment, another master key, or a copy that was cut off.",
      "A claim is missing, of another tenant or too far in the future, or its `alg` is none that is allowed.",
      "A ticket that was used before, or for another room.",
      "An API key that was removed.",
    ],
    todo: [
      "The `detail` says which rule was broken, and never shows the credential.",
      "Make a new token with `POST /v1/tokens`. If that is refused too, look at the API key: on one machine `npm start` prints that of the tenant `demo`.",
      "Do not try again with the same one: 20 wrong credentials of an address in a minute are answered `rate_limited`.",
    ],
    example: { detail: "The signature was not made with the key that `kid` names." },
  },
  token_expired: {
    means: "The token was right, and its time is over.",
    why: [
      "Its `exp` has passed by more than 30 seconds. Tokens live for an hour unless said otherwise, and for a day at most.",
      "A connection was open when it ended, and no new token was sent in time.",
      "A ticket is older than a minute.",
    ],
    todo: [
      "Fetch a new token and come back with the cursor: nothing is missed.",
      'On an open connection send `{"type":"token","token":"…"}` when `token` with `expiring` comes, a minute before the end. The [client](/guides/client) does so by itself.',
    ],
    example: { detail: "The claim `exp` is in the past." },
  },
  token_revoked: {
    means: "The credential was taken back before its end.",
    why: [
      "Somebody who administers the tenant has revoked the user, this token, its key, or everything issued before a time.",
      "The API key that signed the token was removed.",
    ],
    todo: [
      "Do not try again with this one. Ask your own server for another token; if the user was revoked, that is refused only for tokens from before.",
      "The `detail` has the reason, where one was given.",
    ],
    example: { detail: "The token or its key has been revoked: the device was lost" },
  },
  forbidden: {
    means: "The credential is good, and does not reach that far.",
    why: [
      "A capability is missing for this room: `publish`, `moderate`, `upload` …",
      "The message is another's, and the credential may change only its own.",
      'The room is for members (`"access": "members"`) and the user is none.',
      "A token was used where an API key is needed, or an API key that names nobody where a user is: say who in `Parley-User`.",
    ],
    todo: [
      "The `detail` names what is missing. Give it to the token when your server makes it ([auth](/guides/auth)), or a role in the room to the user.",
      "Nobody can grant more than they hold: look at what the API key itself may do.",
    ],
    example: { detail: "This needs the capability `publish`." },
  },
  banned: {
    means: "This user may not enter this room, or any room of the tenant.",
    why: ["A moderator has banned the user from the room, or the tenant has from all of them."],
    todo: [
      "Show the reason, which is in the `detail`, and stop. Where the ban has an end, `retryAfterMs` says when it is.",
      "Moderators lift it with `DELETE /v1/rooms/{room}/bans/{user}`; that of the tenant goes with `DELETE /v1/bans/{user}` ([moderation](/guides/moderation)).",
    ],
    example: { detail: "The user is banned: spam", retryAfterMs: 3_600_000 },
  },
  origin_forbidden: {
    means: "The page that asks is of an origin that the tenant does not list.",
    why: [
      "The tenant's setting `origins` lists pages, and the one that asks is none of them. Scheme, host and port are compared whole: `https://example.com` is not `https://www.example.com`.",
    ],
    todo: ['Add the origin with `PATCH /v1/tenant` and `{"settings": {"origins": ["https://…"]}}`; `"*"` is any.'],
  },
  muted: {
    means: "The user may read in this room, and change nothing that others read.",
    why: [
      "A moderator has muted the user. What had been stored before is still answered as stored when it is sent again.",
    ],
    todo: [
      "Go on reading. Where the mute has an end, `retryAfterMs` says when it is; without one it takes a moderator.",
    ],
    example: { detail: "The user is muted in this room: please calm down", retryAfterMs: 600_000 },
  },
  room_frozen: {
    means: "The room is closed for changes, for everyone but those who may `moderate`.",
    why: ["Its setting `frozen` is on."],
    todo: ["Go on reading. A `room` change in `changes` tells that it has thawed; there is no other time to wait for."],
  },
  not_found: {
    means: "There is no such thing, or it is not for this credential to know of.",
    why: [
      "The room was never made. It comes to be when somebody who may publish enters it or publishes there, unless the tenant has set `autoCreate` to false.",
      "The message was removed by retention, has expired, or is hidden from this reader.",
      "It is another tenant's. That is answered as if it had never existed.",
      "The path is misspelt.",
    ],
    todo: ["Look at the names in the path. `PUT /v1/rooms/{room}` makes a room."],
    example: { detail: "There is no such room." },
  },
  method_not_allowed: {
    means: "The address exists, and takes other methods.",
    why: ["`POST` where `PUT` is meant, or `HEAD`, which only files and pages answer."],
    todo: ["The header `Allow` lists what is offered."],
    example: { detail: "POST is not offered here: GET." },
  },
  conflict: {
    means: "The thing is in another state than the request takes for granted. Nothing was changed.",
    why: [
      "An edit with `ifVersion`, and somebody was faster.",
      "What should be made is there already; what should be changed is deleted or complete.",
      "The room is not searched, or holds as many pins, emoji or earlier versions as it can.",
    ],
    todo: [
      "Read the thing as it is now, decide anew, and send another request. The `detail` says what stood in the way.",
    ],
    example: { detail: "The message is at version 3." },
  },
  stream_offset: {
    means: "A piece of a streamed message was sent for a place that the text has not reached.",
    why: [
      "A piece was lost, or the room has lost its memory and goes on from its last checkpoint, a second or 4,096 characters back at most.",
    ],
    todo: [
      "Send again from `want`, which is how long the text is, in UTF-16 units. Keep what you have sent until the message is finished ([streaming](/guides/streaming)).",
    ],
    example: { detail: "The text has 120 UTF-16 units: go on there.", want: 120 },
  },
  stream_closed: {
    means: "The message is not being streamed any more.",
    why: [
      "It was finished, or nothing was heard of its producer for 30 seconds, after which it ends as `interrupted`.",
      "It was deleted, or its producer may not publish any more.",
    ],
    todo: ['Stop. To say more, publish another message. Who thinks longer than 30 seconds appends `""` now and then.'],
    example: { detail: "The message is not being streamed." },
  },
  stream_cancelled: {
    means: "Somebody has stopped this message. What had been said of it stays.",
    why: ["Its user has cancelled it, from this device or another, or a moderator has."],
    todo: ["Stop producing: abort the call to the model. Nothing is to be sent any more, not even `finish`."],
  },
  room_deleted: {
    means: "The room was here and has been deleted, with all that was in it.",
    why: ["Somebody who may `manage` it, or the tenant's server, has deleted it."],
    todo: [
      "Drop what is held of it. `PUT /v1/rooms/{room}` makes another room of that name, with a history of its own; it takes `manage`.",
    ],
  },
  too_large: {
    means: "It is more than may come at once.",
    why: [
      "A text, its `data`, a body or a frame is longer than the limit; so is a batch that is more than a rate allows at once.",
      "A file has more bytes than were announced, or than the tenant's files may have.",
    ],
    todo: [
      "The `detail` names the limit. Send less, or in parts: files above 90 MB come in parts by themselves.",
      "All numbers are on [the page of limits](/limits); the operator raises those of a tenant.",
    ],
    example: { detail: "`text` may have 16384 UTF-16 units." },
  },
  range_not_satisfiable: {
    means: "The part of the file that was asked for lies behind its end.",
    why: ["A `Range` that begins at or after the file's size, often of a copy of another file."],
    todo: ["`Content-Range` in the answer has the size. Ask for a range within it, or for the whole file."],
    example: { detail: "The file has 11 bytes." },
  },
  content_rejected: {
    means: "What was said is not allowed here. Nothing was stored.",
    why: [
      "It holds a word of the tenant's list that is blocked.",
      "The tenant's hook has refused it; its reason is in the `detail`.",
      "A file's bytes have another SHA-256 than was announced.",
    ],
    todo: ["Show the reason to whoever wrote it, and let them change it. The same content is refused again."],
    example: { detail: "The text holds a word that is not allowed here." },
  },
  nonce_reused: {
    means: "This nonce, or `Idempotency-Key`, belongs to another message of the same sender.",
    why: [
      "A nonce is one message's for as long as that lives. It came again with another text, `data`, reply or attachments.",
    ],
    todo: [
      "Make a new nonce for each new message (`crypto.randomUUID()`), and send a retry exactly as it was the first time.",
    ],
  },
  slow_mode: {
    means: "In this room a user's messages are some time apart, and this one came too soon.",
    why: ["The room's setting `slowModeMs`. It does not concern those who may `moderate`."],
    todo: ["Send it again after `retryAfterMs`, with the same nonce; a countdown beside the field is kind."],
    example: {
      detail: "The room is in slow mode: one message in 10 s.",
      retryAfterMs: 6_400,
      limit: { scope: "slow_mode", limit: 1, windowMs: 10_000, remaining: 0 },
    },
  },
  rate_limited: {
    means: "Too much has come in too short a time. Nothing of this request was done.",
    why: [
      "A user in a room, a room, or the whole tenant publishes faster than its rate; or a connection sends too many frames.",
      "Too many requests came from one address or by one key, or too many wrong credentials.",
      "50 refused frames within ten seconds: then the socket is closed with 4429.",
    ],
    todo: [
      "Wait for `retryAfterMs` (over HTTP also `Retry-After`), then send it again with the same nonce. The time is true: it will be let in then, unless something else has used it up.",
      "`limit.scope` says which limit it was; [the page of limits](/limits) has its number. `limit` frames and `RateLimit` headers warn before.",
    ],
    example: {
      detail: "At most 10 changes per second per user in this room.",
      retryAfterMs: 640,
      limit: { scope: "user_in_room", limit: 20, windowMs: 2_000, remaining: 0 },
    },
  },
  quota_exceeded: {
    means: "What the tenant may have for a day, or in number, is used up.",
    why: [
      "The day's changes (`changesPerDay`) or bytes of files (`uploadBytesPerDay`). Days end at midnight, UTC.",
      "As many keys, webhook endpoints, identity providers, assistants, open uploads or revocations as there may be.",
    ],
    todo: [
      "Of a day: wait for `retryAfterMs`, or ask the operator for more. Of a number: remove what is not needed.",
      "`GET /v1/limits` says what is left, `GET /v1/usage` where it went.",
    ],
    example: {
      detail: "At most 10000000 changes a day, until midnight UTC.",
      retryAfterMs: 18_000_000,
      limit: { scope: "tenant_day", limit: 10_000_000, windowMs: 86_400_000, remaining: 0 },
    },
  },
  connection_limit: {
    means: "No further connection is let in here.",
    why: [
      "The room, the user in it, the user in all rooms or the tenant has as many connections as it may.",
      "A connection of many rooms asks for more than 100, or had none for a minute.",
      "Most often a client that opens a new connection without closing the old one.",
    ],
    todo: [
      "Come back with growing pauses. A place that was left is free within ten seconds.",
      "Use one connection for many rooms (`/v1/socket`), and close what is not looked at.",
    ],
    example: { detail: "At most 20 connections of a user in a room." },
  },
  slow_consumer: {
    means: "This reader took what was sent more slowly than it was said, so it was cut. Others noticed nothing.",
    why: [
      "The device slept, its network is slow, or the page was busy and read nothing. More than a megabyte waited.",
      "In what it reads there is more than it can show: a room with hundreds of messages a second.",
    ],
    todo: [
      "Connect again at once with the cursor: what was missed is replayed. Handle frames quickly and draw later, many at a time.",
    ],
    example: { detail: "Nothing of what was sent has been taken." },
  },
  restarting: {
    means: "What held the connection, or was asked, has begun anew. Nothing that was acked is lost.",
    why: [
      "A new version is being deployed, or a machine is restarted.",
      "A connection that the Worker holds (event streams, many rooms) is retired after half an hour.",
      'Nothing was heard of a connection for too long: send `{"type":"ping"}` every 25 seconds.',
    ],
    todo: [
      "Reconnect with the cursor, at once but for a pause by chance up to `reconnectJitterMs`, so that not all come together.",
      "Send again, with its nonce, what was not acked. A read may simply be repeated.",
    ],
    example: { retryAfterMs: 1_000 },
  },
  resync: {
    means: "The history is not the one that this connection has read, so it must be read anew.",
    why: [
      "The room was imported, restored from a backup, or a reader could not be told of something in parts.",
      "Something was erased while an export was being made of it.",
    ],
    todo: [
      "Connect again. The server says whether the cursor still holds; if not, it begins with `reset`, and the copy is replaced.",
      "An export that broke off is thrown away and begun again.",
    ],
    example: { detail: "Something was erased while it was exported: begin anew.", retryAfterMs: 1_000 },
  },
  tenant_suspended: {
    means: "The operator has suspended the tenant, or it is being deleted. Everything of it is refused.",
    why: ["A decision of whoever runs this server."],
    todo: [
      "Stop, and write to the operator. Data is kept while a tenant is suspended; connections may come back when it is resumed.",
    ],
  },
  overloaded: {
    means: "There is more to do here than can be done now. It will pass.",
    why: [
      "A room has as much waiting as it holds (4,096 changes), or did not answer in time.",
      "The server holds as many connections as it can.",
      "What the tenant has named outside does not answer: its hook, or its identity provider's keys.",
      "A room is being imported.",
    ],
    todo: [
      "Try again after `retryAfterMs`, then with pauses that double and have chance in them. The same nonce makes it one message, however often it was sent.",
      "If it stays so: is one room used for everything? The parts that can be looked at are in `/v1/metrics`.",
    ],
    example: { detail: "The message could not be checked: no answer in time.", retryAfterMs: 5_000 },
  },
  internal: {
    means: "We have made a mistake. Perhaps what was asked was done, and perhaps not.",
    why: [
      "Something that should not happen. It is written down in the server's log with the `requestId` of the answer.",
    ],
    todo: [
      "Try again with growing pauses and the same nonce.",
      "If it comes again, tell whoever runs the server the `requestId`: it stands in the body and in `X-Request-Id`.",
    ],
  },
  storage_full: {
    means: "There is no space left for it.",
    why: [
      "The room has come near to the 10 GB that one room can hold.",
      "The files of the tenant have as many bytes as they may (`uploadBytesStored`).",
    ],
    todo: [
      "Let older messages go (`retentionDays`, `retentionMessages`), delete files with their messages, or begin another room.",
      "Ask the operator for more space for files. Trying again helps only after that.",
    ],
    example: { detail: "The tenant's files may have 50000000000 bytes together: 1024 are left." },
  },
} as const satisfies Record<RefusalCode, Explanation>;
