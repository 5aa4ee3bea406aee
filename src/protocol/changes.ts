/** The one frame for everything durable: "this takes you from `from` to `to`". */
import * as z from "zod";
import { Member, Message, MessageId, MessagePatch, RoomSettings, Seq } from "./message.ts";

/** The room itself as a row: `oldest` is the lowest id that retention has left. */
export const RoomChange = RoomSettings.extend({ seq: Seq, oldest: MessageId });
export type RoomChange = z.infer<typeof RoomChange>;

export const Change = z.discriminatedUnion("type", [
  z.object({ type: z.literal("message"), message: z.union([Message, MessagePatch]) }),
  z.object({ type: z.literal("member"), member: Member }),
  z.object({ type: z.literal("room"), room: RoomChange }),
]);
export type Change =
  | { readonly type: "message"; readonly message: Message | MessagePatch }
  | { readonly type: "member"; readonly member: Member }
  | { readonly type: "room"; readonly room: RoomChange };

export function seqOf(change: Change): number {
  switch (change.type) {
    case "message":
      return change.message.seq;
    case "member":
      return change.member.seq;
    case "room":
      return change.room.seq;
  }
}

/** Why a cursor cannot be served, so that a reader starts over instead of missing something silently. */
export const GapReason = z.enum(["expired", "epoch", "ahead", "too_far"]);
export type GapReason = z.infer<typeof GapReason>;

export const ChangesFrame = z.object({
  type: z.literal("changes"),
  from: Seq,
  to: Seq,
  changes: z.array(Change),
  /** Drop everything and begin anew with what `welcome` said. */
  reset: z.literal(true).optional(),
});
export type ChangesFrame = { type: "changes"; from: number; to: number; changes: readonly Change[]; reset?: true };
