/** Several messages in one request: many in one room, and one in many rooms. */
import * as z from "zod";
import { messageContent } from "./clientFrames.ts";
import { Cursor } from "./cursor.ts";
import { fixedLimits } from "./limits.ts";
import { Message, MessageId, Nonce, Seq } from "./message.ts";

// What streams is begun alone.
const { streaming: _, ...wholeContent } = messageContent;

const BatchMessage = z.strictObject({ nonce: Nonce.optional(), ...wholeContent });
export const NewBatch = z.strictObject({
  messages: z.array(BatchMessage).min(1).max(fixedLimits.messagesPerBatch),
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
