/** Who is here, on a real server: told by sockets that break, by a server that dies, and by nothing else. */
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fixedLimits } from "../../src/protocol/limits.ts";
import type { PresenceFrame, PresentMember, ServerFrame } from "../../src/protocol/serverFrames.ts";
import { Copy } from "../chaos/copy.ts";
import { Reader } from "../chaos/reader.ts";
import { ask, type LiveTenant, makeTenant } from "../chaos/tenant.ts";
import { EventReader } from "../support/eventReader.ts";
import { type Server, startServer } from "../support/process.ts";

const users = 50;
/** They left just before the server died, with their grace still running. */
const leavers = 4;
/** They were there when it died and do not come back. */
const lost = 11;
/** The grace, and what a busy machine adds to it. */
const settledMs = fixedLimits.presenceGraceMs + 8_000;
const crashers = 20;

let server: Server;
let tenant: LiveTenant;

beforeAll(async () => {
  server = await startServer();
  tenant = await makeTenant(server, "acme");
});
afterAll(() => server.remove());

test("[L1] a user with a WebSocket and an event stream joins once and leaves once, after the last of them", async () => {
  const observer = await Tab.open("tabs", "observer", "socket");
  const [ada, bo, cy] = await Promise.all(["ada", "bo", "cy"].map((user) => openBoth("tabs", user)));
  if (ada === undefined || bo === undefined || cy === undefined) throw new Error("unreachable");
  await observer.until(() => observer.attendance.present.length === 4);
  // A crash of one is no news; that of both is one leaving; and coming back in time is no news either.
  ada.socket.cut();
  cy.stream.cut();
  cy.socket.cut();
  bo.socket.cut();
  bo.stream.cut();
  await cy.stream.comeBack();
  await observer.until(() => observer.attendance.told("left").length > 0, settledMs);
  expect(observer.attendance.present).toEqual(["ada", "cy", "observer"]);
  expect(observer.attendance.told("left")).toEqual(["bo"]);
  // Those who greeted the observer were told then; of the others, each once.
  const joined = observer.attendance.told("joined");
  expect([...joined].sort()).toEqual([...new Set(joined)].sort());
  ada.stream.cut();
  await observer.until(() => observer.attendance.told("left").length > 1, settledMs);
  expect(observer.attendance.told("left")).toEqual(["bo", "ada"]);
  expect(observer.attendance.faults).toEqual([]);
  for (const tab of [cy.stream, observer]) tab.cut();
});

test("[L2] after kill -9 everyone who came back sees exactly those who came back, and no ghost stays", async () => {
  const names = Array.from({ length: users }, (_, index) => `user-${String(index).padStart(2, "0")}`);
  const tabs = await Promise.all(
    names.map((name, index) => Tab.open("general", name, index % 2 === 0 ? "socket" : "stream")),
  );
  for (const tab of tabs) await tab.until(() => tab.attendance.present.length === users);
  for (const tab of tabs.slice(0, leavers)) tab.cut();
  await expect.poll(() => onlineIn("general")).toBe(users - leavers);
  // When this one is told of, it is written down that the others are leaving.
  const sign = await Tab.open("general", "a-sign", "socket");
  for (const { attendance, until } of tabs.slice(leavers)) await until(() => attendance.present.includes("a-sign"));
  expect(sign.attendance.present).toEqual(["a-sign", ...names]);
  await server.kill();
  for (const tab of tabs) await tab.until(() => tab.hasEnded);
  await server.start();

  const back = tabs.slice(leavers + lost);
  // One after another, so that some see others come.
  for (const tab of back) await tab.comeBack();
  const expected = back.map(({ user }) => user);
  for (const { attendance, until } of back) await until(() => attendance.present.join() === expected.join(), settledMs);
  for (const { attendance } of back) expect([attendance.present, attendance.faults]).toEqual([expected, []]);
  expect(await presentIn("general")).toEqual(expected.map((user) => ({ user, name: null, state: {}, connections: 1 })));
  expect(await onlineIn("general")).toBe(expected.length);

  // Whoever comes now is greeted by the same.
  const late = await Tab.open("general", "user-99", "stream");
  await late.until(() => late.attendance.present.length === expected.length + 1);
  expect(late.attendance.present).toEqual([...expected, "user-99"]);
  for (const tab of [...back, late]) tab.cut();
});

test("[L2] [O4] a client that crashes in the midst of its upgrade leaves no ghost", async () => {
  const token = await newToken("ada");
  (await Tab.open("upgraded", "bo", "stream")).cut();
  for (let count = 0; count < crashers; count++)
    await crashWithin(count % 4, `${server.url}/v1/rooms/upgraded/socket`, token);
  await expect.poll(() => connectionsIn("upgraded"), { timeout: 30_000, interval: 200 }).toBe(0);
});

/** Lays the diffs over what it was greeted with, and keeps what it was told. */
class Attendance {
  /** What the rule forbids a server to send. */
  readonly faults: string[] = [];
  readonly #members = new Map<string, PresentMember>();
  readonly #diffs: PresenceFrame[] = [];
  #version = 0;

  get present(): string[] {
    return [...this.#members.keys()].sort();
  }

  /** Users, one for each time that they were told of. */
  told(how: "joined" | "left"): string[] {
    return this.#diffs.flatMap((diff) => (how === "left" ? diff.left : diff.joined.map(({ user }) => user)));
  }

  take(frame: ServerFrame): void {
    if (frame.type === "welcome" && frame.presence !== undefined) {
      const { version, members, more } = frame.presence;
      if (more) this.faults.push("a greeting of 50 was not whole");
      this.#version = version;
      this.#members.clear();
      for (const member of members) this.#members.set(member.user, member);
    }
    if (frame.type === "presence") this.#change(frame);
  }

  #change(diff: PresenceFrame): void {
    const { version, joined, updated, left, count } = diff;
    this.#diffs.push(diff);
    const moves = joined.length + left.length > 0;
    if (version !== this.#version + (moves ? 1 : 0)) this.faults.push(`${version} came after ${this.#version}`);
    this.#version = version;
    for (const member of [...joined, ...updated]) this.#members.set(member.user, member);
    for (const user of left) this.#members.delete(user);
    if (this.#members.size !== count) this.faults.push(`${count} are here, and ${this.#members.size} were told of`);
  }
}

/** A copy that also looks who is here. */
class Witness extends Copy {
  readonly attendance = new Attendance();

  override take(frame: ServerFrame): void {
    super.take(frame);
    this.attendance.take(frame);
  }
}

/** One connection of a user, over either transport. */
class Tab {
  readonly user: string;
  readonly attendance: Attendance;
  readonly #reader: Reader | EventReader;

  static async open(room: string, user: string, over: "socket" | "stream"): Promise<Tab> {
    const token = await newToken(user);
    const witness = new Witness();
    if (over === "socket") {
      const tab = new Tab(user, witness.attendance, new Reader({ tenant, room, token, copy: witness }));
      await tab.comeBack();
      return tab;
    }
    const reader = new EventReader({ url: server.url, room, token });
    reader.onFrame = (frame) => witness.attendance.take(frame);
    const tab = new Tab(user, witness.attendance, reader);
    await tab.comeBack();
    return tab;
  }

  constructor(user: string, attendance: Attendance, reader: Reader | EventReader) {
    this.user = user;
    this.attendance = attendance;
    this.#reader = reader;
  }

  get hasEnded(): boolean {
    return (this.#reader instanceof Reader ? this.#reader.closedWith : this.#reader.endedBy) !== null;
  }

  comeBack(): Promise<void> {
    return this.#reader.open();
  }

  cut(): void {
    this.#reader.cut();
  }

  readonly until = (condition: () => boolean, withinMs?: number): Promise<void> =>
    this.#reader.until(condition, withinMs);
}

async function openBoth(room: string, user: string): Promise<{ readonly socket: Tab; readonly stream: Tab }> {
  const [socket, stream] = await Promise.all([Tab.open(room, user, "socket"), Tab.open(room, user, "stream")]);
  return { socket, stream };
}

/** Asks for an upgrade and is gone so many milliseconds later, whether it was answered or not. */
async function crashWithin(waitMs: number, url: string, token: string): Promise<void> {
  const { port, pathname } = new URL(url);
  const socket = await new Promise<Socket>((resolve) => {
    const dialed = connect(Number(port), "127.0.0.1", () => resolve(dialed));
  });
  socket.on("error", () => undefined);
  const head = [
    `GET ${pathname} HTTP/1.1`,
    "Host: parley.test",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    `Sec-WebSocket-Protocol: parley.v1, bearer.${token}`,
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  await sleep(waitMs);
  socket.resetAndDestroy();
}

async function newToken(user: string): Promise<string> {
  const body = { user, rooms: { "*": ["read", "presence", "publish"] } };
  const options = { method: "POST", credential: tenant.key, body };
  return (await ask<{ token: string }>(`${server.url}/v1/tokens`, options)).token;
}

async function presentIn(room: string): Promise<PresentMember[]> {
  const address = `${server.url}/v1/rooms/${room}/presence?limit=200`;
  return (await ask<{ items: PresentMember[] }>(address, { credential: tenant.key })).items;
}

async function connectionsIn(room: string): Promise<number> {
  return (await presentIn(room)).reduce((sum, { connections }) => sum + connections, 0);
}

async function onlineIn(room: string): Promise<number> {
  return (await ask<{ online: number }>(`${server.url}/v1/rooms/${room}`, { credential: tenant.key })).online;
}
