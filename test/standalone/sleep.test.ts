import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Reader } from "../chaos/reader.ts";
import { ask, makeTenant, type LiveTenant, newToken } from "../chaos/tenant.ts";
import { type Server, type ServerOptions, startServer } from "../support/process.ts";
import { shakeHands } from "../support/rawSocket.ts";

/** The one job that a room books is due 10 s after it was busy, and workerd puts an object to sleep after 10 s without an event. */
const idleMs = 26_000;
const pingEveryMs = 2_000;
const root = join(import.meta.dirname, "../..");

interface Woken {
  /** Marks that each of the three sockets had got before the nap, and after it. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly pongs: number;
  readonly readers: readonly Reader[];
  /** What a third socket in another room was answered while the first room slept with three, and five are allowed. */
  readonly beyond: number;
}

const folders: string[] = [];
const servers: Server[] = [];
let healthy: Woken;
let withTimer: Woken;
let withWork: Woken;
let withOpenResponse: Woken;

beforeAll(async () => {
  const drill = async (options: ServerOptions): Promise<Woken> => {
    const server = await startServer({ ...options, env: { MAX_CONNECTIONS: "5" } });
    servers.push(server);
    return napAndWake(await makeTenant(server, "acme"));
  };
  // It builds the bundle if need be, of which the others are copies.
  const first = drill({});
  while (servers.length === 0) await Promise.race([sleep(50), first]);
  const unanswered = "Object.getPrototypeOf(this).readPositions = () => new Promise(() => undefined);";
  [healthy, withTimer, withWork, withOpenResponse] = await Promise.all([
    first,
    drill({ project: variantWith("setInterval(() => undefined, 1_000);") }),
    drill({ project: variantWith("ctx.waitUntil(new Promise(() => undefined));") }),
    drill({ project: variantWith(unanswered) }),
  ]);
});

afterAll(async () => {
  for (const server of servers) await server.remove();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

test("[O3] [O2] after every kind of traffic an idle room hibernates, and tells its sockets the head when it wakes", async () => {
  expect(healthy.before).toEqual([0, 0, 0]);
  expect(healthy.after).toEqual([1, 1, 1]);
});

test("[O3] keep-alives are answered all the while and do not keep the room awake", () => {
  expect(healthy.pongs).toBeGreaterThanOrEqual(Math.floor(idleMs / pingEveryMs) - 1);
});

test("[O1] [O3] the sockets outlive the sleep, and what is published then comes next", async () => {
  const [ada] = healthy.readers;
  const head = ada?.copy.seq ?? 0;
  ada?.send({ type: "publish", ref: "awake", nonce: "nonce-awake", text: "awake" });
  for (const { copy } of healthy.readers) {
    await ada?.until(() => copy.seq === head + 1);
    expect(copy.messages.get(head + 1)).toMatchObject({ text: "awake" });
    expect(copy.faults).toEqual([]);
  }
});

test("[S4] a sleeping room's sockets count among MAX_CONNECTIONS", () => {
  expect(healthy.beyond).toBe(503);
});

test("[O3] the guard fails on a room that leaves a timer behind, work without end, or a response open", () => {
  const awake = [0, 0, 0];
  expect({ timer: withTimer.after, work: withWork.after, response: withOpenResponse.after }).toEqual({
    timer: awake,
    work: awake,
    response: awake,
  });
});

async function napAndWake(tenant: LiveTenant): Promise<Woken> {
  const readers = await makeBusy(tenant);
  const [ada, bo] = readers;
  if (ada === undefined || bo === undefined) throw new Error("unreachable");
  const before = readers.map(({ copy }) => copy.marks);
  // Answered at once by a healthy room, and never by the one that leaves it open: it must outlast the nap.
  const asked = new AbortController();
  const headers = { Authorization: `Bearer ${tenant.key}`, "Parley-User": "ada" };
  const answer = fetch(`${tenant.url}/v1/rooms/general/read`, { headers, signal: asked.signal }).catch(() => undefined);
  const pinging = setInterval(() => bo.send('{"type":"ping"}'), pingEveryMs);
  await sleep(idleMs);
  clearInterval(pinging);
  const beyond = await fillUp(tenant);
  const pages = ada.received("page");
  ada.send({ type: "history", ref: "woken", limit: 1 });
  await ada.until(() => ada.received("page") > pages);
  // A mark leaves right after the event that woke the room.
  await sleep(1_000);
  asked.abort();
  await answer;
  return { before, after: readers.map(({ copy }) => copy.marks), pongs: bo.received("pong"), readers, beyond };
}

/** Three sockets that stay, and a burst of everything that a room takes. */
async function makeBusy(tenant: LiveTenant): Promise<Reader[]> {
  const enter = async (user: string): Promise<Reader> => {
    const reader = new Reader({ tenant, room: "general", token: await newToken(tenant, user) });
    await reader.open();
    return reader;
  };
  const readers = [await enter("ada"), await enter("bo"), await enter("cy")];
  const path = `${tenant.url}/v1/rooms/general`;
  const http = (method: string, route: string, body?: object) =>
    ask(`${path}${route}`, { method, credential: tenant.key, user: "ada", body });
  for (let count = 1; count <= 20; count++)
    for (const [index, reader] of readers.entries())
      reader.send({ type: "publish", ref: `p${count}`, nonce: `nonce-${index}-${count}`, text: `text ${count}` });
  for (const reader of readers) {
    await reader.until(() => reader.acks.has("p20"));
    const own = reader.acks.get("p1")?.id ?? 0;
    reader.send({ type: "edit", ref: "e", id: own, text: "edited" });
    reader.send([
      { type: "react", ref: "r", id: 1, emoji: "👍" },
      { type: "read", ref: "u", upTo: 20 },
      { type: "history", ref: "h", limit: 10 },
      { type: "delete", ref: "d", id: reader.acks.get("p2")?.id },
      { type: "publish", nonce: "nonce-last", text: "a reply", replyTo: own, expiresInMs: 3_600_000 },
      { type: "nonsense", ref: "n" },
    ]);
    await reader.until(() => reader.acks.has("d") && reader.acks.has("e") && reader.errors.length > 0);
  }
  await http("POST", "/messages", { text: "over HTTP" });
  await http("GET", "/messages?limit=5");
  await http("GET", "/changes?after=0");
  await http("GET", "");
  await http("PATCH", "", { settings: { frozen: false } });
  await http("PUT", "/members/cy", { role: "moderator" });
  const [leaver, crasher] = [await enter("di"), await enter("ed")];
  leaver.close();
  crasher.cut();
  await leaver.until(() => leaver.closedWith !== null);
  // All have all, so nothing is on its way when the nap begins.
  const { head } = await ask<{ head: number }>(path, { credential: tenant.key });
  for (const reader of readers) await reader.until(() => reader.copy.seq === head);
  return readers;
}

/** Two more sockets in another room, and a third: three of five places are held by the room that sleeps. */
async function fillUp(tenant: LiveTenant): Promise<number> {
  const subprotocols = ["parley.v1", `bearer.${await newToken(tenant, "fi")}`];
  const statuses: number[] = [];
  for (let count = 0; count < 3; count++) {
    const handshake = await shakeHands(`${tenant.url}/v1/rooms/other/socket`, { subprotocols });
    statuses.push(handshake.ok ? 101 : handshake.status);
  }
  expect(statuses.slice(0, 2)).toEqual([101, 101]);
  return statuses[2] ?? 0;
}

/** A copy of the project whose room does this in its constructor. */
function variantWith(statement: string): string {
  const folder = mkdtempSync(join(tmpdir(), "parley-variant-"));
  folders.push(folder);
  for (const part of ["standalone", "src", "dist"]) cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  cpSync(join(root, "package.json"), join(folder, "package.json"));
  const script = readFileSync(join(root, "dist", "index.js"), "utf8");
  const anchor = "ctx.setWebSocketAutoResponse(";
  expect(script.split(anchor)).toHaveLength(2);
  writeFileSync(join(folder, "dist", "index.js"), script.replace(anchor, `${statement} ${anchor}`));
  // Dated last, or the launcher would build the bundle anew.
  cpSync(join(root, "dist", "worker.json"), join(folder, "dist", "worker.json"));
  return folder;
}
