/** One case of a trial: a server of its own, a generator, and what the server complained of meanwhile. */
import { AudienceResult } from "./audienceJob.ts";
import { DepthResult } from "./depthJob.ts";
import { Generator } from "./generator.ts";
import { IngestResult } from "./ingestJob.ts";
import type { Job } from "./jobs.ts";
import { MultitudeResult } from "./multitudeJob.ts";
import { parley, type Running, startParley } from "./peers.ts";
import { PresenceResult } from "./presenceJob.ts";
import { RequestResult } from "./requestJob.ts";
import { RevocationResult } from "./revocationJob.ts";
import { apiKeyOf, forObservers } from "./tenant.ts";
import type { Case, TrialName } from "./trials.ts";
import { WakeResult } from "./wakeJob.ts";

/** More than the generator's own limits on gathering, filling and draining. */
const SILENCE_MS = 900_000;

export interface CaseMeasure {
  trial: TrialName;
  title: string;
  measured: Measured;
  /** The server's own warnings and errors. */
  complaints: readonly string[];
}

export type Measured =
  | { kind: "audience"; result: AudienceResult }
  | { kind: "presence"; result: PresenceResult }
  | { kind: "revocation"; result: RevocationResult }
  | { kind: "multitude"; result: MultitudeResult }
  | { kind: "depth"; result: DepthResult }
  | { kind: "wake"; result: WakeResult }
  | { kind: "request"; result: RequestResult }
  | { kind: "ingest"; result: IngestResult };

export async function measureCase(trial: TrialName, asked: Case, dataFolder: string): Promise<CaseMeasure> {
  const running = await startParley(dataFolder, asked.server);
  try {
    const generator = new Generator(await jobOf(asked, running), SILENCE_MS);
    try {
      const result = await generator.result();
      const { kind, title } = asked;
      return { trial, title, measured: measuredOf(kind, result), complaints: [...running.server.complaints] };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error([why, ...running.server.complaints].join("\n  "), { cause: error });
    } finally {
      await generator.end();
    }
  } finally {
    await running.server.stop();
  }
}

function measuredOf(kind: Case["kind"], result: unknown): Measured {
  switch (kind) {
    case "audience":
      return { kind, result: AudienceResult.parse(result) };
    case "presence":
      return { kind, result: PresenceResult.parse(result) };
    case "revocation":
      return { kind, result: RevocationResult.parse(result) };
    case "multitude":
      return { kind, result: MultitudeResult.parse(result) };
    case "depth":
      return { kind, result: DepthResult.parse(result) };
    case "wake":
      return { kind, result: WakeResult.parse(result) };
    case "request":
      return { kind, result: RequestResult.parse(result) };
    case "ingest":
      return { kind, result: IngestResult.parse(result) };
  }
}

async function jobOf(asked: Case, { server, target }: Running): Promise<Job> {
  const known = { target, serverPids: server.pids(parley.counted) };
  const { title: _, server: __, ...job } = asked;
  switch (job.kind) {
    case "audience":
      return { ...job, ...known, rooms: named(job.rooms), runtimePids: server.pids("workerd") };
    case "multitude":
      return { ...job, ...known, runtimePids: server.pids("workerd") };
    case "revocation": {
      const user = "revoked";
      const observed = await forObservers(target, [user, "beside"]);
      return { ...job, ...known, target: observed, user, apiKey: apiKeyOf(target), rooms: named(job.rooms) };
    }
    case "presence": {
      const { coming, ...shape } = job;
      const users = Array.from({ length: shape.staying + coming }, (___, index) => `guest_${index}`);
      return { ...shape, ...known, target: await forObservers(target, users), room: "house", users };
    }
    case "depth":
    case "wake":
    case "request":
    case "ingest":
      return { ...job, ...known };
  }
}

function named(rooms: number): string[] {
  return Array.from({ length: rooms }, (_, index) => `room-${index}`);
}
