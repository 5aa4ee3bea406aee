/** One room into which a few sockets publish as fast as it is asked for, for a while: what is acked, refused, and left waiting. */
import * as z from "zod";
import { FanOutJob } from "./fanOutJob.ts";

/** As loud, whether the room keeps up or not. */
export const IngestJob = FanOutJob.extend({ kind: z.literal("ingest") });
export type IngestJob = z.infer<typeof IngestJob>;

export const IngestResult = z.object({
  offeredPerSecond: z.number(),
  /** In the window. */
  ackedPerSecond: z.number(),
  refusedPerSecond: z.number(),
  firstRefusal: z.string().nullable(),
  /** From publishing to hearing it, of what was stored. */
  p50Ms: z.number(),
  p99Ms: z.number(),
  /** Published and neither acked nor refused, on sockets that are open: at the middle of the window, and at its end. */
  waitingHalfway: z.number(),
  waitingAtEnd: z.number(),
  /** Never answered. */
  unanswered: z.number(),
  /** Acked, and not heard by every socket (not counted where some were cut); heard twice. */
  missing: z.number(),
  duplicates: z.number(),
  closed: z.array(z.number()),
  cpuUsPerMessage: z.number(),
  serverBusy: z.number(),
  generatorBusy: z.number(),
  othersBusy: z.number(),
});
export type IngestResult = z.infer<typeof IngestResult>;
