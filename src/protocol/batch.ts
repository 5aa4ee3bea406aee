/** Several messages in one request: many in one room, and one in many rooms. */
import * as z from "zod";
import { messageContent } from "./clientFrames.ts";
import { Cursor } from "./cursor.ts";
import { Explained } from "./http.ts";
import { fixedLimits } from "./limits.ts";
import { Message, MessageId, Nonce, Seq } from "./message.ts";
import { RoomName } from "./names.ts";

// What streams is begun alone.
const { streaming: _, ...wholeContent } = messageContent;

const WholeMessage = z.strictObject({ nonce: Nonce.optional(), ...wholeContent });
export const NewBatch = z.strictObject({
  messages: z.array(WholeMessage).min(1).max(fixedLimits.messagesPerBatch),
});

export const BatchAnswer = z.object({
  /** In the order in which they were sent. */
  messages: z.array(
    z.object({
      id: MessageId,
      seq: Seq,
      /** It was stored before, under this nonce. */
      duplicate: z.boolean(),
      /** Null when it has gone meanwhile, and of a duplicate for who may not read. */
      message: Message.nullable(),
    }),
  ),
  cursor: Cursor,
});
export type BatchAnswer = z.infer<typeof BatchAnswer>;

export const NewBroadcast = z.strictObject({
  rooms: z
    .array(RoomName)
    .min(1)
    .max(fixedLimits.roomsPerBroadcast)
    .refine((rooms) => new Set(rooms).size === rooms.length, "each room once"),
  message: WholeMessage,
});

export const BroadcastAnswer = z.object({
  /** Under which it was published in each room: with it, the same is published nowhere twice. */
  nonce: Nonce,
  /** One for each room, in the order in which they were named. */
  items: z.array(
    z.discriminatedUnion("ok", [
      z.object({ room: RoomName, ok: z.literal(true), id: MessageId, seq: Seq, duplicate: z.boolean() }),
      z.object({ room: RoomName, ok: z.literal(false), error: Explained }),
    ]),
  ),
  /** How many rooms have refused it. */
  refused: z.int().min(0),
});
export type BroadcastAnswer = z.infer<typeof BroadcastAnswer>;
