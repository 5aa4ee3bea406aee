/** Rooms that sleep with sockets in them: how long the first answer takes, and the next ones. */
import * as z from "zod";
import { Target } from "./target.ts";

const Group = z.object({
  rooms: z.number(),
  /** In each of them. */
  sockets: z.number(),
});

export const WakeJob = z.object({
  kind: z.literal("wake"),
  target: Target,
  groups: z.array(Group),
  /** In which nothing but pings reaches the rooms. */
  restMs: z.number(),
  serverPids: z.array(z.number()),
});
export type WakeJob = z.infer<typeof WakeJob>;

const Woken = Group.extend({
  /** Rooms that had slept: they told their sockets the head. */
  slept: z.number(),
  p50Ms: z.number(),
  maxMs: z.number(),
  /** The same question to the same rooms, awake. */
  awakeMs: z.number(),
});

export const WakeResult = z.object({
  groups: z.array(Woken),
  /** The server's time while all slept, over one second. */
  restCpuMsPerSecond: z.number(),
});
export type WakeResult = z.infer<typeof WakeResult>;
