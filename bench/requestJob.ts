/** What a publish over HTTP costs the server's processors, and what of it is spent before the room is asked. */
import * as z from "zod";
import { Target } from "./target.ts";

export const RequestJob = z.object({
  kind: z.literal("request"),
  target: Target,
  /** Of each kind in each round. */
  requests: z.number(),
  rounds: z.number(),
  serverPids: z.array(z.number()),
});
export type RequestJob = z.infer<typeof RequestJob>;

/** Medians of the rounds, CPU microseconds a request. */
export const RequestResult = z.object({
  /** The same body to a path that there is not: what any request costs. */
  unknownUs: z.number(),
  /** A publish that is refused for the last thing that the Worker looks at, after credential, policy and body. */
  refusedUs: z.number(),
  publishedUs: z.number(),
  /** Medians of the rounds' differences: who it is and whether it is said correctly, and then the room. */
  checkedUs: z.number(),
  storedUs: z.number(),
});
export type RequestResult = z.infer<typeof RequestResult>;
