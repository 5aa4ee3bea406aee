/** One room under a steady load: publishers spread over all sockets, a warm-up, a window, and the wait for the rest. */
import { setTimeout as delay } from "node:timers/promises";
import { nowUs } from "./clock.ts";
import { cpuUs, machineBusyUs } from "./cpu.ts";
import { Crowd } from "./crowd.ts";
import type { FanOutJob, FanOutResult } from "./jobs.ts";
import { Tally } from "./tally.ts";

/** Joining causes work of its own (presence, compilation); it must be over before anything counts. */
const SETTLE_MS = 700;
/** A server that is behind may take this long to deliver what it took in. */
const DRAIN_MS = 15_000;

export async function fanOut(job: FanOutJob): Promise<FanOutResult> {
  const messages = job.messagesPerSecond * (job.warmUpSeconds + job.windowSeconds);
  const timedFrom = job.messagesPerSecond * job.warmUpSeconds;
  const crowd = await Crowd.gather(job.target, job.room, job.sockets);
  try {
    const tally = new Tally(crowd.dialect, { sockets: job.sockets, messages, timedFrom });
    crowd.listen((frame, socket, readUs) => tally.take(frame, socket, readUs));
    await delay(SETTLE_MS);
    const meter = () => readMeter(job.serverPids, tally);
    const startUs = nowUs();
    await publishSteadily(crowd, { startUs, from: 0, to: timedFrom, perSecond: job.messagesPerSecond });
    const before = meter();
    await publishSteadily(crowd, { startUs, from: timedFrom, to: messages, perSecond: job.messagesPerSecond });
    const after = meter();
    await arrived(tally, crowd);
    return { ...difference(before, after), ...tally.latenciesMs(), ...outcome(tally, crowd) };
  } finally {
    await crowd.dismiss();
  }
}

/**
 * Message n leaves when it is due, n / perSecond after the start, however late the ones before were: a slow server does not slow the load.
 * Resolves when the message after the last one would be due.
 */
async function publishSteadily(
  crowd: Crowd,
  plan: { startUs: number; from: number; to: number; perSecond: number },
): Promise<void> {
  const dueUs = (number: number) => plan.startUs + (number * 1_000_000) / plan.perSecond;
  let next = plan.from;
  while (next < plan.to || nowUs() < dueUs(plan.to)) {
    while (next < plan.to && dueUs(next) <= nowUs()) crowd.publish(next++);
    await delay(Math.max(1, Math.floor((dueUs(next) - nowUs()) / 1000)));
  }
}

async function arrived(tally: Tally, crowd: Crowd): Promise<void> {
  const endUs = nowUs() + DRAIN_MS * 1000;
  while (tally.missing > 0 && nowUs() < endUs && crowd.closed.length < crowd.sockets.length) await delay(20);
  await delay(50); // A late duplicate would come now.
}

interface Meter {
  atUs: number;
  delivered: number;
  serverUs: number;
  generatorUs: number;
  machineUs: number;
}

function readMeter(serverPids: readonly number[], tally: Tally): Meter {
  const { user, system } = process.cpuUsage();
  return {
    atUs: nowUs(),
    delivered: tally.delivered,
    serverUs: cpuUs(serverPids),
    generatorUs: user + system,
    machineUs: machineBusyUs(),
  };
}

function difference(before: Meter, after: Meter) {
  const elapsedUs = after.atUs - before.atUs;
  const deliveries = after.delivered - before.delivered;
  const [serverUs, generatorUs] = [after.serverUs - before.serverUs, after.generatorUs - before.generatorUs];
  return {
    cpuUsPerDelivery: deliveries === 0 ? 0 : serverUs / deliveries,
    deliveriesPerSecond: deliveries / (elapsedUs / 1_000_000),
    generatorBusy: generatorUs / elapsedUs,
    othersBusy: Math.max(0, after.machineUs - before.machineUs - serverUs - generatorUs) / elapsedUs,
  };
}

function outcome(tally: Tally, crowd: Crowd) {
  const { missing, duplicates, refused, firstRefusal } = tally;
  return { missing, duplicates, refused, firstRefusal, closed: crowd.closed };
}
