/** Rooms in each of which one user has a socket, and what happens to these when the user is revoked. */
import * as z from "zod";
import { Target } from "./target.ts";

export const RevocationJob = z.object({
  kind: z.literal("revocation"),
  /** With the user's token first. */
  target: Target,
  user: z.string(),
  /** The tenant's, which revokes. */
  apiKey: z.string(),
  rooms: z.array(z.string()),
  /** How long nothing is said before it; null where each room has just been spoken in. */
  restMs: z.number().nullable(),
  serverPids: z.array(z.number()),
});
export type RevocationJob = z.infer<typeof RevocationJob>;

export const RevocationResult = z.object({
  /** Sockets that were told why and closed with 4502, and when the first, the middle and the last of them were, from the request on. */
  closed: z.number(),
  firstMs: z.number(),
  p50Ms: z.number(),
  lastMs: z.number(),
  /** When the request was answered. */
  answeredMs: z.number(),
  /** Rooms that had to be woken: the socket beside the user's was told the head. */
  woken: z.number(),
  /** Messages of the user's that a room took after it had closed the user's socket. */
  accepted: z.number(),
  serverCpuSeconds: z.number(),
  generatorBusy: z.number(),
  othersBusy: z.number(),
});
export type RevocationResult = z.infer<typeof RevocationResult>;
