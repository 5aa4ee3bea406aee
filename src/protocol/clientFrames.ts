/** Every frame that a client may send. Unknown fields and types are refused. */
import * as z from "zod";
import { Cursor } from "./cursor.ts";
import { fixedLimits } from "./limits.ts";
import { Bound, Data, Emoji, MessageId, Nonce, Seq, StreamPiece, StreamText, Text } from "./message.ts";
import { RoomName, UserId } from "./names.ts";
import { PresenceMode } from "./session.ts";

export const Ref = z
  .string()
  .max(fixedLimits.refLength)
  .refine((ref) => ref.isWellFormed(), "holds a lone surrogate");
const ref = { ref: Ref.optional() };

/** What a message is made of, over WebSocket and HTTP alike. */
export const messageContent = {
  text: Text.nullable().optional(),
  data: Data.optional(),
  replyTo: MessageId.nullable().optional(),
  attachments: z.array(z.string().max(64)).max(fixedLimits.attachments).optional(),
  mentions: z.array(UserId).max(fixedLimits.mentions).optional(),
  expiresInMs: z.int().min(fixedLimits.expiresInMsMin).max(fixedLimits.expiresInMsMax).nullable().optional(),
  streaming: z.boolean().optional(),
};

export const editContent = {
  text: Text.nullable().optional(),
  data: Data.optional(),
  ifVersion: z.int().min(1).optional(),
};

export const PublishFrame = z.strictObject({ type: z.literal("publish"), ...ref, nonce: Nonce, ...messageContent });
export const EditFrame = z.strictObject({ type: z.literal("edit"), ...ref, id: MessageId, ...editContent });
export const DeleteFrame = z.strictObject({
  type: z.literal("delete"),
  ...ref,
  id: MessageId,
  redact: z.boolean().optional(),
});
export const ReactFrame = z.strictObject({
  type: z.literal("react"),
  ...ref,
  id: MessageId,
  emoji: Emoji,
  remove: z.boolean().optional(),
});

/** What streaming a message takes, over WebSocket and HTTP alike. `at` is where in the text this piece belongs, in UTF-16 units. */
export const appendContent = { at: Seq, text: StreamPiece };
export const finishContent = {
  status: z.enum(["sent", "failed", "cancelled"]),
  /** In place of all that was appended. */
  text: StreamText.optional(),
  /** How long that is. Where the room has lost some of it, it ends nothing and says from where it is wanted. */
  at: Seq.optional(),
};
export const cancelContent = { reason: Text.max(fixedLimits.reasonLength).optional() };

export const AppendFrame = z.strictObject({ type: z.literal("append"), ...ref, id: MessageId, ...appendContent });
export const FinishFrame = z.strictObject({ type: z.literal("finish"), ...ref, id: MessageId, ...finishContent });
export const CancelFrame = z.strictObject({ type: z.literal("cancel"), ...ref, id: MessageId, ...cancelContent });
export const SnapshotFrame = z.strictObject({ type: z.literal("snapshot"), ...ref, id: MessageId });
export const ReadFrame = z.strictObject({ type: z.literal("read"), ...ref, upTo: MessageId });
export const TypingFrame = z.strictObject({ type: z.literal("typing"), ...ref, active: z.boolean() });
export const PresenceSetFrame = z.strictObject({ type: z.literal("presence.set"), ...ref, state: Data });
export const PresenceGetFrame = z.strictObject({
  type: z.literal("presence.get"),
  ref: Ref,
  after: UserId.optional(),
  limit: z.int().min(1).optional(),
});

/** At most one of `before`, `after` and `around`; none is the newest page. */
export const pageBounds = {
  before: MessageId.optional(),
  after: Bound.optional(),
  around: MessageId.optional(),
  limit: z.int().min(1).optional(),
};

export const HistoryFrame = z.strictObject({ type: z.literal("history"), ref: Ref, ...pageBounds });
/** A new token, of the same tenant and user. On a connection of many rooms it names no room and is for all of them. */
export const TokenFrame = z.strictObject({
  type: z.literal("token"),
  ...ref,
  token: z.string().max(fixedLimits.tokenBytes),
});
/** The platform answers exactly `{"type":"ping"}` without waking the room; any other spelling arrives here. */
export const PingFrame = z.strictObject({ type: z.literal("ping"), ...ref });

export const ClientFrame = z.discriminatedUnion("type", [
  PublishFrame,
  EditFrame,
  DeleteFrame,
  ReactFrame,
  AppendFrame,
  FinishFrame,
  CancelFrame,
  SnapshotFrame,
  ReadFrame,
  TypingFrame,
  PresenceSetFrame,
  PresenceGetFrame,
  HistoryFrame,
  TokenFrame,
  PingFrame,
]);

/** On a connection of many rooms every frame names its room, and these two say which rooms it is for. */
export const JoinFrame = z.strictObject({
  type: z.literal("join"),
  ...ref,
  room: RoomName,
  cursor: Cursor.or(z.literal("0")).optional(),
  backlog: z.int().min(0).max(fixedLimits.backlogMax).optional(),
  presence: PresenceMode.optional(),
});
export const LeaveFrame = z.strictObject({ type: z.literal("leave"), ...ref, room: RoomName });
export type JoinFrame = z.infer<typeof JoinFrame>;
export type LeaveFrame = z.infer<typeof LeaveFrame>;

export type TokenFrame = z.infer<typeof TokenFrame>;
export type PublishFrame = z.infer<typeof PublishFrame>;
export type EditFrame = z.infer<typeof EditFrame>;
export type DeleteFrame = z.infer<typeof DeleteFrame>;
export type ReactFrame = z.infer<typeof ReactFrame>;
export type AppendFrame = z.infer<typeof AppendFrame>;
export type FinishFrame = z.infer<typeof FinishFrame>;
export type CancelFrame = z.infer<typeof CancelFrame>;
export type SnapshotFrame = z.infer<typeof SnapshotFrame>;
export type ReadFrame = z.infer<typeof ReadFrame>;
export type HistoryFrame = z.infer<typeof HistoryFrame>;
export type TypingFrame = z.infer<typeof TypingFrame>;
export type PresenceSetFrame = z.infer<typeof PresenceSetFrame>;
export type PresenceGetFrame = z.infer<typeof PresenceGetFrame>;
export type ClientFrame = z.infer<typeof ClientFrame>;
