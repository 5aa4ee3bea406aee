/** Rooms in each of which somebody has a socket: a user in some, another one in the rest. What happens when the first is revoked, or all are. */
import * as z from "zod";
import { Target } from "./target.ts";

export const RevocationJob = z.object({
  kind: z.literal("revocation"),
  /** With the user's token first, and the other one's. */
  target: Target,
  user: z.string(),
  /** In how many of the rooms the user sits. */
  seated: z.number(),
  /** Everything before now is revoked, and not the user. */
  everything: z.boolean(),
  /** The tenant's, which revokes. */
  apiKey: z.string(),
  rooms: z.array(z.string()),
  /** How long nothing is said before it; null where each room has just been spoken in. */
  restMs: z.number().nullable(),
  serverPids: z.array(z.number()),
});
export type RevocationJob = z.infer<typeof RevocationJob>;

export const RevocationResult = z.object({
  /** Sockets that were told why and closed with 4502, of so many that it was about; when the first, the middle and the last were, from the request on. */
  meant: z.number(),
  closed: z.number(),
  firstMs: z.number(),
  p50Ms: z.number(),
  lastMs: z.number(),
  /** When the request was answered. */
  answeredMs: z.number(),
  /** Rooms that had to be woken, and went on: the socket there was told the head. */
  woken: z.number(),
  /** Messages of the user's that a room took after it had closed the user's socket. */
  accepted: z.number(),
  serverCpuSeconds: z.number(),
  generatorBusy: z.number(),
  othersBusy: z.number(),
});
export type RevocationResult = z.infer<typeof RevocationResult>;
