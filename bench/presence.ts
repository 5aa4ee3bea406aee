/** Users come into a room within seconds, all of them observing, and go within seconds while a few stay and watch. */
import { setTimeout as delay } from "node:timers/promises";
import { nowUs } from "./clock.ts";
import { House } from "./house.ts";
import { difference, readMeter } from "./meter.ts";
import type { Observer } from "./observer.ts";
import type { Crossing, PresenceJob, PresenceResult } from "./presenceJob.ts";
import { steadily } from "./schedule.ts";
import { inGroups } from "./socket.ts";

const OPENING_AT_ONCE = 10;
const SETTLE_MS = 1_000;
/** How long a user whose last connection went is still there for the others (SPEC L1). */
const GRACE_MS = 10_000;
const KNOWN_WITHIN_MS = 15_000;

export async function presence(job: PresenceJob): Promise<PresenceResult> {
  const house = new House(job);
  try {
    await inGroups(job.staying, OPENING_AT_ONCE, (index) => house.enter(index));
    await delay(SETTLE_MS);
    const to = job.users.length - job.staying;
    const plan = { from: 0, to, perSecond: to / (job.withinMs / 1000) };
    const arriving = await crossing(job, house, async () => {
      const entering: Promise<void>[] = [];
      await steadily({ ...plan, startUs: nowUs() }, (index) => void entering.push(house.enter(job.staying + index)));
      await Promise.all(entering);
    });
    const leaving = await crossing(job, house, async () => {
      await steadily({ ...plan, startUs: nowUs() }, (index) => house.leave(job.staying + index));
      await delay(GRACE_MS);
    });
    return { arriving, leaving, closed: house.closed };
  } finally {
    house.clear();
  }
}

async function crossing({ serverPids }: PresenceJob, house: House, cross: () => Promise<void>): Promise<Crossing> {
  for (const { observer } of house.guests.values()) observer.forgetCosts();
  const before = readMeter(serverPids, 0);
  await cross();
  const crossedUs = nowUs();
  while (house.wrong() > 0 && nowUs() < crossedUs + KNOWN_WITHIN_MS * 1000) await delay(20);
  const knownMs = (nowUs() - crossedUs) / 1000;
  const after = readMeter(serverPids, 0);
  const { generatorBusy, othersBusy } = difference(before, after);
  await delay(SETTLE_MS); // What comes now would be too much.
  const observers = [...house.guests.values()].map(({ observer }) => observer);
  const mean = (figure: (observer: Observer) => number) =>
    observers.reduce((sum, observer) => sum + figure(observer), 0) / observers.length;
  return {
    observers: observers.length,
    wrong: house.wrong(),
    knownMs,
    framesPerSecondMax: Math.max(...observers.map(({ rateMax }) => rateMax)),
    framesPerSecondMaxOverFive: Math.max(...observers.map(({ longRateMax }) => longRateMax)),
    framesPerObserver: mean(({ frames }) => frames),
    frameBytesPerObserver: mean(({ frameBytes }) => frameBytes),
    listBytesPerObserver: mean(({ listBytes }) => listBytes),
    holes: observers.reduce((sum, { holes }) => sum + holes, 0),
    serverCpuSeconds: (after.serverUs - before.serverUs) / 1_000_000,
    generatorBusy,
    othersBusy,
  };
}
