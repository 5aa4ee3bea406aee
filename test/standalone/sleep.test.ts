import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { fixedLimits } from "../../src/protocol/limits.ts";
import type { PresentMember, ServerFrame } from "../../src/protocol/serverFrames.ts";
import { Copy } from "../chaos/copy.ts";
import { Reader } from "../chaos/reader.ts";
import { ask, makeTenant, type LiveTenant, newToken } from "../chaos/tenant.ts";
import { EventReader } from "../support/eventReader.ts";
import { type Server, type ServerOptions, startServer } from "../support/process.ts";
import { Receiver } from "../support/receiver.ts";
import { shakeHands } from "../support/rawSocket.ts";
import { variantOf } from "../support/variant.ts";
import { Fifty, type Revoked } from "./revocation.ts";

/**
 * The last job that a room books is due 10 s after it was busy, and workerd puts an object to sleep after 10 s without an event.
 * It ends before the long poll that waits meanwhile, for as long as one may.
 */
const idleMs = 26_000;
const pingEveryMs = 2_000;
const streamUsers = 10;
/** Measured: 210, with what V8 has not yet given back after so many joins. */
const kilobytesPerStreamMax = 400;
const within = { timeout: 30_000, interval: 50 };

interface DrillOptions extends ServerOptions {
  readonly streams?: number;
}

interface Woken {
  /** Marks that each of the three sockets had got before the nap, and after it. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly pongs: number;
  readonly readers: readonly Reader[];
  readonly streams: readonly EventReader[];
  readonly many: ManyRooms;
  readonly kilobytesPerStream: number;
  /** When the long poll was answered, and with what: not before something came. */
  readonly poll: { readonly answeredAsleep: boolean; readonly texts: readonly (string | null)[] };
  /** Whom the room knew to be here when it woke. */
  readonly present: readonly PresentMember[];
  /** What a third socket in another room was answered while the first room slept, and only two more are allowed. */
  readonly beyond: number;
}

const folders: string[] = [];
const receiver = new Receiver();
const servers: Server[] = [];
let healthy: Woken;
let withTimer: Woken;
let withWork: Woken;
let withOpenResponse: Woken;
let withFold: Woken;
let revoked: Revoked;

beforeAll(async () => {
  await receiver.start();
  const drill = async ({ streams = 3, ...options }: DrillOptions): Promise<Woken> => {
    // Three sockets, one of many rooms, a long poll, and two more.
    const env = { MAX_CONNECTIONS: `${streams + 7}`, PRIVATE_ENDPOINTS: "allow" };
    const server = await startServer({ ...options, env });
    // Others start while this one makes its tenant.
    const number = servers.push(server);
    const tenant = await makeTenant(server, "acme");
    // Of everything that happens in its rooms.
    const body = { url: receiver.url(`server-${number}`), events: ["*"] };
    await ask(`${tenant.url}/v1/webhooks`, { method: "POST", credential: tenant.key, body });
    return napAndWake(server, tenant, streams);
  };
  // It builds the bundle if need be, of which the others are copies.
  const first = drill({ streams: 1_000 });
  while (servers.length === 0) await Promise.race([sleep(50), first]);
  const unanswered = "Object.getPrototypeOf(this).readPositions = () => new Promise(() => undefined);";
  const foldingOn = `const { presence } = this.#parts; const fold = presence.fold.bind(presence); let folding;
    presence.fold = (...words) => { clearTimeout(folding); folding = setTimeout(() => presence.fold(...words), 200); return fold(...words); };`;
  // While the others have their nap, before they wake.
  const revoking = openFifty().then((fifty) => fifty.revoke());
  [healthy, withTimer, withWork, withOpenResponse, withFold] = await Promise.all([
    first,
    drill({ project: variantWith("setInterval(() => undefined, 1_000);") }),
    drill({ project: variantWith("ctx.waitUntil(new Promise(() => undefined));") }),
    drill({ project: variantWith(unanswered) }),
    drill({ project: variantWith(`{ ${foldingOn} }`) }),
  ]);
  revoked = await revoking;
});

async function openFifty(): Promise<Fifty> {
  const server = await startServer();
  servers.push(server);
  return Fifty.open(await makeTenant(server, "acme"));
}

afterAll(async () => {
  receiver.stop();
  for (const server of servers) await server.remove();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

test("[O3] [O2] [N10] after every kind of traffic an idle room hibernates, and tells its sockets the head when it wakes", async () => {
  expect(healthy.before).toEqual([0, 0, 0]);
  expect(healthy.after).toEqual([1, 1, 1]);
});

test("[N10] what happened in it, and who came and went, has been told meanwhile", () => {
  const types = new Set(receiver.eventsAt("server-1").map(({ type }) => type));
  for (const type of ["message.created", "message.updated", "reaction.added", "member.updated", "presence.left"])
    expect(types).toContain(type);
});

test("[O3] keep-alives are answered all the while and do not keep the room awake", () => {
  expect(healthy.pongs).toBeGreaterThanOrEqual(Math.floor(idleMs / pingEveryMs) - 1);
});

test("[E9] [O2] it sleeps while 1,000 event streams and a connection of many rooms are open, and all are told the head", () => {
  expect(healthy.streams.map(({ endedBy, copy }) => [endedBy, copy.marks])).toEqual(
    Array.from({ length: 1_000 }, () => [null, 1]),
  );
  expect(healthy.many.copyOf("general").marks).toBe(1);
  expect(healthy.kilobytesPerStream).toBeLessThan(kilobytesPerStreamMax);
});

test("[O1] [O3] [E9] the sockets and streams outlive the sleep, and what is published then comes next", async () => {
  const [ada] = healthy.readers;
  const head = ada?.copy.seq ?? 0;
  const copies = [...healthy.readers, ...healthy.streams].map(({ copy }) => copy);
  for (const copy of [...copies, healthy.many.copyOf("general")]) {
    await ada?.until(() => copy.seq === head);
    expect(copy.messages.get(head)).toMatchObject({ text: "awake" });
    expect(copy.faults).toEqual([]);
  }
});

test("[E6] [E9] a long poll waits while the room sleeps, and is answered with what comes next", () => {
  expect(healthy.poll).toEqual({ answeredAsleep: false, texts: ["awake"] });
});

test("[L2] [L4] [E9] who is here is known after the sleep, with their states and without those who left before", () => {
  const states = Object.fromEntries(healthy.present.map(({ user, state }) => [user, state]));
  const nothing = ["ada", "cy", "many", ...Array.from({ length: streamUsers }, (_, index) => `stream-${index}`)];
  expect(states).toEqual({ ...Object.fromEntries(nothing.map((user) => [user, {}])), bo: { mood: "calm" } });
});

test("[A21] 100 sockets and 100 streams of a revoked user in 50 rooms, half of them asleep, close within a second with the reason", () => {
  const { closedMs, sockets, streams, others, woken } = revoked;
  expect(sockets).toEqual(Array.from({ length: 100 }, () => 4502));
  const closing = { code: 4502, reason: expect.stringContaining("left the company"), reconnect: "never" };
  expect(streams).toEqual(Array.from({ length: 100 }, () => expect.objectContaining(closing)));
  expect(others).toEqual(Array.from({ length: 50 }, () => null));
  expect(woken).toBe(25);
  // By being told, not by the repetition 6 s later. How much less it is, `npm run bench -- --loads=revocation` measures.
  expect(closedMs).toBeLessThan(5_000);
});

test("[A22] from then on none of the user's messages is stored in these rooms, and after five seconds in none at all", () => {
  const { inRooms, anywhere, upgrades, stored } = revoked;
  expect(inRooms).toEqual(Array.from({ length: 50 }, () => 401));
  expect([...anywhere, ...upgrades]).toEqual(Array.from({ length: 7 }, () => 401));
  expect(stored[0]).toBe(stored[1]);
});

test("[S4] a sleeping room's sockets count among MAX_CONNECTIONS", () => {
  expect(healthy.beyond).toBe(503);
});

test("[O3] [E9] the guard fails on a room that leaves a timer behind, work without end, a response open, or that folds on", () => {
  const guarded = { timer: withTimer, work: withWork, response: withOpenResponse, fold: withFold };
  const awake = [0, 0, 0, 0, 0];
  for (const [name, { after, streams, many }] of Object.entries(guarded)) {
    const [stream] = streams;
    expect([name, ...after, stream?.copy.marks, many.copyOf("general").marks]).toEqual([name, ...awake]);
  }
});

async function napAndWake(server: Server, tenant: LiveTenant, streamCount: number): Promise<Woken> {
  const sinceMs = Date.now();
  const readers = await makeBusy(tenant);
  const [ada, bo] = readers;
  if (ada === undefined || bo === undefined) throw new Error("unreachable");
  const megabytesBefore = server.runtimeMegabytes;
  const streams = await openStreams(tenant, streamCount);
  const kilobytesPerStream = ((server.runtimeMegabytes - megabytesBefore) * 1_024) / streamCount;
  const many = await ManyRooms.open(tenant);
  // Those who went are gone when their grace is over, and the job for it is done.
  const { left } = ada.copy as Guest;
  await ada.until(() => left.has("di") && left.has("ed"), fixedLimits.presenceGraceMs + 10_000);
  const online = await onlineIn(tenant);
  const poll = new Poll(tenant, await newToken(tenant, "zoe"), ada.copy.cursor ?? "");
  await vi.waitUntil(async () => (await onlineIn(tenant)) > online, within);
  const before = readers.map(({ copy }) => copy.marks);
  // Answered at once by a healthy room, and never by the one that leaves it open: it must outlast the nap.
  const asked = new AbortController();
  const headers = { Authorization: `Bearer ${tenant.key}`, "Parley-User": "ada" };
  const answer = fetch(`${tenant.url}/v1/rooms/general/read`, { headers, signal: asked.signal }).catch(() => undefined);
  const pinging = setInterval(() => bo.send('{"type":"ping"}'), pingEveryMs);
  await sleep(idleMs);
  clearInterval(pinging);
  const answeredAsleep = poll.isAnswered;
  const beyond = await fillUp(tenant);
  const pages = ada.received("page");
  ada.send({ type: "history", ref: "woken", limit: 1 });
  await ada.until(() => ada.received("page") > pages);
  // A mark leaves right after the event that woke the room.
  await sleep(1_000);
  if (Date.now() - sinceMs > fixedLimits.silentMs)
    throw new Error("too slow: the room swept its sockets during the nap");
  asked.abort();
  await answer;
  const present = await presentIn(tenant);
  ada.send({ type: "publish", ref: "awake", nonce: "nonce-awake", text: "awake" });
  const texts = await poll.texts;
  return {
    before,
    after: readers.map(({ copy }) => copy.marks),
    pongs: bo.received("pong"),
    readers,
    streams,
    many,
    kilobytesPerStream,
    poll: { answeredAsleep, texts },
    present,
    beyond,
  };
}

/** Three sockets that stay, and a burst of everything that a room takes. */
async function makeBusy(tenant: LiveTenant): Promise<Reader[]> {
  const enter = async (user: string): Promise<Reader> => {
    const token = await newPresentToken(tenant, user);
    const reader = new Reader({ tenant, room: "general", token, copy: new Guest() });
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
  for (const [index, reader] of readers.entries()) {
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
      { type: "typing", active: true },
      { type: "presence.set", state: { mood: "wild" } },
      { type: "presence.set", ref: "s", state: reader === readers[1] ? { mood: "calm" } : {} },
      { type: "presence.get", ref: "g" },
      { type: "token", ref: "k", token: await newPresentToken(tenant, ["ada", "bo", "cy"][index] ?? "") },
    ]);
    await reader.until(() => reader.acks.has("d") && reader.acks.has("s") && reader.errors.length > 0);
    await reader.until(() => reader.received("token") > 0);
  }
  await http("POST", "/messages", { text: "over HTTP" });
  await http("GET", "/messages?limit=5");
  await http("GET", "/changes?after=0");
  await http("GET", "");
  await http("GET", "/presence");
  await http("PATCH", "", { settings: { frozen: false } });
  await http("PUT", "/members/cy", { role: "moderator" });
  const [leaver, crasher] = [await enter("di"), await enter("ed")];
  leaver.close();
  crasher.cut();
  await leaver.until(() => leaver.closedWith !== null);
  // All have all, so nothing is on its way.
  const { head } = await ask<{ head: number }>(path, { credential: tenant.key });
  for (const reader of readers) await reader.until(() => reader.copy.seq === head);
  return readers;
}

/** Two more sockets in another room, and a third: all other places are held by the room that sleeps. */
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

/** A copy that also hears who left. */
class Guest extends Copy {
  readonly left = new Set<string>();

  override take(frame: ServerFrame): void {
    super.take(frame);
    if (frame.type === "presence") for (const user of frame.left) this.left.add(user);
  }
}

/** A connection of many rooms, of which this one and another are joined. */
class ManyRooms {
  readonly #copies = new Map<string, Copy>();
  #isRenewed = false;

  static async open(tenant: LiveTenant): Promise<ManyRooms> {
    const many = new ManyRooms();
    const subprotocols = ["parley.v1", `bearer.${await newPresentToken(tenant, "many")}`];
    const socket = new WebSocket(`${tenant.url.replace("http", "ws")}/v1/socket`, subprotocols);
    socket.addEventListener("message", ({ data }) => {
      const parsed: (ServerFrame & { room: string }) | (ServerFrame & { room: string })[] = JSON.parse(String(data));
      for (const frame of Array.isArray(parsed) ? parsed : [parsed]) {
        if (frame.type === "token") many.#isRenewed = true;
        else many.copyOf(frame.room).take(frame);
      }
    });
    // Its end comes with the server's.
    socket.addEventListener("error", () => undefined);
    socket.addEventListener("open", () => {
      for (const room of ["general", "lobby"]) socket.send(JSON.stringify({ type: "join", room }));
    });
    await vi.waitUntil(() => ["general", "lobby"].every((room) => many.copyOf(room).cursor !== null), within);
    socket.send(JSON.stringify({ type: "token", token: await newPresentToken(tenant, "many") }));
    await vi.waitUntil(() => many.#isRenewed, within);
    return many;
  }

  copyOf(room: string): Copy {
    const copy = this.#copies.get(room) ?? new Copy();
    this.#copies.set(room, copy);
    return copy;
  }
}

/** One request that waits for what comes after a cursor. */
class Poll {
  /** Of the messages that came. */
  readonly texts: Promise<(string | null)[]>;
  isAnswered = false;

  constructor(tenant: LiveTenant, token: string, cursor: string) {
    const address = `${tenant.url}/v1/rooms/general/changes?after=${cursor}&wait=${fixedLimits.waitSecondsMax}`;
    this.texts = this.#ask(address, token);
    this.texts.catch(() => undefined);
  }

  async #ask(address: string, token: string): Promise<(string | null)[]> {
    const answer = await fetch(address, { headers: { Authorization: `Bearer ${token}` } });
    this.isAnswered = true;
    const { changes } = await answer.json<{ changes: { message: { text: string | null } }[] }>();
    return changes.map(({ message }) => message.text);
  }
}

async function openStreams(tenant: LiveTenant, count: number): Promise<EventReader[]> {
  const tokens = await Promise.all(
    Array.from({ length: streamUsers }, (_, index) => newPresentToken(tenant, `stream-${index}`)),
  );
  const streams = Array.from(
    { length: count },
    (_, index) => new EventReader({ url: tenant.url, room: "general", token: tokens[index % streamUsers] ?? "" }),
  );
  for (let next = 0; next < count; next += 50)
    await Promise.all(streams.slice(next, next + 50).map((stream) => stream.open()));
  return streams;
}

/** Of whom the others are told. */
async function newPresentToken(tenant: LiveTenant, user: string): Promise<string> {
  const rooms = { "*": ["read", "publish", "react", "edit:own", "delete:own", "presence"] };
  const options = { method: "POST", credential: tenant.key, body: { user, rooms } };
  return (await ask<{ token: string }>(`${tenant.url}/v1/tokens`, options)).token;
}

async function onlineIn({ url, key }: LiveTenant): Promise<number> {
  return (await ask<{ online: number }>(`${url}/v1/rooms/general`, { credential: key })).online;
}

async function presentIn(tenant: LiveTenant): Promise<PresentMember[]> {
  const address = `${tenant.url}/v1/rooms/general/presence?limit=200`;
  return (await ask<{ items: PresentMember[] }>(address, { credential: tenant.key })).items;
}

/** A copy of the project whose room does this in its constructor. */
function variantWith(statement: string): string {
  const anchor = "ctx.setWebSocketAutoResponse(";
  const folder = variantOf(anchor, `${statement} ${anchor}`);
  folders.push(folder);
  return folder;
}
