/** One message as a stream of events: `snapshot`, `delta`s, `end`. Its frames are made by the room for our own Worker. */
import * as z from "zod";
import { Cursor } from "./cursor.ts";
import { MessageId, MessageStatus, TimeMs } from "./message.ts";

/** The whole text so far. */
export const TextSnapshot = z.object({ id: MessageId, text: z.string() });
/** `text` follows the first `at` UTF-16 units. */
export const TextDelta = z.object({ id: MessageId, at: z.int().min(0), text: z.string() });
/** Nothing more comes: what the message has become, how long its text is in UTF-16 units, and its last change. */
export const TextEnd = z.object({ id: MessageId, status: MessageStatus, length: z.int().min(0), cursor: Cursor });
export type TextEnd = z.infer<typeof TextEnd>;
export type TextDelta = z.infer<typeof TextDelta>;

/** What the room tells the Worker first: until when the message is shown. */
export const ListeningFrame = z.object({ type: z.literal("listening"), expiresAt: TimeMs.nullable() });
export type ListeningFrame = z.infer<typeof ListeningFrame>;
export type EndFrame = { readonly type: "end" } & TextEnd;

/** How far a reader has the text, or that it has been told of its end. */
export type TextPosition = number | "end";

const form = /^([1-9][0-9]{0,15}):(end|0|[1-9][0-9]{0,8})$/;

/** Of an event: `<message>:<length so far>`, and of the last one `<message>:end`. */
export function formatTextPosition(message: number, position: TextPosition): string {
  return `${message}:${position}`;
}

/** Null for what was given by no stream of this message. */
export function parseTextPosition(message: number, id: string): TextPosition | null {
  const [, of, position] = form.exec(id) ?? [];
  if (Number(of) !== message || position === undefined) return null;
  return position === "end" ? position : Number(position);
}
