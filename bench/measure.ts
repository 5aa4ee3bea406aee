/** One measurement: a fresh generator process against one running server. */
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { Generator } from "./generator.ts";
import { FanOutResult } from "./fanOutJob.ts";
import { BurstResult, type BurstRound, QuietResult } from "./jobs.ts";
import { burstLoad, type FanOutLoad } from "./loads.ts";
import { median, percentile } from "./percentile.ts";
import type { Peer, Running } from "./peers.ts";

const WARM_UP_SECONDS = 1;
/** More than the generator's own limits on joining, draining and rounds. */
const SILENCE_MS = 240_000;
/** How long the quiet room is read before the burst begins: what a read costs on this machine now. */
const CALM_MS = 1_500;

export interface BurstMeasure {
  ackedPerSecond: number;
  deliveredPerSecond: number;
  cpuUsPerMessage: number;
  missing: number;
  duplicates: number;
  refused: number;
  firstRefusal: string | null;
  quietP99Ms: number;
  quietWorstMs: number;
  calmP99Ms: number;
  rounds: readonly BurstRound[];
}

export async function measureFanOut(
  peer: Peer,
  running: Running,
  load: FanOutLoad,
  windowSeconds: number,
): Promise<FanOutResult> {
  const generator = new Generator(
    {
      kind: "fan-out",
      target: running.target,
      room: newRoom("fan"),
      sockets: load.sockets,
      messagesPerSecond: load.messagesPerSecond,
      warmUpSeconds: WARM_UP_SECONDS,
      windowSeconds,
      serverPids: running.server.pids(peer.counted),
    },
    SILENCE_MS,
  );
  try {
    return FanOutResult.parse(await generator.result());
  } finally {
    await generator.end();
  }
}

/** The quiet room is read by a second process, because the one that takes the burst is itself too busy to notice an answer. */
export async function measureBurst(peer: Peer, running: Running): Promise<BurstMeasure> {
  const { target } = running;
  const { quietEveryMs, ...crowd } = burstLoad;
  const quietRoom = newRoom("quiet");
  const serverPids = running.server.pids(peer.counted);
  const publisher = new Generator(
    { kind: "burst", target, busyRoom: newRoom("busy"), quietRoom, ...crowd, serverPids },
    SILENCE_MS,
  );
  try {
    await publisher.ready();
    const reader = new Generator({ kind: "quiet", target, room: quietRoom, everyMs: quietEveryMs }, SILENCE_MS);
    try {
      await reader.ready();
      await delay(CALM_MS);
      publisher.say("go");
      const burst = BurstResult.parse(await publisher.result());
      reader.say("stop");
      return summary(burst, QuietResult.parse(await reader.result()));
    } finally {
      await reader.end();
    }
  } finally {
    await publisher.end();
  }
}

function summary({ rounds, ...counts }: BurstResult, { waits }: QuietResult): BurstMeasure {
  const perRound = burstLoad.sockets * burstLoad.messagesPerSocket;
  const rate = (count: number, startUs: number, endUs: number) => count / ((endUs - startUs) / 1_000_000);
  const during = waits.filter(({ dueUs, waitUs }) =>
    rounds.some((round) => dueUs + waitUs >= round.startUs && dueUs <= Math.max(round.ackedUs, round.deliveredUs)),
  );
  const calm = waits.filter(({ dueUs, waitUs }) => rounds.every((round) => dueUs + waitUs < round.startUs));
  const busyMs = ascendingMs(during);
  return {
    ...counts,
    rounds,
    ackedPerSecond: median(rounds.map((round) => rate(round.acked, round.startUs, round.ackedUs))),
    deliveredPerSecond: median(
      rounds.map((round) => rate(perRound * burstLoad.sockets - round.missing, round.startUs, round.deliveredUs)),
    ),
    cpuUsPerMessage: median(rounds.map((round) => round.serverCpuUs / perRound)),
    missing: rounds.reduce((sum, round) => sum + round.missing, 0),
    quietP99Ms: percentile(busyMs, 0.99),
    quietWorstMs: percentile(busyMs, 1),
    calmP99Ms: percentile(ascendingMs(calm), 0.99),
  };
}

function ascendingMs(waits: QuietResult["waits"]): number[] {
  return waits.map(({ waitUs }) => waitUs / 1000).toSorted((a, b) => a - b);
}

/** Every measurement gets rooms of its own: nothing replayed, nothing left over. */
function newRoom(kind: string): string {
  return `${kind}-${randomBytes(4).toString("hex")}`;
}
