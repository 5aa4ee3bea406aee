/** What is counted as used, under a clock that stands still. */
import { env } from "cloudflare:workers";
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { roomStub, tenantStub } from "../../src/objects/stubs.ts";
import { Tenant } from "../../src/objects/tenant/tenant.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { UsagePage, type UsageSpan } from "../../src/protocol/usage.ts";
import { asOperator, call, connect, newTenant, newToken } from "../routes/edge.ts";
import { everything, type TestTenant } from "../support/api.ts";
import { eventually, goTo, pass, startClock, stopClock } from "../support/clock.ts";
import { resetIn } from "../support/failing.ts";
import { metrics } from "../support/metrics.ts";
import { evict, query, roomObject } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import { ask } from "../support/place.ts";
import type { TestSocket } from "../support/socket.ts";

beforeEach(() => stopClock());
afterEach(() => {
  vi.restoreAllMocks();
  startClock();
});

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const of = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const evictTenant = (tenant: TestTenant): Promise<void> => evictDurableObject(env.TENANT.getByName(tenant.id));

interface Content {
  readonly text?: string;
  readonly data?: unknown;
  readonly expiresInMs?: number;
}

const bytesOf = ({ text, data }: Content): number =>
  new TextEncoder().encode((text ?? "") + (data === undefined ? "" : JSON.stringify(data))).length;

async function post(tenant: TestTenant, room: string, body: Content): Promise<number> {
  const path = `/v1/rooms/${room}/messages`;
  const response = await call(path, { method: "POST", credential: tenant.key, user: "ada", body });
  expect(response.status).toBe(201);
  return (await response.json<{ message: { id: number } }>()).message.id;
}

/** What the room has to say to its tenant 10 s after something happened. */
async function report(tenant: TestTenant, ...rooms: string[]): Promise<void> {
  for (const room of rooms) {
    pass(10_000);
    await runDurableObjectAlarm(roomObject(tenant, room));
    pass(-10_000);
  }
}

async function usage(tenant: TestTenant, bounds: Readonly<Record<string, string | number>> = {}): Promise<UsageSpan[]> {
  return (await usagePage(tenant, bounds)).items;
}

async function usagePage(tenant: TestTenant, bounds: Readonly<Record<string, string | number>>): Promise<UsagePage> {
  const entries = Object.entries(bounds).map(([name, value]): [string, string] => [name, String(value)]);
  const answer = await call(`/v1/usage?${new URLSearchParams(entries)}`, { credential: tenant.key });
  expect(answer.status).toBe(200);
  return UsagePage.parse(await answer.json());
}

/** Of the last day, all hours together. */
async function used(tenant: TestTenant): Promise<Pick<UsageSpan, "messages" | "bytes" | "changes">> {
  const spans = await usage(tenant);
  const sum = (value: (span: UsageSpan) => number): number => spans.reduce((total, span) => total + value(span), 0);
  return {
    messages: sum(({ messages }) => messages),
    bytes: sum(({ bytes }) => bytes),
    changes: sum((s) => s.changes),
  };
}

describe("what is counted", () => {
  test("[T13] every message that was stored counts once, whoever wrote it, whatever was evicted and told again", async () => {
    const tenant = await newTenant(roomy);
    const rooms = of(3).map((n) => `room-${n}`);
    const writers = await Promise.all(
      of(6).map(async (n) => ({
        room: rooms[n % 3] ?? "",
        socket: await connect(rooms[n % 3] ?? "", { token: await newToken(tenant, `u${n}`, { "*": everything }) }),
      })),
    );
    const stored: Content[] = [];
    for (const turn of of(4)) {
      const contents = of(20).map((n) => ({
        text: `żółw ${turn} 🐢 ${n}`,
        ...(n % 3 === 0 ? { data: { ś: [n] } } : {}),
      }));
      for (const { socket } of writers) {
        const frames = contents.map((content, n) => ({
          type: "publish",
          ref: `${turn}-${n}`,
          nonce: `nonce-${turn}-${n}`,
          ...content,
        }));
        // Retries, and what is refused, are stored by nobody.
        const refused = { ...frames[0], ref: `${turn}-bad`, nonce: `nonce-${turn}-bad`, text: "x".repeat(16_385) };
        socket.send(frames, [...frames.slice(0, 10), refused]);
        stored.push(...contents);
      }
      const posted = of(10).map((n) => ({ text: `by HTTP ${n}` }));
      await Promise.all(posted.map((content, n) => post(tenant, rooms[n % 3] ?? "", content)));
      stored.push(...posted);
      for (const { socket } of writers) await answered(socket, 31 * (turn + 1));
      await report(tenant, rooms[turn % 3] ?? "");
      await evict(tenant, rooms[(turn + 1) % 3] ?? "");
      if (turn % 2 === 1) await evictTenant(tenant);
      // What was lost with the memory are credits, for a second.
      pass(2_000);
    }
    await report(tenant, ...rooms);
    const expected = {
      messages: stored.length,
      bytes: stored.reduce((total, content) => total + bytesOf(content), 0),
      changes: stored.length,
    };
    expect(await used(tenant)).toEqual(expected);
    // Said again, also after all memory was lost, it is nothing new.
    for (const room of rooms) await evict(tenant, room);
    await evictTenant(tenant);
    for (const { socket } of writers) socket.close();
    await eventually(
      () => writers.every(({ socket }) => socket.closed !== null),
      () => "open",
    );
    await report(tenant, ...rooms);
    expect(await used(tenant)).toEqual(expected);
  });

  test("[T13] a message counts as it was published, whatever became of it before it was counted", async () => {
    const tenant = await newTenant(roomy);
    const room = "general";
    const contents: Content[] = of(8).map((n) => ({ text: `number ${n} ${"ö".repeat(n)}`, data: { n } }));
    const ids: number[] = [];
    for (const [n, content] of contents.entries())
      ids.push(await post(tenant, room, n === 0 ? { ...content, expiresInMs: 1_000 } : content));
    const path = (n: number): string => `/v1/rooms/${room}/messages/${ids[n]}`;
    const by = { credential: tenant.key, user: "ada" };
    await call(path(1), { method: "PATCH", ...by, body: { text: "much longer than before, and no less said" } });
    await call(path(2), { method: "DELETE", ...by });
    await call(`${path(3)}/reactions/%F0%9F%91%8D`, { method: "PUT", ...by });
    pass(2_000);
    await runDurableObjectAlarm(roomObject(tenant, room));
    await roomStub(env, tenant.id, room).retain(ids[5] ?? 0);
    await roomStub(env, tenant.id, room).erase("ada");
    const left = await call(`/v1/rooms/${room}/messages`, { credential: tenant.key });
    expect((await left.json<{ messages: { text: string | null }[] }>()).messages.map(({ text }) => text)).toEqual([
      null,
      null,
      null,
    ]);
    const { head } = await (await call(`/v1/rooms/${room}`, { credential: tenant.key })).json<{ head: number }>();
    await report(tenant, room);
    const bytes = contents.reduce((total, content) => total + bytesOf(content), 0);
    expect(await used(tenant)).toEqual({ messages: 8, bytes, changes: head });
  });

  test("[T13] what is rolled back takes its count back", async () => {
    const tenant = await newTenant(roomy);
    const id = await post(tenant, "general", { text: "ten bytes." });
    const trigger = "CREATE TRIGGER broken BEFORE UPDATE ON message BEGIN SELECT raise(ABORT, 'as a test asked'); END";
    const by = { method: "DELETE", credential: tenant.key, user: "ada" };
    const erase = async (): Promise<number> => (await call(`/v1/rooms/general/messages/${id}`, by)).status;
    await query(tenant, "general", trigger);
    const log = vi.spyOn(console, "error").mockReturnValue();
    expect(await erase()).toBe(500);
    expect(log).toHaveBeenCalled();
    await query(tenant, "general", "DROP TRIGGER broken");
    expect(await erase()).toBeLessThan(300);
    await report(tenant, "general");
    expect(await used(tenant)).toEqual({ messages: 1, bytes: 10, changes: 2 });
  });

  test("[T13] what was said in a room that was deleted counts, and so does what is said when it is made anew", async () => {
    const tenant = await newTenant(roomy);
    const by = { credential: tenant.key };
    for (const room of ["gone", "anew"]) {
      for (const n of of(5)) await post(tenant, room, { text: `number ${n}` });
      expect((await call(`/v1/rooms/${room}`, { method: "DELETE", ...by })).status).toBe(204);
    }
    expect((await call("/v1/rooms/anew", { method: "PUT", ...by, body: {} })).status).toBe(201);
    for (const n of of(2)) await post(tenant, "anew", { text: `again ${n}` });
    await evict(tenant, "anew");
    await report(tenant, "gone", "anew");
    expect(await used(tenant)).toEqual({ messages: 12, bytes: 10 * 8 + 2 * 7, changes: 12 });
    for (const n of of(3)) await post(tenant, "anew", { text: `again ${n}` });
    await report(tenant, "gone", "anew");
    expect(await used(tenant)).toMatchObject({ messages: 15, changes: 15 });
  });

  test("[T13] an answer that was lost makes the room say it again, and it counts once", async () => {
    const tenant = await newTenant(roomy);
    for (const n of of(5)) await post(tenant, "general", { text: `number ${n}` });
    vi.spyOn(console, "error").mockReturnValue();
    const failing = resetIn(Tenant, "account", { times: 1, afterwards: true });
    await report(tenant, "general");
    expect(failing.calls()).toBe(1);
    // Nobody has to write or come for it.
    pass(10_000);
    await report(tenant, "general");
    expect(failing.calls()).toBe(2);
    expect(await used(tenant)).toEqual({ messages: 5, bytes: 40, changes: 5 });
  });

  test("[T13] a statement that comes twice or too late adds nothing", async () => {
    const tenant = await newTenant(roomy);
    await post(tenant, "general", { text: "hello" });
    const state = (messages: number): Promise<unknown> =>
      tenantStub(env, tenant.id).account({
        room: "general",
        policyVersion: 1,
        places: 0,
        sockets: 0,
        credits: 0,
        returned: 0,
        door: "same",
        saidAtMs: 0,
        counts: {
          messages,
          members: 0,
          online: 0,
          lastActivityAtMs: null,
          used: { messages, bytes: 10 * messages, changes: 2 * messages },
          storageBytes: 1_000,
        },
      });
    for (const messages of [10, 10, 7, 12, 12, 10]) await state(messages);
    expect(await used(tenant)).toEqual({ messages: 12, bytes: 120, changes: 24 });
    expect((await usage(tenant)).at(-1)).toMatchObject({ storageBytes: 1_000 });
  });
});

describe("hours and days", () => {
  const evening = Date.UTC(2_031, 5, 6, 22, 30);

  test("[T14] each has its own, without a gap, and the most connections that were open in it", async () => {
    goTo(evening);
    const tenant = await newTenant(roomy);
    const enter = (room: string): Promise<TestSocket> => connect(room, { token: tenant.key });
    const [ada, bo, cy] = [await enter("one"), await enter("one"), await enter("two")];
    await post(tenant, "one", { text: "four" });
    await post(tenant, "two", { text: "four" });
    await report(tenant, "one", "two");
    await leave(cy);
    await report(tenant, "two");
    goTo(evening + hourMs);
    await stir(ada, bo);
    await leave(bo);
    await report(tenant, "one");
    // Midnight.
    goTo(evening + 1.5 * hourMs);
    await stir(ada);
    for (const room of ["one", "one", "two"]) await post(tenant, room, { text: "seven!!" });
    await report(tenant, "one", "two");
    goTo(evening + 3.5 * hourMs);
    const hours = await usage(tenant);
    const noFiles = { uploads: 0, uploadedBytes: 0, fileBytes: 0, awakeMs: 0 };
    expect(hours.map((span) => ({ ...span, storageBytes: 0, awakeMs: 0 }))).toEqual([
      {
        from: evening - hourMs / 2,
        messages: 2,
        bytes: 8,
        changes: 2,
        creditsRefused: 0,
        ...noFiles,
        storageBytes: 0,
        connectionsPeak: 3,
      },
      {
        from: evening + hourMs / 2,
        messages: 0,
        bytes: 0,
        changes: 0,
        creditsRefused: 0,
        ...noFiles,
        storageBytes: 0,
        connectionsPeak: 2,
      },
      {
        from: evening + 1.5 * hourMs,
        messages: 3,
        bytes: 21,
        changes: 3,
        creditsRefused: 0,
        ...noFiles,
        storageBytes: 0,
        connectionsPeak: 1,
      },
      {
        from: evening + 2.5 * hourMs,
        messages: 0,
        bytes: 0,
        changes: 0,
        creditsRefused: 0,
        ...noFiles,
        storageBytes: 0,
        connectionsPeak: 1,
      },
      {
        from: evening + 3.5 * hourMs,
        messages: 0,
        bytes: 0,
        changes: 0,
        creditsRefused: 0,
        ...noFiles,
        storageBytes: 0,
        connectionsPeak: 1,
      },
    ]);
    const storage = hours.map(({ storageBytes }) => storageBytes);
    expect(storage).toEqual([...storage].sort((one, other) => one - other));
    expect(storage[0]).toBeGreaterThan(8_192);
    const midnight = Date.UTC(2_031, 5, 7);
    const awake = (from: number, to: number): number =>
      hours.slice(from, to).reduce((sum, { awakeMs }) => sum + awakeMs, 0);
    const days = await usage(tenant, { by: "day" });
    expect(days).toEqual([
      { ...hours[0], from: midnight - dayMs, storageBytes: storage[1], awakeMs: awake(0, 2) },
      { ...hours[2], from: midnight, storageBytes: storage[4], awakeMs: awake(2, 5) },
    ]);
    const asked = await asOperator(`/v1/tenants/${tenant.id}/usage?by=day`);
    expect(await asked.json()).toEqual({ items: days });
  });

  test("[T14] a page begins with the hour in which `from` lies, ends before `to`, and says where the next one begins", async () => {
    goTo(evening);
    const tenant = await newTenant(roomy);
    const from = evening - hourMs / 2;
    for (const hour of of(5)) {
      goTo(evening + hour * hourMs);
      for (const n of of(hour)) await post(tenant, "general", { text: `${n}` });
      await report(tenant, "general");
    }
    const messages = async (bounds: Readonly<Record<string, number>>): Promise<number[]> =>
      (await usage(tenant, bounds)).map((span) => span.messages);
    expect(await messages({})).toEqual([0, 1, 2, 3, 4]);
    expect(await messages({ from: from + 2 * hourMs })).toEqual([2, 3, 4]);
    expect(await messages({ from: from + 2 * hourMs - 1 })).toEqual([1, 2, 3, 4]);
    expect(await messages({ from: 0, to: from + 2 * hourMs })).toEqual([0, 1]);
    expect(await messages({ from: 0, to: from + 2 * hourMs + 1 })).toEqual([0, 1, 2]);
    expect(await messages({ to: from - dayMs })).toEqual([]);
    expect(await messages({ from: evening + dayMs })).toEqual([]);
    const spans: UsageSpan[] = [];
    for (let next: string | undefined = "0"; next !== undefined;) {
      const read: UsagePage = await usagePage(tenant, { from: next, limit: 2 });
      expect(read.items.length).toBeLessThanOrEqual(2);
      spans.push(...read.items);
      next = read.next;
    }
    expect(spans).toEqual(await usage(tenant));
  });

  test("[T14] [W7] what was used is known for 400 days; after that only the counters know", async () => {
    const { usageDays } = fixedLimits;
    goTo(evening);
    const tenant = await newTenant(roomy);
    for (const day of of(3)) {
      goTo(evening + day * dayMs);
      for (const n of of(day + 1)) await post(tenant, "general", { text: `${n}` });
      await report(tenant, "general");
    }
    const days = async (): Promise<number[]> =>
      (await usage(tenant, { by: "day", from: 0, limit: 3 })).map(({ messages }) => messages);
    const midnight = Date.UTC(2_031, 5, 7);
    goTo(midnight + usageDays * dayMs - 1);
    expect(await days()).toEqual([1, 2, 3]);
    goTo(midnight + usageDays * dayMs);
    expect(await days()).toEqual([2, 3, 0]);
    expect(await readings(tenant)).toBe(3);
    // The oldest that is left is where the first day that is shown begins.
    goTo(midnight + (usageDays + 1) * dayMs);
    expect(await days()).toEqual([3, 0, 0]);
    await runDurableObjectAlarm(env.TENANT.getByName(tenant.id));
    expect(await readings(tenant)).toBe(2);
    await evictTenant(tenant);
    expect(await days()).toEqual([3, 0, 0]);
    expect((await metrics(tenant)).get("parley_messages_total")).toBe(6);
  });
});

describe("metrics", () => {
  test("[T14] are Prometheus' text format, agree with what happened, and have no labels but the widths of buckets", async () => {
    const tenant = await newTenant({ ...roomy, publishPerTenantPerSecond: 1, publishPerTenantBurst: 8 });
    const ada = await connect("one", { token: tenant.key });
    await post(tenant, "one", { text: "ö" });
    await post(tenant, "two", { text: "four" });
    const path = "/v1/rooms/two/messages";
    const publish = { method: "POST", credential: tenant.key, body: { text: "x" } };
    while ((await call(path, publish)).status === 201);
    const stored = (await (await call("/v1/rooms/two", { credential: tenant.key })).json<{ head: number }>()).head;
    await report(tenant, "one", "two");
    const known = await metrics(tenant);
    expect(Object.fromEntries(known)).toEqual({
      parley_messages_total: stored + 1,
      parley_message_bytes_total: 2 + 4 + stored - 1,
      parley_changes_total: stored + 1,
      parley_credits_refused_total: expect.any(Number),
      parley_connections: 1,
      parley_connections_peak: 1,
      parley_rooms: 2,
      parley_rooms_active: 1,
      parley_room_awake_seconds_total: 20,
      parley_room_wakings_total: 2,
      parley_flush_messages_sum: stored + 1,
      parley_flush_messages_count: stored + 1,
      ...Object.fromEntries(
        [1, 4, 16, 64, "+Inf"].map((le) => [`parley_flush_messages_bucket{le="${le}"}`, stored + 1]),
      ),
      parley_storage_bytes: expect.any(Number),
      parley_uploads_total: 0,
      parley_uploaded_bytes_total: 0,
      parley_file_bytes: 0,
      parley_policy_version: 1,
    });
    expect(known.get("parley_credits_refused_total")).toBeGreaterThan(0);
    expect(known.get("parley_storage_bytes")).toBeGreaterThan(8_192);
    await leave(ada);
  });

  test("[T14] counters never go back: not when memory is lost, nor when a room is deleted", async () => {
    const tenant = await newTenant(roomy);
    const ada = await connect("one", { token: tenant.key });
    let before = await metrics(tenant);
    for (const turn of of(3)) {
      for (const room of ["one", `two-${turn}`]) await post(tenant, room, { text: `${turn}` });
      await report(tenant, "one", `two-${turn}`);
      await evictTenant(tenant);
      expect((await call(`/v1/rooms/two-${turn}`, { method: "DELETE", credential: tenant.key })).status).toBe(204);
      await report(tenant, `two-${turn}`);
      const now = await metrics(tenant);
      for (const [name, value] of before)
        if (/_total$|^parley_flush/.test(name)) expect(now.get(name)).toBeGreaterThanOrEqual(value);
      expect(now.get("parley_messages_total")).toBe(2 * (turn + 1));
      expect(now.get("parley_rooms")).toBe(1);
      expect(now.get("parley_connections")).toBe(1);
      before = now;
    }
    await call("/v1/rooms/one", { method: "DELETE", credential: tenant.key });
    await ada.until(({ closed }) => closed !== null);
    expect((await metrics(tenant)).get("parley_connections")).toBe(0);
  });
});

function readings(tenant: TestTenant): Promise<number> {
  return runInDurableObject(
    env.TENANT.getByName(tenant.id),
    (_, { storage }) => storage.sql.exec<{ rows: number }>("SELECT count(*) AS rows FROM usage").one().rows,
  );
}

async function answered(socket: TestSocket, frames: number): Promise<void> {
  await eventually(
    () => socket.of("ack").length + socket.of("error").length === frames,
    () => socket.frames.slice(-3),
  );
}

async function leave(socket: TestSocket): Promise<void> {
  socket.close();
  await eventually(
    () => socket.closed !== null,
    () => socket.frames.slice(-3),
  );
}

/** Without a sign of life a socket is closed after 10 minutes. */
async function stir(...sockets: TestSocket[]): Promise<void> {
  for (const socket of sockets) await ask(socket, { type: "presence.get", limit: 1 });
}
