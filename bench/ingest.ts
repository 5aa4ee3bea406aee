/** A steady stream of publishes into one room, by sockets that all hear each other, whether the room keeps up or not. */
import { setTimeout as delay } from "node:timers/promises";
import { nowUs } from "./clock.ts";
import { Crowd } from "./crowd.ts";
import type { IngestJob, IngestResult } from "./ingestJob.ts";
import { difference, readMeter } from "./meter.ts";
import { steadily } from "./schedule.ts";
import { Tally } from "./tally.ts";

const SETTLE_MS = 700;
/** In which a room that is behind may still answer. */
const DRAIN_MS = 20_000;

export async function ingest(job: IngestJob): Promise<IngestResult> {
  const { target, room, sockets, messagesPerSecond: perSecond } = job;
  const timedFrom = perSecond * job.warmUpSeconds;
  const half = timedFrom + (perSecond * job.windowSeconds) / 2;
  const messages = timedFrom + perSecond * job.windowSeconds;
  const crowd = await Crowd.gather(target, room, sockets);
  try {
    const tally = new Tally(crowd.dialect, { sockets, messages, timedFrom });
    const wait = new Wait(crowd);
    crowd.listen((frame, socket, readUs) => {
      const before = tally.acked + tally.refused;
      tally.take(frame, socket, readUs);
      wait.answered(socket, tally.acked + tally.refused - before);
    });
    await delay(SETTLE_MS);
    const plan = { startUs: nowUs(), perSecond };
    const publish = (number: number): void => wait.publish(number);
    const look = () => ({
      meter: readMeter(job.serverPids, tally.delivered),
      acked: tally.acked,
      refused: tally.refused,
    });
    await steadily({ ...plan, from: 0, to: timedFrom }, publish);
    const before = look();
    await steadily({ ...plan, from: timedFrom, to: half }, publish);
    const waitingHalfway = wait.count;
    await steadily({ ...plan, from: half, to: messages }, publish);
    const after = look();
    const waitingAtEnd = wait.count;
    await answered(wait);
    const acked = after.acked - before.acked;
    const seconds = (after.meter.atUs - before.meter.atUs) / 1_000_000;
    const serverUs = after.meter.serverUs - before.meter.serverUs;
    const { generatorBusy, othersBusy } = difference(before.meter, after.meter);
    const { p50Ms, p99Ms } = tally.latenciesMs();
    return {
      offeredPerSecond: perSecond,
      ackedPerSecond: acked / seconds,
      refusedPerSecond: (after.refused - before.refused) / seconds,
      firstRefusal: tally.firstRefusal,
      p50Ms,
      p99Ms,
      waitingHalfway,
      waitingAtEnd,
      unanswered: wait.count,
      missing: crowd.closed.length > 0 ? 0 : tally.acked * sockets - tally.delivered,
      duplicates: tally.duplicates,
      closed: crowd.closed,
      cpuUsPerMessage: serverUs / Math.max(1, acked),
      serverBusy: serverUs / 1_000_000 / seconds,
      generatorBusy,
      othersBusy,
    };
  } finally {
    await crowd.dismiss();
  }
}

/** What was published on sockets that are open, and not answered. Whoever is cut is told so, and waits no longer. */
class Wait {
  readonly #crowd: Crowd;
  readonly #waiting: number[];

  constructor(crowd: Crowd) {
    this.#crowd = crowd;
    this.#waiting = crowd.sockets.map(() => 0);
  }

  get count(): number {
    return this.#waiting.reduce((sum, waiting, socket) => sum + (this.#isOpen(socket) ? waiting : 0), 0);
  }

  publish(number: number): void {
    const socket = number % this.#waiting.length;
    if (!this.#isOpen(socket)) return;
    this.#crowd.publish(number);
    this.answered(socket, -1);
  }

  answered(socket: number, count: number): void {
    this.#waiting[socket] = (this.#waiting[socket] ?? 0) - count;
  }

  #isOpen(socket: number): boolean {
    const { readyState, OPEN } = this.#crowd.sockets[socket] ?? {};
    return readyState !== undefined && readyState === OPEN;
  }
}

async function answered(wait: Wait): Promise<void> {
  const endUs = nowUs() + DRAIN_MS * 1000;
  while (wait.count > 0 && nowUs() < endUs) await delay(20);
  await delay(500); // Acks come right behind the changes; the last of both is heard by then.
}
