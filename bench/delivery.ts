/** Groups of readers gather one after the other, and messages are published to all of them: at a steady rate, then all at once. */
import { setTimeout as delay } from "node:timers/promises";
import type { Speakers } from "./audience.ts";
import type { AudienceJob, AudienceResult } from "./audienceJob.ts";
import { nowUs } from "./clock.ts";
import { cpuUs } from "./cpu.ts";
import { Hall } from "./hall.ts";
import { difference, readMeter } from "./meter.ts";
import { steadily } from "./schedule.ts";
import type { Batch } from "./section.ts";
import type { Tally } from "./tally.ts";

/** When nothing more has arrived for this long, the rest is missing. */
const SILENCE_MS = 5_000;

export async function delivery(job: AudienceJob): Promise<AudienceResult> {
  const hall = new Hall(job);
  const batches = batchesOf(job);
  try {
    const speakers = await hall.seatSpeakers(job.publishers);
    const publish = (batch: Batch) => published(job, hall, batch, () => inTurn(job, speakers, batch));
    await publish(batches.firstWarmUp);
    const alone = await publish(batches.alone);
    for (const group of job.readers) await hall.seatReaders(group, batches.warmUp.first);
    const restCpuUsPerPlaceSecond = await rest(job, hall);
    await publish(batches.warmUp);
    const steady = await publish(batches.steady);
    const burst = await published(job, hall, batches.burst, () => roomByRoom(job, speakers, batches.burst));
    const { first, count } = batches.burst;
    return {
      ...outcome(job, hall, first + count),
      ...costs(job, alone, steady),
      steady,
      burst,
      restCpuUsPerPlaceSecond,
    };
  } finally {
    await hall.dismiss();
  }
}

/** What is published in each room, in this order. */
function batchesOf(job: AudienceJob) {
  const { warmUpMessages: warmUp, aloneMessages: alone, steadyMessages: steady, burstMessages: burst } = job;
  const firstWarmUp = alone === 0 ? 0 : warmUp;
  const joined = firstWarmUp + alone;
  return {
    firstWarmUp: { phase: "first warm-up", first: 0, count: firstWarmUp },
    alone: { phase: "alone", first: firstWarmUp, count: alone },
    warmUp: { phase: "warm-up", first: joined, count: warmUp },
    steady: { phase: "steady", first: joined + warmUp, count: steady },
    burst: { phase: "burst", first: joined + warmUp + steady, count: burst },
  } satisfies Record<string, Batch>;
}

async function rest({ serverPids, restSeconds }: AudienceJob, hall: Hall): Promise<number> {
  const beforeUs = cpuUs(serverPids);
  await delay(restSeconds * 1000);
  return (cpuUs(serverPids) - beforeUs) / hall.places / restSeconds;
}

/** A message in each room, and then the next in each. */
function inTurn(job: AudienceJob, speakers: Speakers, { first, count }: Batch): Promise<void> {
  const rooms = job.rooms.length;
  const plan = { startUs: nowUs(), from: 0, to: count * rooms, perSecond: job.messagesPerSecond };
  return steadily(plan, (number) => speakers.publish(number % rooms, first + Math.floor(number / rooms)));
}

function roomByRoom({ rooms }: AudienceJob, speakers: Speakers, { first, count }: Batch): void {
  for (const room of rooms.keys())
    for (let number = first; number < first + count; number += 1) speakers.publish(room, number);
}

/** Resolves when all of it has arrived, or nothing more does. */
async function published(
  { serverPids }: AudienceJob,
  hall: Hall,
  batch: Batch,
  publish: () => Promise<void> | void,
): Promise<AudienceResult["steady"]> {
  const tallies = hall.sections.map((section) => section.expect(batch));
  const framesBefore = hall.frames;
  const before = readMeter(serverPids, 0);
  await publish();
  await arrived(tallies);
  const span = difference(before, readMeter(serverPids, delivered(tallies)));
  return { ...span, deliveriesPerFrame: delivered(tallies) / Math.max(1, hall.frames - framesBefore) };
}

async function arrived(tallies: readonly Tally[]): Promise<void> {
  let news = { count: 0, atUs: nowUs() };
  while (tallies.some(({ missing }) => missing > 0) && nowUs() < news.atUs + SILENCE_MS * 1000) {
    await delay(5);
    const count = delivered(tallies);
    if (count > news.count) news = { count, atUs: nowUs() };
  }
  await delay(50); // A late duplicate would come now.
}

function delivered(tallies: readonly Tally[]): number {
  return tallies.reduce((sum, tally) => sum + tally.delivered, 0);
}

/** A message to the publishers alone is taken for what publishing costs; the rest is for the readers. */
function costs(
  { publishers, readers, aloneMessages }: AudienceJob,
  alone: AudienceResult["steady"],
  steady: AudienceResult["steady"],
): Pick<AudienceResult, "aloneCpuUsPerMessage" | "cpuUsPerDeliveryBeyond"> {
  const others = readers.reduce((sum, { perRoom }) => sum + perRoom, 0);
  const perMessage = steady.cpuUsPerDelivery * (publishers.perRoom + others);
  const perMessageAlone = aloneMessages === 0 ? null : alone.cpuUsPerDelivery * publishers.perRoom;
  return {
    aloneCpuUsPerMessage: perMessageAlone,
    cpuUsPerDeliveryBeyond: (perMessage - (perMessageAlone ?? 0)) / others,
  };
}

function outcome({ rooms }: AudienceJob, hall: Hall, head: number) {
  const { sections } = hall;
  const refused = sections.reduce((sum, section) => sum + section.refused, 0);
  const acked = sections.reduce((sum, section) => sum + section.acked, 0);
  return {
    groups: sections.map((section) => section.result(head)),
    kilobytesPerPlaceAfter: hall.grown().kilobytes / hall.places,
    unanswered: head * rooms.length - acked - refused,
    refused,
    firstRefusal: sections.find(({ firstRefusal }) => firstRefusal !== null)?.firstRefusal ?? null,
    closed: sections.flatMap(({ audience }) => audience.closed),
  };
}
