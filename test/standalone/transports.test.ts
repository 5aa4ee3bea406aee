/** One room read in every way at once: all must tell the same story. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { type Change, seqOf } from "../../src/protocol/changes.ts";
import type { Member, Message } from "../../src/protocol/message.ts";
import type { ServerFrame } from "../../src/protocol/serverFrames.ts";
import { Copy } from "../chaos/copy.ts";
import { Reader } from "../chaos/reader.ts";
import { ask, call, type LiveTenant, makeTenant, newToken, wholeHistory } from "../chaos/tenant.ts";
import { EventReader } from "../support/eventReader.ts";
import { type EventStream, openEventStream } from "../support/eventStream.ts";
import { type Server, startServer } from "../support/process.ts";

const changesMade = 300;
const room = "told";
/** Changes too, so that what comes from both is mixed. */
const besides = "besides";

type ChangesFrame = Pick<ServerFrame & { type: "changes" }, "from" | "to" | "changes" | "reset">;

interface ChangesAnswer extends ChangesFrame {
  readonly cursor: string;
  readonly hasMore: boolean;
}

let server: Server;
let tenant: LiveTenant;
let token: string;

beforeAll(async () => {
  server = await startServer();
  tenant = await makeTenant(server, "acme");
  token = await newToken(tenant, "reader");
});
afterAll(() => server.remove());

test("[E3] a socket, a stream, both connections of many rooms, long poll and history tell the same", async () => {
  const writer = await Writer.enter();
  for (const name of [room, besides]) await writer.publish(name, "the first");
  const recording = new Recording();
  const socket = new Reader({ tenant, room, token, copy: recording });
  const stream = new EventReader({ url: server.url, room, token });
  await Promise.all([socket.open(), stream.open()]);
  const manySocket = await ManyRoomsSocket.open();
  const manyStream = await ManyRoomsStream.open();
  const poll = new LongPoll();

  await writer.makeChanges(changesMade / 2);
  await Promise.all([manySocket.cutAndComeBack(() => writer.makeChanges(20)), manyStream.cutAndComeBack()]);
  await writer.makeChanges(changesMade / 2 - 20);

  const stories = {
    socket: recording.frames,
    stream: stream.changes,
    manySocket: manySocket.framesOf(room),
    manyStream: manyStream.framesOf(room),
    poll: poll.frames,
  };
  const head = await headOf(room);
  await expect
    .poll(() => Object.values(stories).map((frames) => frames.at(-1)?.to), { timeout: 20_000 })
    .toEqual(Object.values(stories).map(() => head));
  await poll.end();
  const rest = await changesSince("0");

  // Each frame begins where the one before it ended.
  for (const frames of [...Object.values(stories), rest])
    expect(frames.map(({ from }) => from)).toEqual([0, ...frames.map(({ to }) => to)].slice(0, -1));

  // Those that were never cut saw the same changes, every one of them, word for word.
  const live = changesOf(stories.socket);
  expect(live.map(seqOf)).toEqual(Array.from({ length: head }, (_, index) => index + 1));
  expect(changesOf(stories.stream)).toEqual(live);
  // The others saw some rows whole where these saw patches: no row of which these had not the same at that seq.
  const truth = new Rows(live);
  for (const [name, frames] of Object.entries({ ...stories, rest })) {
    const seqs = changesOf(frames).map(seqOf);
    expect([name, seqs]).toEqual([name, [...seqs].sort((one, other) => one - other)]);
    expect([name, changesOf(frames).filter((change) => !truth.had(change))]).toEqual([name, []]);
    expect([name, new Rows(changesOf(frames)).state]).toEqual([name, truth.state]);
  }
  expect(truth.messages).toEqual(await wholeHistory(tenant, room));
  expect(truth.members).toEqual(await membersOf());
  expect(truth.settings).toEqual(await settingsOf());

  // Otherwise it proved less than it says.
  expect(head).toBeGreaterThan(changesMade);
  expect(new Set(live.map(({ type }) => type))).toEqual(new Set(["message", "member", "room"]));
  expect(stories.poll.length).toBeGreaterThan(20);
  expect(truth.messages.some(({ deletedAt }) => deletedAt !== null)).toBe(true);

  // The other room's story is whole as well, on both connections that had it.
  const beside = await headOf(besides);
  for (const frames of [manySocket.framesOf(besides), manyStream.framesOf(besides)]) {
    await expect.poll(() => frames.at(-1)?.to).toBe(beside);
    expect(new Rows(changesOf(frames)).messages).toEqual(await wholeHistory(tenant, besides));
  }
  expect([stream.copy.faults, socket.copy.faults, manyStream.faults]).toEqual([[], [], []]);
  for (const each of [socket, stream, manySocket, manyStream, writer]) each.close();
});

// What they were told.

/** A copy that keeps the frames too. */
class Recording extends Copy {
  readonly frames: ChangesFrame[] = [];

  override take(frame: ServerFrame): void {
    super.take(frame);
    if (frame.type === "changes") this.frames.push(frame);
  }
}

/** The rows of a room by the reader's rule, and what each of them was after each of its changes. */
class Rows {
  readonly #now = new Map<string, object>();
  readonly #then = new Map<number, { readonly key: string; readonly patch: object; readonly whole: object }>();

  constructor(changes: readonly Change[]) {
    for (const change of changes) {
      const { key, row } = rowOf(change);
      const whole = { ...this.#now.get(key), ...row };
      this.#now.set(key, whole);
      this.#then.set(seqOf(change), { key, patch: row, whole });
    }
  }

  get state(): object {
    return Object.fromEntries([...this.#now].sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  get messages(): Message[] {
    const messages = [...this.#now].filter(([key]) => key.startsWith("message ")).map(([, row]) => row as Message);
    return messages.sort((one, other) => one.id - other.id);
  }

  get members(): Member[] {
    const members = [...this.#now].filter(([key]) => key.startsWith("member ")).map(([, row]) => row as Member);
    return members.sort((one, other) => (one.user < other.user ? -1 : 1));
  }

  get settings(): object | undefined {
    return this.#now.get("room");
  }

  /** Told as it was then: whole, or the same patch. */
  had(change: Change): boolean {
    const { key, row } = rowOf(change);
    const then = this.#then.get(seqOf(change));
    const same = (known: object): boolean => canonical(known) === canonical(row);
    return then !== undefined && then.key === key && (same(then.whole) || same(then.patch));
  }
}

function rowOf(change: Change): { readonly key: string; readonly row: object } {
  switch (change.type) {
    case "message":
      return { key: `message ${change.message.id}`, row: change.message };
    case "member":
      return { key: `member ${change.member.user}`, row: change.member };
    case "room":
      return { key: "room", row: change.room };
  }
}

/** JSON with sorted fields: a merged patch has them in another order. */
function canonical(row: object): string {
  return JSON.stringify(Object.fromEntries(Object.entries(row).sort(([one], [other]) => (one < other ? -1 : 1))));
}

function changesOf(frames: readonly ChangesFrame[]): Change[] {
  return frames.flatMap(({ changes }) => changes);
}

// Readers of many rooms, and one that asks again and again.

/** What came of each room, by the name that each frame carries. */
class Mailbox {
  readonly #frames = new Map<string, ChangesFrame[]>();
  readonly #epochs = new Map<string, string>();

  of(name: string): ChangesFrame[] {
    const frames = this.#frames.get(name) ?? [];
    this.#frames.set(name, frames);
    return frames;
  }

  /** Where to resume; undefined before anything came. */
  cursorOf(name: string): string | undefined {
    const last = this.of(name).at(-1);
    return last === undefined ? undefined : `${this.#epochs.get(name)}:${last.to}`;
  }

  take({ room: name = "", ...frame }: ServerFrame & { readonly room?: string }): void {
    if (frame.type === "welcome") this.#epochs.set(name, frame.epoch);
    if (frame.type === "changes") this.of(name).push(frame);
  }
}

class ManyRoomsSocket {
  readonly #mailbox = new Mailbox();
  #socket: WebSocket | undefined;

  static async open(): Promise<ManyRoomsSocket> {
    const many = new ManyRoomsSocket();
    await many.#open();
    return many;
  }

  framesOf(name: string): readonly ChangesFrame[] {
    return this.#mailbox.of(name);
  }

  /** Something happens while it is away. */
  async cutAndComeBack(meanwhile: () => Promise<void>): Promise<void> {
    this.#socket?.terminate();
    await meanwhile();
    await this.#open();
  }

  close(): void {
    this.#socket?.terminate();
  }

  async #open(): Promise<void> {
    const socket = new WebSocket(`${server.url.replace("http", "ws")}/v1/socket`, ["parley.v1", `bearer.${token}`]);
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const parsed: ServerFrame | ServerFrame[] = JSON.parse(String(data));
      for (const frame of Array.isArray(parsed) ? parsed : [parsed]) this.#mailbox.take(frame);
    });
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", reject);
    });
    for (const name of [room, besides])
      socket.send(JSON.stringify({ type: "join", room: name, cursor: this.#mailbox.cursorOf(name) }));
    await expect.poll(() => [room, besides].every((name) => this.framesOf(name).length > 0)).toBe(true);
  }
}

class ManyRoomsStream {
  readonly faults: string[] = [];
  readonly #mailbox = new Mailbox();
  #stream: EventStream | undefined;

  static async open(): Promise<ManyRoomsStream> {
    const many = new ManyRoomsStream();
    await many.#open();
    return many;
  }

  framesOf(name: string): readonly ChangesFrame[] {
    return this.#mailbox.of(name);
  }

  /** By the last id alone, as a browser does. */
  async cutAndComeBack(): Promise<void> {
    const lastEventId = this.#stream?.lastEventId;
    this.#stream?.cut();
    await sleep(200);
    await this.#open(lastEventId);
  }

  close(): void {
    this.#stream?.cut();
  }

  async #open(lastEventId?: string): Promise<void> {
    const headers = { Authorization: `Bearer ${token}` };
    const opened = await openEventStream(`${server.url}/v1/events?rooms=${room},${besides}`, { headers, lastEventId });
    if (!opened.ok) throw new Error(`the stream was refused: ${opened.status} ${opened.body}`);
    this.#stream = opened.stream;
    opened.stream.onEvent = ({ type, id, data }) => {
      this.#mailbox.take({ ...JSON.parse(data), type });
      const expected = [room, besides].map((name) => this.#mailbox.cursorOf(name) ?? "").join(",");
      if (id !== (type === "changes" ? expected : undefined)) this.faults.push(`${type} came with the id ${id}`);
    };
    await opened.stream.until(() => [room, besides].every((name) => this.framesOf(name).length > 0));
  }
}

class LongPoll {
  readonly frames: ChangesFrame[] = [];
  readonly #over = new AbortController();
  readonly #asking: Promise<void>;

  constructor() {
    this.#asking = this.#ask();
    this.#asking.catch(() => undefined);
  }

  async end(): Promise<void> {
    this.#over.abort();
    await this.#asking;
  }

  async #ask(): Promise<void> {
    for (let cursor = "0"; !this.#over.signal.aborted;) {
      const address = `${server.url}/v1/rooms/${room}/changes?after=${cursor}&wait=20`;
      const headers = { Authorization: `Bearer ${token}` };
      // The last one would wait for something that does not come.
      const answer = await fetch(address, { headers, signal: this.#over.signal }).catch(() => null);
      if (answer === null) return;
      if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
      const page: ChangesAnswer = await answer.json();
      this.frames.push(page);
      ({ cursor } = page);
    }
  }
}

async function changesSince(after: string): Promise<ChangesFrame[]> {
  const frames: ChangesFrame[] = [];
  for (let cursor = after, more = true; more;) {
    const address = `${server.url}/v1/rooms/${room}/changes?after=${cursor}`;
    const page = await ask<ChangesAnswer>(address, { credential: tenant.key });
    frames.push(page);
    ({ cursor, hasMore: more } = page);
  }
  return frames;
}

// What the room says of itself.

async function headOf(name: string): Promise<number> {
  return (await ask<{ head: number }>(`${server.url}/v1/rooms/${name}`, { credential: tenant.key })).head;
}

/** With those that were removed. */
async function membersOf(): Promise<Member[]> {
  const address = `${server.url}/v1/rooms/${room}/members?limit=200`;
  return (await ask<{ items: Member[] }>(address, { credential: tenant.key })).items;
}

async function settingsOf(): Promise<object> {
  const { settings, oldest } = await ask<{ settings: object; oldest: number }>(`${server.url}/v1/rooms/${room}`, {
    credential: tenant.key,
  });
  const [last] = (await changesSince("0")).flatMap(({ changes }) => changes.filter(({ type }) => type === "room"));
  return { ...settings, oldest, seq: last === undefined ? 0 : seqOf(last) };
}

/** Everything that can happen to a room, alone and many at once. */
class Writer {
  readonly #socket: Reader;
  #count = 0;

  static async enter(): Promise<Writer> {
    const socket = new Reader({ tenant, room, token: await newToken(tenant, "writer") });
    await socket.open();
    return new Writer(socket);
  }

  constructor(socket: Reader) {
    this.#socket = socket;
  }

  close(): void {
    this.#socket.close();
  }

  publish(name: string, text: string, replyTo: number | null = null): Promise<{ message: Message }> {
    return this.#http("POST", `${name}/messages`, { text, replyTo });
  }

  /** So many changes of the room, and some of the other one between them. */
  async makeChanges(count: number): Promise<void> {
    const enough = (await headOf(room)) + count;
    for (let head = 0; head < enough; head = await headOf(room)) {
      await this.#someAtOnce();
      await this.#someAlone();
    }
  }

  /** Ten frames in one text: they may be told in one frame too. */
  async #someAtOnce(): Promise<void> {
    const socket = this.#socket;
    const turn = ++this.#count;
    const frames = Array.from({ length: 6 }, (_, index) => ({
      type: "publish",
      ref: `p${turn}-${index}`,
      nonce: `batch-nonce-${turn}-${index}`,
      text: `${texts[(turn + index) % texts.length]} ${turn}`,
    }));
    socket.send(frames);
    await socket.until(() => frames.every(({ ref }) => socket.acks.has(ref)));
    const [first, second, third] = frames.map(({ ref }) => socket.acks.get(ref)?.id);
    socket.send([
      { type: "edit", ref: `e${turn}`, id: first, text: `edited\r\n\r\nid: 7\n${turn}` },
      { type: "react", ref: `r${turn}`, id: second, emoji: "👩🏽‍🚀" },
      { type: "delete", ref: `d${turn}`, id: third },
      { type: "react", ref: `s${turn}`, id: 1, emoji: `${turn % 10}` },
    ]);
    await socket.until(() => ["e", "r", "d", "s"].every((kind) => socket.acks.has(`${kind}${turn}`)));
  }

  async #someAlone(): Promise<void> {
    const turn = this.#count;
    const { message } = await this.publish(room, "of the tenant's server");
    await this.publish(room, "a reply", message.id);
    await this.#http("PUT", `${room}/members/user-${turn % 5}`, { role: turn % 2 === 0 ? "moderator" : "member" });
    await this.publish(besides, `beside ${turn}`);
    await this.#http("PATCH", room, { settings: { frozen: true } });
    await this.#http("PATCH", room, { settings: { frozen: false } });
    await this.#http("DELETE", `${room}/members/user-${turn % 5}`);
    await this.#http("PATCH", `${room}/messages/${message.id}`, {
      data: { type: "changes", turn, list: [null, "\u2028"] },
    });
  }

  async #http<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const options = { method, credential: tenant.key, user: "admin", body };
    const answer = await call(`${server.url}/v1/rooms/${path}`, options);
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (answer.status === 204 ? null : await answer.json()) as Answer;
  }
}

/** What a stream of lines could trip over. */
const texts = [
  "plain",
  "two\nlines",
  "two\r\nlines\r",
  "\n\ndata: {}\n\nevent: closing\nid: x:1",
  ': hb"}],"type":"changes","from":1,"to":9',
  '{"type":"pong"}',
  " leading and trailing ",
  "\u2028 \u2029 \u0085 \u0000 \uFEFF",
  "🌊 héllo 漢字",
];
