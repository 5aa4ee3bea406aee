/** Every frame that the server sends. A reader ignores fields and types that it does not know. */
import * as z from "zod";
import { capabilities, roles } from "./capabilities.ts";
import { ChangesFrame, GapReason } from "./changes.ts";
import { Cursor } from "./cursor.ts";
import { Message, MessageId, RoomSettings, Seq, TimeMs } from "./message.ts";
import { DisplayName, RoomName, UserId } from "./names.ts";
import { type RefusalCode, refusals } from "./refusals.ts";

const refusalCodes = Object.keys(refusals) as [RefusalCode, ...RefusalCode[]];
const ref = z.string();

/** A user who is here. */
export const PresentMember = z.object({
  user: UserId,
  name: DisplayName.nullable(),
  /** What the user last said by `presence.set`; `{}` until then. */
  state: z.unknown(),
  /** Open connections as of now, whose changes alone are not told. One that went less than 10 s ago is not missed yet. */
  connections: z.int().min(1),
});
export type PresentMember = z.infer<typeof PresentMember>;

/** Users in order of their id, as of `version`. */
export const PresencePage = z.object({
  version: z.int(),
  count: z.int(),
  members: z.array(PresentMember),
  /** Where the next page begins; absent on the last. */
  next: UserId.optional(),
});
export type PresencePage = z.infer<typeof PresencePage>;

/**
 * What changed in who is here. `version` grows by one with each frame that has `joined` or `left`; a frame of `updated` alone
 * keeps it. A reader that finds a hole asks `presence.get`.
 */
export const PresenceFrame = z.object({
  type: z.literal("presence"),
  version: z.int(),
  joined: z.array(PresentMember),
  updated: z.array(PresentMember),
  left: z.array(UserId),
  count: z.int(),
  /**
   * Of a crowd: some of those who are here, in place of the list. A reader that holds a sample and hears of changes without one
   * asks `presence.get`.
   */
  sample: z.array(PresentMember).optional(),
});
export type PresenceFrame = z.infer<typeof PresenceFrame>;

export const WelcomeFrame = z.object({
  type: z.literal("welcome"),
  protocol: z.literal(1),
  connection: z.string(),
  room: RoomName,
  epoch: z.string(),
  head: Seq,
  oldest: MessageId,
  /** Every message from this id on is held once the first `changes` have arrived; null when resumed. */
  start: MessageId.nullable(),
  resumed: z.boolean(),
  gap: z.object({ reason: GapReason }).optional(),
  user: z.object({ id: UserId, name: DisplayName.nullable(), role: z.enum(roles).nullable() }).nullable(),
  capabilities: z.array(z.enum(capabilities)),
  expiresAt: TimeMs.nullable(),
  pingMs: z.int(),
  reconnectJitterMs: z.int(),
  limits: z.object({
    publish: z.object({ perSecond: z.number(), burst: z.number() }),
    frameBytes: z.int(),
    textLength: z.int(),
  }),
  settings: RoomSettings,
  /** Absent where the reader asked for none, or has not the capability. */
  presence: z
    .object({ version: z.int(), count: z.int(), members: z.array(PresentMember), more: z.boolean() })
    .optional(),
  /** One's own read position and the newest of others. */
  receipts: z.record(z.string(), MessageId),
  serverTime: TimeMs,
});
export type WelcomeFrame = z.infer<typeof WelcomeFrame>;

/** `id` is absent where nothing is stored: typing, presence, leaving a room. */
export const AckFrame = z.object({
  type: z.literal("ack"),
  ref: ref.optional(),
  id: MessageId.optional(),
  seq: Seq.optional(),
  at: z.int().optional(),
  duplicate: z.literal(true).optional(),
});
export type AckFrame = z.infer<typeof AckFrame>;

export const LimitHit = z.object({ scope: z.string(), limit: z.number(), windowMs: z.int(), remaining: z.number() });

/** How much of a limit is left. After `resetMs` all of it is. */
export const LimitLevel = z.object({ scope: z.string(), limit: z.number(), remaining: z.number(), resetMs: z.int() });
export type LimitLevel = z.infer<typeof LimitLevel>;

export const ErrorFrame = z.object({
  type: z.literal("error"),
  ref: ref.optional(),
  code: z.enum(refusalCodes),
  status: z.int(),
  message: z.string(),
  retryable: z.boolean(),
  retryAfterMs: z.int().optional(),
  limit: LimitHit.optional(),
  /** Of an `append`: the length of the text as it is, in UTF-16 units. Go on from there. */
  want: z.int().optional(),
});
export type ErrorFrame = z.infer<typeof ErrorFrame>;

/**
 * Messages in ascending order of id, read in the instant of `cursor`. A page before a message, and the newest page, have a
 * `start`: nothing is missing between it and the page's end, so a reader whose window begins there may lower its own to it.
 * A page after or around a message has none: it may lie apart from what the reader holds.
 */
export const Page = z.object({
  messages: z.array(Message),
  hasMore: z.boolean(),
  cursor: Cursor,
  start: MessageId.nullable(),
});
export type Page = z.infer<typeof Page>;
export const PageFrame = Page.extend({ type: z.literal("page"), ref });

export const ClosingFrame = z.object({
  type: z.literal("closing"),
  code: z.int(),
  reason: z.string(),
  reconnect: z.enum(["now", "backoff", "never"]),
  retryAfterMs: z.int().optional(),
});
export type ClosingFrame = z.infer<typeof ClosingFrame>;

/**
 * With `expiring`, once for each token: it ends soon, so send another one by a `token` frame, or come back with one. That is 60 s
 * before `expiresAt`, or when half of a shorter life is over; 30 s after `expiresAt` the connection is closed with 4401.
 *
 * Without it, the answer to a `token` frame, with its `ref` and in place of an `ack`: the new one holds, until `expiresAt`. What
 * was sent before this answer came went by the old one, and who may see only from now on who is here asks `presence.get`. No
 * answer: perhaps it holds; send it again. An `error` with the `ref`: the old one holds, as if nothing had been sent.
 */
export const TokenFrame = z.object({
  type: z.literal("token"),
  ref: ref.optional(),
  expiresAt: TimeMs,
  expiring: z.literal(true).optional(),
});
export type TokenFrame = z.infer<typeof TokenFrame>;

export const ReceiptFrame = z.object({ type: z.literal("receipt"), user: UserId, upTo: MessageId });
export type ReceiptFrame = z.infer<typeof ReceiptFrame>;

/**
 * A message being streamed grew: cut the text that is held at `at` (UTF-16 units) and add `text`. A reader whose text is shorter
 * than `at` asks by `snapshot`; one that does not hold the message, or holds it as ended, ignores it.
 */
export const DeltaFrame = z.object({ type: z.literal("delta"), id: MessageId, at: z.int().min(0), text: z.string() });
export type DeltaFrame = z.infer<typeof DeltaFrame>;

/** The whole text so far of a message being streamed, in place of what is held of it, which may be longer. */
export const SnapshotFrame = z.object({
  type: z.literal("snapshot"),
  ref: ref.optional(),
  id: MessageId,
  text: z.string(),
});
export type SnapshotFrame = z.infer<typeof SnapshotFrame>;

/** To the connections of a stream's producer: it was cancelled, by a user or, with null, by the tenant's server. */
export const CancelledFrame = z.object({
  type: z.literal("cancel"),
  id: MessageId,
  by: UserId.nullable(),
  reason: z.string().optional(),
});

export const ServerFrame = z.discriminatedUnion("type", [
  WelcomeFrame,
  ChangesFrame,
  AckFrame,
  ErrorFrame,
  PageFrame,
  ClosingFrame,
  ReceiptFrame,
  PresenceFrame,
  PresencePage.extend({ type: z.literal("presence.page"), ref }),
  z.object({ type: z.literal("typing"), user: UserId, active: z.boolean(), expiresInMs: z.int() }),
  DeltaFrame,
  SnapshotFrame,
  CancelledFrame,
  z.object({ type: z.literal("limit"), ...LimitLevel.shape }),
  TokenFrame,
  z.object({ type: z.literal("pong") }),
]);
export type ServerFrame = z.infer<typeof ServerFrame>;
