/** What it takes to search 100,000 messages of a room, to publish there, and to build the index beside others (SPEC Q5, Q7, Q9). */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { cpuUs } from "../bench/cpu.ts";
import { median, percentile } from "../bench/percentile.ts";
import { House, type Tenant } from "./house.ts";
import { Speaker, steadily } from "./speaker.ts";

const messages = 100_000;
const rounds = 30;
const pairs = 3;
const measuredMs = 4_000;
const speakersPerRoom = 5;
const everyMs = 50;
const limits = {
  publishPerRoomPerSecond: 1_000,
  publishPerUserPerSecond: 100,
  searchPerUserPerSecond: 1_000,
  searchPerUserBurst: 2_000,
  searchPerRoomPerSecond: 10_000,
  searchPerRoomBurst: 20_000,
};

/** Words by how often they are said, as in any language: the second half as often as the first, the third a third as often. */
const syllables = "ka to mi ne ra so lu pe di vo an er on th in st al re com pro".split(" ");
const words = Array.from({ length: 20_000 }, (_, rank) => {
  let word = "";
  for (let rest = rank + 1; rest > 0; rest = Math.floor(rest / syllables.length))
    word += syllables[rest % syllables.length];
  return word;
});
const [first = "", second = ""] = words;
/** Said by some in a hundred, and by a few. */
const middling = words[100] ?? "";
const rare = words[9_000] ?? "";

const searches: Readonly<Record<string, (nowMs: number) => Readonly<Record<string, string>>>> = {
  rare: () => ({ q: rare }),
  common: () => ({ q: first }),
  "two common": () => ({ q: `${first} ${second}` }),
  phrase: () => ({ q: `"${first} ${second}"` }),
  "phrase nobody said": () => ({ q: `"${`${first} `.repeat(6)}"` }),
  prefix: () => ({ q: `${middling.slice(0, 3)}*` }),
  without: () => ({ q: `${first} -${second}` }),
  "of a user": () => ({ q: first, from: "u_7" }),
  "of nobody": () => ({ q: first, from: "nobody" }),
  "of an hour": (nowMs) => ({ q: first, after: String(nowMs - 3_600_000) }),
};

export async function search(): Promise<string> {
  const house = await House.open();
  try {
    const tenant = await house.newTenant("seek", limits);
    await tenant.publish("full", "the first");
    await house.whileStopped(fill);
    await tenant.publish("plain", "the first");
    const rooms = { full: await speakersIn(house, tenant, "full"), plain: await speakersIn(house, tenant, "plain") };
    await spokenIn([rooms.full, rooms.plain]);
    const before = await spokenIn([rooms.full, rooms.plain]);
    const built = await buildBeside([rooms.full, rooms.plain], tenant);
    const costs = { full: [] as Spoken[], plain: [] as Spoken[] };
    for (let pair = 0; pair < pairs; pair++)
      for (const room of ["full", "plain"] as const) costs[room].push(await costOf(house, rooms[room]));
    for (const speaker of [rooms.full, rooms.plain].flat()) speaker.leave();
    return [
      await searched(tenant),
      told("searched", costs.full),
      told("not searched", costs.plain),
      building(before, built),
    ].join("; ");
  } finally {
    await house.close();
  }
}

/** Every kind of search in both orders, one after the other, and as many rounds of them. */
async function searched(tenant: Tenant): Promise<string> {
  const took = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++)
    for (const order of ["newest", "relevance"])
      for (const [kind, asked] of Object.entries(searches)) {
        const query = new URLSearchParams({ ...asked(Date.now()), order }).toString();
        const sinceMs = performance.now();
        await (await tenant.ask(`/v1/rooms/full/search?${query}`, undefined, "GET")).json();
        const name = `${kind}, ${order}`;
        took.set(name, [...(took.get(name) ?? []), performance.now() - sinceMs]);
      }
  const p95 = (all: readonly number[]): string =>
    percentile(
      all.toSorted((a, b) => a - b),
      0.95,
    ).toFixed(1);
  const kinds = [...took].map(([name, all]) => `${name} ${median(all).toFixed(1)}/${p95(all)}`);
  return `search p95 ${p95([...took.values()].flat())} ms of ${messages} messages (p50/p95: ${kinds.join(", ")})`;
}

interface Spoken {
  readonly p99Ms: number;
  readonly cpuUsPerMessage: number;
}

async function costOf(house: House, speakers: readonly Speaker[]): Promise<Spoken> {
  const { workerd } = house.processes;
  const [cpuBefore, ackedBefore] = [cpuUs([workerd]), ackedBy(speakers)];
  const [p99Ms = 0] = await spokenIn([speakers]);
  return { p99Ms, cpuUsPerMessage: (cpuUs([workerd]) - cpuBefore) / (ackedBy(speakers) - ackedBefore) };
}

function ackedBy(speakers: readonly Speaker[]): number {
  return speakers.reduce((sum, { acked }) => sum + acked, 0);
}

function told(room: string, spoken: readonly Spoken[]): string {
  const cpu = median(spoken.map(({ cpuUsPerMessage }) => cpuUsPerMessage)).toFixed(0);
  return `publishing where it is ${room}: ${cpu} us of CPU a message, p99 ${spoken.map(({ p99Ms }) => p99Ms.toFixed(1)).join(", ")} ms`;
}

interface Built {
  readonly seconds: number;
  readonly p99sMs: readonly (readonly number[])[];
}

/** Turns the index on, and measures both rooms until it is whole. */
async function buildBeside(rooms: readonly (readonly Speaker[])[], tenant: Tenant): Promise<Built> {
  await tenant.configure("full", { search: true });
  const sinceMs = performance.now();
  const p99sMs: number[][] = [];
  const isWhole = async (): Promise<boolean> =>
    ((await (await tenant.ask(`/v1/rooms/full/search?q=${rare}`, undefined, "GET")).json()) as { complete: boolean })
      .complete;
  while (!(await isWhole())) p99sMs.push(await spokenIn(rooms));
  return { seconds: (performance.now() - sinceMs) / 1_000, p99sMs };
}

function building(before: readonly number[], { seconds, p99sMs }: Built): string {
  const room = (index: number): string => {
    const during = p99sMs.map((p99s) => p99s[index] ?? 0);
    return `p99 ${before[index]?.toFixed(1)} before, ${median(during).toFixed(1)} during (worst of ${during.length}: ${Math.max(...during).toFixed(1)}) ms`;
  };
  return `built in ${seconds.toFixed(0)} s: in the room ${room(0)}; beside it ${room(1)}`;
}

async function speakersIn(house: House, tenant: Tenant, room: string): Promise<Speaker[]> {
  const text = Array.from({ length: 15 }, (_, index) => words[(index * index * 7) % 3_000]).join(" ");
  return Promise.all(
    Array.from({ length: speakersPerRoom }, async (_, index) =>
      Speaker.enter(house.socketUrl(room), await tenant.token(`u_${index}`), ` ${text}`),
    ),
  );
}

/** The p99 of each room, of those that speak meanwhile. */
async function spokenIn(rooms: readonly (readonly Speaker[])[]): Promise<number[]> {
  const all = rooms.flat();
  for (const speaker of all) speaker.heardMs.length = 0;
  const stops = all.map((speaker, index) => steadily(speaker, { everyMs, afterMs: (index * everyMs) / all.length }));
  await delay(measuredMs);
  for (const stop of stops) stop();
  await delay(200);
  return rooms.map((speakers) =>
    percentile(
      speakers.flatMap(({ heardMs }) => heardMs).toSorted((a, b) => a - b),
      0.99,
    ),
  );
}

/** Writes the room's messages into its database as the room would have: the server builds the index of them by itself. */
function fill(folder: string): void {
  const rooms = join(folder, "do", "parley-Room");
  const name = readdirSync(rooms).find((file) => /^[0-9a-f]{64}\.sqlite$/.test(file));
  if (name === undefined) throw new Error("the room has no file");
  const database = new DatabaseSync(join(rooms, name));
  database.exec("BEGIN");
  const insert = database.prepare(
    `INSERT INTO message (id, seq, version, sender, nonce, digest, text, replies, status, created_at)
     VALUES (?1, ?1, 1, ?2, ?3, zeroblob(8), ?4, 0, 'sent', ?5)`,
  );
  const nowMs = Date.now();
  for (let id = 2; id <= messages; id++)
    insert.run(id, `u_${id % 50}`, crypto.randomUUID(), textOf(id), nowMs - (messages - id) * 1_000);
  database.exec("COMMIT");
  database.close();
}

function textOf(id: number): string {
  const length = 5 + (id % 20);
  return Array.from({ length }, () => words[Math.floor(words.length ** Math.random()) - 1]).join(" ");
}
