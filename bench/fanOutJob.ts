/** One room into which its sockets publish at a steady rate, which all of them hear: a warm-up, and the window that counts. */
import * as z from "zod";
import { Target } from "./target.ts";

export const FanOutJob = z.object({
  kind: z.literal("fan-out"),
  target: Target,
  room: z.string(),
  sockets: z.number(),
  messagesPerSecond: z.number(),
  warmUpSeconds: z.number(),
  windowSeconds: z.number(),
  /** The processes whose time is the server's. */
  serverPids: z.array(z.number()),
});
export type FanOutJob = z.infer<typeof FanOutJob>;

export const FanOutResult = z.object({
  cpuUsPerDelivery: z.number(),
  deliveriesPerSecond: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
  maxMs: z.number(),
  /** Expected minus delivered, warm-up included. */
  missing: z.number(),
  duplicates: z.number(),
  refused: z.number(),
  firstRefusal: z.string().nullable(),
  closed: z.array(z.number()),
  /** Share of one processor that the generator took. Near 1 the latencies are its own, not the server's. */
  generatorBusy: z.number(),
  /** Processors' worth of work by neither the server nor the generator: the noise of a shared machine. */
  othersBusy: z.number(),
});
export type FanOutResult = z.infer<typeof FanOutResult>;
