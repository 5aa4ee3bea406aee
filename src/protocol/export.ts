/**
 * What an export says, line by line (NDJSON): first what it is, then rows, and at the end how many there were and a hash of all
 * lines between the first and the last. One without its last line was cut off.
 */
import * as z from "zod";
import { Assistant } from "./assistant.ts";
import { AuditEntry } from "./audit.ts";
import { Ban } from "./ban.ts";
import { capabilities, roles } from "./capabilities.ts";
import { Issuer } from "./issuer.ts";
import { fixedLimits } from "./limits.ts";
import { tenantLimits } from "./limits/tenant.ts";
import {
  Attachment,
  Data,
  Emoji,
  MessageId,
  MessageStatus,
  Nonce,
  Pinned,
  RoomSettings,
  Sender,
  StreamText,
  Text,
  TimeMs,
} from "./message.ts";
import { DisplayName, KeyId, RoomName, TenantId, UserId } from "./names.ts";
import { LimitsPatch, TenantSettings } from "./policy.ts";
import { utf8Length } from "./text.ts";
import { WebhookEndpoint } from "./webhook.ts";
import { FileName, FileSize, MediaType, UploadId } from "./upload.ts";

/** Of what stands in the lines. Another one is not imported. */
export const exportVersion = 1;
/** Any string to the compiler: the routes' types take whatever ends in `json` for JSON. */
export const exportType: string = "application/x-ndjson";

export const ExportKind = z.enum(["room", "tenant", "user"]);
export type ExportKind = z.infer<typeof ExportKind>;

/** The first line. The hash does not cover it: the same history has the same hash wherever and whenever it was exported. */
export const ExportHead = z.strictObject({
  type: z.literal("export"),
  version: z.literal(exportVersion),
  kind: ExportKind,
  tenant: TenantId,
  /** Of a room. */
  room: RoomName.optional(),
  /** Of a room: as in its cursors, which name this history and not the one that is made by an import. */
  epoch: z.string().optional(),
  /** Of a user. */
  user: UserId.optional(),
  at: TimeMs,
});
export type ExportHead = z.infer<typeof ExportHead>;

/** The room counts on from there: what comes next must be a number that can be told apart, too. */
const Count = z.int().min(0).max(fixedLimits.importCountMax);
const Place = Count.min(1);

const Hash = z.string().regex(/^[0-9a-f]{64}$/, "a SHA-256 in hex");

/** The last line. `counts` are those of the lines between, by their type; `hash` is SHA-256 over their bytes with their line ends. */
export const ExportEnd = z.strictObject({
  type: z.literal("end"),
  kind: ExportKind,
  counts: z.record(z.string(), z.int().min(0)),
  hash: Hash,
});
export type ExportEnd = z.infer<typeof ExportEnd>;

// The lines of a room. Of two that name the same message or member the later one holds: it changed while it was read.

/** Per emoji how many, and the first users. */
const Summary = z
  .record(Emoji, z.strictObject({ count: Place, users: z.array(UserId).min(1).max(fixedLimits.reactionUsersListed) }))
  .refine(
    (reactions) => Object.keys(reactions).length <= fixedLimits.emojiPerMessage,
    `at most ${fixedLimits.emojiPerMessage} emoji`,
  );

const dataBytesMax = tenantLimits.dataBytes.ceiling;

export const MessageLine = z
  .strictObject({
    type: z.literal("message"),
    id: Place,
    seq: Place,
    version: Place,
    sender: Sender.strict().nullable(),
    nonce: Nonce.nullable(),
    /** Of what was sent under the nonce, in hex: by it a late retry is known. */
    digest: z
      .string()
      .regex(/^[0-9a-f]{16}$/, "8 bytes in hex")
      .nullable(),
    text: StreamText.nullable(),
    data: Data.refine(
      (data) => data === null || utf8Length(JSON.stringify(data)) <= dataBytesMax,
      `at most ${dataBytesMax} bytes`,
    ),
    replyTo: Place.nullable(),
    replies: Count,
    mentions: z.array(UserId).max(fixedLimits.mentions),
    attachments: z.array(Attachment.strict()).max(fixedLimits.attachments),
    reactions: Summary,
    /** Absent where it was exported before anything could be pinned. */
    pinned: Pinned.strict().nullable().default(null),
    /** Its author had a shadow ban. */
    hidden: z.boolean(),
    status: MessageStatus,
    createdAt: TimeMs,
    editedAt: TimeMs.nullable(),
    deletedAt: TimeMs.nullable(),
    expiresAt: TimeMs.nullable(),
  })
  .refine(({ id, seq }) => id <= seq, "`id` is not above `seq`")
  .refine(({ id, replyTo }) => replyTo === null || replyTo < id, "`replyTo` is an earlier message")
  .refine(({ nonce, digest }) => (nonce === null) === (digest === null), "`nonce` and `digest` go together");
export type MessageLine = z.infer<typeof MessageLine>;

/** Of the message line before it. */
export const ReactionLine = z.strictObject({
  type: z.literal("reaction"),
  message: Place,
  emoji: Emoji,
  user: UserId,
  at: TimeMs,
});
export type ReactionLine = z.infer<typeof ReactionLine>;

/** Of the message line before it, which carries the file. Its bytes lie in the bucket, under the id. */
export const FileLine = z.strictObject({
  type: z.literal("file"),
  message: Place,
  id: UploadId,
  user: UserId.nullable(),
  name: FileName,
  mediaType: MediaType,
  size: FileSize,
  width: z.int().nullable(),
  height: z.int().nullable(),
  at: TimeMs,
});
export type FileLine = z.infer<typeof FileLine>;

/** Of the message line before it: what it said in this version, which is not its last, or of a message that was deleted. */
export const RevisionLine = z.strictObject({
  type: z.literal("revision"),
  message: Place,
  version: Place,
  text: Text.nullable(),
  data: MessageLine.shape.data,
  at: TimeMs,
});
export type RevisionLine = z.infer<typeof RevisionLine>;

/** In the export of a user: what he has pinned. */
export const PinLine = z.strictObject({ type: z.literal("pin"), message: Place, at: TimeMs });
export type PinLine = z.infer<typeof PinLine>;

/** Also whoever was removed (`role: null`), and who has only read or been muted (`seq: null`): nobody was told of that one. */
export const MemberLine = z.strictObject({
  type: z.literal("member"),
  user: UserId,
  name: DisplayName.nullable(),
  role: z.enum(roles).nullable(),
  seq: Place.nullable(),
  mutedUntil: TimeMs.nullable(),
  reason: Text.max(fixedLimits.reasonLength).nullable(),
  readUpTo: Count.nullable(),
  /** When the user last spoke, as far as slow mode was on. */
  spokeAt: TimeMs.nullable(),
});
export type MemberLine = z.infer<typeof MemberLine>;

export const BanLine = z.strictObject({
  type: z.literal("ban"),
  user: UserId,
  until: Ban.shape.untilMs,
  reason: Text.max(fixedLimits.reasonLength).nullable(),
  shadow: z.boolean(),
  at: TimeMs,
});
export type BanLine = z.infer<typeof BanLine>;

/** The last one before the end: the room itself, in the instant in which the lines before it were complete. */
export const RoomLine = z
  .strictObject({
    type: z.literal("room"),
    head: Count,
    seq: Count,
    oldest: Place,
    floor: Count,
    /** What is not named has its default: there were fewer settings once. */
    settings: RoomSettings.partial().strict(),
    createdAt: TimeMs,
  })
  .refine(({ head, seq, floor, oldest }) => Math.max(seq, floor, oldest - 1) <= head, "nothing is above `head`");
export type RoomLine = z.infer<typeof RoomLine>;

export const RoomRow = z.discriminatedUnion("type", [
  MessageLine,
  ReactionLine,
  RevisionLine,
  FileLine,
  MemberLine,
  BanLine,
  RoomLine,
]);
export type RoomRow = z.infer<typeof RoomRow>;

// The lines of a tenant. Its rooms follow, each as an export of its own, with its first line and its last.

export const TenantLine = z.strictObject({
  type: z.literal("tenant"),
  name: DisplayName,
  suspended: z.boolean(),
  settings: TenantSettings.partial(),
  /** What differs from the defaults. */
  limits: LimitsPatch,
  createdAt: TimeMs,
});
export type TenantLine = z.infer<typeof TenantLine>;

/** Never its secret, which no table holds. */
export const KeyLine = z.strictObject({
  type: z.literal("key"),
  id: KeyId,
  name: DisplayName.nullable(),
  capabilities: z.array(z.enum(capabilities)),
  createdAt: TimeMs,
  lastUsedAt: TimeMs.nullable(),
});
export const IssuerLine = z.strictObject({
  type: z.literal("issuer"),
  ...Issuer.shape,
  name: DisplayName.nullable(),
  createdAt: TimeMs,
});
export type IssuerLine = z.infer<typeof IssuerLine>;
export const RevocationLine = z.strictObject({
  type: z.literal("revocation"),
  user: UserId.nullable(),
  token: z.string().nullable(),
  key: z.string().nullable(),
  issuedBefore: TimeMs,
  reason: z.string().nullable(),
  at: TimeMs,
  until: TimeMs,
});
export type RevocationLine = z.infer<typeof RevocationLine>;
export const FlagLine = z.strictObject({
  type: z.literal("flag"),
  id: z.int(),
  room: RoomName,
  message: MessageId,
  /** Null in the export of whom it is about. */
  user: UserId.nullable(),
  sender: UserId.nullable(),
  reason: z.string().nullable(),
  state: z.enum(["open", "resolved"]),
  note: z.string().nullable(),
  createdAt: TimeMs,
  resolvedAt: TimeMs.nullable(),
});
export type FlagLine = z.infer<typeof FlagLine>;
/** In the export of a user: a file that he has announced, and whose bytes are not all there. */
export const UploadLine = z.strictObject({
  type: z.literal("upload"),
  id: UploadId,
  room: RoomName,
  name: FileName,
  size: FileSize,
});
export type UploadLine = z.infer<typeof UploadLine>;
/** Never its secret. */
export const WebhookLine = WebhookEndpoint.extend({ type: z.literal("webhook") });
/** Never its key. */
export const AssistantLine = Assistant.extend({ type: z.literal("assistant") });
export const AuditLine = AuditEntry.extend({ type: z.literal("audit") });

export type AuditLine = z.infer<typeof AuditLine>;

export const TenantRow = z.discriminatedUnion("type", [
  TenantLine,
  KeyLine,
  IssuerLine,
  WebhookLine,
  AssistantLine,
  BanLine,
  RevocationLine,
  FlagLine,
  AuditLine,
]);
export type TenantRow = z.infer<typeof TenantRow>;
