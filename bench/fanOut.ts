/** One room under a steady load: publishers spread over all sockets, a warm-up, a window, and the wait for the rest. */
import { setTimeout as delay } from "node:timers/promises";
import { nowUs } from "./clock.ts";
import { Crowd } from "./crowd.ts";
import type { FanOutJob, FanOutResult } from "./fanOutJob.ts";
import { difference, readMeter } from "./meter.ts";
import { steadily } from "./schedule.ts";
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
    const meter = () => readMeter(job.serverPids, tally.delivered);
    const plan = { startUs: nowUs(), perSecond: job.messagesPerSecond };
    const publish = (number: number) => crowd.publish(number);
    await steadily({ ...plan, from: 0, to: timedFrom }, publish);
    const before = meter();
    await steadily({ ...plan, from: timedFrom, to: messages }, publish);
    const after = meter();
    await arrived(tally, crowd);
    return { ...difference(before, after), ...tally.latenciesMs(), ...outcome(tally, crowd) };
  } finally {
    await crowd.dismiss();
  }
}

async function arrived(tally: Tally, crowd: Crowd): Promise<void> {
  const endUs = nowUs() + DRAIN_MS * 1000;
  while (tally.missing > 0 && nowUs() < endUs && crowd.closed.length < crowd.sockets.length) await delay(20);
  await delay(50); // A late duplicate would come now.
}

function outcome(tally: Tally, crowd: Crowd) {
  const { missing, duplicates, refused, firstRefusal } = tally;
  return { missing, duplicates, refused, firstRefusal, closed: crowd.closed };
}
