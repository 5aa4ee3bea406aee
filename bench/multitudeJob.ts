/** Many rooms with few readers each, of which some are spoken in often and most hardly ever. */
import * as z from "zod";
import { Target } from "./target.ts";

export const MultitudeJob = z.object({
  kind: z.literal("multitude"),
  target: Target,
  rooms: z.number(),
  /** Of each connection that has joined as many as it may. */
  roomsPerConnection: z.number(),
  /** Joined in a second, so that the first sleep before the last are made: a room that is awake takes three descriptors. */
  roomsPerSecond: z.number(),
  restMs: z.number(),
  messagesPerSecond: z.number(),
  seconds: z.number(),
  serverPids: z.array(z.number()),
  runtimePids: z.array(z.number()),
});
export type MultitudeJob = z.infer<typeof MultitudeJob>;

const Span = z.object({ p50Ms: z.number(), p99Ms: z.number(), maxMs: z.number() });

export const MultitudeResult = z.object({
  rooms: z.number(),
  places: z.number(),
  connections: z.number(),
  /** What the runtime grew by: once all rooms are asleep, and at the end. */
  kilobytesPerRoomAsleep: z.number(),
  openFilesAsleep: z.number(),
  kilobytesPerRoomAfter: z.number(),
  openFilesAfter: z.number(),
  published: z.number(),
  /** Rooms that were spoken in. */
  spokenIn: z.number(),
  /** Of all messages, and of the first one in each room, which wakes it. */
  all: Span,
  first: Span,
  missing: z.number(),
  duplicates: z.number(),
  refused: z.number(),
  firstRefusal: z.string().nullable(),
  closed: z.array(z.number()),
  cpuUsPerMessage: z.number(),
  generatorBusy: z.number(),
  othersBusy: z.number(),
});
export type MultitudeResult = z.infer<typeof MultitudeResult>;
