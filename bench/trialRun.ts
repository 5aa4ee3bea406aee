/** One case of a trial: a server of its own, a generator, and what the server complained of meanwhile. */
import { AudienceResult } from "./audienceJob.ts";
import { Generator } from "./generator.ts";
import type { Job } from "./jobs.ts";
import { parley, type Running } from "./peers.ts";
import { PresenceResult } from "./presenceJob.ts";
import { RevocationResult } from "./revocationJob.ts";
import { apiKeyOf, forObservers } from "./tenant.ts";
import type { Case, TrialName } from "./trials.ts";

/** More than the generator's own limits on gathering and draining. */
const SILENCE_MS = 400_000;

export interface CaseMeasure {
  trial: TrialName;
  title: string;
  measured:
    | { kind: "audience"; result: AudienceResult }
    | { kind: "presence"; result: PresenceResult }
    | { kind: "revocation"; result: RevocationResult };
  /** The server's own warnings and errors. */
  complaints: readonly string[];
}

export async function measureCase(trial: TrialName, asked: Case, dataFolder: string): Promise<CaseMeasure> {
  const running = await parley.start(dataFolder);
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

function measuredOf(kind: Case["kind"], result: unknown): CaseMeasure["measured"] {
  switch (kind) {
    case "audience":
      return { kind, result: AudienceResult.parse(result) };
    case "presence":
      return { kind, result: PresenceResult.parse(result) };
    case "revocation":
      return { kind, result: RevocationResult.parse(result) };
  }
}

async function jobOf(asked: Case, { server, target }: Running): Promise<Job> {
  const serverPids = server.pids(parley.counted);
  if (asked.kind === "audience") {
    const { title: _, rooms, ...shape } = asked;
    const names = Array.from({ length: rooms }, (__, index) => `room-${index}`);
    return { ...shape, target, rooms: names, serverPids, runtimePids: server.pids("workerd") };
  }
  if (asked.kind === "revocation") {
    const { title: _, rooms, ...shape } = asked;
    const names = Array.from({ length: rooms }, (__, index) => `room-${index}`);
    const user = "revoked";
    return {
      ...shape,
      target: await forObservers(target, [user, "beside"]),
      user,
      apiKey: apiKeyOf(target),
      rooms: names,
      serverPids,
    };
  }
  const { title: _, coming, ...shape } = asked;
  const users = Array.from({ length: shape.staying + coming }, (__, index) => `guest_${index}`);
  return { ...shape, target: await forObservers(target, users), room: "house", users, serverPids };
}
