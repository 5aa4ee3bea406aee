/** The client against a real server: killed, over both transports, and with everything that a room can do. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { type Client, type ClientOptions, createClient, type Room } from "../../src/client/client.ts";
import type { Message } from "../../src/protocol/message.ts";
import { ask, type LiveTenant, makeTenant, wholeHistory } from "../chaos/tenant.ts";
import { type Server, startServer } from "../support/process.ts";

const everything = ["read", "publish", "react", "edit:own", "delete:own", "presence", "stream", "upload"];

let server: Server;
let tenant: LiveTenant;
const clients: Client[] = [];

beforeAll(async () => {
  server = await startServer();
  tenant = await makeTenant(server, "acme");
});
afterAll(async () => {
  for (const client of clients) client.close();
  await server.remove();
});

function connect(user: string, options: Partial<ClientOptions> = {}): Client {
  const getToken = async (): Promise<string> => {
    const body = { user, rooms: { "*": everything } };
    const made = { method: "POST", credential: tenant.key, body };
    return (await ask<{ token: string }>(`${server.url}/v1/tokens`, made)).token;
  };
  const client = createClient({ url: server.url, getToken, WebSocket, ...options });
  clients.push(client);
  return client;
}

async function enter<Data>(room: Room<Data>): Promise<Room<Data>> {
  room.subscribe(() => undefined);
  await until(() => room.snapshot.status === "live");
  return room;
}

const until = (condition: () => boolean, timeout = 15_000): Promise<void> =>
  vi.waitUntil(condition, { timeout, interval: 10 }).then(() => undefined);

test("[C13] kill -9 while three clients publish: each is acked once, nothing is lost, nothing is there twice", async () => {
  const rooms = await Promise.all(["ada", "bo", "cy"].map((user) => enter(connect(user).room("killed"))));
  const heard = rooms.map(() => [] as number[]);
  rooms.forEach((room, index) => room.on("message", ({ id }) => heard[index]?.push(id)));
  const publishing = rooms.map(async (room, index) => {
    const acks = [];
    for (let count = 0; count < 100; count++) {
      acks.push(room.publish({ text: `${index}-${count}` }));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return (await Promise.all(acks)).map(({ id }) => id);
  });
  await until(() => (heard[0]?.length ?? 0) > 60);
  await server.kill();
  await server.start();
  const acked = await Promise.all(publishing);
  const history = await wholeHistory(tenant, "killed");
  expect(history.map(({ text }) => text).sort()).toEqual(
    rooms.flatMap((_, index) => Array.from({ length: 100 }, (__, count) => `${index}-${count}`)).sort(),
  );
  // In the order in which each of them was published, and where its ack said.
  acked.forEach((ids, index) => {
    const own = history.filter(({ sender }) => sender?.id === ["ada", "bo", "cy"][index]);
    expect(own.map(({ text }) => text)).toEqual(Array.from({ length: 100 }, (_, count) => `${index}-${count}`));
    expect(ids).toEqual(own.map(({ id }) => id));
  });
  for (const [index, room] of rooms.entries()) {
    await until(() => room.snapshot.messages.length === history.length);
    expect(room.snapshot.messages).toEqual(history);
    expect(heard[index]).toEqual(history.map(({ id }) => id));
  }
}, 90_000);

test("[C14] where no WebSocket gets through the same is read as events, and said over HTTP", async () => {
  const [ada, bo] = await Promise.all([
    enter(connect("ada").room("both")),
    enter(connect("bo", { transport: "sse" }).room("both")),
  ]);
  await bo.publish({ text: "by http" });
  await ada.publish({ text: "by socket" });
  await until(() => ada.snapshot.messages.length === 2 && bo.snapshot.messages.length === 2);
  expect(bo.snapshot.messages).toEqual(ada.snapshot.messages);
  // Another room on the same stream: it is opened anew, and goes on where it was.
  const client = clients.at(-1);
  const second = await enter(client?.room("another") ?? ada);
  await second.publish({ text: "there" });
  await ada.publish({ text: "third" });
  await until(() => bo.snapshot.messages.length === 3 && second.snapshot.messages.length === 1);
  expect(client?.state).toEqual({ name: "connected", transport: "sse" });
  await bo.edit(bo.snapshot.messages[0]?.id ?? 0, { text: "edited" });
  await until(() => ada.snapshot.messages[0]?.text === "edited");
});

test("[C14] where there is no WebSocket at all it is events from the first", async () => {
  const client = connect("ada", { WebSocket: "none" as never });
  await enter(client.room("without"));
  expect(client.state).toEqual({ name: "connected", transport: "sse" });
});

test("[C44] of rooms that are read as events, one that refuses fails alone, and is not asked for with the others again", async () => {
  const body = { user: "ada", rooms: { "open:*": everything } };
  const made = { method: "POST", credential: tenant.key, body };
  const { token } = await ask<{ token: string }>(`${server.url}/v1/tokens`, made);
  const asked: string[] = [];
  const client = connect("ada", {
    getToken: () => token,
    transport: "sse",
    fetch: (input, init) => {
      asked.push(decodeURIComponent(String(input)));
      return fetch(input, init);
    },
  });
  const closed = client.room("closed");
  closed.subscribe(() => undefined);
  const open = await enter(client.room("open:1"));
  await until(() => closed.snapshot.status === "failed");
  expect(closed.snapshot.error).toMatchObject({ code: "forbidden", status: 403 });
  await enter(client.room("open:2"));
  expect([open.snapshot.status, asked.at(-1)?.split("?")[1]?.split("&")[0]]).toEqual(["live", "rooms=open:1,open:2"]);
});

test("[C15] a room tells of who is here, who writes, who has read, and of every change", async () => {
  const [ada, bo] = await Promise.all([enter(connect("ada").room("life")), enter(connect("bo").room("life"))]);
  ada.presence.set({ at: "desk" });
  await until(() => bo.presence.members.some(({ state }) => JSON.stringify(state) === '{"at":"desk"}'));
  expect([bo.presence.count, bo.presence.members.map(({ user }) => user).sort()]).toEqual([2, ["ada", "bo"]]);
  ada.typing();
  await until(() => bo.snapshot.typing.includes("ada"));
  const { id } = await ada.publish({ text: "hello" });
  await until(() => bo.snapshot.messages.length === 1 && bo.snapshot.typing.length === 0);
  bo.read();
  await until(() => ada.snapshot.receipts["bo"] === id);
  await bo.react(id ?? 0, "👍");
  await until(() => ada.snapshot.messages[0]?.reactions["👍"]?.count === 1);
  await bo.unreact(id ?? 0, "👍");
  await expect(bo.edit(id ?? 0, { text: "not mine" })).rejects.toMatchObject({ code: "forbidden", status: 403 });
  await ada.delete(id ?? 0);
  await until(() => bo.snapshot.messages[0]?.deletedAt !== null);
  expect(await bo.members()).toEqual([]);
});

test("[C15] older pages join what is held, and a room is read as far back as it goes", async () => {
  const writer = connect("ada").room("long");
  await Promise.all(Array.from({ length: 60 }, (_, index) => writer.publish({ text: `${index}` })));
  const reader = await enter(connect("bo").room("long", { backlog: 10 }));
  expect([reader.snapshot.messages.length, reader.snapshot.hasMore]).toEqual([10, true]);
  await reader.history({ limit: 20 });
  expect(reader.snapshot.messages.length).toBe(30);
  const { hasMore } = await reader.history({ limit: 200 });
  expect([hasMore, reader.snapshot.messages.map(({ text }) => text)]).toEqual([
    false,
    Array.from({ length: 60 }, (_, index) => `${index}`),
  ]);
  const apart = await reader.history({ after: 1, limit: 2 });
  expect(apart.messages.map(({ id }) => id)).toEqual([2, 3]);
});

test("[C15] what was said is found again", async () => {
  const ada = connect("ada").room("found");
  const body = { settings: { search: true } };
  await ask(`${server.url}/v1/rooms/found`, { method: "PUT", credential: tenant.key, body });
  const { id } = await ada.publish({ text: "a needle in the hay" });
  await ada.publish({ text: "only hay" });
  const { items, complete } = await ada.search("needle", { order: "newest", limit: 5 });
  expect([complete, items.map(({ message, highlights }) => [message.id, highlights])]).toEqual([
    true,
    [[id, [[2, 6]]]],
  ]);
});

test("[C16] `data` has the type of the room's schema, on the way out and on the way in", async () => {
  const point = {
    "~standard": {
      version: 1 as const,
      vendor: "test",
      validate: (value: unknown) =>
        typeof value === "object" && value !== null && "x" in value && typeof value.x === "number"
          ? { value: { x: value.x } }
          : { issues: [{ message: "no point" }] },
    },
  };
  const ada = await enter(connect("ada").room("typed", { data: point }));
  const errors: string[] = [];
  ada.on("error", ({ code }) => errors.push(code));
  await ada.publish({ data: { x: 7 } });
  await expect(ada.publish({ data: { x: "seven" } as never })).rejects.toMatchObject({ code: "invalid_data" });
  await connect("bo")
    .room("typed")
    .publish({ data: { y: 1 } });
  await until(() => ada.snapshot.messages.length === 2);
  const xs: (number | undefined)[] = ada.snapshot.messages.map(({ data }) => data?.x);
  expect([xs, errors]).toEqual([[7, undefined], ["invalid_data"]]);
});

test("[C17] a message grows before everybody's eyes as its text is appended, and is stopped by who may", async () => {
  const [ada, bo] = await Promise.all([enter(connect("ada").room("stream")), enter(connect("bo").room("stream"))]);
  const stream = await ada.stream({ text: "Once" });
  const seen = new Set<string>();
  bo.subscribe(({ messages }) => seen.add(messages[0]?.text ?? ""));
  for (const word of [" upon", " a", " time", " 🌊"]) {
    stream.append(word);
    await until(() => bo.snapshot.messages[0]?.text?.endsWith(word) ?? false);
  }
  expect(bo.snapshot.messages[0]?.status).toBe("streaming");
  await stream.finish();
  await until(() => bo.snapshot.messages[0]?.status === "sent");
  expect([bo.snapshot.messages[0]?.text, seen.size > 3]).toEqual(["Once upon a time 🌊", true]);
  expect(() => stream.append("more")).toThrow("ended");

  const second = await ada.stream();
  second.append("never to be finished");
  await until(() => bo.snapshot.messages[1]?.text === "never to be finished");
  await ada.cancel(second.message.id ?? 0, { reason: "enough" });
  await until(() => second.signal.aborted);
  await until(() => bo.snapshot.messages[1]?.status === "cancelled");
  expect(() => second.append("more")).toThrow(expect.objectContaining({ code: "stream_cancelled" }));
});

test("[C17] a producer whose server is killed goes on from where the server stands", async () => {
  const ada = connect("ada").room("stream-killed");
  const stream = await ada.stream();
  const text = Array.from({ length: 300 }, (_, index) => `word ${index} `);
  for (const [index, word] of text.entries()) {
    stream.append(word);
    if (index === 150) {
      await server.kill();
      await server.start();
    }
  }
  await stream.finish();
  const history: Message[] = await wholeHistory(tenant, "stream-killed");
  expect(history.map((message) => [message.status, message.text])).toEqual([["sent", text.join("")]]);
}, 60_000);

test("[C18] a file is brought, whole or in parts, says how far it is, and is carried by a message", async () => {
  const ada = connect("ada").room("files");
  const progress: number[] = [];
  const onProgress = ({ sent }: { readonly sent: number }): number => progress.push(sent);
  const small = await ada.upload(new Blob(["hello"], { type: "text/plain" }), { name: "hello.txt", onProgress });
  expect([small.name, small.size, progress]).toEqual(["hello.txt", 5, [0, 5]]);
  const large = await ada.upload(new Blob([new Uint8Array(9_000_000)]), { name: "large.bin", onProgress });
  expect([large.size, progress.slice(2)]).toEqual([9_000_000, [0, 8_388_608, 8_388_608, 9_000_000]]);
  const { id } = await ada.publish({ text: "see", attachments: [small.id] });
  const { messages } = await ada.history({ around: id ?? 0 });
  expect(messages[0]?.attachments.map(({ name }) => name)).toEqual(["hello.txt"]);
  const given = AbortSignal.abort(new Error("never mind"));
  await expect(ada.upload(new Blob(["x"]), { signal: given })).rejects.toThrow("never mind");
});
