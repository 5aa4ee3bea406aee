import { afterAll, beforeAll, expect, test } from "vitest";
import { runInDurableObject } from "cloudflare:test";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { call, newTenant, newToken, ordinary } from "../support/api.ts";
import { eventually, pass, startClock, stopClock } from "../support/clock.ts";
import { ask, here, Place, place } from "../support/place.ts";
import { query, roomObject } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";

beforeAll(() => stopClock());
afterAll(startClock);

interface Standing {
  readonly unread: number | null;
  readonly upTo: number | null;
}

async function standing({ tenant }: Place, user?: string, room = here): Promise<Standing> {
  const who = user === undefined ? {} : { user };
  const answer = await call(`/v1/rooms/${room}`, { credential: tenant.key, ...who });
  const { unread, upTo } = await answer.json<Standing>();
  return { unread, upTo };
}

async function publish({ tenant }: Place, user: string | null, content: object = {}, room = here): Promise<number> {
  const options = { method: "POST", credential: tenant.key, body: { text: "x", ...content } };
  const posted = await call(`/v1/rooms/${room}/messages`, user === null ? options : { ...options, user });
  return (await posted.json<{ message: { id: number } }>()).message.id;
}

function read({ tenant }: Place, user: string, upTo: number, room = here): Promise<Response> {
  return call(`/v1/rooms/${room}/read`, { method: "PUT", credential: tenant.key, user, body: { upTo } });
}

// Unread messages.

test("[L7] only messages of others are unread; the server's are others' too", async () => {
  const room = await place();
  for (const user of ["ada", "bo", "bo", null, "ada"]) await publish(room, user);
  expect(await standing(room, "ada")).toEqual({ unread: 3, upTo: 0 });
  expect(await standing(room, "bo")).toEqual({ unread: 3, upTo: 0 });
  expect(await standing(room, "cy")).toEqual({ unread: 5, upTo: 0 });
  expect(await standing(room)).toEqual({ unread: null, upTo: null });
});

test("[L7] what was deleted or has expired is not unread, swept or not; an edit and a reaction change nothing", async () => {
  const room = await place();
  await publish(room, "ada", { expiresInMs: 5_000 });
  const ids = [
    await publish(room, "ada"),
    await publish(room, "ada"),
    await publish(room, "ada", { expiresInMs: 60_000 }),
  ];
  const [edited, deleted] = ids;
  await call(`/v1/rooms/${here}/messages/${edited}`, {
    method: "PATCH",
    credential: room.tenant.key,
    body: { text: "y" },
  });
  await call(`/v1/rooms/${here}/messages/${edited}/reactions/x`, {
    method: "PUT",
    credential: room.tenant.key,
    user: "ada",
  });
  expect(await standing(room, "bo")).toEqual({ unread: 4, upTo: 0 });
  await call(`/v1/rooms/${here}/messages/${deleted}`, { method: "DELETE", credential: room.tenant.key });
  expect(await standing(room, "bo")).toMatchObject({ unread: 3 });
  pass(4_999);
  expect(await standing(room, "bo")).toMatchObject({ unread: 3 });
  pass(1);
  expect(await standing(room, "bo")).toMatchObject({ unread: 2 });
  await room.ring();
  expect(await standing(room, "bo")).toMatchObject({ unread: 2 });
  await room.forget();
  pass(60_000);
  expect(await standing(room, "bo")).toMatchObject({ unread: 1 });
});

test("[L7] [W7] 99 are 99, 100 are 100, and so are 101", async () => {
  const room = await place();
  for (let count = 0; count < 99; count++) await publish(room, "ada");
  expect(await standing(room, "bo")).toMatchObject({ unread: 99 });
  await publish(room, "ada");
  expect(await standing(room, "bo")).toMatchObject({ unread: 100 });
  await publish(room, "ada");
  expect(await standing(room, "bo")).toMatchObject({ unread: 100 });
  await read(room, "bo", 2);
  expect(await standing(room, "bo")).toEqual({ unread: 99, upTo: 2 });
});

test("[L7] [W7] they are looked for among the newest 10,000", async () => {
  const room = await place();
  await publish(room, "ada");
  const own = (first: number, last: number) =>
    runInDurableObject(roomObject(room.tenant, here), (_, state) => {
      state.storage.sql.exec(
        `WITH RECURSIVE ids(id) AS (SELECT ? UNION ALL SELECT id + 1 FROM ids WHERE id < ?)
         INSERT INTO message (id, seq, version, sender, text, replies, status, created_at) SELECT id, id, 1, 'bo', 'x', 0, 'sent', 1 FROM ids`,
        first,
        last,
      );
    });
  await own(2, fixedLimits.unreadSearched);
  expect(await standing(room, "bo")).toMatchObject({ unread: 1 });
  await own(fixedLimits.unreadSearched + 1, fixedLimits.unreadSearched + 1);
  expect(await standing(room, "bo")).toMatchObject({ unread: 0 });
  await room.forget();
  await publish(room, "ada");
  expect(await standing(room, "bo")).toMatchObject({ unread: 1 });
});

test("[L7] it moves with `read`, over the socket and over HTTP, and only on", async () => {
  const room = await place();
  const bo = await room.enter("bo");
  for (let count = 0; count < 5; count++) await publish(room, "ada");
  expect(await ask(bo, { type: "read", upTo: 2 })).toMatchObject({ type: "ack", id: 2 });
  expect(await standing(room, "bo")).toEqual({ unread: 3, upTo: 2 });
  expect((await read(room, "bo", 4)).status).toBe(204);
  expect(await standing(room, "bo")).toEqual({ unread: 1, upTo: 4 });
  for (const upTo of [3, 4]) {
    expect(await ask(bo, { type: "read", upTo })).toMatchObject({ type: "ack", id: 4, duplicate: true });
    expect((await read(room, "bo", upTo)).status).toBe(204);
  }
  expect(await standing(room, "bo")).toEqual({ unread: 1, upTo: 4 });
  expect(await ask(bo, { type: "read", upTo: 6 })).toMatchObject({ type: "error", code: "not_found" });
  expect((await read(room, "bo", 6)).status).toBe(404);
  expect((await read(room, "bo", 0)).status).toBe(400);
  expect(
    (await call(`/v1/rooms/${here}/read`, { method: "PUT", credential: room.tenant.key, body: { upTo: 5 } })).status,
  ).toBe(403);
  expect(await ask(bo, { type: "read", upTo: 5 })).toMatchObject({ type: "ack", id: 5 });
  await room.forget();
  expect(await standing(room, "bo")).toEqual({ unread: 0, upTo: 5 });
  expect(await standing(room, "cy")).toEqual({ unread: 5, upTo: 0 });
});

test("[L7] what the messages of a user are read up to does not change what others have not read", async () => {
  const room = await place();
  for (const user of ["ada", "bo"]) await publish(room, user);
  await read(room, "ada", 2);
  await call(`/v1/rooms/${here}/members/ada`, { method: "PUT", credential: room.tenant.key, body: { role: "member" } });
  await call(`/v1/rooms/${here}/members/ada`, { method: "DELETE", credential: room.tenant.key });
  // A removed member who comes back stands where it stood.
  expect(await standing(room, "ada")).toEqual({ unread: 0, upTo: 2 });
  expect(await standing(room, "bo")).toEqual({ unread: 1, upTo: 0 });
});

// Over many rooms.

test("[L7] one question for many rooms; one that is unknown, deleted or forbidden says so and disturbs no other", async () => {
  const room = await place();
  await publish(room, "ada", {}, "one");
  for (let count = 0; count < 3; count++) await publish(room, "ada", {}, "two");
  await publish(room, "ada", {}, "secret");
  await publish(room, "ada", {}, "deaf");
  await publish(room, "ada", {}, "gone");
  await call("/v1/rooms/gone", { method: "DELETE", credential: room.tenant.key });
  await read(room, "bo", 2, "two");
  const token = await newToken(room.tenant, "bo", {
    one: ordinary,
    two: ["read"],
    never: ["read"],
    gone: ["read"],
    deaf: ["publish"],
  });
  const answer = await call("/v1/unread?rooms=one,secret,never,two,gone,deaf", { credential: token });
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({
    rooms: {
      one: { unread: 1, mentions: 0, upTo: 0 },
      two: { unread: 1, mentions: 0, upTo: 2 },
      secret: { code: "forbidden", status: 403, detail: expect.any(String) },
      never: { code: "not_found", status: 404, detail: expect.any(String) },
      gone: { code: "room_deleted", status: 410, detail: expect.any(String) },
      deaf: { code: "forbidden", status: 403, detail: expect.any(String) },
    },
  });
  // The unknown were not made by asking.
  expect((await call("/v1/rooms/never", { credential: room.tenant.key })).status).toBe(404);
});

test("[L7] without a user nothing can be unread; with one, a key asks for whom it names", async () => {
  const room = await place();
  await publish(room, "ada", {}, "one");
  const asked = (user?: string) =>
    call("/v1/unread?rooms=one", { credential: room.tenant.key, ...(user === undefined ? {} : { user }) });
  expect(await (await asked()).json()).toEqual({
    rooms: { one: { code: "forbidden", status: 403, detail: expect.stringContaining("Parley-User") } },
  });
  expect(await (await asked("bo")).json()).toEqual({ rooms: { one: { unread: 1, mentions: 0, upTo: 0 } } });
  expect(await (await asked("ada")).json()).toEqual({ rooms: { one: { unread: 0, mentions: 0, upTo: 0 } } });
  expect((await call("/v1/unread?rooms=one")).status).toBe(401);
});

test("[L7] [W7] 100 rooms are answered, 101 are refused, and so is one that is named twice", async () => {
  const room = await place();
  await publish(room, "ada", {}, "r7");
  const names = Array.from({ length: 101 }, (_, index) => `r${index}`);
  const asked = (rooms: readonly string[]) =>
    call(`/v1/unread?rooms=${rooms.join()}`, { credential: room.tenant.key, user: "bo" });
  const answer = await asked(names.slice(0, 100));
  expect(answer.status).toBe(200);
  const { rooms } = await answer.json<{ rooms: Record<string, object> }>();
  expect(Object.keys(rooms)).toHaveLength(100);
  expect(rooms["r7"]).toEqual({ unread: 1, mentions: 0, upTo: 0 });
  for (const wrong of [names, ["one", "one"], [""], ["one", ""], ["a/b"]])
    expect((await asked(wrong)).status).toBe(400);
  expect((await call("/v1/unread", { credential: room.tenant.key, user: "bo" })).status).toBe(400);
});

// Read positions.

test("[L7] a read position is told live, to those who have no presence too, and once", async () => {
  const room = await place();
  const ada = await room.enter("ada");
  const spy = await room.enter("spy", { capabilities: ["read"] });
  const [first, second] = [await publish(room, null), await publish(room, null)];
  await ask(ada, { type: "read", upTo: second });
  await ask(ada, { type: "read", upTo: second });
  await ask(ada, { type: "read", upTo: first });
  await ask(spy, { type: "read", upTo: first });
  await room.fence(ada, spy);
  for (const socket of [ada, spy])
    expect(socket.of("receipt")).toEqual([
      { type: "receipt", user: "ada", upTo: second },
      { type: "receipt", user: "spy", upTo: first },
    ]);
});

test("[L7] [W7] welcome has one's own and the newest 50, also after the room lost its memory; HTTP lists them", async () => {
  const room = new Place(await newTenant(roomy), here);
  for (let count = 0; count < 62; count++) await publish(room, null);
  const users = Array.from({ length: 60 }, (_, index) => `u${String(index).padStart(2, "0")}`);
  for (const [index, user] of users.entries()) await read(room, user, index + 2);
  await read(room, "own", 1);
  await read(room, "constructor", 62);
  const newest = Object.fromEntries([["constructor", 62], ...users.slice(11).map((user, index) => [user, index + 13])]);
  expect(Object.keys(newest)).toHaveLength(fixedLimits.receiptsListed);
  for (const lost of [false, true]) {
    if (lost) await room.forget();
    expect((await room.enter("own")).welcome.receipts).toEqual({ ...newest, own: 1 });
    expect((await room.enter("never-read")).welcome.receipts).toEqual(newest);
    expect((await room.oversee()).socket.welcome.receipts).toEqual(newest);
    expect((await room.enter("u40")).welcome.receipts).toEqual(newest);
  }
  const listing = await call(`/v1/rooms/${here}/read`, { credential: room.tenant.key });
  const { items } = await listing.json<{ items: object[] }>();
  expect(items).toHaveLength(62);
  expect(items.slice(0, 2)).toEqual([
    { user: "constructor", upTo: 62 },
    { user: "u59", upTo: 61 },
  ]);
});

test("[L7] a read position survives an eviction between any two steps, and a late one does not take it back", async () => {
  const room = await place();
  const ada = await room.enter("ada");
  const bo = await room.enter("bo");
  for (let count = 0; count < 4; count++) await publish(room, "cy");
  for (const [upTo, stands] of [
    [2, 2],
    [1, 2],
    [4, 4],
    [3, 4],
  ] as const) {
    await room.fence(bo);
    await room.forget();
    expect(await ask(ada, { type: "read", upTo })).toMatchObject({ type: "ack", id: stands });
  }
  await room.fence(bo);
  expect(bo.of("receipt").map(({ upTo }) => upTo)).toEqual([2, 4]);
  expect(await query(room.tenant, here, "SELECT user, read_up_to FROM member")).toEqual([
    { user: "ada", read_up_to: 4 },
  ]);
  await room.slipOut(ada);
  const back = await room.enter("ada");
  expect(back.welcome.receipts).toEqual({ ada: 4 });
  await eventually(
    () => back.welcome.head > 0,
    () => back.frames,
  );
});
