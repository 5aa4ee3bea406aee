/** A room into which many users come within seconds and out of which they go, and what each of them hears of the others. */
import * as z from "zod";
import { Target } from "./target.ts";

const Mode = z.enum(["full", "count"]);

export const PresenceJob = z.object({
  kind: z.literal("presence"),
  /** With a token for each user. */
  target: Target,
  room: z.string(),
  mode: Mode,
  users: z.array(z.string()),
  /** So many of them are there before the others come and after they have gone. */
  staying: z.number(),
  /** In which all come, and in which all go. */
  withinMs: z.number(),
  serverPids: z.array(z.number()),
});
export type PresenceJob = z.infer<typeof PresenceJob>;

const Crossing = z.object({
  observers: z.number(),
  /** Observers that did not end with exactly those who were there, or with their count. */
  wrong: z.number(),
  /** From when the last had come, or was due to be gone, until the last observer knew. */
  knownMs: z.number(),
  /** Presence frames a second that reached any one observer, at most: over one second, and over five. And in all, on average. */
  framesPerSecondMax: z.number(),
  framesPerSecondMaxOverFive: z.number(),
  framesPerObserver: z.number(),
  /** Averages: in presence frames, and in the greeting with the pages of the list that were asked for. */
  frameBytesPerObserver: z.number(),
  listBytesPerObserver: z.number(),
  /** Times that a reader found a hole in the versions and asked anew. */
  holes: z.number(),
  serverCpuSeconds: z.number(),
  generatorBusy: z.number(),
  othersBusy: z.number(),
});

export const PresenceResult = z.object({ arriving: Crossing, leaving: Crossing, closed: z.array(z.string()) });
export type PresenceResult = z.infer<typeof PresenceResult>;
export type Crossing = z.infer<typeof Crossing>;
