/** An earlier version of the project writes, is killed or stopped, and today's goes on with its data. */
import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type Server, startServer } from "../support/process.ts";
import { type Earlier, plainTenant } from "./earlier.ts";
import { judge, type Verdict } from "./oracle.ts";
import { HttpPublisher } from "./publisher.ts";
import { Swarm, type SwarmReport } from "./swarm.ts";
import { wholeHistory } from "./tenant.ts";

export interface UpgradeReport extends Verdict {
  /** Sent again to today's version, without an ack from the earlier one. */
  readonly resent: number;
}

export interface DeployReport extends SwarmReport {
  readonly sockets: number;
  /** From the moment when today's version was ready until everybody was back. */
  readonly backAfterMs: number;
}

const publishers = 8;
const publishMs = 3_000;
const socketsPerRoom = 50;
/** Between two messages of one. */
const saidEveryMs = 2_000;
const saidForMs = 10_000;
const settleMs = 65_000;

/** Killed while they publish over HTTP. */
export async function upgradeScenario({ project, dataDir }: Earlier): Promise<UpgradeReport> {
  let server: Server | undefined;
  try {
    server = await startServer({ project, dataDir });
    const tenant = await plainTenant(server);
    const crowd = Array.from({ length: publishers }, (_, index) => new HttpPublisher(tenant, "room", `user-${index}`));
    for (const publisher of crowd) publisher.begin();
    await sleep(publishMs);
    await server.kill();
    await Promise.all(crowd.map((publisher) => publisher.halt()));
    server = await startServer({ dataDir, env: { PORT: `${server.port}` } });
    const resent = (await Promise.all(crowd.map((publisher) => publisher.resend()))).flat();
    const history = await wholeHistory(tenant, "room");
    const verdict = judge({ room: "room", sent: crowd.flatMap(({ sent }) => sent), history, witnesses: [] });
    return { ...verdict, resent: resent.length };
  } finally {
    await server?.remove();
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Stopped as for a deployment, while as many sockets publish in rooms of fifty: all come back by their cursors. */
export async function deployScenario({ project, dataDir }: Earlier, sockets: number): Promise<DeployReport> {
  let server: Server | undefined;
  try {
    server = await startServer({ project, dataDir });
    const tenant = await plainTenant(server);
    const rooms = Array.from({ length: Math.ceil(sockets / socketsPerRoom) }, (_, index) => `deployed-${index}`);
    const swarm = await Swarm.gather({
      tenant,
      url: server.url,
      rooms,
      everyMs: saidEveryMs,
      socketClients: Math.ceil(sockets / rooms.length),
      eventClients: 0,
      rawReaders: 0,
    });
    try {
      swarm.begin();
      await sleep(saidForMs);
      await server.stop();
      server = await startServer({ dataDir, env: { PORT: `${server.port}` } });
      const backAfterMs = await swarm.allLive(settleMs);
      await sleep(saidForMs);
      swarm.halt();
      const settled = await swarm.settle({ withinMs: settleMs, hurry: false });
      // Whoever is told that its history is another one has lost what it could not see.
      const told = settled.gapsTold === 0 ? [] : [`${settled.gapsTold} were told of a gap`];
      return { ...settled, sockets, backAfterMs, violations: [...settled.violations, ...told] };
    } finally {
      await swarm.disperse();
    }
  } finally {
    await server?.remove();
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
}
