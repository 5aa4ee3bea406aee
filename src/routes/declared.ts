/** The parts of which routes are declared. */
import * as z from "zod";
import { Cursor } from "../protocol/cursor.ts";
import { fixedLimits } from "../protocol/limits.ts";
import { Bound, noEndMs } from "../protocol/message.ts";
import { RoomName } from "../protocol/names.ts";
import { PresenceMode } from "../protocol/session.ts";
import { UploadId } from "../protocol/upload.ts";

type Json<T extends z.ZodType> = {
  "application/json": { schema: T; example?: object };
};

function jsonOf<T extends z.ZodType>(schema: T, example: object | undefined): Json<T> {
  return { "application/json": { schema, ...(example === undefined ? {} : { example }) } };
}

export function json<T extends z.ZodType>(
  schema: T,
  description: string,
  example?: object,
): { content: Json<T>; description: string } {
  return { content: jsonOf(schema, example), description };
}

export function body<T extends z.ZodType>(schema: T, example?: object): { required: true; content: Json<T> } {
  return { required: true, content: jsonOf(schema, example) };
}

/** For a body of which every field may be left out: so may it all. */
export function optionalBody<T extends z.ZodType>(schema: T, example?: object): { required: false; content: Json<T> } {
  return { required: false, content: jsonOf(schema, example) };
}

export const inRoom = z.strictObject({ room: RoomName });
/** An id in a path: whole decimal numbers only, so that each message has one address. */
export const MessageIdText = z.string().regex(/^[1-9][0-9]{0,15}$/, "a message's id");
export const onMessage = inRoom.extend({ id: MessageIdText });

export const ofUpload = z.strictObject({ upload: UploadId });

export const Whole = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,15})$/, "a whole number")
  .transform(Number);
export const PageLimit = z
  .string()
  .regex(/^[1-9][0-9]{0,14}$/, "a whole number from 1")
  .transform(Number)
  .optional();
export const PageBound = Whole.pipe(Bound).optional();

export const listQuery = z.strictObject({ after: z.string().max(256).optional(), limit: PageLimit });

/** A list that was read with one more than asked for: `next` only where there is more. */
export function listed<T>(
  found: readonly T[],
  limit: number,
  nameOf: (item: T) => string,
): { items: T[]; next?: string } {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return found.length > limit && last !== undefined ? { items, next: nameOf(last) } : { items };
}

export function pageLimit(asked: number | undefined): number {
  return Math.min(asked ?? fixedLimits.pageDefault, 200);
}

/** As a time of the API, which names no time that never comes. */
export function endOf(untilMs: number): number | null {
  return untilMs === noEndMs ? null : untilMs;
}

/** Rooms joined by commas, each once. */
export const roomList = (max: number) =>
  z
    .string()
    .transform((text) => text.split(","))
    .pipe(z.array(RoomName).max(max))
    .refine((rooms) => new Set(rooms).size === rooms.length, "each room once");

/** How a stream or a socket begins. */
export const beginning = {
  backlog: z
    .string()
    .regex(/^[0-9]{1,3}$/, "a whole number")
    .transform(Number)
    .pipe(z.int().max(fixedLimits.backlogMax))
    .optional(),
  presence: PresenceMode.optional(),
};
export const From = Cursor.or(z.literal("0"));

export const operatorSecurity = [{ operatorKey: [] }];
export const adminSecurity = [{ apiKey: [] }];
export const clientSecurity = [{ token: [] }, { apiKey: [] }];
