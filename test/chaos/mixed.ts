/**
 * A version takes another's place, step by step: the Worker, its rooms and its other objects are each the earlier one or today's, in every
 * combination, over the same data. On Cloudflare they stand like this for a while after each deployment. Objects never go back.
 */
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Server, startServer } from "../support/process.ts";
import { plainTenant } from "./earlier.ts";
import { judge, sumOf } from "./oracle.ts";
import { BatchPublisher, HttpPublisher } from "./publisher.ts";
import { Swarm, type SwarmReport } from "./swarm.ts";
import { type LiveTenant, wholeHistory } from "./tenant.ts";
import { walk } from "./walk.ts";

/** Projects that have been built: which of them is the Worker's, the rooms', and the other objects'. */
export interface Standing {
  readonly edge: string;
  readonly rooms: string;
  readonly others: string;
}

export interface MixedReport extends SwarmReport {
  /** Requests of an application's server, all of them to be answered with a success. */
  readonly asked: number;
  /** How long it took at most until everybody was back after a step, from the server's being ready. */
  readonly backAfterMs: number;
}

const publishers = 2;
const settleMs = 65_000;
const launcher = join(import.meta.dirname, "apart.ts");

/** All eight, in two ways. */
export function waysFrom(old: string, today: string): Standing[][] {
  const standing = (...[edge, rooms, others]: readonly [string, string, string]): Standing => ({ edge, rooms, others });
  return [
    [
      standing(old, old, old),
      standing(today, old, old),
      standing(old, old, today),
      standing(today, old, today),
      standing(old, today, today),
      standing(today, today, today),
    ],
    [standing(old, old, old), standing(old, today, old), standing(today, today, old), standing(today, today, today)],
  ];
}

export interface MixedOptions {
  /** In each standing, at least. */
  readonly ms: number;
  readonly rooms: number;
  /** Of the clients in a room that are on sockets; there are half as many of every other kind. */
  readonly socketClients: number;
  /** Nobody waits for the end of a pause. */
  readonly hurry?: boolean;
}

/** Goes through them in this order, with a kill between two. */
export async function mixedScenario(way: readonly Standing[], options: MixedOptions): Promise<MixedReport> {
  const { ms, rooms, socketClients, hurry = false } = options;
  const dataDir = mkdtempSync(join(tmpdir(), "parley-mixed-"));
  const secrets = { OPERATOR_KEY: randomUUID(), MASTER_KEY: `1:${randomUUID()}` };
  let server: Server | undefined;
  let port = "0";
  const next = async (standing: Standing): Promise<Server> => {
    await server?.remove();
    const places = { EDGE: standing.edge, ROOMS: standing.rooms, OTHERS: standing.others };
    const env = { ...secrets, ...places, PORT: port };
    server = await startServer({ launcher, dataDir, env });
    port = String(server.port);
    return server;
  };
  try {
    const [first, ...later] = way;
    if (first === undefined) throw new Error("there is no first step");
    const tenant = await plainTenant(await next(first));
    const swarm = await Swarm.gather({
      tenant,
      url: tenant.url,
      rooms: Array.from({ length: rooms }, (_, index) => `mixed-${index}`),
      socketClients,
      eventClients: socketClients / 2,
      rawReaders: socketClients / 2,
      everyMs: 60,
    });
    try {
      swarm.begin();
      const steps = [await stepThrough(tenant, 0, ms)];
      let backAfterMs = 0;
      for (const [index, standing] of later.entries()) {
        await next(standing);
        if (hurry) swarm.wake();
        backAfterMs = Math.max(backAfterMs, await swarm.allLive(settleMs));
        steps.push(await stepThrough(tenant, index + 1, ms));
      }
      swarm.halt();
      const settled = await swarm.settle({ withinMs: settleMs, hurry: true });
      const asked = steps.reduce((sum, step) => sum + step.asked, 0);
      const verdict = sumOf([settled, ...steps]);
      const said = [
        ...(settled.serverErrors === 0 ? [] : [`${settled.serverErrors} answers of 500 and above`]),
        ...(settled.gapsTold === 0 ? [] : [`${settled.gapsTold} were told of a gap`]),
      ];
      return { ...settled, ...verdict, asked, backAfterMs, violations: [...verdict.violations, ...said] };
    } finally {
      await swarm.disperse();
    }
  } finally {
    await server?.remove();
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Others publish over HTTP for a while, and an application's server asks for all that it ever does. */
async function stepThrough(tenant: LiveTenant, index: number, ms: number) {
  const room = `step-${index}`;
  const crowd = Array.from({ length: publishers }, (_, each) => [
    new HttpPublisher(tenant, room, `http-${each}`),
    new BatchPublisher(tenant, room, `batch-${each}`),
  ]).flat();
  for (const publisher of crowd) publisher.begin();
  const [{ asked, faults }] = await Promise.all([walk(tenant, `walk-${index}`), sleep(ms)]);
  await Promise.all(crowd.map((publisher) => publisher.halt()));
  const history = await wholeHistory(tenant, room);
  const verdict = judge({ room, sent: crowd.flatMap(({ sent }) => sent), history, witnesses: [] });
  return {
    ...verdict,
    asked,
    violations: [...verdict.violations, ...faults.map((fault) => `step ${index}: ${fault}`)],
  };
}
