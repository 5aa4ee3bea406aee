/** A message as it is told, and the parts of which it is made. */
import * as z from "zod";
import { roles } from "./capabilities.ts";
import { fixedLimits } from "./limits.ts";
import { tenantLimits } from "./limits/tenant.ts";
import { DisplayName, UserId } from "./names.ts";
import { noRetention, roomRetention } from "./retention.ts";
import { unfitJson, utf8Length } from "./text.ts";

export const Seq = z.int().min(0);
export const MessageId = z.int().min(1);
/** Where a page begins or ends. The one after it must be a number that can be told apart, too. */
export const Bound = z
  .int()
  .min(0)
  .max(Number.MAX_SAFE_INTEGER - 1);
/** A time that never comes: the last millisecond that a JavaScript date can name. */
export const noEndMs = 8_640_000_000_000_000;
export const TimeMs = z.int().max(noEndMs);

export const Text = z
  .string()
  .max(tenantLimits.textLength.ceiling)
  .refine((text) => text.isWellFormed(), "holds a lone surrogate");

/** The text of a message that was streamed may be longer than what is published at once. */
export const StreamText = z
  .string()
  .max(tenantLimits.streamTextLength.ceiling)
  .refine((text) => text.isWellFormed(), "holds a lone surrogate");

/** A piece of it may begin or end between the halves of a surrogate pair: who cuts by UTF-16 units cuts there, too. */
export const StreamPiece = z
  .string()
  .max(tenantLimits.streamTextLength.ceiling)
  .refine((piece) => piece.replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, "").isWellFormed(), "holds a lone surrogate");

/** Any JSON value, without what would hurt a reader. */
export const Data = z.unknown().superRefine((value, context) => {
  const why = unfitJson(value);
  if (why !== null) context.addIssue({ code: "custom", message: why });
});

const { nonceLengthMin, nonceLengthMax } = fixedLimits;
export const nonceForm = new RegExp(`^[A-Za-z0-9_-]{${nonceLengthMin},${nonceLengthMax}}$`);
export const Nonce = z.string().regex(nonceForm, `${nonceLengthMin} to ${nonceLengthMax} of A-Z, a-z, 0-9, _ and -`);

export const Emoji = z
  .string()
  .min(1)
  .regex(/^[^\p{Cc}\p{Cs}\p{Z}]+$/u, "no spaces or control characters")
  .refine((emoji) => emoji !== "__proto__", "a reserved word")
  .refine((emoji) => utf8Length(emoji) <= fixedLimits.emojiBytes, `at most ${fixedLimits.emojiBytes} bytes`);

export const Sender = z.object({ id: UserId, name: DisplayName.nullable() });
export type Sender = z.infer<typeof Sender>;

export const Reactions = z.record(z.string(), z.object({ count: z.int().min(1), users: z.array(UserId) }));
export type Reactions = z.infer<typeof Reactions>;

/** A file that a message carries; its bytes are read by its id, for as long as the message is shown. */
export const Attachment = z.object({
  id: z.string(),
  name: z.string(),
  type: z.string(),
  size: z.int(),
  width: z.int().optional(),
  height: z.int().optional(),
});
export type Attachment = z.infer<typeof Attachment>;

/** Who has pinned a message; null for the tenant's server, and for one who was erased. */
export const Pinned = z.object({ by: UserId.nullable(), at: TimeMs });
export type Pinned = z.infer<typeof Pinned>;

export const MessageStatus = z.enum(["sent", "streaming", "interrupted", "cancelled", "failed"]);

/** A whole message. `id` is the seq at which it was created, `seq` that of its last change. */
export const Message = z.object({
  id: MessageId,
  seq: Seq,
  /** Grows by one with each edit of text or data. */
  version: z.int().min(1),
  /** Null for a message of the tenant's server, and for one whose sender was erased. */
  sender: Sender.nullable(),
  nonce: Nonce.nullable(),
  text: z.string().nullable(),
  data: z.unknown(),
  replyTo: MessageId.nullable(),
  replies: z.int().min(0),
  mentions: z.array(UserId),
  attachments: z.array(Attachment),
  reactions: Reactions,
  pinned: Pinned.nullable(),
  status: MessageStatus,
  createdAt: TimeMs,
  editedAt: TimeMs.nullable(),
  deletedAt: TimeMs.nullable(),
  /** Set at creation and never changed: a reader drops the message by itself when server time passes it. */
  expiresAt: TimeMs.nullable(),
});
export type Message = z.infer<typeof Message>;

/** A live change of an older message: whole new values of the fields that changed, never increments. */
export const MessagePatch = Message.partial().required({ id: true, seq: true });
export type MessagePatch = z.infer<typeof MessagePatch>;

/** `role: null` is a member that was removed; the row stays, so that an absent reader learns of it. */
export const Member = z.object({
  user: UserId,
  name: DisplayName.nullable(),
  role: z.enum(roles).nullable(),
  seq: Seq,
});
export type Member = z.infer<typeof Member>;

export const RoomSettings = z.object({
  /** Nobody publishes, edits or reacts but those who may `moderate`. */
  frozen: z.boolean(),
  /** How long a user waits from one message to the next; those who may `moderate` do not. 0 for not at all. */
  slowModeMs: z.int().min(0).max(fixedLimits.slowModeMsMax),
  /** Whether all whose credential lets them may enter, or only members and those who may `moderate` or `manage`. */
  access: z.enum(["open", "members"]),
  /** Whether its messages can be searched; null is what the tenant has set. */
  search: z.boolean().nullable(),
  /** Whether what messages said before an edit or a deletion is kept, for their authors and for those who may `moderate`. */
  keepRevisions: z.boolean(),
  /** Which assistant the room has, by its user; null is what the tenant has set, `none` is none. Only the tenant's server sets it. */
  assistant: UserId.nullable(),
  /** How long the room keeps messages. Only the tenant's server sets it. */
  ...roomRetention,
});
export type RoomSettings = z.infer<typeof RoomSettings>;
export const defaultRoomSettings: RoomSettings = {
  frozen: false,
  slowModeMs: 0,
  access: "open",
  search: null,
  keepRevisions: false,
  assistant: null,
  ...noRetention,
};
