/** A room with a long history beside one with a short one: what is asked of both, in pairs. */
import * as z from "zod";
import { Target } from "./target.ts";

export const DepthJob = z.object({
  kind: z.literal("depth"),
  target: Target,
  shallow: z.number(),
  deep: z.number(),
  /** Of each question. */
  pairs: z.number(),
});
export type DepthJob = z.infer<typeof DepthJob>;

/** Medians, and the median of the pairs' ratios. */
const Pair = z.object({ shallowMs: z.number(), deepMs: z.number(), ratio: z.number() });
export type Pair = z.infer<typeof Pair>;

export const DepthResult = z.object({
  deep: z.number(),
  /** Of the import of the long one. */
  importedPerSecond: z.number(),
  /** The newest 50 messages, and 50 from the middle. */
  newest: Pair,
  middle: Pair,
  /** From the beginning of a socket to the one message that its cursor lacks. */
  resume: Pair,
});
export type DepthResult = z.infer<typeof DepthResult>;
