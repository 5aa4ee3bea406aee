import { expect, test } from "vitest";
import { runInDurableObject } from "cloudflare:test";
import { defaultLimits } from "../../src/protocol/limits.ts";
import { call, newTenant, newToken, ordinary, type TestTenant } from "../support/api.ts";
import { evict, query, roomObject, rowsOf } from "../support/room.ts";
import { connect } from "../support/socket.ts";

async function history(tenant: TestTenant, room: string): Promise<{ id: number; text: string; nonce: string }[]> {
  const response = await call(`/v1/rooms/${room}/messages?limit=200`, { credential: tenant.key, user: "ada" });
  return (await response.json<{ messages: { id: number; text: string; nonce: string }[] }>()).messages;
}

test("[P2] an ack's id and seq are those of the message in history, also after the object lost its memory", async () => {
  const tenant = await newTenant();
  const ada = await connect("general", { token: await newToken(tenant, "ada") });
  for (let count = 0; count < 10; count++)
    ada.send({ type: "publish", ref: `${count}`, nonce: `nonce-number-${count}`, text: `${count}` });
  await ada.until(() => ada.of("ack").length === 10);
  await evict(tenant, "general");
  const stored = await history(tenant, "general");
  for (const ack of ada.of("ack"))
    expect(stored.find(({ id }) => id === ack.id)?.nonce).toBe(`nonce-number-${ack.ref}`);
  expect(stored.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test("[P7] the sender gets its own message in changes, with its nonce, before the ack", async () => {
  const tenant = await newTenant();
  const ada = await connect("general", { token: await newToken(tenant, "ada") });
  ada.send({ type: "publish", ref: "1", nonce: "my-own-nonce", text: "hello", data: { a: [] } });
  await ada.answer("1");
  const types = ada.frames.slice(2).map(({ type }) => type);
  expect(types).toEqual(["changes", "ack"]);
  expect(ada.of("changes").at(-1)?.changes[0]).toMatchObject({
    type: "message",
    message: { id: 1, nonce: "my-own-nonce", data: { a: [] }, sender: { id: "ada", name: "ADA" } },
  });
});

test("[P5] a plain message writes one row and one index entry, and one row without a nonce", async () => {
  const tenant = await newTenant();
  const ada = await connect("general", { token: await newToken(tenant, "ada") });
  // The first one also books the report to the directory.
  ada.send({ type: "publish", ref: "first", nonce: "first-nonce", text: "first" });
  await ada.answer("first");
  const caller = {
    session: {
      connection: "c",
      user: "ada",
      name: null,
      capabilities: ["publish" as const],
      ceiling: ["publish" as const],
      key: "k",
      token: null,
      issuedAt: 0,
      expiresAt: null,
    },
    policy: { version: 1, limits: defaultLimits, autoCreate: true },
  };
  const written = async (nonce: string | null) =>
    (await rowsOf(tenant, "general", (room) => room.publish(caller, { type: "publish", nonce, text: "plain" })))
      .written;
  expect(await written("another-nonce")).toBe(2);
  expect(await written(null)).toBe(1);
  expect(await written("another-nonce")).toBe(0);
});

test("[P6] an item that fails is refused alone; its neighbours of the flush stay", async () => {
  const tenant = await newTenant();
  const ada = await connect("general", { token: await newToken(tenant, "ada") });
  ada.send([
    { type: "publish", ref: "1", nonce: "nonce-one", text: "one" },
    { type: "publish", ref: "2", nonce: "nonce-two", text: "two", replyTo: 99 },
    { type: "edit", ref: "3", id: 77, text: "nothing there" },
    { type: "publish", ref: "4", nonce: "nonce-four", text: "four", replyTo: 1 },
  ]);
  await ada.answer("4");
  expect(await ada.answer("1")).toMatchObject({ type: "ack", id: 1 });
  expect(await ada.answer("2")).toMatchObject({ type: "error", code: "not_found" });
  expect(await ada.answer("3")).toMatchObject({ type: "error", code: "not_found" });
  expect(await ada.answer("4")).toMatchObject({ type: "ack", id: 2, seq: 2 });
  expect(ada.of("changes").at(-1)).toMatchObject({ from: 0, to: 3 });
});

test("[P6] an item that throws is rolled back and refused as internal; what was stored with it stays", async () => {
  const tenant = await newTenant();
  const ada = await connect("general", { token: await newToken(tenant, "ada") });
  ada.send({ type: "publish", ref: "0", nonce: "nonce-zero", text: "zero" });
  await ada.answer("0");
  await runInDurableObject(roomObject(tenant, "general"), (_, state) => {
    state.storage.sql.exec(
      "CREATE TRIGGER broken BEFORE INSERT ON message WHEN new.text = 'break' BEGIN SELECT raise(ABORT, 'a statement that fails'); END",
    );
  });
  const errors: unknown[] = [];
  const log = console.error;
  console.error = (...words: unknown[]) => errors.push(words);
  ada.send([
    { type: "publish", ref: "1", nonce: "nonce-one", text: "one" },
    { type: "publish", ref: "2", nonce: "nonce-two", text: "break" },
    { type: "publish", ref: "3", nonce: "nonce-three", text: "three" },
  ]);
  await ada.answer("3");
  console.error = log;
  expect(await ada.answer("2")).toMatchObject({ type: "error", code: "internal", retryable: true });
  expect((await history(tenant, "general")).map(({ id, text }) => [id, text])).toEqual([
    [1, "zero"],
    [2, "one"],
    [3, "three"],
  ]);
  expect(ada.of("changes").at(-1)).toMatchObject({ from: 1, to: 3 });
  expect(errors).toHaveLength(1);
});

test("[M5] a reply counts up at its parent, in a change of its own", async () => {
  const tenant = await newTenant();
  const ada = await connect("general", { token: await newToken(tenant, "ada") });
  ada.send(
    { type: "publish", ref: "1", nonce: "nonce-one", text: "question" },
    { type: "publish", ref: "2", nonce: "nonce-two", text: "answer", replyTo: 1 },
  );
  await ada.answer("2");
  const changes = ada.of("changes").flatMap((frame) => frame.changes);
  expect(changes.at(-2)).toMatchObject({ message: { id: 2, replyTo: 1 } });
  expect(changes.at(-1)).toEqual({ type: "message", message: { id: 1, seq: 3, replies: 1 } });
  ada.send({ type: "publish", ref: "3", nonce: "nonce-three", text: "to nobody", replyTo: 9 });
  expect(await ada.answer("3")).toMatchObject({ type: "error", code: "not_found" });
});

test("[P1] a message of the tenant's server has no sender, and its nonces are its own", async () => {
  const tenant = await newTenant();
  const post = (nonce: string) =>
    call("/v1/rooms/general/messages", { method: "POST", credential: tenant.key, body: { text: "system", nonce } });
  expect((await post("server-nonce")).status).toBe(201);
  expect((await post("server-nonce")).status).toBe(200);
  expect(await query(tenant, "general", "SELECT count(*) AS count FROM message WHERE sender IS NULL")).toEqual([
    { count: 1 },
  ]);
  const ada = await connect("general", { token: await newToken(tenant, "ada", { "*": ordinary }) });
  ada.send({ type: "publish", ref: "1", nonce: "server-nonce", text: "another's" });
  expect(await ada.answer("1")).toEqual({ type: "ack", ref: "1", id: 2, seq: 2 });
});
