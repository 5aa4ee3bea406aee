/** What applications, networks and other people do to a client, in the moment in which it fits least. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { type Client, type ClientOptions, createClient, type Room } from "../../src/client/client.ts";
import { MessageWindow } from "../../src/client/react/messageWindow.ts";
import { storeOf } from "../../src/client/react/roomStore.ts";
import { message, ScriptedRoom, ScriptedServer } from "./script.ts";

let server: ScriptedServer;
let room: ScriptedRoom;
let client: Client | null = null;

beforeEach(async () => {
  vi.spyOn(Math, "random").mockReturnValue(0);
  server = await new ScriptedServer().listen();
  room = new ScriptedRoom();
  server.onFrame = (line, frame) => room.answer(line, frame);
});
afterEach(async () => {
  client?.close();
  await server.close();
  vi.restoreAllMocks();
});

function connect(options: Partial<ClientOptions> = {}): Client {
  return (client = createClient({ url: server.url, getToken: () => "token", WebSocket, ...options }));
}

async function live<Data>(entered: Room<Data>): Promise<Room<Data>> {
  entered.subscribe(() => undefined);
  await until(() => entered.snapshot.status === "live");
  return entered;
}

const until = (condition: () => boolean): Promise<void> =>
  vi.waitUntil(condition, { timeout: 30_000, interval: 2 }).then(() => undefined);

const said = (type: string) => server.lines.flatMap(({ frames }) => frames.filter((frame) => frame.type === type));

/** Of somebody, as it is told to all. */
function tell(id: number, sender: string, more: object = {}): void {
  room.head = id;
  const told = { type: "message", message: message(id, { sender: { id: sender, name: null }, ...more }) };
  server.lines.at(-1)?.tell({ type: "changes", room: "general", from: id - 1, to: id, changes: [told] });
}

test("[C40] somebody else's nonce hides nothing of one's own, and one's own is there once", async () => {
  const general = await live(connect().room("general"));
  server.onFrame = () => undefined;
  const nonce = "the-same-for-two";
  const store = storeOf(general);
  general.publish({ text: "mine", nonce }).catch(() => undefined);
  void store.publish({ text: "by a hook", nonce: "the-hook's-own" });
  await until(() => said("publish").length === 2);
  tell(1, "bo", { nonce });
  tell(2, "bo", { nonce: "the-hook's-own" });
  await until(() => general.snapshot.messages.length === 2);
  expect(general.snapshot.outbox.map(({ text }) => text)).toEqual(["mine", "by a hook"]);
  expect(store.state.sending.map(({ text }) => text).sort()).toEqual(["by a hook", "mine"]);
  expect(new Set([...store.state.stored, ...store.state.sending].map(({ key }) => key)).size).toBe(4);
  tell(3, "ada", { nonce });
  tell(4, "ada", { nonce: "the-hook's-own" });
  await until(() => general.snapshot.messages.length === 4);
  expect([general.snapshot.outbox, store.state.sending]).toEqual([[], []]);
});

test("[C40] what is on its way keeps its time, and is the same value while it waits", async () => {
  const general = await live(connect().room("general"));
  server.onFrame = () => undefined;
  const store = storeOf(general);
  vi.spyOn(Date, "now").mockReturnValueOnce(1_000);
  general.publish({ text: "mine" }).catch(() => undefined);
  await until(() => said("publish").length === 1);
  const [before] = store.state.sending;
  const [pending] = general.snapshot.outbox;
  for (const id of [1, 2]) {
    tell(id, "bo");
    await until(() => general.snapshot.messages.length === id);
    expect(general.snapshot.outbox[0]).toBe(pending);
    expect(store.state.sending[0]).toBe(before);
  }
  expect(pending?.createdAt).toBe(before?.createdAt);
});

test("[C41] what a listener or a schema throws surfaces by itself, and harms no other and no connection", async () => {
  const others = process.listeners("uncaughtException");
  const surfaced: string[] = [];
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", ({ message: text }) => surfaced.push(text));
  try {
    const validate = (): never => {
      throw new Error("by the schema");
    };
    const data = { "~standard": { version: 1, vendor: "test", validate } } as const;
    const general = connect().room("general", { data });
    const [heard, shown]: [number[], number[]] = [[], []];
    general.on("message", () => {
      throw new Error("by a listener");
    });
    general.on("message", ({ id }) => heard.push(id));
    general.subscribe(({ messages }) => {
      if (messages.length > 0) throw new Error("by a subscriber");
    });
    general.subscribe(({ messages }) => shown.push(messages.length));
    await until(() => general.snapshot.status === "live");
    tell(1, "bo", { data: { at: 1 } });
    tell(2, "bo");
    await until(() => shown.at(-1) === 2 && surfaced.length >= 4);
    expect([heard, general.snapshot.messages.map((held) => held.data)]).toEqual([
      [1, 2],
      [null, null],
    ]);
    expect([...new Set(surfaced)].sort()).toEqual(
      ["by a listener", "by a schema", "by a subscriber"].map((text) => text.replace("a schema", "the schema")).sort(),
    );
    expect([server.lines.length, connectionOf(client)]).toEqual([1, "connected"]);
  } finally {
    process.removeAllListeners("uncaughtException");
    for (const listener of others) process.on("uncaughtException", listener);
  }
});

test("[C41] what is no JSON is refused to its author, and what was published is sent as it was then", async () => {
  const general = connect().room("general");
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  expect(() => general.presence.set(circle)).toThrow(TypeError);
  await expect(general.publish({ data: circle })).rejects.toThrow(TypeError);
  const list = { items: ["milk"] };
  server.onLine = (line) => server.lines.length === 1 && line.cut();
  general.subscribe(() => undefined);
  const ack = general.publish({ data: list });
  list.items.push("bread");
  await ack;
  expect([said("publish"), server.lines.length]).toMatchObject([[{ data: { items: ["milk"] } }], 2]);
});

test("[C41] what is published by who hears that another is being sent does not overtake it", async () => {
  const general = await live(connect().room("general"));
  const answers: Promise<unknown>[] = [];
  general.on("outbox", ({ state }) => {
    if (state === "sending" && answers.length < 3) answers.push(general.publish({ text: `${answers.length + 2}` }));
  });
  await general.publish({ text: "1" });
  await until(() => answers.length === 3);
  await Promise.all(answers);
  expect(room.stored.map(({ text }) => text)).toEqual(["1", "2", "3", "4"]);
});

test("[C42] who leaves a room does not try again what has failed, and what was rejected with it is not sent beside it", async () => {
  const one = connect();
  server.onLine = (line) => server.lines.length === 1 && line.close(4502, "token_revoked");
  const [a, b] = [one.room("a"), one.room("b")];
  const end = a.subscribe(() => undefined);
  b.subscribe(() => undefined);
  await expect(a.publish({ text: "too late" })).rejects.toMatchObject({ code: "token_revoked", mayBeStored: false });
  end();
  await sleep(20);
  expect([one.state.name, server.lines.length, server.calls]).toEqual(["failed", 1, []]);
  const rooms = new Map(["a", "b"].map((name) => [name, new ScriptedRoom()]));
  server.onFrame = (line, frame) => rooms.get(frame.room)?.answer(line, frame);
  a.subscribe(() => undefined);
  await until(() => a.snapshot.status === "live" && b.snapshot.status === "live");
});

test("[C42] what its page's server answers in place of a token is none, and is asked for again", async () => {
  const answers: unknown[] = [undefined, null, { error: "later" }, 7];
  const general = connect({ getToken: () => (answers.length > 0 ? answers.shift() : "token") as string }).room(
    "general",
  );
  await live(general);
  expect(server.lines.map(({ token }) => token)).toEqual(["token"]);
});

test("[C42] who leaves while the connection is made leaves nothing of it, and comes back at any moment", async () => {
  const tokens: ((token: string) => void)[] = [];
  const one = connect({ getToken: () => new Promise((resolve) => tokens.push(resolve)) });
  const general = one.room("general");
  // At once, before there is a token, and while the socket is opened.
  general.subscribe(() => undefined)();
  expect(one.state.name).toBe("idle");
  const second = general.subscribe(() => undefined);
  await until(() => tokens.length > 0);
  second();
  for (const give of tokens.splice(0)) give("token");
  const third = general.subscribe(() => undefined);
  await until(() => tokens.length > 0 || server.lines.length > 0);
  for (const give of tokens.splice(0)) give("token");
  third();
  const fourth = general.subscribe(() => undefined);
  const entered = (): boolean => {
    for (const give of tokens.splice(0)) give("token");
    return general.snapshot.status === "live";
  };
  await until(entered);
  fourth();
  general.subscribe(() => undefined);
  await until(() => entered() && server.open === 1);
  expect(server.openMax).toBeLessThanOrEqual(2);
});

test("[C43] after a gap the members are there again, and what has been read is said by the new history", async () => {
  let isRestored = false;
  server.onFrame = (line, frame) => {
    if (frame.type !== "join" || !isRestored) return room.answer(line, frame);
    const [welcome, changes] = room.welcome(frame.room, undefined);
    line.tell({ type: "ack", room: frame.room, ref: frame.ref });
    line.tell({ ...welcome, epoch: "anotherr", gap: { reason: "epoch" } });
    return line.tell({ ...changes });
  };
  const members = ["abcdefgh", "anotherr"].map((epoch, index) => ({
    items: [{ user: `member-${index}`, name: null, role: "member", seq: 1 }],
    cursor: `${epoch}:1`,
  }));
  server.onCall = (_, response) => response.end(JSON.stringify(members[isRestored ? 1 : 0]));
  const general = await live(connect().room("general"));
  await general.members();
  tell(1, "bo");
  tell(2, "bo");
  await until(() => general.snapshot.messages.length === 2);
  general.read();
  // Whatever was on its way is lost with the connection, and said again by the next.
  server.lines[0]?.cut();
  await until(() => said("read").some(({ type }) => type === "read") && general.snapshot.status === "live");
  expect(said("read").at(-1)).toMatchObject({ upTo: 2 });
  room = new ScriptedRoom();
  isRestored = true;
  server.lines.at(-1)?.cut();
  await until(() => general.snapshot.cursor === "anotherr:0");
  await until(() => general.snapshot.members.some(({ user }) => user === "member-1"));
  expect(general.snapshot.members.map(({ user }) => user)).toEqual(["member-1"]);
  tell(1, "bo");
  await until(() => general.snapshot.messages.length === 1);
  general.read();
  await until(() => said("read").at(-1)?.upTo === 1);
});

test("[C22] [C43] after another history its newest are in the list, also for who had asked for older ones", async () => {
  const general = await live(connect().room("general"));
  const window = new MessageWindow(storeOf(general), 2);
  const end = window.subscribe(() => undefined);
  const ids = (): (number | null)[] => window.get().messages.map(({ id }) => id);
  for (let id = 1; id <= 6; id++) tell(id, "bo");
  await until(() => ids().at(-1) === 6);
  await window.loadOlder();
  expect(ids()).toEqual([3, 4, 5, 6]);
  void storeOf(general).publish({ text: "still to be sent", nonce: "of-the-old-one" });
  server.onFrame = (line, frame) => {
    if (frame.type !== "join") return;
    const [welcome, changes] = room.welcome(frame.room, undefined);
    line.tell({ type: "ack", room: frame.room, ref: frame.ref });
    line.tell({ ...welcome, epoch: "anotherr", gap: { reason: "epoch" } }, { ...changes });
  };
  room = new ScriptedRoom();
  server.lines[0]?.cut();
  await until(() => general.snapshot.cursor === "anotherr:0" && general.snapshot.status === "live");
  expect([ids(), window.get().hasMore]).toEqual([[null], false]);
  for (const [index, shown] of [[1], [1, 2], [2, 3], [3, 4]].entries()) {
    tell(index + 1, "bo");
    await until(() => general.snapshot.messages.length === index + 1);
    expect([ids(), window.get().hasMore]).toEqual([[...shown, null], index > 1]);
  }
  await window.loadOlder();
  expect(ids()).toEqual([1, 2, 3, 4, null]);
  end();
});

test("[C43] a page of another history than is held is not asked for over and over", async () => {
  server.onFrame = (line, frame) => {
    if (frame.type !== "join") return room.answer(line, frame);
    const [welcome, changes] = room.welcome(frame.room, undefined);
    line.tell({ type: "ack", room: frame.room, ref: frame.ref }, { ...welcome, head: 9, start: 9 });
    return line.tell({ ...changes, to: 9, changes: [{ type: "message", message: message(9) }] });
  };
  server.onCall = (_, response) =>
    response.end(JSON.stringify({ messages: [message(8)], hasMore: true, cursor: "anotherr:8", start: 8 }));
  const general = await live(connect().room("general"));
  expect(await general.history()).toEqual({ messages: [], hasMore: true });
  expect([server.calls.length, general.snapshot.messages.map(({ id }) => id)]).toEqual([1, [9]]);
});

test("[C44] a stream that is given up ends with its reason, and holds nothing up", async () => {
  server.onCall = (_, response) => response.end('{"at":0}');
  const one = connect();
  const general = await live(one.room("general"));
  const giving = new AbortController();
  const stream = await general.stream({ signal: giving.signal });
  giving.abort(new Error("enough"));
  expect(() => stream.append("more")).toThrow("enough");
  await expect(stream.finish()).rejects.toThrow("enough");
  const another = await general.stream();
  one.close();
  expect(() => another.append("more")).toThrow(expect.objectContaining({ code: "closed" }));
  await expect(another.finish()).rejects.toMatchObject({ code: "closed" });
  expect([stream.signal.aborted, another.signal.aborted]).toEqual([true, true]);
});

function connectionOf(made: Client | null): string | undefined {
  return made?.state.name;
}
