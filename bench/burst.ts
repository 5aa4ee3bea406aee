/** Thousands of messages at once into one room, a few times over, while another process reads a quiet room of the same server. */
import { setTimeout as delay } from "node:timers/promises";
import { nowUs } from "./clock.ts";
import { cpuUs } from "./cpu.ts";
import { Crowd } from "./crowd.ts";
import type { BurstJob, BurstResult, BurstRound } from "./jobs.ts";
import { Tally } from "./tally.ts";
import type { Target } from "./target.ts";

const SETTLE_MS = 700;
const ROUND_WITHIN_MS = 60_000;
const BETWEEN_ROUNDS_MS = 500;
/** One page, so that each quiet read does the same work on every server. */
const QUIET_MESSAGES = 50;

/** Fills the quiet room, gathers the crowd, then asks `go` for the moment to begin. */
export async function burst(job: BurstJob, go: () => Promise<void>): Promise<BurstResult> {
  await fillQuietRoom(job.target, job.quietRoom);
  const crowd = await Crowd.gather(job.target, job.busyRoom, job.sockets);
  try {
    const perRound = job.sockets * job.messagesPerSocket;
    const tally = new Tally(crowd.dialect, { sockets: job.sockets, messages: perRound * job.rounds, timedFrom: 0 });
    crowd.listen((frame, socket, readUs) => tally.take(frame, socket, readUs));
    await delay(SETTLE_MS);
    await go();
    const rounds: BurstRound[] = [];
    for (let round = 0; round < job.rounds; round += 1) {
      rounds.push(await burstOnce(job, { crowd, tally, from: round * perRound, count: perRound }));
      await delay(BETWEEN_ROUNDS_MS);
    }
    return { rounds, duplicates: tally.duplicates, refused: tally.refused, firstRefusal: tally.firstRefusal };
  } finally {
    await crowd.dismiss();
  }
}

interface Round {
  crowd: Crowd;
  tally: Tally;
  from: number;
  count: number;
}

async function burstOnce({ serverPids }: BurstJob, { crowd, tally, from, count }: Round): Promise<BurstRound> {
  const before = { acked: tally.acked, refused: tally.refused, delivered: tally.delivered, cpuUs: cpuUs(serverPids) };
  const startUs = nowUs();
  for (let number = from; number < from + count; number += 1) crowd.publish(number);
  const done = () => {
    const refused = tally.refused - before.refused;
    const isAnswered = tally.acked - before.acked + refused >= count;
    return isAnswered && tally.delivered - before.delivered >= (count - refused) * crowd.sockets.length;
  };
  while (!done() && nowUs() < startUs + ROUND_WITHIN_MS * 1000) {
    // Nothing more will come, and what came is no measure of a burst.
    if (crowd.closed.length > 0)
      throw new Error(`the server closed ${crowd.closed.length} sockets (${crowd.closed[0]})`);
    await delay(5);
  }
  return {
    startUs,
    ackedUs: tally.lastAckUs,
    deliveredUs: tally.lastDeliveryUs,
    serverCpuUs: cpuUs(serverPids) - before.cpuUs,
    acked: tally.acked - before.acked,
    // A refused message is missing too: it is only told apart by the count of refusals.
    missing: before.delivered + count * crowd.sockets.length - tally.delivered,
  };
}

async function fillQuietRoom(target: Target, room: string): Promise<void> {
  const crowd = await Crowd.gather(target, room, 1);
  try {
    const tally = new Tally(crowd.dialect, { sockets: 1, messages: QUIET_MESSAGES, timedFrom: 0 });
    crowd.listen((frame, socket, readUs) => tally.take(frame, socket, readUs));
    for (let number = 0; number < QUIET_MESSAGES; number += 1) crowd.publish(number);
    const endUs = nowUs() + ROUND_WITHIN_MS * 1000;
    while (tally.missing > 0 && nowUs() < endUs) await delay(5);
    if (tally.missing > 0)
      throw new Error(`the quiet room took ${tally.delivered} of ${QUIET_MESSAGES} messages: ${tally.firstRefusal}`);
  } finally {
    await crowd.dismiss();
  }
}
