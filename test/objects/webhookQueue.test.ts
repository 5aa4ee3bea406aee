/** A webhook endpoint's object without anybody to call: what it takes, what it keeps, and what becomes of it. */
import { env } from "cloudflare:workers";
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, expect, type Mock, test, vi } from "vitest";
import type { Span } from "../../src/objects/room/replay.ts";
import { Room } from "../../src/objects/room/room.ts";
import { webhookObjectName, webhookStub, type WebhookStub } from "../../src/objects/stubs.ts";
import { Tenant } from "../../src/objects/tenant/tenant.ts";
import { Deliveries } from "../../src/objects/webhook/deliveries.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import type { Delivery, WebhookEndpoint, WebhookEvent } from "../../src/protocol/webhook.ts";
import { asOperator, call, newTenant, type TestTenant } from "../support/api.ts";
import { auditOf } from "../support/audit.ts";

afterEach(() => {
  vi.useRealTimers();
});

interface Place {
  readonly tenant: TestTenant;
  readonly id: string;
  readonly endpoint: WebhookStub;
}

async function newEndpoint(settings: object = {}, tenant?: TestTenant): Promise<Place> {
  const owner = tenant ?? (await newTenant());
  const body = { url: "https://hooks.example.com/", events: ["*"], isEnabled: false, ...settings };
  const made = await call("/v1/webhooks", { method: "POST", credential: owner.key, body });
  expect(made.status).toBe(201);
  const { id } = (await made.json<{ webhook: WebhookEndpoint }>()).webhook;
  return { tenant: owner, id, endpoint: webhookStub(env, owner.id, id) };
}

const object = ({ tenant, id }: Place) => env.WEBHOOK_ENDPOINT.getByName(webhookObjectName(tenant.id, id));
const eventOf = ({ tenant }: Place, seq: number, room = "general", data: unknown = {}): WebhookEvent => {
  const type = "message.created";
  return { id: `e:${seq}:${type}`, type, atMs: 0, tenant: tenant.id, room, seq, data };
};
const newest = { state: null, before: Number.MAX_SAFE_INTEGER, limit: 100 };
const idsIn = (deliveries: readonly Delivery[]): string[][] =>
  deliveries.toReversed().map(({ events }) => events.map(({ id }) => id.split(":")[1] ?? ""));
const tablesOf = (place: Place): Promise<number> =>
  runInDurableObject(
    object(place),
    (_, { storage }) =>
      storage.sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'delivery'").toArray().length,
  );

test("[N12] an event that an endpoint is given twice is in its queue once", async () => {
  const place = await newEndpoint();
  const { endpoint } = place;
  expect(await endpoint.accept([eventOf(place, 1), eventOf(place, 2)])).toBe(true);
  expect(await endpoint.accept([eventOf(place, 2, "general", { other: true }), eventOf(place, 3)])).toBe(true);
  const deliveries = await endpoint.deliveries(newest);
  expect(idsIn(deliveries)).toEqual([["1"], ["2"], ["3"]]);
  expect(deliveries.map(({ id }) => id)).toEqual(deliveries.map(({ events }) => events[0]?.id));
  expect(await endpoint.waiting()).toMatchObject({ waiting: 3, failed: 0, dropped: 0 });
});

test("[N13] [W7] beyond 10,000 events that wait, what comes is counted and not taken", async () => {
  const place = await newEndpoint({ batch: { maxEvents: 100, waitMs: 60_000 } });
  const { endpoint } = place;
  const most = fixedLimits.webhookQueueEvents;
  const events = Array.from({ length: most - 1 }, (_, seq) => eventOf(place, seq));
  for (let from = 0; from < events.length; from += 2_500) await endpoint.accept(events.slice(from, from + 2_500));
  expect(await endpoint.waiting()).toMatchObject({ waiting: most - 1, dropped: 0, droppedAt: null });
  await endpoint.accept([eventOf(place, most), eventOf(place, most + 1), eventOf(place, most + 2)]);
  const { waiting, dropped, droppedAt } = await endpoint.waiting();
  expect([waiting, dropped]).toEqual([most, 2]);
  expect(Math.abs((droppedAt ?? 0) - Date.now())).toBeLessThan(60_000);
});

test("[N14] events that wait for others go together, as many as the endpoint has set, and each delivery keeps its events", async () => {
  const place = await newEndpoint({ batch: { maxEvents: 3, waitMs: 1_000 } });
  const { endpoint } = place;
  for (const seq of [1, 2, 3, 4, 5]) await endpoint.accept([eventOf(place, seq, `room-${seq}`)]);
  const deliveries = await endpoint.deliveries(newest);
  expect(idsIn(deliveries)).toEqual([
    ["1", "2", "3"],
    ["4", "5"],
  ]);
  const [second, first] = deliveries;
  expect(first?.id).toMatch(/^batch_/);
  expect((second?.nextAttemptAt ?? 0) - (second?.createdAt ?? 0)).toBe(1_000);
  // The full one waits for nothing.
  expect(first?.nextAttemptAt ?? Infinity).toBeLessThanOrEqual(second?.createdAt ?? 0);
  await runInDurableObject(object(place), (_, { storage }) => {
    const own = new Deliveries(storage);
    own.begin(first?.delivery ?? 0, Date.now());
    own.begin(second?.delivery ?? 0, Date.now());
  });
  await endpoint.accept([eventOf(place, 6)]);
  expect(idsIn(await endpoint.deliveries(newest))).toEqual([["1", "2", "3"], ["4", "5"], ["6"]]);
});

test("[N14] [W7] a batch that is large enough takes no more", async () => {
  const place = await newEndpoint({ batch: { maxEvents: 100, waitMs: 60_000 } });
  const half = "x".repeat(fixedLimits.webhookBatchBytes / 2);
  for (const seq of [1, 2, 3]) await place.endpoint.accept([eventOf(place, seq, "general", { half })]);
  expect(idsIn(await place.endpoint.deliveries(newest))).toEqual([["1"], ["2"], ["3"]]);
});

test("[N15] what arrived is listed for a day and a dead letter for two weeks, and then nothing of them is left", async () => {
  const place = await newEndpoint();
  const { endpoint } = place;
  await endpoint.accept([1, 2, 3].map((seq) => eventOf(place, seq)));
  const nowMs = Date.now();
  await runInDurableObject(object(place), (_, { storage }) => {
    const own = new Deliveries(storage);
    own.succeed(1, 200, nowMs);
    own.fail(2, { status: 500, error: "it answered with an error: 500" }, null, nowMs);
    expect(storage.sql.exec("SELECT body FROM event WHERE delivery = 1").one()).toEqual({ body: null });
  });
  const bodies = await Promise.all([1, 2, 4].map((number) => endpoint.deliveryDetails(number)));
  expect(bodies.map((details) => details && (details.body === null ? null : JSON.parse(details.body).seq))).toEqual([
    null,
    2,
    null,
  ]);
  await endpoint.accept([]);
  const statesAt = async (atMs: number): Promise<string[]> => {
    vi.setSystemTime(atMs);
    await runDurableObjectAlarm(object(place));
    return (await endpoint.deliveries(newest)).map(({ delivery, state }) => `${delivery} ${state}`);
  };
  const hour = 3_600_000;
  expect(await statesAt(nowMs + 24 * hour - 1)).toEqual(["3 pending", "2 failed", "1 delivered"]);
  expect(await statesAt(nowMs + 26 * hour)).toEqual(["3 pending", "2 failed"]);
  // What waited all the time at an endpoint that is disabled is then a dead letter itself.
  expect(await statesAt(nowMs + 14 * 24 * hour + 2 * hour)).toEqual(["3 failed"]);
  expect(await statesAt(nowMs + 29 * 24 * hour)).toEqual([]);
  const left = await runInDurableObject(object(place), (_, { storage }) =>
    storage.sql.exec("SELECT (SELECT count(*) FROM event) + (SELECT count(*) FROM delivery) AS rows").one(),
  );
  expect(left).toEqual({ rows: 0 });
});

test("[N15] deliveries are listed page by page as every list is: `next` is what to say as `after`", async () => {
  const place = await newEndpoint();
  await place.endpoint.accept([1, 2, 3, 4, 5].map((seq) => eventOf(place, seq)));
  const seen: number[][] = [];
  for (let after = ""; seen.length < 5;) {
    const path = `/v1/webhooks/${place.id}/deliveries?state=pending&limit=2${after}`;
    const answer = await call(path, { credential: place.tenant.key });
    const { items, next } = await answer.json<{ items: Delivery[]; next?: string }>();
    seen.push(items.map(({ delivery }) => delivery));
    if (next === undefined) break;
    after = `&after=${next}`;
  }
  expect(seen).toEqual([[5, 4], [3, 2], [1]]);
  const old = await call(`/v1/webhooks/${place.id}/deliveries?before=3`, { credential: place.tenant.key });
  expect(old.status).toBe(400);
});

test("[N15] a dead letter that was retried by hand, and is younger by that, keeps no older one longer", async () => {
  const place = await newEndpoint();
  await place.endpoint.accept([1, 2, 3].map((seq) => eventOf(place, seq)));
  const nowMs = Date.now();
  const end = (body: (own: Deliveries) => void) =>
    runInDurableObject(object(place), (_, { storage }) => body(new Deliveries(storage)));
  const died = { status: 500, error: "it answered with an error: 500" };
  const day = 86_400_000;
  await end((own) => [1, 2].forEach((number) => own.fail(number, died, null, nowMs)));
  await end((own) => own.succeed(3, 200, nowMs + 4 * day));
  await place.endpoint.accept([]);
  await end((own) => own.retry(1, nowMs + 4 * day));
  await end((own) => own.fail(1, died, null, nowMs + 4 * day));
  for (let days = 1; days <= 15; days++) {
    vi.setSystemTime(nowMs + days * day + 3_600_000);
    await runDurableObjectAlarm(object(place));
  }
  expect((await place.endpoint.deliveries(newest)).map(({ delivery }) => delivery)).toEqual([1]);
});

test("[N16] an endpoint that was removed leaves nothing behind, also of what it is given later", async () => {
  const place = await newEndpoint();
  const { endpoint, id, tenant } = place;
  await endpoint.accept([eventOf(place, 1)]);
  expect(await tablesOf(place)).toBe(1);
  expect((await call(`/v1/webhooks/${id}`, { method: "DELETE", credential: tenant.key })).status).toBe(204);
  expect(await tablesOf(place)).toBe(0);
  expect(await endpoint.accept([eventOf(place, 2)])).toBe(false);
  expect(await tablesOf(place)).toBe(0);
  expect(await endpoint.deliveries(newest)).toEqual([]);
});

test("[N16] an endpoint that is removed while a replay runs, or while it is given something, is not filled again", async () => {
  const place = await newEndpoint();
  const { endpoint, id, tenant } = place;
  const remove = () => call(`/v1/webhooks/${id}`, { method: "DELETE", credential: tenant.key });
  const posting = { method: "POST", credential: tenant.key, body: { text: "hello" } };
  expect((await call("/v1/rooms/general/messages", posting)).status).toBe(201);
  await endpoint.accept([eventOf(place, 1)]);
  const { prototype } = Room;
  const { replay } = prototype;
  const replaying = vi.spyOn(prototype, "replay") as Mock;
  replaying.mockImplementation(async function removing(this: Room, span: Span) {
    await remove();
    return replay.call(this, span);
  });
  expect(await endpoint.replay({ room: "general", from: 1, to: 99 })).toBeNull();
  replaying.mockRestore();
  expect(await tablesOf(place)).toBe(0);

  const other = await newEndpoint({}, tenant);
  const { webhookTarget } = Tenant.prototype;
  const asking = vi.spyOn(Tenant.prototype, "webhookTarget") as Mock;
  asking.mockImplementation(async function removing(this: Tenant) {
    const target = webhookTarget.call(this, other.id);
    await call(`/v1/webhooks/${other.id}`, { method: "DELETE", credential: tenant.key });
    return target;
  });
  expect(await other.endpoint.accept([eventOf(other, 1)])).toBe(false);
  asking.mockRestore();
  expect(await tablesOf(other)).toBe(0);
});

test("[N16] an endpoint that did not hear that it was removed finds it out by itself", async () => {
  const place = await newEndpoint();
  await place.endpoint.accept([eventOf(place, 1)]);
  await runInDurableObject(env.TENANT.getByName(place.tenant.id), (_, { storage }) =>
    storage.sql.exec("DELETE FROM webhook").toArray(),
  );
  vi.setSystemTime(Date.now() + fixedLimits.webhookPausedMs + 1);
  await runDurableObjectAlarm(object(place));
  expect(await tablesOf(place)).toBe(0);
});

test("[N16] [T15] the end of a tenant is the end of its endpoints", async () => {
  const place = await newEndpoint();
  const { tenant } = place;
  await place.endpoint.accept([eventOf(place, 1)]);
  expect((await asOperator(`/v1/tenants/${tenant.id}`, { method: "DELETE" })).status).toBe(202);
  vi.setSystemTime(Date.now() + 60_000);
  const end = async (): Promise<number> => {
    await runDurableObjectAlarm(env.TENANT.getByName(tenant.id));
    return (await asOperator(`/v1/tenants/${tenant.id}`)).status;
  };
  await expect.poll(end, { timeout: 30_000, interval: 1 }).toBe(404);
  expect(await tablesOf(place)).toBe(0);
  expect(await place.endpoint.accept([eventOf(place, 2)])).toBe(false);
});

test("[N17] what says something of an erased user does not wait any more", async () => {
  const place = await newEndpoint({ batch: { maxEvents: 10, waitMs: 60_000 } });
  const { endpoint } = place;
  await endpoint.accept([
    eventOf(place, 1, "general", { message: { sender: { id: "ada", name: "Ada" }, text: "hello" } }),
    eventOf(place, 2, "general", { message: { sender: { id: "bo", name: "Bo" }, text: "about ada and others" } }),
    eventOf(place, 3, "general", { user: "ada" }),
  ]);
  await endpoint.erase("ada");
  expect(idsIn(await endpoint.deliveries(newest))).toEqual([["2"]]);
  // What it had before is no reason to take nothing more.
  await endpoint.accept([eventOf(place, 4), eventOf(place, 5)]);
  expect(idsIn(await endpoint.deliveries(newest))).toEqual([["2", "4", "5"]]);
  await endpoint.erase("bo");
  await endpoint.accept([eventOf(place, 6)]);
  expect(idsIn(await endpoint.deliveries(newest))).toEqual([["4", "5", "6"]]);
  expect(await endpoint.waiting()).toMatchObject({ waiting: 3 });
});

test("[N17] who is called like a room, a tenant, an event or what others said takes nothing of theirs along", async () => {
  const place = await newEndpoint({ batch: { maxEvents: 100, waitMs: 60_000 } });
  const { endpoint } = place;
  const said = {
    sender: { id: "bo", name: "Bo" },
    text: "hello",
    mentions: ["cy"],
    data: { user: "dan", mentions: ["dan"] },
  };
  const reactions = { "👍": { count: 1, users: ["eve"] } };
  await endpoint.accept([eventOf(place, 1, "general", { message: { ...said, reactions }, cursor: "c" })]);
  for (const name of [place.tenant.id, "general", "message.created", "Bo", "hello", "dan", "c", "👍"]) {
    await endpoint.erase(name);
    expect(await endpoint.waiting()).toMatchObject({ waiting: 1 });
  }
  let number = 1;
  for (const [name, data] of [
    ["cy", { message: { ...said, mentions: ["cy"] } }],
    ["eve", { message: { ...said, reactions } }],
    ["fay", { user: "bo", by: { kind: "key", id: "k", asUser: "fay" } }],
    ["gus", { flag: { user: "bo", sender: "gus" } }],
    ["hal", { file: { id: "f", user: "hal" } }],
    ["ida", { member: { user: "ida", role: null } }],
    ["joe", { user: "bo", by: { kind: "user", id: "joe" } }],
  ] as const) {
    await endpoint.accept([eventOf(place, ++number, "general", data)]);
    await endpoint.erase(name);
    expect([name, (await endpoint.waiting()).waiting]).toEqual([name, 0]);
  }
});

test("[N18] [W7] a tenant has at most 20 endpoints, an endpoint at most 20 patterns of rooms, and a batch 2 to 100 events", async () => {
  const tenant = await newTenant();
  for (let made = 0; made < fixedLimits.webhooksPerTenant; made++) await newEndpoint({}, tenant);
  const ask = async (settings: object): Promise<unknown> => {
    const body = { url: "https://hooks.example.com/", events: ["*"], ...settings };
    const answer = await call("/v1/webhooks", { method: "POST", credential: tenant.key, body });
    return (await answer.json<{ code?: string }>()).code;
  };
  expect(await ask({})).toBe("quota_exceeded");
  const items = (await (await call("/v1/webhooks", { credential: tenant.key })).json<{ items: WebhookEndpoint[] }>())
    .items;
  expect(items).toHaveLength(fixedLimits.webhooksPerTenant);
  await call(`/v1/webhooks/${items[0]?.id}`, { method: "DELETE", credential: tenant.key });
  const rooms = Array.from({ length: fixedLimits.webhookRooms + 1 }, (_, index) => `room-${index}`);
  expect(await ask({ rooms })).toBe("invalid_field");
  expect(await ask({ batch: { maxEvents: 101, waitMs: 0 } })).toBe("invalid_field");
  expect(await ask({ batch: { maxEvents: 1, waitMs: 0 } })).toBe("invalid_field");
  expect(await ask({ batch: { maxEvents: 2, waitMs: fixedLimits.webhookBatchMs + 1 } })).toBe("invalid_field");
  expect(await ask({ events: ["message.dreamt"] })).toBe("invalid_field");
  expect(await ask({ events: ["webhook.test"] })).toBe("invalid_field");
  expect(await ask({ url: "https://parley.test/v1/rooms" })).toBe("invalid_field");
  expect(await ask({ url: "https://169.254.169.254/latest/meta-data" })).toBe("invalid_field");
  const batch = { maxEvents: fixedLimits.webhookBatchEvents, waitMs: fixedLimits.webhookBatchMs };
  expect(await ask({ rooms: rooms.slice(1), batch, events: ["message.*", "room.vacated"] })).toBeUndefined();
});

test("[N18] what is changed of an endpoint is audited as it was and as it is, and what changes nothing is not", async () => {
  const { tenant, id } = await newEndpoint();
  const change = (body: object) => call(`/v1/webhooks/${id}`, { method: "PATCH", credential: tenant.key, body });
  expect(await (await change({ rooms: ["team:*"], events: ["room.*"] })).json()).toMatchObject({ rooms: ["team:*"] });
  await change({ rooms: ["team:*"] });
  await change({ rooms: null, isEnabled: true });
  const entries = (await auditOf(tenant)).filter(({ action }) => action.startsWith("webhook."));
  expect(entries.map(({ action, target, before, after }) => ({ action, target, before, after }))).toMatchObject([
    { action: "webhook.created", target: { webhook: id }, after: { url: "https://hooks.example.com/", events: ["*"] } },
    { before: { rooms: null, events: ["*"] }, after: { rooms: ["team:*"], events: ["room.*"] } },
    { before: { rooms: ["team:*"], isEnabled: false }, after: { rooms: null, isEnabled: true } },
  ]);
  expect(entries).toHaveLength(3);
});
