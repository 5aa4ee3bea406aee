import { evictDurableObject } from "cloudflare:test";
import { beforeEach, expect, test } from "vitest";
import type { Message } from "../../src/protocol/message.ts";
import type { ServerFrame } from "../../src/protocol/serverFrames.ts";
import { everything, ordinary, type TestTenant } from "../support/api.ts";
import { ManySocket } from "../support/manySocket.ts";
import { roomObject } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import type { TestSocket } from "../support/socket.ts";
import { refused } from "./answers.ts";
import { call, connect, newTenant, newToken } from "./edge.ts";
import { openEvents, textsOf } from "./events.ts";
import { textsTold } from "./many.ts";

const room = "/v1/rooms/general";
let tenant: TestTenant;
/** `ada` is shadow-banned once she has said "before" (1), `bo` is an ordinary user, `mo` may moderate. */
let ada: string;
let bo: string;
let mo: string;
let sent = 0;

const ban = (body: object = { shadow: true }) =>
  call(`${room}/bans/ada`, { method: "PUT", credential: tenant.key, body });

beforeEach(async () => {
  tenant = await newTenant(roomy);
  [ada, bo, mo] = await Promise.all([
    newToken(tenant, "ada", { "*": [...ordinary, "presence"] }),
    newToken(tenant, "bo", { "*": [...ordinary, "presence"] }),
    newToken(tenant, "mo", { "*": [...everything] }),
  ]);
  await publish(ada, { text: "before" });
  expect((await ban()).status).toBe(204);
});

async function publish(credential: string, body: object): Promise<Message> {
  const made = await call(`${room}/messages`, { method: "POST", credential, body });
  const text = await made.text();
  expect(`${made.status} ${text}`).toMatch(/^201/);
  return JSON.parse(text).message;
}

async function ask(socket: TestSocket, frame: object): Promise<ServerFrame> {
  const ref = `r${++sent}`;
  socket.send({ ...frame, ref });
  return socket.answer(ref);
}

const say = (text: string, more: object = {}): object => ({
  type: "publish",
  nonce: `nonce-of-${++sent}`,
  text,
  ...more,
});
const get = async <T>(path: string, credential: string): Promise<T> =>
  (await call(`${room}${path}`, { credential })).json<T>();
const told = (socket: TestSocket): unknown[] =>
  socket.of("changes").flatMap(({ changes }) => changes.map((change) => "message" in change && change.message.text));
const isWhole = (socket: TestSocket): void =>
  socket.of("changes").forEach(({ from }, index, all) => {
    if (index > 0) expect(from).toBe(all[index - 1]?.to);
  });

/** What a socket is told on joining, once all of it has arrived. */
async function greeted(options: { token: string; cursor?: string }): Promise<unknown[]> {
  const socket = await connect("general", options);
  await socket.until(() => (socket.of("changes").at(-1)?.to ?? -1) >= socket.welcome.head);
  expect(socket.welcome.resumed).toBe((options.cursor ?? "0") !== "0");
  return told(socket);
}

async function fence(...sockets: TestSocket[]): Promise<void> {
  const { id } = await publish(bo, { text: "fence" });
  for (const socket of sockets) await socket.until(() => (socket.of("changes").at(-1)?.to ?? 0) >= id);
}

test("[G7] what a shadow-banned user says is acked, and told to the user's own connections and to moderators alone", async () => {
  const phone = await connect("general", { token: ada });
  const laptop = await connect("general", { token: ada });
  const reader = await connect("general", { token: bo });
  const moderator = await connect("general", { token: mo });
  const server = await connect("general", { token: tenant.key });
  const [stream, own] = await Promise.all([bo, ada].map((credential) => openEvents(`${room}/events`, { credential })));
  const response = await call("/v1/socket", { credential: bo, headers: { Upgrade: "websocket" } });
  if (response.webSocket === null) throw new Error("not upgraded");
  const several = new ManySocket(response.webSocket);
  await several.join("general");

  expect(await ask(phone, say("hidden"))).toMatchObject({ type: "ack", id: 2, seq: 2 });
  await evictDurableObject(roomObject(tenant, "general"));
  expect(await publish(ada, { text: "hidden too" })).toMatchObject({ id: 3, text: "hidden too" });
  await fence(phone, laptop, reader, moderator, server);
  const all = ["before", "hidden", "hidden too", "fence"];
  for (const socket of [phone, laptop, moderator, server]) expect(told(socket)).toEqual(all);
  expect(told(reader)).toEqual(["before", "fence"]);
  for (const socket of [phone, laptop, reader, moderator, server]) isWhole(socket);
  await stream?.until(() => textsOf(stream).includes("fence"));
  await own?.until(() => textsOf(own).includes("fence"));
  await several.until(() => textsTold(several.in("general")).includes("fence"));
  expect(stream && textsOf(stream)).toEqual(["before", "fence"]);
  expect(own && textsOf(own)).toEqual(all);
  expect(textsTold(several.in("general"))).toEqual(["before", "fence"]);
  // Nothing of it in what a stranger is sent, also not its place.
  expect(reader.of("changes").at(-1)).toMatchObject({ to: 4 });
  expect(`${JSON.stringify(reader.frames)}${stream?.text}`).not.toContain("hidden");
  several.close();
  await stream?.cancel();
  await own?.cancel();
});

test("[G7] every way of reading hides it from others and shows it to its author and to moderators", async () => {
  await publish(ada, { text: "hidden" });
  await publish(bo, { text: "open" });
  await publish(ada, { text: "hidden too", replyTo: 1 });
  await evictDurableObject(roomObject(tenant, "general"));
  const texts = (messages: readonly Message[]) => messages.map(({ text }) => text);
  for (const [credential, expected] of [
    [bo, ["before", "open"]],
    [ada, ["before", "hidden", "open", "hidden too"]],
    [mo, ["before", "hidden", "open", "hidden too"]],
    [tenant.key, ["before", "hidden", "open", "hidden too"]],
  ] as const) {
    const page = async (query: string) =>
      texts((await get<{ messages: Message[] }>(`/messages${query}`, credential)).messages);
    expect(await page("")).toEqual(expected);
    expect(await page("?after=0")).toEqual(expected);
    expect(await page("?around=2&limit=10")).toEqual(expected);
    expect(await page("?replyTo=1")).toEqual(expected.filter((text) => text === "hidden too"));
    type Changes = { changes: { message: Message }[]; to: number };
    const changes = async (query: string) => {
      const found = await get<Changes>(`/changes${query}`, credential);
      expect(found.to).toBe(5);
      return found.changes.map(({ message }) => message.text);
    };
    // Its parent has changed for those who see the reply, and for nobody else.
    const bySeq = credential === bo ? expected : [...expected.slice(1), "before"];
    expect(await changes("")).toEqual(bySeq);
    expect(await changes("?after=0")).toEqual(bySeq);
    const { epoch } = await get<{ epoch: string }>("", credential);
    const since = credential === bo ? expected.slice(1) : bySeq;
    expect(await changes(`?after=${epoch}:1`)).toEqual(since);
    expect(await greeted({ token: credential })).toEqual(bySeq);
    expect(await greeted({ token: credential, cursor: "0" })).toEqual(bySeq);
    expect(await greeted({ token: credential, cursor: `${epoch}:1` })).toEqual(since);
    const history = await connect("general", { token: credential, backlog: 0 });
    const answer = await ask(history, { type: "history" });
    expect(answer.type === "page" && texts(answer.messages)).toEqual(expected);
    for (const path of ["/messages/2", "/messages/2/reactions"])
      expect((await call(`${room}${path}`, { credential })).status).toBe(credential === bo ? 404 : 200);
    // A count that moved would tell, and so would a change in which nothing has changed.
    expect((await get<{ message: Message }>("/messages/1", credential)).message).toMatchObject(
      credential === bo ? { replies: 0, seq: 1 } : { replies: 1, seq: 5 },
    );
  }
  expect(await get("", bo)).toMatchObject({ unread: 1, head: 5 });
  expect(await get("", mo)).toMatchObject({ unread: 4 });
  expect(await (await call("/v1/unread?rooms=general", { credential: bo })).json()).toMatchObject({
    rooms: { general: { unread: 1 } },
  });
});

test("[G7] changes of what is hidden are hidden too, and what others cannot see they cannot answer or change", async () => {
  const author = await connect("general", { token: ada });
  const reader = await connect("general", { token: bo });
  const moderator = await connect("general", { token: mo });
  await ask(author, say("hidden"));
  await ask(author, { type: "edit", id: 2, text: "edited" });
  await ask(author, { type: "react", id: 2, emoji: "x" });
  await ask(moderator, say("seen", { replyTo: 2 }));
  for (const frame of [
    say("answer", { replyTo: 2 }),
    { type: "edit", id: 2, text: "mine" },
    { type: "delete", id: 2 },
    { type: "react", id: 2, emoji: "y" },
  ])
    expect(await ask(reader, frame)).toMatchObject({ code: "not_found" });
  await ask(author, { type: "delete", id: 2 });
  await fence(author, reader, moderator);
  const changed = (socket: TestSocket) =>
    socket.of("changes").flatMap(({ changes }) => changes.map((change) => "message" in change && change.message.id));
  expect(changed(author)).toEqual([1, 2, 2, 2, 5, 2, 2, 8]);
  expect(changed(moderator)).toEqual([1, 2, 2, 2, 5, 2, 2, 8]);
  expect(changed(reader)).toEqual([1, 5, 8]);
  expect(told(author)).toEqual(["before", "hidden", "edited", undefined, "seen", undefined, null, "fence"]);
  for (const socket of [author, reader, moderator]) isWhole(socket);
  const { epoch } = await get<{ epoch: string }>("", bo);
  expect(await greeted({ token: bo, cursor: `${epoch}:1` })).toEqual(["seen", "fence"]);
  expect(await greeted({ token: ada, cursor: `${epoch}:1` })).toEqual(["seen", null, "fence"]);
});

test("[G7] what a shadow-banned user does to others' messages, and typing and states, is acked and goes nowhere", async () => {
  await publish(bo, { text: "open" });
  const author = await connect("general", { token: ada, presence: "full" });
  const reader = await connect("general", { token: bo, presence: "full" });
  for (const frame of [
    { type: "react", id: 2, emoji: "x" },
    { type: "react", id: 1, emoji: "x" },
    { type: "edit", id: 1, text: "heard?" },
  ]) {
    const answer = await ask(author, frame);
    expect(answer).toMatchObject({ type: "ack", id: frame.id });
    expect(answer).not.toHaveProperty("duplicate");
  }
  expect(await ask(author, { type: "typing", active: true })).toMatchObject({ type: "ack" });
  expect(await ask(author, { type: "presence.set", state: { says: "heard?" } })).toMatchObject({ type: "ack" });
  const put = await call(`${room}/messages/2/reactions/x`, { method: "PUT", credential: ada });
  expect(put.status).toBe(200);
  await fence(reader);
  expect(await get("/messages/1", mo)).toMatchObject({ message: { text: "before", version: 1, reactions: {} } });
  expect(await get("/messages/2", mo)).toMatchObject({ message: { reactions: {} } });
  expect(reader.of("typing")).toEqual([]);
  expect(JSON.stringify(reader.frames)).not.toContain("heard?");
  // To take back what one has said is no way of being heard.
  expect(await ask(author, { type: "delete", id: 1 })).toMatchObject({ type: "ack" });
  expect(await get("/messages/1", bo)).toMatchObject({ message: { text: null } });
});

test("[G7] when the ban ends the user is heard again, and what was hidden stays so", async () => {
  await publish(ada, { text: "hidden" });
  expect((await call(`${room}/bans/ada`, { method: "DELETE", credential: tenant.key })).status).toBe(204);
  await publish(ada, { text: "heard" });
  const author = await connect("general", { token: ada });
  await ask(author, { type: "edit", id: 2, text: "still hidden" });
  expect(await ask(author, { type: "react", id: 1, emoji: "x" })).toMatchObject({ type: "ack" });
  expect(await greeted({ token: bo })).toEqual(["heard", "before"]);
  expect(await greeted({ token: ada })).toEqual(["heard", "still hidden", "before"]);
  expect(await get("/messages/1", bo)).toMatchObject({ message: { reactions: { x: { count: 1 } } } });
  await ban({ shadow: true, until: Date.now() + 200 });
  await publish(ada, { text: "hidden again" });
  await new Promise((resolve) => setTimeout(resolve, 210));
  await publish(ada, { text: "and heard" });
  expect(await greeted({ token: bo })).toEqual(["heard", "before", "and heard"]);
});

test("[G7] a nonce stays known, a plain ban takes the place of a shadow ban, and nobody who was told lifts his own", async () => {
  const nonce = "nonce-once-1";
  const first = await publish(ada, { nonce, text: "hidden" });
  const again = await call(`${room}/messages`, { method: "POST", credential: ada, body: { nonce, text: "hidden" } });
  expect([again.status, await again.json()]).toMatchObject([200, { message: first }]);
  const phone = await connect("general", { token: ada });
  expect((await ban({ reason: "enough" })).status).toBe(204);
  await phone.until(({ closed }) => closed !== null);
  expect(phone.of("closing")).toMatchObject([{ code: 4503, reason: "The user is banned from this room: enough" }]);
  await refused(await call(`${room}/messages`, { credential: ada }), 403, "banned");
});

test("[G7] an erasure leaves nothing of what was hidden with anybody", async () => {
  await publish(ada, { text: "hidden" });
  const { cursor } = await get<{ cursor: string }>("", ada);
  const author = await connect("general", { token: ada });
  const moderator = await connect("general", { token: mo });
  await roomObject(tenant, "general").erase("ada");
  await author.until(({ closed }) => closed !== null);
  expect(author.closed).toMatchObject({ code: 4410 });
  expect(told(moderator)).toEqual(["before", "hidden", null, null]);
  const back = await connect("general", { token: ada, cursor });
  expect(back.welcome).toMatchObject({ resumed: false, gap: { reason: "expired" } });
  expect(told(back)).toEqual([null]);
  expect(await (await call(`${room}/bans`, { credential: tenant.key })).json()).toEqual({ items: [] });
});
