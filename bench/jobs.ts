/** What the runner asks of a generator process and what it hears back. Both cross a process boundary and are parsed there. */
import * as z from "zod";
import { AudienceJob } from "./audienceJob.ts";
import { DepthJob } from "./depthJob.ts";
import { FanOutJob } from "./fanOutJob.ts";
import { IngestJob } from "./ingestJob.ts";
import { MultitudeJob } from "./multitudeJob.ts";
import { PresenceJob } from "./presenceJob.ts";
import { RequestJob } from "./requestJob.ts";
import { RevocationJob } from "./revocationJob.ts";
import { Target } from "./target.ts";
import { WakeJob } from "./wakeJob.ts";

export const BurstJob = z.object({
  kind: z.literal("burst"),
  target: Target,
  busyRoom: z.string(),
  quietRoom: z.string(),
  sockets: z.number(),
  messagesPerSocket: z.number(),
  rounds: z.number(),
  serverPids: z.array(z.number()),
});
export type BurstJob = z.infer<typeof BurstJob>;

export const QuietJob = z.object({ kind: z.literal("quiet"), target: Target, room: z.string(), everyMs: z.number() });
export type QuietJob = z.infer<typeof QuietJob>;

export const Job = z.discriminatedUnion("kind", [
  FanOutJob,
  BurstJob,
  QuietJob,
  AudienceJob,
  PresenceJob,
  RevocationJob,
  MultitudeJob,
  DepthJob,
  WakeJob,
  RequestJob,
  IngestJob,
]);
export type Job = z.infer<typeof Job>;

export const BurstRound = z.object({
  startUs: z.number(),
  /** When the last ack was read, and the last delivery. */
  ackedUs: z.number(),
  deliveredUs: z.number(),
  serverCpuUs: z.number(),
  acked: z.number(),
  missing: z.number(),
});
export type BurstRound = z.infer<typeof BurstRound>;

export const BurstResult = z.object({
  rounds: z.array(BurstRound),
  duplicates: z.number(),
  refused: z.number(),
  firstRefusal: z.string().nullable(),
});
export type BurstResult = z.infer<typeof BurstResult>;

export const QuietResult = z.object({ waits: z.array(z.object({ dueUs: z.number(), waitUs: z.number() })) });
export type QuietResult = z.infer<typeof QuietResult>;

export const Report = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ready") }),
  z.object({ kind: z.literal("failure"), message: z.string() }),
  z.object({ kind: z.literal("result"), result: z.unknown() }),
]);
export type Report = z.infer<typeof Report>;

/** What the runner says to a generator that reported `ready`. */
export const Word = z.enum(["go", "stop"]);
export type Word = z.infer<typeof Word>;
