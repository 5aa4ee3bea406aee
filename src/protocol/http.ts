/** The bodies of HTTP: what may be sent, and what is answered. Unknown fields are refused. */
import * as z from "zod";
import { capabilities, roles } from "./capabilities.ts";
import { Change, GapReason } from "./changes.ts";
import { appendContent, cancelContent, editContent, finishContent, messageContent } from "./clientFrames.ts";
import { Cursor } from "./cursor.ts";
import { Issuer, IssuerKey } from "./issuer.ts";
import { fixedLimits } from "./limits.ts";
import { Emoji, Member, Message, MessageId, Nonce, RoomSettings, Seq, TimeMs, Text } from "./message.ts";
import { DisplayName, KeyId, RoomName, TenantId, UserId } from "./names.ts";
import { Limits, LimitsPatch, TenantSettings } from "./policy.ts";
import { type RefusalCode, refusals } from "./refusals.ts";
import { LimitHit, LimitLevel, PresencePage, PresentMember } from "./serverFrames.ts";
import { Rooms, TokenId } from "./token.ts";
import { QueueState, WebhookEndpoint } from "./webhook.ts";

const refusalCodes = Object.keys(refusals) as [RefusalCode, ...RefusalCode[]];

/** Why something was refused. */
export const Explained = z.object({
  status: z.int(),
  detail: z.string(),
  code: z.enum(refusalCodes),
  retryable: z.boolean(),
  retryAfterMs: z.int().optional(),
  limit: LimitHit.optional(),
});
export type Explained = z.infer<typeof Explained>;
/** RFC 9457. `type` is the documentation page of the code. */
export const Problem = Explained.extend({
  type: z.string(),
  title: z.string(),
  requestId: z.string(),
  /** Of a batch: the first of its messages that was refused, counted from 0. */
  index: z.int().min(0).optional(),
  /** Of an append: the length of the text as it is. */
  want: z.int().optional(),
});
export type Problem = z.infer<typeof Problem>;

/** For a person: why something was decided. */
const Reason = Text.max(fixedLimits.reasonLength);

// Tenants and keys.

export const SettingsPatch = TenantSettings.partial();
export const NewTenant = z.strictObject({
  id: TenantId.optional(),
  name: DisplayName,
  settings: SettingsPatch.optional(),
  limits: LimitsPatch.optional(),
});
export const OperatorTenantPatch = z.strictObject({
  name: DisplayName.optional(),
  settings: SettingsPatch.optional(),
  limits: LimitsPatch.optional(),
});
export const TenantPatch = z.strictObject({ name: DisplayName.optional(), settings: SettingsPatch.optional() });
export const TenantProfile = z.object({
  id: TenantId,
  name: DisplayName,
  suspended: z.boolean(),
  /** It is being erased: for ever suspended, until there is no such tenant. */
  deleting: z.boolean(),
  settings: TenantSettings,
  limits: Limits,
  createdAt: TimeMs,
});

export const NewKey = z.strictObject({
  name: DisplayName.optional(),
  capabilities: z.array(z.enum(capabilities)).min(1).optional(),
});
export const Key = z.object({
  id: KeyId,
  name: DisplayName.nullable(),
  capabilities: z.array(z.enum(capabilities)),
  createdAt: TimeMs,
  lastUsedAt: TimeMs.nullable(),
});
/** `secret` is the whole API key. It is shown once and stored nowhere. */
export const CreatedKey = z.object({ id: KeyId, secret: z.string() });

export const IssuerListing = Issuer.extend({ name: DisplayName.nullable(), createdAt: TimeMs });

export const WebhookDetails = WebhookEndpoint.extend({ queue: QueueState });
/** `secret` is shown once and stored nowhere. */
export const CreatedWebhook = z.object({ webhook: WebhookEndpoint, secret: z.string() });
/** Changes of a room by their seq, both included. */
export const ReplayBody = z
  .strictObject({ room: RoomName, from: Seq.min(1), to: Seq.min(1) })
  .refine(({ from, to }) => from <= to, "`to` lies before `from`");
export const ReplayAnswer = z.object({
  /** Events that were handed to the endpoint. */
  events: z.int(),
  /** The first seq that was not looked at; null where all were. */
  next: Seq.nullable(),
});

export const NewToken = z.strictObject({
  user: UserId,
  name: DisplayName.optional(),
  rooms: Rooms,
  expiresInSeconds: z.int().min(1).max(fixedLimits.tokenSecondsMax).optional(),
});
export const CreatedToken = z.object({ token: z.string(), expiresAt: TimeMs });

export const HookSecret = z.object({ secret: z.string() });

/** Whoever is named, all at once; what is not named is anybody's. At least one of the four. */
export const NewRevocation = z
  .strictObject({
    user: UserId.optional(),
    /** Its `jti`. */
    token: TokenId.regex(/^[^\p{Cc}]+$/u, "no control characters, and not empty").optional(),
    key: z.union([KeyId, IssuerKey]).optional(),
    /** Now, unless it is said; at most 30 s ahead. A token tells whole seconds: one of the same second counts as before. */
    issuedBefore: TimeMs.min(0).optional(),
    reason: Reason.optional(),
  })
  .refine(
    (asked) => Object.keys(asked).some((name) => name !== "reason"),
    "at least one of user, token, key, issuedBefore",
  );
export const Revocation = z.object({
  id: z.int(),
  user: UserId.nullable(),
  token: TokenId.nullable(),
  key: z.string().nullable(),
  issuedBefore: TimeMs,
  reason: z.string().nullable(),
  at: TimeMs,
  /** In force until then: nothing of what it revokes lives longer. */
  until: TimeMs,
});

// Rooms.

export const RoomSettingsPatch = z.strictObject(RoomSettings.partial().shape);
export const RoomBody = z.strictObject({ settings: RoomSettingsPatch.optional() });
export const RoomInfo = z.object({
  name: RoomName,
  head: Seq,
  oldest: MessageId,
  epoch: z.string(),
  cursor: Cursor,
  online: z.int(),
  settings: RoomSettings,
  /** Messages of others after the one that the user has read up to, counted to 100. Null where no user is named. */
  unread: z.int().nullable(),
  /** Those of them that mention the user, counted to 100. */
  mentions: z.int().nullable(),
  upTo: Seq.nullable(),
});
/** Of one room: what is unread there, or why it cannot be said. */
export const UnreadAnswer = z.object({
  rooms: z.record(
    RoomName,
    z.union([
      z.object({ unread: z.int(), mentions: z.int(), upTo: Seq }),
      z.object({ code: z.enum(refusalCodes), status: z.int(), detail: z.string() }),
    ]),
  ),
});
export const PresenceAnswer = PresencePage.omit({ members: true }).extend({ items: z.array(PresentMember) });
/** The limits in force, and what is left of those that are rates or counts: of the tenant, and in a room of oneself. */
export const LimitsAnswer = z.object({ limits: Limits, levels: z.array(LimitLevel) });
export const NewTicket = z.strictObject({ room: RoomName.optional() });
export const CreatedTicket = z.object({ ticket: z.string(), expiresAt: TimeMs });
export const RoomListing = z.object({
  name: RoomName,
  messages: z.int(),
  members: z.int(),
  online: z.int(),
  createdAt: TimeMs,
  lastActivityAt: TimeMs.nullable(),
});

export const MemberBody = z.strictObject({ role: z.enum(roles), name: DisplayName.optional() });
export const MuteBody = z.strictObject({
  until: TimeMs.optional(),
  reason: Reason.optional(),
});
export const KickBody = z.strictObject({ user: UserId, reason: Reason.optional() });
export const BanBody = MuteBody.extend({ shadow: z.boolean().optional() });
/** Who is banned or muted; `until` is null where that has no end. */
export const Sanctioned = z.object({
  user: UserId,
  ban: z
    .object({ until: TimeMs.nullable(), reason: z.string().nullable(), shadow: z.boolean(), at: TimeMs })
    .nullable(),
  mute: z.object({ until: TimeMs.nullable(), reason: z.string().nullable() }).nullable(),
});
export type Sanctioned = z.infer<typeof Sanctioned>;
export const TenantBan = z.object({
  user: UserId,
  until: TimeMs.nullable(),
  reason: z.string().nullable(),
  shadow: z.boolean(),
  at: TimeMs,
});
export const FlagBody = z.strictObject({ reason: Reason.optional() });
export const FlagReceipt = z.object({ flag: z.int(), createdAt: TimeMs });
export const Flag = z.object({
  id: z.int(),
  room: RoomName,
  message: MessageId,
  /** Who flagged it. */
  user: UserId,
  /** Who said it; null for the tenant's server, and for one who was erased. */
  sender: UserId.nullable(),
  reason: z.string().nullable(),
  state: z.enum(["open", "resolved"]),
  note: z.string().nullable(),
  createdAt: TimeMs,
  resolvedAt: TimeMs.nullable(),
});
export const FlagResolution = z.strictObject({
  state: z.literal("resolved"),
  note: Reason.optional(),
});
export const ReadBody = z.strictObject({ upTo: MessageId });
export const ReadPosition = z.object({ user: UserId, upTo: MessageId });
export const MembersPage = z.object({ items: z.array(Member), next: z.string().optional(), cursor: Cursor });

// Messages.

export const NewMessage = z.strictObject({ nonce: Nonce.optional(), ...messageContent });
/** For the room's assistant, in so many words. */
const { streaming: _streaming, text: _text, ...askedWith } = messageContent;
export const AssistantQuestion = z.strictObject({ nonce: Nonce.optional(), ...askedWith, text: Text.min(1) });
export const MessageEdit = z.strictObject(editContent);
/** `message` is null when it has gone meanwhile: expired, or removed by retention. */
export const MessageAnswer = z.object({ message: Message.nullable(), cursor: Cursor });
export const PinsPage = z.object({ items: z.array(Message), next: z.string().optional(), cursor: Cursor });
/** What a message said; `at` is when. */
export const Revision = Message.pick({ version: true, text: true, data: true }).extend({ at: TimeMs });
export const Reaction = z.object({ emoji: Emoji, user: UserId, at: TimeMs });

// Streaming one.

export const AppendBody = z.strictObject(appendContent);
/** How long the text is now, in UTF-16 units. */
export const AppendAnswer = z.object({ at: z.int().min(0) });
export const FinishBody = z.strictObject(finishContent);
export const CancelBody = z.strictObject(cancelContent);

export const ChangesAnswer = z.object({
  from: Seq,
  to: Seq,
  changes: z.array(Change),
  reset: z.literal(true).optional(),
  cursor: Cursor,
  hasMore: z.boolean(),
  gap: z.object({ reason: GapReason }).optional(),
  start: MessageId.optional(),
  oldest: MessageId,
});

/** What was imported, as the end of its export says. */
export const Imported = z.object({
  room: RoomName,
  counts: z.record(z.string(), z.int().min(0)),
  hash: z.string(),
  cursor: Cursor,
});
export type Imported = z.infer<typeof Imported>;

export const ImportedTenant = z.object({
  tenant: TenantId,
  /** That are new. */
  rooms: z.int().min(0),
  /** Rooms in which something had happened already: they are as they were. */
  skipped: z.array(RoomName),
  counts: z.record(z.string(), z.int().min(0)),
  hash: z.string(),
});
export type ImportedTenant = z.infer<typeof ImportedTenant>;
