/** What a tenant gives its rooms in advance, under a clock that stands still. */
import { env } from "cloudflare:workers";
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Tenant } from "../../src/objects/tenant/tenant.ts";
import { asOperator, call, connect, newTenant, newToken } from "../routes/edge.ts";
import { everything, type TestTenant } from "../support/api.ts";
import { eventually, goTo, pass, startClock, stopClock } from "../support/clock.ts";
import { evict, roomObject } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import type { TestSocket } from "../support/socket.ts";

beforeEach(() => stopClock());
afterEach(() => startClock());

interface Answered {
  readonly status: number;
  readonly code?: string;
  readonly retryAfterMs?: number;
  readonly limit?: { readonly scope: string };
}

async function publish(tenant: TestTenant, room: string, user = "ada"): Promise<Answered> {
  const path = `/v1/rooms/${room}/messages`;
  const response = await call(path, { method: "POST", credential: tenant.key, user, body: { text: "x" } });
  const body = await response.json<Omit<Answered, "status">>();
  return { ...body, status: response.status };
}

const passed = (answers: readonly Answered[]): number => answers.filter(({ status }) => status === 201).length;
const evictTenant = (tenant: TestTenant): Promise<void> => evictDurableObject(env.TENANT.getByName(tenant.id));
const of = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const tenantOf = (limits: Readonly<Record<string, number>>): Promise<TestTenant> => newTenant({ ...roomy, ...limits });

async function socketOf(tenant: TestTenant, room: string, user: string): Promise<TestSocket> {
  return connect(room, { token: await newToken(tenant, user, { "*": everything }) });
}

/** How many messages these sockets were acked, when each has its answers or was closed for hearing no too often. */
async function settled(sockets: readonly TestSocket[], each: number): Promise<number> {
  const isDone = (socket: TestSocket): boolean =>
    socket.closed !== null || socket.of("ack").length + socket.of("error").length === each;
  await eventually(
    () => sockets.every(isDone),
    () => sockets.map(({ frames }) => frames.length),
  );
  return sockets.reduce((total, socket) => total + socket.of("ack").length, 0);
}

describe("buckets", () => {
  const limits = { publishPerUserPerSecond: 50, publishPerUserBurst: 100 };

  test("[T6] of 1,000 messages at once at a burst of 100 exactly 100 pass, whichever way they come", async () => {
    const tenant = await tenantOf(limits);
    const sockets = await Promise.all(of(5).map(() => socketOf(tenant, "general", "ada")));
    sockets.forEach((socket, index) =>
      of(4).forEach((part) =>
        socket.send(
          of(25).map((n) => ({
            type: "publish",
            ref: `${part}-${n}`,
            nonce: `nonce-${index}-${part}-${n}`,
            text: "x",
          })),
        ),
      ),
    );
    const answers = await Promise.all(of(500).map(() => publish(tenant, "general")));
    expect(passed(answers) + (await settled(sockets, 100))).toBe(100);
    const refused = answers.find(({ status }) => status === 429);
    expect(refused).toMatchObject({ code: "rate_limited", limit: { scope: "user_in_room" }, retryAfterMs: 20 });
    pass(20);
    expect(await publish(tenant, "general")).toMatchObject({ status: 201 });
    expect(await publish(tenant, "general")).toMatchObject({ status: 429 });
  });

  test("[T6] a room's bucket is one for all its users", async () => {
    const tenant = await tenantOf({ publishPerRoomPerSecond: 10, publishPerRoomBurst: 30 });
    const answers = await Promise.all(of(90).map((n) => publish(tenant, "general", `user-${n % 9}`)));
    expect(passed(answers)).toBe(30);
    expect(answers.find(({ status }) => status === 429)).toMatchObject({ limit: { scope: "room" } });
    expect(await publish(tenant, "another")).toMatchObject({ status: 201 });
  });
});

describe("the tenant's credits", () => {
  test("[T7] rooms share the tenant's burst: exactly so many pass in all of them together", async () => {
    const tenant = await tenantOf({ publishPerTenantPerSecond: 50, publishPerTenantBurst: 100 });
    const rooms = of(5).map((n) => `room-${n}`);
    const answers = await Promise.all(of(1_000).map((n) => publish(tenant, rooms[n % 5] ?? "", `user-${n}`)));
    expect(passed(answers)).toBe(100);
    const refused = answers.filter(({ status }) => status === 429);
    for (const answer of refused) expect(answer).toMatchObject({ code: "rate_limited", limit: { scope: "tenant" } });
    const other = await tenantOf({});
    expect(await publish(other, "room-1")).toMatchObject({ status: 201 });
  });

  test("[T7] [H5] what it says of when to come again is true", async () => {
    const tenant = await tenantOf({ publishPerTenantPerSecond: 2, publishPerTenantBurst: 3 });
    const answers = await Promise.all(of(9).map(() => publish(tenant, "general")));
    expect(passed(answers)).toBe(3);
    const { retryAfterMs = 0 } = answers.find(({ status }) => status === 429) ?? {};
    expect(retryAfterMs).toBeGreaterThan(0);
    pass(retryAfterMs - 1);
    expect(await publish(tenant, "general")).toMatchObject({ status: 429, retryAfterMs: 1 });
    pass(1);
    expect(await publish(tenant, "general")).toMatchObject({ status: 201 });
    expect(await publish(tenant, "general")).toMatchObject({ status: 429 });
  });

  test("[T7] a loss of memory loses credits and never makes them, the room's and the tenant's", async () => {
    const tenant = await tenantOf({ publishPerTenantPerSecond: 1, publishPerTenantBurst: 20 });
    let accepted = 0;
    for (const turn of of(12)) {
      accepted += (await publish(tenant, "general")).status === 201 ? 1 : 0;
      await evict(tenant, "general");
      if (turn % 3 === 2) await evictTenant(tenant);
    }
    expect(accepted).toBeGreaterThan(0);
    expect(accepted).toBeLessThanOrEqual(5);
    expect(await publish(tenant, "general")).toMatchObject({ status: 429 });
  });

  test("[T7] a tenant that has just lost its memory goes on giving what it surely has", async () => {
    const tenant = await tenantOf({ publishPerTenantPerSecond: 50, publishPerTenantBurst: 100 });
    expect(await publish(tenant, "one")).toMatchObject({ status: 201 });
    await evictTenant(tenant);
    const answers = await Promise.all(of(200).map((n) => publish(tenant, "two", `user-${n}`)));
    // Four were taken by the other room, ten are what may have been given since.
    expect(passed(answers)).toBe(86);
  });

  test("[T7] what a room did not spend it gives back, and another has it", async () => {
    const tenant = await tenantOf({ changesPerDay: 4 });
    expect(await publish(tenant, "one")).toMatchObject({ status: 201 });
    expect(await publish(tenant, "two")).toMatchObject({ status: 429 });
    await report(tenant, "one");
    const answers = await Promise.all(of(5).map(() => publish(tenant, "three")));
    expect(passed(answers)).toBe(3);
  });

  test("[T7] [P3] what waits for a credit is found by its nonce, and stored in the order in which it came", async () => {
    const tenant = await tenantOf({});
    const socket = await socketOf(tenant, "general", "ada");
    const nonces = of(40).map((n) => `nonce-number-${Math.floor(n / 2)}`);
    socket.send(nonces.map((nonce, n) => ({ type: "publish", ref: `${n}`, nonce, text: nonce })));
    expect(await settled([socket], 40)).toBe(40);
    expect(socket.of("ack").filter(({ duplicate }) => duplicate === true)).toHaveLength(20);
    const stored = socket.of("changes").flatMap(({ changes }) => changes);
    expect(stored.map((change) => (change.type === "message" ? change.message.text : null))).toEqual([
      ...new Set(nonces),
    ]);
  });
});

describe("a day's quota", () => {
  const midnight = Date.UTC(2_031, 5, 7);

  test("[T8] [W7] the last change of it passes, the next is told when the day ends, and the new day is a new one", async () => {
    goTo(midnight - 3_600_000);
    const tenant = await tenantOf({ changesPerDay: 5 });
    const answers = await Promise.all(of(6).map((n) => publish(tenant, `room-${n % 2}`)));
    expect(passed(answers)).toBeLessThanOrEqual(5);
    for (const room of ["room-0", "room-1"]) await report(tenant, room);
    const rest = await Promise.all(of(6).map(() => publish(tenant, "room-2")));
    expect(passed(answers) + passed(rest)).toBe(5);
    const over = rest.find(({ status }) => status === 429);
    expect(over).toMatchObject({ code: "quota_exceeded", retryAfterMs: 3_600_000, limit: { scope: "tenant_day" } });
    await evict(tenant, "room-2");
    await evictTenant(tenant);
    goTo(midnight - 1);
    expect(await publish(tenant, "room-2")).toMatchObject({ status: 429, code: "quota_exceeded" });
    goTo(midnight);
    expect(await publish(tenant, "room-2")).toMatchObject({ status: 201 });
  });
});

test("[T8] what was taken before midnight and comes back after it adds nothing to the new day", async () => {
  const midnight = Date.UTC(2_032, 5, 7);
  goTo(midnight - 1_000);
  const tenant = await tenantOf({ changesPerDay: 8 });
  expect(await publish(tenant, "late")).toMatchObject({ status: 201 });
  goTo(midnight + 1_000);
  expect(await publish(tenant, "early")).toMatchObject({ status: 201 });
  await report(tenant, "late");
  // Four are with the room that was early.
  const answers = await Promise.all(of(9).map(() => publish(tenant, "another")));
  expect(passed(answers)).toBe(4);
});

test("[T8] what is refused when it is to be stored uses up nothing", async () => {
  const tenant = await tenantOf({ changesPerDay: 5 });
  expect(await publish(tenant, "general")).toMatchObject({ status: 201 });
  const path = "/v1/rooms/general/messages";
  for (const _ of of(12)) {
    const reply = { method: "POST", credential: tenant.key, user: "ada", body: { text: "x", replyTo: 99 } };
    expect((await call(path, reply)).status).toBe(404);
  }
  for (const _ of of(4)) expect(await publish(tenant, "general")).toMatchObject({ status: 201 });
  expect(await publish(tenant, "general")).toMatchObject({ status: 429, code: "quota_exceeded" });
});

describe("places", () => {
  test("[T9] [W7] the tenant's last place is taken, one more is refused, and one that was left is free again", async () => {
    const tenant = await tenantOf({ socketsPerTenant: 2 });
    const ada = await socketOf(tenant, "one", "ada");
    await socketOf(tenant, "two", "bo");
    await expect(socketOf(tenant, "three", "cy")).rejects.toThrow("connection_limit");
    await expect(socketOf(tenant, "one", "cy")).rejects.toThrow("connection_limit");
    await evict(tenant, "two");
    await evictTenant(tenant);
    await expect(socketOf(tenant, "three", "cy")).rejects.toThrow("connection_limit");
    ada.close(1000);
    await ada.until(({ closed }) => closed !== null);
    await report(tenant, "one");
    // A room that was told that there is none does not ask at once again.
    pass(250);
    await socketOf(tenant, "three", "cy");
    await expect(socketOf(tenant, "one", "ada")).rejects.toThrow("connection_limit");
  });

  test("[T9] many who come at once all get their places, and the tenant is asked a few times", async () => {
    const tenant = await tenantOf({ socketsPerTenant: 60 });
    const comers = await Promise.allSettled(of(70).map((n) => socketOf(tenant, "hall", `user-${n}`)));
    expect(comers.filter(({ status }) => status === "fulfilled")).toHaveLength(60);
    expect(await placesOf(tenant)).toEqual([{ name: "hall", places: 60, sockets: expect.any(Number) }]);
  });
});

test("[T9] a join that is refused takes no place, and sockets that a restart took give theirs back", async () => {
  const tenant = await tenantOf({ socketsPerTenant: 3 });
  for (const room of ["one", "two", "three", "four"]) {
    await publish(tenant, room);
    const mute = await newToken(tenant, "cy", { "*": ["publish"] });
    await expect(connect(room, { token: mute })).rejects.toThrow("403");
  }
  expect(await placesOf(tenant)).toEqual([]);
  await socketOf(tenant, "one", "ada");
  // As after a restart: the tenant has written down places of which no room knows.
  await runInDurableObject(roomObject(tenant, "two"), (_, { storage }) =>
    storage.sql.exec("INSERT INTO job (name, at) VALUES ('sweep', ?)", Date.now() + 75_000),
  );
  await runInDurableObject(env.TENANT.getByName(tenant.id), (_, { storage }) =>
    storage.sql.exec("UPDATE room SET places = 2 WHERE name = 'two'"),
  );
  await evictTenant(tenant);
  await evict(tenant, "two");
  await expect(socketOf(tenant, "three", "bo")).rejects.toThrow("connection_limit");
  pass(80_000);
  await runDurableObjectAlarm(roomObject(tenant, "two"));
  await report(tenant, "two");
  expect(await placesOf(tenant)).toMatchObject([{ name: "one" }]);
  await socketOf(tenant, "three", "bo");
});

describe("a room that is deleted", () => {
  const room = "/v1/rooms/general";

  test("[O6] [P2] stores nothing that still waited for a credit, not even in the next room of its name", async () => {
    const tenant = await tenantOf({ publishPerTenantPerSecond: 1_000, publishPerTenantBurst: 2_000 });
    await publish(tenant, "general");
    // The clock stands still, so that after some questions the room may ask no more for now.
    const waiting = of(400).map(() => publish(tenant, "general"));
    const [, removed] = await Promise.all([
      Promise.all(waiting),
      call(room, { method: "DELETE", credential: tenant.key }),
    ]);
    expect(removed.status).toBe(204);
    const made = await call(room, { method: "PUT", credential: tenant.key, body: {} });
    expect(await made.json()).toMatchObject({ head: 0 });
    const page = await call(`${room}/messages`, { credential: tenant.key });
    expect(await page.json()).toMatchObject({ messages: [] });
  });

  test("[T17] [T9] gives its places back: the next one of its name asks for its own, and is told what is decided", async () => {
    const tenant = await tenantOf({});
    await socketOf(tenant, "general", "ada");
    await socketOf(tenant, "general", "bo");
    await call(room, { method: "DELETE", credential: tenant.key });
    expect(await placesOf(tenant)).toEqual([]);
    await call(room, { method: "PUT", credential: tenant.key, body: {} });
    const ada = await socketOf(tenant, "general", "ada");
    expect(await placesOf(tenant)).toMatchObject([{ name: "general", places: 1 }]);
    await asOperator(`/v1/tenants/${tenant.id}/suspend`, { method: "POST" });
    await eventually(
      () => ada.closed !== null,
      () => ada.frames.length,
    );
    expect(ada.closed?.code).toBe(4510);
  });
});

describe("a user's connections", () => {
  test("[T9] [W7] are bounded over all rooms and transports, and one that ended is free at once", async () => {
    const tenant = await tenantOf({ connectionsPerUser: 4 });
    const token = await newToken(tenant, "ada", { "*": everything });
    const sockets = [await connect("one", { token }), await connect("two", { token })];
    const held = await call("/v1/socket", { credential: token, headers: { Upgrade: "websocket" } });
    held.webSocket?.accept();
    const stream = await call("/v1/rooms/one/events", { credential: token });
    expect([held.status, stream.status]).toEqual([101, 200]);
    const refused = [
      await call("/v1/rooms/three/socket", { credential: token, headers: { Upgrade: "websocket" } }),
      await call("/v1/socket", { credential: token, headers: { Upgrade: "websocket" } }),
      await call("/v1/rooms/one/events", { credential: token }),
      await call("/v1/events?rooms=one,two", { credential: token }),
    ];
    for (const { status } of refused) expect(status).toBe(429);
    await evict(tenant, "one");
    await expect(connect("three", { token })).rejects.toThrow("At most 4 connections of a user");
    await socketOf(tenant, "one", "bo");
    await stream.body?.cancel();
    sockets.push(await connect("three", { token }));
    sockets[1]?.close(1000);
    await eventually(
      () => sockets[1]?.closed !== null,
      () => "a close",
    );
    await connect("one", { token });
    await expect(connect("two", { token })).rejects.toThrow("connection_limit");
    held.webSocket?.close(1000);
  });
});

describe("what the tenant decides", () => {
  test("[T17] reaches rooms that are open, also one that sleeps, before it is answered", async () => {
    const tenant = await tenantOf({});
    const [ada, bo] = [await socketOf(tenant, "one", "ada"), await socketOf(tenant, "two", "bo")];
    await evict(tenant, "two");
    const body = { limits: { textLength: 3 } };
    expect((await asOperator(`/v1/tenants/${tenant.id}`, { method: "PATCH", body })).status).toBe(200);
    for (const socket of [ada, bo]) {
      socket.send({ type: "publish", ref: "a", nonce: "too-long-now", text: "four" });
      expect(await socket.answer("a")).toMatchObject({ type: "error", code: "too_large" });
    }
  });

  test("[T17] a room without sockets asks for it when it hears that there is something newer", async () => {
    const tenant = await tenantOf({});
    expect(await publish(tenant, "quiet")).toMatchObject({ status: 201 });
    await asOperator(`/v1/tenants/${tenant.id}`, { method: "PATCH", body: { limits: { textLength: 3 } } });
    // This edge holds its policy for 5 s.
    pass(5_001);
    const path = "/v1/rooms/quiet/messages";
    const long = await call(path, { method: "POST", credential: tenant.key, user: "ada", body: { text: "four" } });
    expect(long.status).toBe(413);
  });
});

test("[T7] a room that is never quiet asks its tenant for credits at most 9 times in any second", async () => {
  startClock();
  const tenant = await tenantOf({ publishPerTenantPerSecond: 60, publishPerTenantBurst: 60 });
  const rooms = ["one", "two", "three"];
  const askedMs = new Map<string, number[]>();
  const account = Tenant.prototype.account;
  vi.spyOn(Tenant.prototype, "account").mockImplementation(function count(this: Tenant, statement) {
    askedMs.set(statement.room, [...(askedMs.get(statement.room) ?? []), Date.now()]);
    return account.call(this, statement);
  });
  const sinceMs = Date.now();
  let accepted = 0;
  const flood = async (room: string, user: number): Promise<void> => {
    while (Date.now() < sinceMs + 2_500)
      if ((await publish(tenant, room, `user-${user}`)).status === 201) accepted += 1;
  };
  await Promise.all(rooms.flatMap((room) => of(3).map((user) => flood(room, user))));
  const seconds = (Date.now() - sinceMs) / 1_000;
  vi.restoreAllMocks();
  for (const room of rooms) {
    const times = askedMs.get(room) ?? [];
    expect(times.length).toBeGreaterThan(3);
    for (const [index, atMs] of times.entries())
      expect(times.slice(index).filter((laterMs) => laterMs < atMs + 1_000).length).toBeLessThanOrEqual(9);
  }
  expect(accepted).toBeGreaterThan(60);
  expect(accepted).toBeLessThanOrEqual(60 + 60 * seconds);
});

/** The room's report to its tenant, which is due 10 s after something happened. */
async function report(tenant: TestTenant, room: string): Promise<void> {
  pass(10_000);
  await runDurableObjectAlarm(roomObject(tenant, room));
  pass(-10_000);
}

function placesOf(tenant: TestTenant): Promise<{ name: string; places: number; sockets: number }[]> {
  return runInDurableObject(env.TENANT.getByName(tenant.id), (_, { storage }) =>
    storage.sql
      .exec<{ name: string; places: number; sockets: number }>(
        "SELECT name, places, sockets FROM room WHERE places > 0 ORDER BY name",
      )
      .toArray(),
  );
}
