/** Rooms fall asleep with sockets in them and are asked for a page, one room after the other. */
import { setTimeout as delay } from "node:timers/promises";
import { cpuUs } from "./cpu.ts";
import { Crowd } from "./crowd.ts";
import { PING, PING_EVERY_MS } from "./dialects.ts";
import { nowUs } from "./clock.ts";
import { median, percentile } from "./percentile.ts";
import { inTurn } from "./schedule.ts";
import { withinLimit } from "./socket.ts";
import type { WakeJob, WakeResult } from "./wakeJob.ts";

const ANSWER_WITHIN_MS = 30_000;
/** A room that has woken tells all its sockets the head, after its answer. The next room is not to wait for that. */
const BETWEEN_MS = 150;
const AWAKE_ASKED = 9;
/** Of the rest, in which the last rooms still fall asleep. */
const MEASURED_MS = 5_000;

interface Answered {
  ms: number;
  slept: boolean;
}

export async function wake(job: WakeJob): Promise<WakeResult> {
  const groups: Crowd[][] = [];
  try {
    for (const { rooms, sockets } of job.groups) groups.push(await gather(job, rooms, sockets));
    const all = groups.flat().flatMap((crowd) => crowd.sockets);
    const stopPings = inTurn(all.length, PING_EVERY_MS, (index) => all[index]?.send(PING));
    await delay(job.restMs - MEASURED_MS);
    const beforeUs = cpuUs(job.serverPids);
    await delay(MEASURED_MS);
    const restCpuMsPerSecond = (cpuUs(job.serverPids) - beforeUs) / MEASURED_MS;
    stopPings();
    const woken: WakeResult["groups"] = [];
    for (const [index, group] of job.groups.entries())
      woken.push({ ...group, ...(await wakeAll(groups[index] ?? [])) });
    return { groups: woken, restCpuMsPerSecond };
  } finally {
    await Promise.all(groups.flat().map((crowd) => crowd.dismiss()));
  }
}

async function gather({ target }: WakeJob, rooms: number, sockets: number): Promise<Crowd[]> {
  const crowds: Crowd[] = [];
  for (let room = 0; room < rooms; room += 1)
    crowds.push(await Crowd.gather(target, `asleep-${sockets}-${room}`, sockets));
  return crowds;
}

async function wakeAll(crowds: readonly Crowd[]): Promise<Omit<WakeResult["groups"][number], "rooms" | "sockets">> {
  const first: Answered[] = [];
  const next: number[] = [];
  for (const crowd of crowds) {
    first.push(await ask(crowd));
    for (let asked = 0; asked < AWAKE_ASKED; asked += 1) next.push((await ask(crowd, 10)).ms);
  }
  const ascending = first
    .filter(({ slept }) => slept)
    .map(({ ms }) => ms)
    .toSorted((a, b) => a - b);
  return {
    slept: ascending.length,
    p50Ms: percentile(ascending, 0.5),
    maxMs: percentile(ascending, 1),
    awakeMs: median(next),
  };
}

/** Waits for its answer, and then for what a room says that has woken. */
async function ask(crowd: Crowd, pauseMs = BETWEEN_MS): Promise<Answered> {
  let slept = false;
  const answered = new Promise<number>((resolve) => {
    crowd.listen((frame, socket, readUs) => {
      slept ||= frame.includes('"changes":[]');
      if (socket === 0 && frame.includes('"ref":"woken"')) resolve(readUs);
    });
  });
  const startUs = nowUs();
  crowd.sockets[0]?.send('{"type":"history","ref":"woken","limit":1}');
  const readUs = await withinLimit(answered, ANSWER_WITHIN_MS, `${crowd.room} did not answer`);
  await delay(pauseMs);
  return { ms: (readUs - startUs) / 1000, slept };
}
