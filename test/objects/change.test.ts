import { expect, test } from "vitest";
import { runDurableObjectAlarm } from "cloudflare:test";
import { defaultRoomSettings } from "../../src/protocol/message.ts";
import { call, everything, newTenant, newToken, ordinary, type TestTenant } from "../support/api.ts";
import { evict, query, roomObject } from "../support/room.ts";
import { connect, type TestSocket } from "../support/socket.ts";

async function roomOf(...users: string[]): Promise<{ tenant: TestTenant; sockets: TestSocket[] }> {
  const tenant = await newTenant();
  const sockets: TestSocket[] = [];
  for (const user of users)
    sockets.push(
      await connect("general", {
        token: await newToken(tenant, user, { "*": user === "mod" ? everything : ordinary }),
      }),
    );
  return { tenant, sockets };
}

async function ask(socket: TestSocket | undefined, frame: object): Promise<unknown> {
  if (socket === undefined) throw new Error("no socket");
  const ref = `r${++asked}`;
  socket.send({ ...frame, ref });
  return socket.answer(ref);
}
let asked = 0;

const publish = (text: string) => ({ type: "publish", nonce: `nonce-${text}`, text });

test("[M1] an edit counts the version up, and with ifVersion it is refused if somebody was faster", async () => {
  const {
    sockets: [ada, mod],
  } = await roomOf("ada", "mod");
  await ask(ada, publish("draft"));
  expect(await ask(ada, { type: "edit", id: 1, text: "second", ifVersion: 1 })).toMatchObject({
    type: "ack",
    id: 1,
    seq: 2,
  });
  expect(await ask(mod, { type: "edit", id: 1, text: "third", ifVersion: 1 })).toMatchObject({
    code: "conflict",
    message: "The message is at version 2.",
  });
  expect(await ask(mod, { type: "edit", id: 1, data: { by: "mod" } })).toMatchObject({ type: "ack", seq: 3 });
  expect(ada?.of("changes").at(-1)?.changes).toEqual([
    {
      type: "message",
      message: { id: 1, seq: 3, version: 3, text: "second", data: { by: "mod" }, editedAt: expect.any(Number) },
    },
  ]);
  expect(await ask(ada, { type: "edit", id: 1, text: null, data: null })).toMatchObject({ code: "invalid_field" });
  expect(await ask(ada, { type: "edit", id: 1 })).toMatchObject({ code: "invalid_field" });
});

test("[M2] one's own messages are one's own, and a role reaches others'", async () => {
  const {
    tenant,
    sockets: [ada, bo],
  } = await roomOf("ada", "bo");
  await ask(ada, publish("mine"));
  expect(await ask(bo, { type: "edit", id: 1, text: "stolen" })).toMatchObject({ code: "forbidden" });
  expect(await ask(bo, { type: "delete", id: 1 })).toMatchObject({ code: "forbidden" });
  await call("/v1/rooms/general/members/bo", { method: "PUT", credential: tenant.key, body: { role: "moderator" } });
  expect(await ask(bo, { type: "edit", id: 1, text: "stolen" })).toMatchObject({ code: "forbidden" });
  expect(await ask(bo, { type: "delete", id: 1 })).toMatchObject({ type: "ack", id: 1 });
});

test("[M3] a deletion leaves a tombstone without content; again is the same, and its nonce stays known", async () => {
  const {
    tenant,
    sockets: [ada],
  } = await roomOf("ada");
  await ask(ada, { ...publish("secret"), data: { pin: 1234 }, mentions: ["bo"] });
  await ask(ada, { type: "react", id: 1, emoji: "👍" });
  expect(await ask(ada, { type: "delete", id: 1, redact: true })).toMatchObject({ type: "ack", seq: 3 });
  expect(await ask(ada, { type: "delete", id: 1 })).toMatchObject({ type: "ack", seq: 3, duplicate: true });
  expect(await ask(ada, { ...publish("secret"), data: { pin: 1234 }, mentions: ["bo"] })).toMatchObject({
    type: "ack",
    id: 1,
    duplicate: true,
  });
  expect(await ask(ada, { type: "edit", id: 1, text: "back" })).toMatchObject({ code: "conflict" });
  expect(await ask(ada, { type: "react", id: 1, emoji: "👍" })).toMatchObject({ code: "conflict" });
  const [row] = await query(tenant, "general", "SELECT text, data, mentions, reactions, sender, nonce FROM message");
  expect(row).toEqual({
    text: null,
    data: null,
    mentions: null,
    reactions: null,
    sender: "ada",
    nonce: "nonce-secret",
  });
  expect(await query(tenant, "general", "SELECT * FROM reaction")).toEqual([]);
});

test("[M4] a user reacts once with an emoji, and takes it back once", async () => {
  const {
    sockets: [ada, bo],
  } = await roomOf("ada", "bo");
  await ask(ada, publish("joke"));
  expect(await ask(ada, { type: "react", id: 1, emoji: "😄" })).toMatchObject({ seq: 2 });
  expect(await ask(ada, { type: "react", id: 1, emoji: "😄" })).toMatchObject({ seq: 2, duplicate: true });
  expect(await ask(bo, { type: "react", id: 1, emoji: "😄" })).toMatchObject({ seq: 3 });
  expect(ada?.of("changes").at(-1)?.changes).toEqual([
    { type: "message", message: { id: 1, seq: 3, reactions: { "😄": { count: 2, users: ["ada", "bo"] } } } },
  ]);
  expect(await ask(ada, { type: "react", id: 1, emoji: "😄", remove: true })).toMatchObject({ seq: 4 });
  expect(await ask(ada, { type: "react", id: 1, emoji: "😄", remove: true })).toMatchObject({
    seq: 4,
    duplicate: true,
  });
  expect(ada?.of("changes").at(-1)?.changes).toEqual([
    { type: "message", message: { id: 1, seq: 4, reactions: { "😄": { count: 1, users: ["bo"] } } } },
  ]);
});

test("[M4] the summary names the first ten users, and the eleventh when one of them leaves", async () => {
  const { tenant } = await roomOf();
  const put = (user: string, method = "PUT") =>
    call("/v1/rooms/general/messages/1/reactions/%F0%9F%8E%89", { method, credential: tenant.key, user });
  await call("/v1/rooms/general/messages", {
    method: "POST",
    credential: tenant.key,
    user: "ada",
    body: { text: "party" },
  });
  for (let count = 1; count <= 12; count++) expect((await put(`user-${count}`)).status).toBe(200);
  const summary = async (response: Response) =>
    (await response.json<{ message: { reactions: Record<string, { count: number; users: string[] }> } }>()).message
      .reactions["🎉"];
  const left = await summary(await put("user-1", "DELETE"));
  expect(left?.count).toBe(11);
  expect(left?.users).toHaveLength(10);
  expect(left?.users).not.toContain("user-1");
});

test("[M6] a message that has expired is gone for every reader, swept or not", async () => {
  const {
    tenant,
    sockets: [ada],
  } = await roomOf("ada");
  await ask(ada, { ...publish("fleeting"), expiresInMs: 1_000 });
  await ask(ada, publish("staying"));
  await new Promise((resolve) => setTimeout(resolve, 1_050));
  const page = await call("/v1/rooms/general/messages", { credential: tenant.key, user: "ada" });
  expect((await page.json<{ messages: { id: number }[] }>()).messages.map(({ id }) => id)).toEqual([2]);
  expect((await call("/v1/rooms/general/messages/1", { credential: tenant.key, user: "ada" })).status).toBe(404);
  const late = await connect("general", { token: await newToken(tenant, "bo") });
  expect(late.of("changes").flatMap(({ changes }) => changes)).toHaveLength(1);
  expect(await ask(ada, { type: "edit", id: 1, text: "too late" })).toMatchObject({ code: "not_found" });
  await runDurableObjectAlarm(roomObject(tenant, "general"));
  expect(await query(tenant, "general", "SELECT id FROM message")).toEqual([{ id: 2 }]);
  // The highest seq ever given is remembered although its row is gone.
  await ask(ada, { ...publish("newest"), expiresInMs: 1_000 });
  await new Promise((resolve) => setTimeout(resolve, 1_050));
  // By then there has been no other sweep for 10 seconds: so it is where the room has lost its memory.
  await query(tenant, "general", "UPDATE job SET at = 1 WHERE name = 'expiry'");
  await evict(tenant, "general");
  await runDurableObjectAlarm(roomObject(tenant, "general"));
  expect(await query(tenant, "general", "SELECT head FROM room")).toEqual([{ head: 3 }]);
});

test("[M7] a frozen room takes changes only from those who may moderate", async () => {
  const {
    sockets: [ada, mod],
    tenant,
  } = await roomOf("ada", "mod");
  await ask(ada, publish("before"));
  await call("/v1/rooms/general", { method: "PATCH", credential: tenant.key, body: { settings: { frozen: true } } });
  expect(ada?.of("changes").at(-1)?.changes).toEqual([
    { type: "room", room: { ...defaultRoomSettings, frozen: true, seq: 2, oldest: 1 } },
  ]);
  for (const frame of [
    publish("after"),
    { type: "edit", id: 1, text: "changed" },
    { type: "react", id: 1, emoji: "👍" },
  ]) {
    expect(await ask(ada, frame)).toMatchObject({ code: "room_frozen", status: 403 });
  }
  expect(await ask(mod, publish("order"))).toMatchObject({ type: "ack" });
  await call("/v1/rooms/general", { method: "PATCH", credential: tenant.key, body: { settings: { frozen: false } } });
  expect(await ask(ada, publish("thawed"))).toMatchObject({ type: "ack" });
});

test("[M7] a muted user changes nothing that others read, until the time is over", async () => {
  const {
    sockets: [ada],
    tenant,
  } = await roomOf("ada");
  await ask(ada, publish("before"));
  await call("/v1/rooms/general/mutes/ada", {
    method: "PUT",
    credential: tenant.key,
    body: { until: Date.now() + 400, reason: "shouting" },
  });
  for (const frame of [
    publish("after"),
    { type: "edit", id: 1, text: "changed" },
    { type: "react", id: 1, emoji: "👍" },
  ]) {
    expect(await ask(ada, frame)).toMatchObject({ code: "muted", retryAfterMs: expect.any(Number) });
  }
  await new Promise((resolve) => setTimeout(resolve, 410));
  expect(await ask(ada, publish("calm"))).toMatchObject({ type: "ack" });
  await call("/v1/rooms/general/mutes/ada", { method: "PUT", credential: tenant.key, body: {} });
  expect(await ask(ada, publish("again"))).toMatchObject({ code: "muted" });
  await call("/v1/rooms/general/mutes/ada", { method: "DELETE", credential: tenant.key });
  expect(await ask(ada, publish("free"))).toMatchObject({ type: "ack" });
});

test("[M8] members and roles are changes, and read positions only move on", async () => {
  const {
    sockets: [ada],
    tenant,
  } = await roomOf("ada");
  await ask(ada, publish("one"));
  await ask(ada, publish("two"));
  const put = (role: string) =>
    call("/v1/rooms/general/members/bo", { method: "PUT", credential: tenant.key, body: { role, name: "Bo" } });
  expect(await (await put("member")).json()).toEqual({ user: "bo", name: "Bo", role: "member", seq: 3 });
  expect(await (await put("member")).json()).toMatchObject({ seq: 3 });
  expect(await (await put("owner")).json()).toMatchObject({ seq: 4 });
  const removal = () => call("/v1/rooms/general/members/bo", { method: "DELETE", credential: tenant.key });
  expect((await removal()).status).toBe(204);
  expect((await removal()).status).toBe(404);
  await ada?.until(() => ada.of("changes").at(-1)?.to === 5);
  expect(ada?.of("changes").at(-1)?.changes).toEqual([
    { type: "member", member: { user: "bo", name: "Bo", role: null, seq: 5 } },
  ]);
  const members = await call("/v1/rooms/general/members", { credential: tenant.key, user: "ada" });
  expect(await members.json()).toMatchObject({ items: [{ user: "bo", role: null }] });
  expect(await ask(ada, { type: "read", upTo: 2 })).toEqual({ type: "ack", ref: expect.any(String), id: 2 });
  expect(await ask(ada, { type: "read", upTo: 1 })).toMatchObject({ id: 2, duplicate: true });
  expect(await ask(ada, { type: "read", upTo: 6 })).toMatchObject({ code: "not_found" });
  expect(ada?.of("receipt")).toEqual([{ type: "receipt", user: "ada", upTo: 2 }]);
  const later = await connect("general", { token: await newToken(tenant, "cy") });
  expect(later.welcome.receipts).toEqual({ ada: 2 });
});
