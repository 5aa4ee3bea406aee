import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { roomStub } from "../../src/objects/stubs.ts";
import type { RoomCapability } from "../../src/protocol/capabilities.ts";
import type { Message } from "../../src/protocol/message.ts";
import type { ServerFrame } from "../../src/protocol/serverFrames.ts";
import { call, everything, newTenant, newToken, ordinary, type TestTenant } from "../support/api.ts";
import { pass, startClock, stopClock } from "../support/clock.ts";
import { keepFile, callerAs } from "../support/files.ts";
import { connectMany } from "../support/manySocket.ts";
import { evict, query, roomObject, rowsOf } from "../support/room.ts";
import { connect, type TestSocket } from "../support/socket.ts";
import { hears, newWebhook } from "../support/webhooks.ts";

const room = "general";
const path = `/v1/rooms/${room}`;
const photo = { name: "photo.png", type: "image/png", size: 4, width: 2, height: 1 };
let tenant: TestTenant;
let ada: string;
let sent = 0;

beforeEach(async () => {
  stopClock();
  tenant = await newTenant();
  ada = await newToken(tenant, "ada");
  for (const name of [room, "other"])
    await call(`/v1/rooms/${name}`, { method: "PUT", credential: tenant.key, body: {} });
});
afterEach(startClock);

const nonce = (): string => `nonce-of-${++sent}`;
const post = (body: object, credential = ada): Promise<Response> =>
  call(`${path}/messages`, { method: "POST", credential, body });
const rowOf = (id: string) => query(tenant, room, `SELECT * FROM file WHERE id = '${id}'`);

async function publish(body: object, credential = ada): Promise<Message> {
  const made = await post(body, credential);
  expect(made.status).toBe(201);
  return (await made.json<{ message: Message }>()).message;
}

async function ask(socket: TestSocket, frame: object): Promise<ServerFrame> {
  const ref = `r${++sent}`;
  socket.send({ ...frame, ref });
  return socket.answer(ref);
}

/** Whether this user is given the file, or why not. */
async function reads(id: string, user: string | null, capabilities: RoomCapability[] = ["read"]): Promise<string> {
  const found = await roomStub(env, tenant.id, room).file(callerAs(user, capabilities), id);
  return found.ok ? "read" : `${found.error}: ${found.detail}`;
}
const unknown = "not_found: There is no such upload.";

test("[F13] a message carries files over a socket, over HTTP and over a connection of many rooms, with what they are and no address", async () => {
  const ids = await Promise.all([1, 2, 3, 4].map(() => keepFile(tenant, room, "ada")));
  const [first = "", second = "", third = "", fourth = ""] = ids;
  const socket = await connect(room, { token: ada });
  expect(
    await ask(socket, { type: "publish", nonce: nonce(), text: "two", attachments: [second, first] }),
  ).toMatchObject({ type: "ack", id: 1 });
  expect(socket.of("changes").at(-1)?.changes).toMatchObject([
    {
      message: {
        id: 1,
        text: "two",
        attachments: [
          { id: second, ...photo },
          { id: first, ...photo },
        ],
      },
    },
  ]);
  // Also alone.
  expect(await publish({ attachments: [third] })).toMatchObject({ text: null, attachments: [{ id: third, ...photo }] });
  const many = await connectMany(ada, [room]);
  many.send({ type: "publish", room, ref: "m", nonce: nonce(), attachments: [fourth] });
  expect(await many.answer("m")).toMatchObject({ type: "ack", id: 3 });
  await evict(tenant, room);
  const page = await (await call(`${path}/messages`, { credential: ada })).json<{ messages: Message[] }>();
  expect(page.messages.map(({ attachments }) => attachments.map(({ id }) => id))).toEqual([
    [second, first],
    [third],
    [fourth],
  ]);
  expect(JSON.stringify(page)).not.toContain("http");
});

test("[F13] [W7] ten on a message, and not one more; an edit keeps them, also where nothing else is left", async () => {
  const ids = await Promise.all(Array.from({ length: 11 }, () => keepFile(tenant, room, null)));
  expect((await post({ text: "x", attachments: ids })).status).toBe(400);
  expect((await publish({ text: "x", attachments: ids.slice(0, 10) })).attachments).toHaveLength(10);
  const edited = await call(`${path}/messages/1`, { method: "PATCH", credential: ada, body: { text: null } });
  expect(edited.status).toBe(200);
  const { message } = await edited.json<{ message: Message }>();
  expect(message).toMatchObject({ text: null, version: 2, attachments: { length: 10 } });
  await publish({ text: "no file" });
  expect((await call(`${path}/messages/3`, { method: "PATCH", credential: ada, body: { text: null } })).status).toBe(
    400,
  );
});

test("[F14] what a message cannot carry is refused alone, and what is not one's own is as good as unknown", async () => {
  const [own, bos, servers, elsewhere, late] = [
    await keepFile(tenant, room, "ada"),
    await keepFile(tenant, room, "bo"),
    await keepFile(tenant, room, null),
    await keepFile(tenant, "other", "ada"),
    await keepFile(tenant, room, "ada"),
  ];
  const bo = await newToken(tenant, "bo");
  await publish({ attachments: [bos] }, bo);
  const refusal = async (attachments: string[]): Promise<unknown> => {
    const answer = await post({ text: "x", attachments });
    return [answer.status, (await answer.json<{ detail: string }>()).detail];
  };
  const noUpload = [404, "`attachments`: there is no such upload."];
  for (const id of ["nothing", "x".repeat(21), bos, elsewhere]) expect(await refusal([own, id])).toEqual(noUpload);
  expect(await refusal([own, own])).toEqual([400, "`attachments`: each upload only once."]);
  await publish({ attachments: [own, servers] });
  expect(await refusal([late, own])).toEqual([409, "`attachments`: another message carries this upload."]);
  expect(await refusal([servers])).toMatchObject([409, expect.any(String)]);
  // The tenant's server acts for whom it names.
  expect(
    (await call(`${path}/messages`, { method: "POST", credential: tenant.key, body: { attachments: [late] } })).status,
  ).toBe(404);
  const asAda = { method: "POST", credential: tenant.key, user: "ada", body: { attachments: [late] } };
  expect((await call(`${path}/messages`, asAda)).status).toBe(201);
  // Nor does a room come to be by it.
  expect((await call("/v1/rooms/new/messages", { ...asAda, body: { attachments: [late] } })).status).toBe(404);
  expect((await call("/v1/rooms/new", { credential: tenant.key })).status).toBe(404);
});

test("[F14] of two messages of one flush that want the same file the second is refused alone", async () => {
  const [one, two] = [await keepFile(tenant, room, "ada"), await keepFile(tenant, room, "ada")];
  const socket = await connect(room, { token: ada });
  socket.send([
    { type: "publish", ref: "1", nonce: nonce(), text: "first", attachments: [one] },
    { type: "publish", ref: "2", nonce: nonce(), text: "second", attachments: [two, one] },
    { type: "publish", ref: "3", nonce: nonce(), text: "third", attachments: [two] },
  ]);
  expect(await socket.answer("3")).toMatchObject({ type: "ack", id: 2 });
  expect(await socket.answer("1")).toMatchObject({ type: "ack", id: 1 });
  expect(await socket.answer("2")).toMatchObject({ type: "error", code: "conflict" });
  expect(socket.of("changes").at(-1)).toMatchObject({ from: 0, to: 2 });
  expect(await rowOf(one)).toMatchObject([{ message: 1 }]);
  expect(await rowOf(two)).toMatchObject([{ message: 2 }]);
});

test("[F15] the same nonce with the same uploads is the same message, with others it is nonce_reused", async () => {
  const [one, two] = [await keepFile(tenant, room, "ada"), await keepFile(tenant, room, "ada")];
  const body = { nonce: nonce(), text: "x", attachments: [one] };
  const answers = await Promise.all([post(body), post(body), post(body)]);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 201]);
  for (const attachments of [[], [two], [one, two]]) expect((await post({ ...body, attachments })).status).toBe(422);
  expect((await call(`${path}/messages/1`, { method: "DELETE", credential: ada })).status).toBe(200);
  expect((await post(body)).status).toBe(200);
  expect((await post({ ...body, nonce: nonce() })).status).toBe(404);
});

test("[F13] [P5] a message without files pays nothing for those of others", async () => {
  await publish({ text: "x", attachments: [await keepFile(tenant, room, "ada")] });
  const caller = callerAs("ada", ["publish", "delete:own"]);
  const plain = await rowsOf(tenant, room, (object) =>
    object.publish(caller, { type: "publish", nonce: nonce(), text: "plain" }),
  );
  expect(plain.written).toBe(2);
});

test("[F16] a file that no message carries is read by who brought it, and by nobody else", async () => {
  const [adas, servers] = [await keepFile(tenant, room, "ada"), await keepFile(tenant, room, null)];
  expect(await reads(adas, "ada", ["publish"])).toBe("read");
  expect(await reads(servers, null, ["publish"])).toBe("read");
  for (const [id, user] of [
    [adas, "bo"],
    [adas, null],
    [servers, "ada"],
    ["nothing", "ada"],
  ] as const)
    expect(await reads(id, user, [...everything] as RoomCapability[])).toBe(unknown);
  expect(await roomStub(env, tenant.id, "nowhere").file(callerAs("ada", ["read"]), adas)).toMatchObject({
    error: "not_found",
    detail: "There is no such upload.",
  });
});

test("[F16] a file is read by whoever may read the room now and is shown its message now", async () => {
  const id = await keepFile(tenant, room, "ada");
  await publish({ attachments: [id], expiresInMs: 60_000 });
  expect(await reads(id, "bo")).toBe("read");
  expect(await reads(id, null)).toBe("read");
  // Also who brought it goes by the message now.
  expect(await reads(id, "ada", ["publish", "upload"])).toBe(unknown);
  expect(await reads(id, "bo", [])).toBe(unknown);

  await call(`${path}/bans/bo`, { method: "PUT", credential: tenant.key, body: {} });
  expect(await reads(id, "bo")).toBe(unknown);
  await call(`${path}/bans/bo`, { method: "DELETE", credential: tenant.key });
  await call(path, { method: "PATCH", credential: tenant.key, body: { settings: { access: "members" } } });
  expect(await reads(id, "bo")).toBe(unknown);
  await call(`${path}/members/bo`, { method: "PUT", credential: tenant.key, body: { role: "member" } });
  expect(await reads(id, "bo")).toBe("read");

  pass(59_999);
  expect(await reads(id, "bo")).toBe("read");
  pass(1);
  expect(await reads(id, "bo")).toBe(unknown);
  expect(await reads(id, null)).toBe(unknown);
});

test("[F16] [G7] what hangs on a hidden message is shown to its author and to those who may moderate", async () => {
  const id = await keepFile(tenant, room, "ada");
  await call(`${path}/bans/ada`, { method: "PUT", credential: tenant.key, body: { shadow: true } });
  await publish({ attachments: [id] });
  expect(await reads(id, "ada")).toBe("read");
  expect(await reads(id, "mo", ["read", "moderate"])).toBe("read");
  expect(await reads(id, "bo")).toBe(unknown);
});

test("[F16] a file that is removed with its message is read by nobody from that moment on", async () => {
  const attached = async (user: string): Promise<string> => {
    const id = await keepFile(tenant, room, user);
    await publish({ attachments: [id] }, await newToken(tenant, user, { "*": [...ordinary] }));
    return id;
  };
  const deleted = await attached("ada");
  const redacted = await attached("ada");
  const erased = await attached("bo");
  const waiting = await keepFile(tenant, room, "bo");
  await call(`${path}/messages/1`, { method: "DELETE", credential: ada });
  await call(`${path}/messages/2?redact=true`, { method: "DELETE", credential: ada });
  await roomObject(tenant, room).erase("bo");
  for (const id of [deleted, redacted, erased]) expect(await reads(id, null)).toBe(unknown);
  expect(await reads(waiting, "bo")).toBe(unknown);

  const last = await attached("ada");
  const stays = await attached("ada");
  const [{ id: oldest } = { id: 0 }] = await query<{ id: number }>(tenant, room, "SELECT max(id) AS id FROM message");
  await roomObject(tenant, room).retain(oldest);
  expect(await reads(last, null)).toBe(unknown);
  expect(await reads(stays, null)).toBe("read");

  expect((await call(path, { method: "DELETE", credential: tenant.key })).status).toBe(204);
  expect(await reads(stays, null)).toBe(unknown);
  expect((await call(path, { method: "PUT", credential: tenant.key, body: {} })).status).toBe(201);
  await publish({ text: "of the new history" });
  expect(await reads(stays, null)).toBe(unknown);
  // Nothing of a removed file is kept but its id.
  expect(
    await query(tenant, room, "SELECT * FROM file WHERE user IS NOT NULL OR message IS NOT NULL OR name <> ''"),
  ).toEqual([]);
});

test("[F13] who may bring a file is asked as of a message, and the first one makes the room", async () => {
  const may = async (name: string, user: string | null, rights: RoomCapability[]): Promise<string> => {
    const answer = await roomStub(env, tenant.id, name).mayUpload(callerAs(user, rights));
    return answer.ok ? "yes" : answer.error;
  };
  expect(await may("new", "ada", ["read", "publish"])).toBe("forbidden");
  expect(await may("new", "ada", ["upload"])).toBe("not_found");
  expect((await call("/v1/rooms/new", { credential: tenant.key })).status).toBe(404);
  expect(await may("new", "ada", ["upload", "publish"])).toBe("yes");
  expect((await call("/v1/rooms/new", { credential: tenant.key })).status).toBe(200);

  await publish({ text: "x" });
  expect(await may(room, "ada", ["upload"])).toBe("yes");
  expect(await may(room, "ada", ["publish"])).toBe("forbidden");
  await call(`${path}/mutes/ada`, { method: "PUT", credential: tenant.key, body: {} });
  expect(await may(room, "ada", ["upload"])).toBe("muted");
  await call(path, { method: "PATCH", credential: tenant.key, body: { settings: { frozen: true } } });
  expect(await may(room, "bo", ["upload"])).toBe("room_frozen");
  expect(await may(room, "bo", ["upload", "moderate"])).toBe("yes");
  await call(`${path}/bans/bo`, { method: "PUT", credential: tenant.key, body: {} });
  expect(await may(room, "bo", ["upload", "moderate"])).toBe("banned");
  expect(await may(room, null, ["upload", "moderate"])).toBe("yes");
  await call(path, { method: "DELETE", credential: tenant.key });
  expect(await may(room, null, ["upload", "moderate"])).toBe("room_deleted");
});

test("[F21] an endpoint hears once that a file is ready, and not of those that a shadow-banned user brings", async () => {
  const endpoint = await newWebhook(tenant, { events: ["upload.*"] });
  await call("/v1/rooms/heard", { method: "PUT", credential: tenant.key, body: {} });
  await call("/v1/rooms/heard/bans/bo", { method: "PUT", credential: tenant.key, body: { shadow: true } });
  const id = await keepFile(tenant, "heard", "ada");
  await keepFile(tenant, "heard", "bo");
  await keepFile(tenant, "heard", "ada", { id });
  const last = await keepFile(tenant, "heard", null);
  const file = (of: string, user: string | null): object => ({
    file: { id: of, ...photo, user, createdAt: expect.any(Number) },
  });
  expect(await hears(tenant, endpoint, 2)).toMatchObject([
    { type: "upload.ready", room: "heard", data: file(id, "ada") },
    { type: "upload.ready", room: "heard", data: file(last, null) },
  ]);
});
