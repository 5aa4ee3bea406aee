/** Thousands of rooms with one to three readers fall asleep, and then are spoken in as often as words are said. */
import { setTimeout as delay } from "node:timers/promises";
import { nowUs } from "./clock.ts";
import { dialects } from "./dialects.ts";
import { JoinedSocket } from "./joinedSocket.ts";
import { holdingsOf } from "./memory.ts";
import { difference, readMeter } from "./meter.ts";
import type { MultitudeJob, MultitudeResult } from "./multitudeJob.ts";
import { percentile } from "./percentile.ts";
import { steadily } from "./schedule.ts";
import { eachStamp, stampedText } from "./stamp.ts";

const READERS_MAX = 3;
const DRAIN_MS = 15_000;

export async function multitude(job: MultitudeJob): Promise<MultitudeResult> {
  const rooms = Array.from({ length: job.rooms }, (_, index) => `of-many-${index}`);
  const empty = holdingsOf(job.runtimePids);
  const heard = new Heard(job.messagesPerSecond * job.seconds);
  const sockets: JoinedSocket[] = [];
  try {
    for (let from = 0; from < rooms.length; from += job.roomsPerConnection)
      sockets.push(...(await enterBlock(job, rooms.slice(from, from + job.roomsPerConnection), heard)));
    await delay(job.restMs);
    const asleep = holdingsOf(job.runtimePids);
    const before = readMeter(job.serverPids, 0);
    const speakers = speakersOf(sockets);
    const said = await speak(job, rooms, (room, number) => heard.say(number, room, readersOf(room), speakers));
    const after = readMeter(job.serverPids, 0);
    const endUs = nowUs() + DRAIN_MS * 1000;
    while (heard.missing > 0 && nowUs() < endUs) await delay(20);
    const full = holdingsOf(job.runtimePids);
    const { generatorBusy, othersBusy } = difference(before, after);
    return {
      rooms: rooms.length,
      places: rooms.reduce((sum, _, room) => sum + readersOf(room), 0),
      connections: sockets.length,
      kilobytesPerRoomAsleep: (asleep.kilobytes - empty.kilobytes) / rooms.length,
      openFilesAsleep: asleep.openFiles,
      kilobytesPerRoomAfter: (full.kilobytes - empty.kilobytes) / rooms.length,
      openFilesAfter: full.openFiles,
      ...heard.result(),
      ...said,
      closed: sockets.flatMap(({ closedWith }) => (closedWith === null ? [] : [closedWith])),
      cpuUsPerMessage: (after.serverUs - before.serverUs) / (job.messagesPerSecond * job.seconds),
      generatorBusy,
      othersBusy,
    };
  } finally {
    for (const socket of sockets) socket.end();
  }
}

/** One, two or three of them. */
function readersOf(room: number): number {
  return (room % READERS_MAX) + 1;
}

/** Rooms beside each other share connections: the first joins all of them, the next those with two readers or more, and so on. */
async function enterBlock(job: MultitudeJob, rooms: readonly string[], heard: Heard): Promise<JoinedSocket[]> {
  const startUs = nowUs();
  const indexOf = (room: string): number => Number(room.slice(room.lastIndexOf("-") + 1));
  const sockets = await Promise.all(
    Array.from({ length: READERS_MAX }, async (_, reader) => {
      const joined = rooms.filter((room) => readersOf(indexOf(room)) > reader);
      const token = job.target.tokens[reader] ?? "";
      return JoinedSocket.open(job.target, token, joined, (frame, readUs) => heard.take(frame, readUs));
    }),
  );
  const dueUs = startUs + (rooms.length / job.roomsPerSecond) * 1_000_000;
  await delay(Math.max(0, (dueUs - nowUs()) / 1000));
  return sockets;
}

/** The socket of each room that speaks there. */
function speakersOf(sockets: readonly JoinedSocket[]): Map<string, JoinedSocket> {
  return new Map(sockets.toReversed().flatMap((socket) => socket.rooms.map((room) => [room, socket] as const)));
}

/** The second room is spoken in half as often as the first, the third a third as often; which one is the first is by chance. */
async function speak(
  { messagesPerSecond, seconds }: MultitudeJob,
  rooms: readonly string[],
  say: (room: number, number: number) => void,
): Promise<{ published: number; spokenIn: number }> {
  const order = rooms.map((_, index) => index).toSorted(() => Math.random() - 0.5);
  let total = 0;
  const upTo = rooms.map((_, rank) => (total += 1 / (rank + 1)));
  const spokenIn = new Set<number>();
  const to = messagesPerSecond * seconds;
  await steadily({ startUs: nowUs(), from: 0, to, perSecond: messagesPerSecond }, (number) => {
    const at = Math.random() * total;
    const room = order[upTo.findIndex((end) => end > at)] ?? 0;
    spokenIn.add(room);
    say(room, number);
  });
  return { published: to, spokenIn: spokenIn.size };
}

/** What was said, and how late each reader heard it. */
class Heard {
  duplicates = 0;
  refused = 0;
  firstRefusal: string | null = null;
  readonly #wanted: Uint8Array;
  readonly #isFirst: Uint8Array;
  readonly #latenciesUs: { all: number[]; first: number[] } = { all: [], first: [] };
  readonly #awake = new Set<number>();

  constructor(messages: number) {
    this.#wanted = new Uint8Array(messages);
    this.#isFirst = new Uint8Array(messages);
  }

  get missing(): number {
    return this.#wanted.reduce((sum, count) => sum + count, 0);
  }

  say(number: number, room: number, readers: number, speakers: ReadonlyMap<string, JoinedSocket>): void {
    this.#wanted[number] = readers;
    this.#isFirst[number] = this.#awake.has(room) ? 0 : 1;
    this.#awake.add(room);
    const name = `of-many-${room}`;
    const text = stampedText({ number, sentUs: nowUs() });
    speakers.get(name)?.say(name, dialects.parley.publish({ room: name, number, text }));
  }

  take(frame: Buffer, readUs: number): void {
    if (frame.includes(dialects.parley.refusalMark ?? "")) {
      this.refused += 1;
      this.firstRefusal ??= frame.toString("utf8", 0, 300);
    }
    eachStamp(frame, (number, sentUs) => {
      const wanted = this.#wanted[number] ?? 0;
      if (wanted === 0) this.duplicates += 1;
      else this.#wanted[number] = wanted - 1;
      this.#latenciesUs.all.push(readUs - sentUs);
      if (this.#isFirst[number] === 1) this.#latenciesUs.first.push(readUs - sentUs);
    });
  }

  result() {
    const { missing, duplicates, refused, firstRefusal } = this;
    const { all, first } = this.#latenciesUs;
    return { all: spanOf(all), first: spanOf(first), missing, duplicates, refused, firstRefusal };
  }
}

function spanOf(latenciesUs: readonly number[]) {
  const ascending = latenciesUs.toSorted((a, b) => a - b);
  const at = (share: number): number => percentile(ascending, share) / 1000;
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}
