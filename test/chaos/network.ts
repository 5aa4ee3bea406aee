/** A network that breaks connections, while clients publish and read through it: everybody comes back, and nothing is lost or told twice. */
import { setTimeout as sleep } from "node:timers/promises";
import { dice } from "../support/dice.ts";
import type { Server } from "../support/process.ts";
import { type Proxy, startProxy, type Trouble } from "../support/proxy.ts";
import { Swarm, type SwarmReport } from "./swarm.ts";
import type { LiveTenant } from "./tenant.ts";

export interface NetworkOptions {
  readonly server: Server;
  readonly tenant: LiveTenant;
  readonly seed: number;
  /** How long the network gives trouble. */
  readonly ms: number;
  /** In the end nobody waits for the end of a pause, which would be half a minute at most. */
  readonly hurry?: boolean;
}

export interface NetworkReport extends SwarmReport {
  readonly seed: number;
  /** How many connections each kind of trouble has hit. */
  readonly hits: Readonly<Record<Kind, number>>;
}

type Kind = Trouble | "slow" | "refuse";

const kinds: readonly Kind[] = ["cut", "cut", "fin", "stall", "stall", "halfOpen", "halfClose", "slow", "refuse"];
/** Of the connections that there are. */
const share = 0.3;
const blackHoleMs = 2_000;
/** The longest pause of a client, and as much again: a new attempt may fail in the last of the trouble. */
const settleMs = 65_000;

export async function networkScenario({
  server,
  tenant,
  seed,
  ms,
  hurry = false,
}: NetworkOptions): Promise<NetworkReport> {
  const proxy = await startProxy(server);
  const rooms = [1, 2].map((number) => `network-${seed}-${number}`);
  const swarm = await Swarm.gather({
    tenant,
    url: proxy.url,
    rooms,
    socketClients: 4,
    eventClients: 2,
    rawReaders: 3,
    everyMs: 100,
  });
  try {
    swarm.begin();
    const hits = await trouble(proxy, seed, ms);
    swarm.halt();
    return { ...(await swarm.settle({ withinMs: settleMs, hurry })), seed, hits };
  } finally {
    await swarm.disperse();
    await proxy.close();
  }
}

async function trouble(proxy: Proxy, seed: number, ms: number): Promise<Record<Kind, number>> {
  const random = dice(seed);
  const hits = { cut: 0, fin: 0, stall: 0, halfOpen: 0, halfClose: 0, slow: 0, refuse: 0 };
  const untilMs = Date.now() + ms;
  while (Date.now() < untilMs) {
    const kind = kinds[Math.floor(random() * kinds.length)] ?? "cut";
    if (kind === "slow") proxy.slow(2_000 + random() * 30_000);
    if (kind === "refuse") proxy.refuse(true);
    if (kind === "slow" || kind === "refuse") hits[kind] += proxy.connections.length;
    else hits[kind] += proxy.trouble(kind, () => random() < share);
    await sleep(kind === "stall" ? blackHoleMs : 50 + random() * 700);
    proxy.heal();
    proxy.slow(null);
    proxy.refuse(false);
    await sleep(random() * 300);
  }
  return hits;
}
