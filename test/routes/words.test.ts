import { evictDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { everything, type TestTenant } from "../support/api.ts";
import { roomObject } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import type { TestSocket } from "../support/socket.ts";
import { refused } from "./answers.ts";
import { call, connect, newTenant, newToken } from "./edge.ts";

const room = "/v1/rooms/general";
let sent = 0;

async function newRoom(): Promise<{ tenant: TestTenant; token: string; socket: TestSocket }> {
  const tenant = await newTenant(roomy);
  const token = await newToken(tenant, "ada", { "*": everything });
  await post(token, { text: "first" });
  return { tenant, token, socket: await connect("general", { token }) };
}

async function list(tenant: TestTenant, action: "block" | "mask", ...words: string[]): Promise<void> {
  const body = { settings: { words: { list: words, action } } };
  const changed = await call("/v1/tenant", { method: "PATCH", credential: tenant.key, body });
  expect([changed.status, await changed.json()]).toMatchObject([200, body]);
}

const post = (credential: string, body: object) => call(`${room}/messages`, { method: "POST", credential, body });

async function ask(socket: TestSocket, frame: object): Promise<object> {
  const ref = `r${++sent}`;
  socket.send({ ref, ...frame });
  return socket.answer(ref);
}

test("[G8] a text with a listed word is refused over every transport, in edits too, and the refusal names no word", async () => {
  const { tenant, token, socket } = await newRoom();
  await list(tenant, "block", "darn");
  const frame = { type: "publish", nonce: "nonce-of-it", text: "Oh DARN!" };
  // Told to a room with sockets at once, whatever its edge still goes by.
  const refusal = await ask(socket, frame);
  expect(refusal).toMatchObject({ code: "content_rejected", status: 422, retryable: false });
  expect(JSON.stringify(refusal).toLowerCase()).not.toContain("darn");
  expect(await ask(socket, { type: "edit", id: 1, text: "darn" })).toMatchObject({ code: "content_rejected" });
  await refused(await post(token, { text: "darn" }), 422, "content_rejected");
  const edited = await call(`${room}/messages/1`, { method: "PATCH", credential: token, body: { text: "darn" } });
  await refused(edited, 422, "content_rejected");
  await evictDurableObject(roomObject(tenant, "general"));
  expect(await ask(socket, { ...frame, nonce: "nonce-another" })).toMatchObject({ code: "content_rejected" });
  // What is data is the application's own.
  expect(await ask(socket, { ...frame, text: "oh", data: { word: "darn" } })).toMatchObject({ type: "ack", id: 2 });
  expect(await ask(socket, { ...frame, nonce: "nonce-darned", text: "darned" })).toMatchObject({ type: "ack" });
});

test("[G8] a masked text is stored and told as stars, and its retry is known by what was sent", async () => {
  const { tenant, token, socket } = await newRoom();
  await list(tenant, "mask", "darn", "bad thing");
  const frame = { type: "publish", nonce: "nonce-of-it", text: "A bad thing, darn it" };
  expect(await ask(socket, frame)).toMatchObject({ type: "ack", id: 2 });
  await socket.until(() => socket.of("changes").at(-1)?.to === 2);
  expect(socket.of("changes").at(-1)?.changes).toMatchObject([{ message: { text: "A *** *****, **** it" } }]);
  await evictDurableObject(roomObject(tenant, "general"));
  expect(await ask(socket, frame)).toMatchObject({ type: "ack", id: 2, duplicate: true });
  expect(await ask(socket, { ...frame, text: "A *** *****, **** it" })).toMatchObject({ code: "nonce_reused" });
  const body = { text: "darn again" };
  const edited = await call(`${room}/messages/2`, { method: "PATCH", credential: token, body });
  expect(await edited.json()).toMatchObject({ message: { text: "**** again", version: 2 } });
  await list(tenant, "mask");
  expect(await (await post(token, { text: "darn" })).json()).toMatchObject({ message: { text: "darn" } });
});

test("[G8] a list of words that is none is refused", async () => {
  const { tenant } = await newRoom();
  const wrong = [
    { list: ["a"] },
    { list: ["a"], action: "burn" },
    { list: [" "], action: "mask" },
    { list: ["w".repeat(65)], action: "mask" },
    { list: [1], action: "mask" },
    { list: ["a"], action: "mask", more: 1 },
    null,
  ];
  for (const words of wrong) {
    const body = { settings: { words } };
    await refused(await call("/v1/tenant", { method: "PATCH", credential: tenant.key, body }), 400, "invalid_field");
  }
});
