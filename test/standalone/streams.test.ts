/** Event streams of a real server under everything that a network does to them. */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chance } from "../support/chance.ts";
import { seqOf } from "../../src/protocol/changes.ts";
import { hearWhole } from "../../load/k6/streamed.ts";
import { playInNode } from "../../load/nodeGround.ts";
import type { Ground } from "../../load/scenarios/ground.ts";
import { sse } from "../../load/scenarios/sse.ts";
import { untimed } from "../../load/scenarios/thresholds.ts";
import { Tally } from "../../load/tally.ts";
import { Reader } from "../chaos/reader.ts";
import { ask, type LiveTenant, makeTenant, newToken, wholeHistory } from "../chaos/tenant.ts";
import { dice } from "../support/dice.ts";
import { EventReader } from "../support/eventReader.ts";
import { type Server, startServer } from "../support/process.ts";
import { type Connection, type Proxy, startProxy, type Trouble } from "../support/proxy.ts";
import { patienceMs, ReturningSocket, ReturningStream } from "../support/returning.ts";

/** `PARLEY_SEED=123` brings the same troubles once more. */
const seed = Number(process.env["PARLEY_SEED"] ?? chance);

const everyone = 100;
const dropsEach = 50;

const crowdOfEachKind = 20;
const troubles = 40;

const beatMs = 15_000;
/** A FIN alone says only that the client sends no more: the first comment after it brings a RST, or the second. */
const noticedMs = 35_000;

const slowReaders = 12;
const longMessages = 1_280;
// 20 MB in all.
const longText = "0123456789abcdef".repeat(1_000);
/** It is 110 without any slow reader, and without the cut 20 more for each of them, 350 in all. */
const growthMegabytesMax = 200;

const stormMessages = 10_000;
let server: Server;
let proxy: Proxy;
let tenant: LiveTenant;
/** These take half a minute of waiting, in which the other tests run. */
let beating: Promise<number[]>;
let vanishing: Promise<number>;

beforeAll(async () => {
  server = await startServer();
  proxy = await startProxy(server);
  tenant = await makeTenant(server, "acme");
  beating = timesOfBeats(await enter("idle"));
  vanishing = timeUntilNoticed(await enter("vanished"));
  // They are awaited by the last tests.
  for (const waiting of [beating, vanishing]) waiting.catch(() => undefined);
});

afterAll(async () => {
  await proxy.close();
  await server.remove();
});

test(`[E1] ${everyone} readers that are cut after each of ${dropsEach} events end with exactly the history, in order and once`, async () => {
  const writer = await Writer.enter("cut");
  const token = await newToken(tenant, "reader");
  const readers = Array.from({ length: everyone }, () => new EventReader({ url: server.url, room: "cut", token }));
  const halt = writer.begin();
  // Some are cut after a `welcome` as well, which has no id: they come back to where they were.
  await Promise.all(readers.map((reader, index) => dropAfterEach(reader, { alsoWelcomes: index % 10 === 0 })));
  await halt();
  const history = await wholeHistory(tenant, "cut");
  for (const reader of readers) {
    await reader.until(() => reader.copy.seq === writer.head);
    const { copy, changes, ids, stream } = reader;
    expect({ faults: copy.faultsBeside(history), gaps: copy.gaps, stream: stream.faults }).toEqual({
      faults: [],
      gaps: [],
      stream: [],
    });
    expect([...copy.messages.keys()].sort((one, other) => one - other)).toEqual(history.map(({ id }) => id));
    // Each of them begins where the one before it ended, whichever stream it came on, and no change came twice.
    expect(changes.map(({ from }) => from)).toEqual([0, ...changes.map(({ to }) => to)].slice(0, -1));
    expect(changes.filter(({ reset }) => reset === true)).toHaveLength(1);
    expect(isAscending(changes.flatMap((frame) => frame.changes.map(seqOf)))).toBe(true);
    expect(ids).toHaveLength(changes.length);
    expect(changes.length).toBeGreaterThan(dropsEach);
  }
  // Otherwise it proved less than it says.
  expect(history.some(({ deletedAt }) => deletedAt !== null) && history.some(({ version }) => version > 1)).toBe(true);
  for (const reader of readers) reader.cut();
  writer.close();
  await eventually(() => onlineIn("cut")).toBe(0);
});

test(`[E1] [R2] [O4] whatever a network does to streams and sockets, all end with the history and leave nothing behind (seed ${seed})`, async () => {
  const writer = await Writer.enter("troubled");
  const filesBefore = openFilesOf(server);
  const crowd = await Promise.all(
    Array.from({ length: crowdOfEachKind }, (_, index) => [
      returningStream(`stream-${index}`),
      returningSocket(`socket-${index}`),
    ]).flat(),
  );
  const halt = writer.begin();
  const staying = crowd.map((client) => client.stay());
  const forgotten = await trouble(dice(seed));
  await halt();
  await eventually(() => crowd.filter(({ reader }) => reader.copy.seq < writer.head).length).toBe(0);
  for (const client of crowd) client.goingOn = false;
  await Promise.all(staying);
  const history = await wholeHistory(tenant, "troubled");
  for (const { reader } of crowd) {
    expect({ faults: reader.copy.faultsBeside(history), gaps: reader.copy.gaps }).toEqual({ faults: [], gaps: [] });
  }
  expect(crowd.reduce((sum, { comebacks }) => sum + comebacks, 0)).toBeGreaterThan(troubles);

  // A server cannot know of a client that vanished without a word while the network takes all that is sent to it.
  await eventually(() => proxy.lingering - forgotten().length).toBe(0);
  for (const connection of forgotten()) connection.suffer("cut");
  await eventually(() => proxy.lingering).toBe(0);
  await eventually(() => connectionsIn("troubled")).toBe(crowd.length);
  for (const { reader } of crowd) reader.cut();
  writer.close();
  await eventually(() => onlineIn("troubled")).toBe(0);
  // A few of HTTP stay open for a while.
  await eventually(() => openFilesOf(server) - filesBefore).toBeLessThanOrEqual(5);
});

test("[E5] readers that stop reading are cut and come back whole; memory stays and the others miss nothing", async () => {
  const writer = await Writer.enter("slow");
  const fast = await Promise.all(Array.from({ length: 4 }, () => enter("slow")));
  const slow = await Promise.all(Array.from({ length: slowReaders }, () => enter("slow")));
  await writer.publishAll({ from: 0, to: 64, text: longText });
  for (const reader of slow) await reader.until(() => reader.copy.seq === 64);
  for (const { stream } of slow) stream.pause();
  const megabytesBefore = server.runtimeMegabytes;
  await writer.publishAll({ from: 64, to: longMessages, text: longText });
  for (const reader of fast) await reader.until(() => reader.copy.seq === longMessages, 30_000);
  const growthMegabytes = server.runtimeMegabytes - megabytesBefore;

  const history = await wholeHistory(tenant, "slow");
  for (const { copy, endedBy } of fast) {
    expect({ endedBy, gaps: copy.gaps, faults: copy.faultsBeside(history) }).toEqual({
      endedBy: null,
      gaps: [],
      faults: [],
    });
  }
  for (const reader of slow) {
    reader.stream.resume();
    await reader.until(() => reader.endedBy !== null, 20_000);
    expect(reader.copy.seq).toBeLessThan(longMessages);
    await reader.open();
    expect({ seq: reader.copy.seq, faults: reader.copy.faultsBeside(history) }).toEqual({
      seq: longMessages,
      faults: [],
    });
    // So far behind it starts over, and was told so.
    if (reader.copy.start > 1) expect(reader.copy.gaps).toEqual(["too_far"]);
  }
  expect(growthMegabytes).toBeLessThan(growthMegabytesMax);
  for (const reader of [...fast, ...slow]) reader.cut();
  writer.close();
});

test("[E5] [P8] a writer who never pauses cuts no stream that is read, and holds up no other room", async () => {
  const writer = await Writer.enter("storm");
  const readers = await Promise.all(Array.from({ length: 4 }, () => enter("storm")));
  const neighbour = await Writer.enter("beside");
  const over = new AbortController();
  let slowestMs = 0;
  const neighbouring = async (): Promise<void> => {
    for (let count = 0; !over.signal.aborted; count++) {
      const sinceMs = performance.now();
      await neighbour.publishAll({ from: count, to: count + 1, text: "beside" });
      slowestMs = Math.max(slowestMs, performance.now() - sinceMs);
      await sleep(10);
    }
  };
  const beside = neighbouring();
  const sinceMs = performance.now();
  await writer.publishAll({ from: 0, to: stormMessages, text: "storm ".repeat(32), inFlight: 256 });
  const stormMs = performance.now() - sinceMs;
  over.abort();
  await beside;
  const standsAtHead = (reader: EventReader): boolean => reader.endedBy !== null || reader.copy.seq === stormMessages;
  for (const reader of readers) await reader.until(() => standsAtHead(reader), 30_000);
  expect(readers.map(({ endedBy, copy }) => [endedBy, copy.seq])).toEqual(readers.map(() => [null, stormMessages]));
  // It takes 0.2 s of some 4; without a breath, all of them.
  expect(slowestMs).toBeLessThan(stormMs / 2);
  for (const reader of readers) reader.cut();
  for (const each of [writer, neighbour]) each.close();
});

test("[E1] [E2] the scenario of event streams is green, not judged by who hears a stream when it has ended, and red where one event is lost", async () => {
  const whole = (ground: Ground): Ground => ({
    ...ground,
    hearsAsItComes: false,
    listen: (question, ear) => hearWhole(ground.ask(question), ear),
  });
  const lossy = (ground: Ground): Ground => ({
    ...ground,
    listen: (question, ear) =>
      ground.listen(question, { ...ear, event: (event) => /"seq":3\b/.test(event.data) || ear.event(event) }),
  });
  const [live, afterwards, lost] = await Promise.all(
    [(ground: Ground) => ground, whole, lossy].map(async (changed, index) => {
      const sizes = { users: 2, perPlace: 1, seconds: 1 };
      const tally = new Tally();
      const room = (ground: Ground): Ground => ({ ...ground, sinceMs: ground.sinceMs + index });
      await playInNode({ ...sse, sizes, play: (ground) => sse.play(changed(room(ground))) }, tenant, tally);
      return tally;
    }),
  );
  const asItComes = sse.asItComes ?? {};
  expect(live?.crossed({ ...sse.thresholds, ...untimed(asItComes) })).toEqual([]);
  expect(afterwards?.crossed(sse.thresholds)).toEqual([]);
  expect(afterwards?.crossed(asItComes)).toHaveLength(Object.values(asItComes).flat().length);
  expect(lost?.crossed({ checks: ["rate==1"], parley_missing: ["count==0"] })).toHaveLength(2);
});

test("[E5] an idle stream has a comment every 15 seconds", async () => {
  const [opened = 0, first = 0, second = 0] = await beating;
  for (const waited of [first - opened, second - first]) {
    expect(waited).toBeGreaterThan(beatMs - 2_000);
    expect(waited).toBeLessThan(beatMs + 3_000);
  }
});

test("[E5] a client that went without a word is noticed by the comments", async () => {
  expect(await vanishing).toBeLessThan(noticedMs);
});

// Clients.

async function enter(room: string): Promise<EventReader> {
  const reader = new EventReader({ url: server.url, room, token: await newToken(tenant, "reader") });
  await reader.open();
  return reader;
}

/** Writes, changes and deletes as fast as it is answered, with a breath in between. */
class Writer {
  readonly #reader: Reader;
  #own: number[] = [];
  #count = 0;

  static async enter(room: string): Promise<Writer> {
    const reader = new Reader({ tenant, room, token: await newToken(tenant, "writer") });
    await reader.open();
    return new Writer(reader);
  }

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  /** Of the room, once it has halted. */
  get head(): number {
    return this.#reader.copy.seq;
  }

  /** Gives what halts it. */
  begin(): () => Promise<void> {
    const halted = new AbortController();
    const writeOn = async (): Promise<void> => {
      while (!halted.signal.aborted) {
        await this.#write();
        await sleep(5);
      }
    };
    const writing = writeOn();
    writing.catch(() => undefined);
    return () => {
      halted.abort();
      return writing;
    };
  }

  /** The messages from one to before another, so many of them in flight. */
  async publishAll({ from, to, text, inFlight = 4 }: { from: number; to: number; text: string; inFlight?: number }) {
    const reader = this.#reader;
    for (let count = from; count < to; count++) {
      reader.send({ type: "publish", ref: `${count}`, nonce: `long-nonce-${count}`, text: `${count} ${text}` });
      await reader.until(() => reader.acks.size > count - inFlight, 20_000);
    }
    await reader.until(() => reader.acks.size === to, 20_000);
  }

  close(): void {
    this.#reader.cut();
  }

  async #write(): Promise<void> {
    const reader = this.#reader;
    const ref = `${++this.#count}`;
    const turn = this.#count % 8;
    const [oldest] = this.#own;
    const newest = this.#own.at(-1);
    if (turn === 3) reader.send({ type: "edit", ref, id: newest, text: `edited ${ref}\n\ndata: 🌊` });
    else if (turn === 5) reader.send({ type: "react", ref, id: oldest, emoji: `${(this.#count >> 3) % 10}` });
    else if (turn === 6) reader.send({ type: "edit", ref, id: oldest, text: `late ${ref}` });
    else if (turn === 7) reader.send({ type: "delete", ref, id: this.#own.shift() });
    else reader.send({ type: "publish", ref, nonce: `short-nonce-${ref}`, text: `text ${ref}\r\nid: 1\n: hb` });
    await reader.until(() => reader.acks.has(ref) && reader.copy.seq >= (reader.acks.get(ref)?.seq ?? 0), 20_000);
    if (turn < 3 || turn === 4) this.#own.push(reader.acks.get(ref)?.id ?? 0);
  }
}

/** Lets it take one event of changes after another, cuts it after each, and opens it anew with the last id. */
async function dropAfterEach(reader: EventReader, { alsoWelcomes }: { alsoWelcomes: boolean }): Promise<void> {
  reader.onFrame = ({ type }) => {
    const isLastOfThisStream =
      type === "changes"
        ? reader.changes.length <= dropsEach
        : alsoWelcomes && type === "welcome" && reader.received(type) % 2 === 0;
    if (isLastOfThisStream) reader.cut();
  };
  await reader.connect();
  while (reader.changes.length < dropsEach) {
    await reader.until(() => reader.endedBy !== null, 20_000);
    expect(reader.endedBy).toBe("us");
    await reader.connect();
  }
  // The last of the drops, or one after a welcome.
  reader.onFrame = () => undefined;
  if (reader.endedBy !== null) await reader.connect();
}

async function returningStream(user: string): Promise<ReturningStream> {
  const reader = new EventReader({ url: proxy.url, room: "troubled", token: await newPresentToken(user) });
  await reader.open();
  return new ReturningStream(reader);
}

async function returningSocket(user: string): Promise<ReturningSocket> {
  const token = await newPresentToken(user);
  const reader = new Reader({ tenant: { ...tenant, url: proxy.url }, room: "troubled", token });
  await reader.open();
  return new ReturningSocket(reader);
}

/** One of which the room knows how many connections it has. */
async function newPresentToken(user: string): Promise<string> {
  const body = { user, rooms: { "*": ["read", "presence"] } };
  const made = await ask<{ token: string }>(`${tenant.url}/v1/tokens`, {
    method: "POST",
    credential: tenant.key,
    body,
  });
  return made.token;
}

// What happens to them.

/** Gives those that the server was never told of, as they are then. */
async function trouble(random: () => number): Promise<() => Connection[]> {
  const swallowed: Connection[] = [];
  const kinds = ["cut", "fin", "stall", "halfClose", "halfOpen", "slow"] as const satisfies (Trouble | "slow")[];
  for (let count = 0; count < troubles; count++) {
    const kind = kinds[Math.floor(random() * kinds.length)] ?? "cut";
    if (kind === "slow") proxy.slow(4_000 + random() * 60_000);
    else {
      const hit: Connection[] = [];
      proxy.trouble(kind, (connection) => random() < 0.3 && hit.push(connection) > 0);
      if (kind === "halfOpen" || kind === "fin") swallowed.push(...hit);
    }
    await sleep(kind === "stall" ? random() * 2 * patienceMs : 50 + random() * 400);
    proxy.heal();
    proxy.slow(null);
  }
  return () => swallowed.filter(({ lingers }) => lingers);
}

/** When it was opened, and when each of two comments came. */
async function timesOfBeats({ stream }: EventReader): Promise<number[]> {
  const times = [Date.now()];
  for (const comments of [1, 2]) {
    await stream.until(() => stream.comments >= comments, beatMs * 2);
    times.push(Date.now());
  }
  stream.cut();
  return times;
}

async function timeUntilNoticed({ room, stream }: EventReader): Promise<number> {
  stream.close();
  const sinceMs = Date.now();
  while ((await onlineIn(room)) > 0 && Date.now() - sinceMs < noticedMs) await sleep(100);
  return Date.now() - sinceMs;
}

// What the server has.

async function onlineIn(room: string): Promise<number> {
  return (await ask<{ online: number }>(`${server.url}/v1/rooms/${room}`, { credential: tenant.key })).online;
}

async function connectionsIn(room: string): Promise<number> {
  const address = `${server.url}/v1/rooms/${room}/presence?limit=200`;
  const { items } = await ask<{ items: { connections: number }[] }>(address, { credential: tenant.key });
  return items.reduce((sum, { connections }) => sum + connections, 0);
}

/** Of workerd. */
function openFilesOf({ processes }: Server): number {
  const workerd = processes.find((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "workerd");
  return readdirSync(`/proc/${workerd}/fd`).length;
}

function eventually<Value>(look: () => Value | Promise<Value>) {
  return expect.poll(look, { timeout: 30_000, interval: 100 });
}

function isAscending(seqs: readonly number[]): boolean {
  return seqs.every((seq, index) => seq > (seqs[index - 1] ?? 0));
}
