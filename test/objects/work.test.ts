/** How rooms have worked, as their tenant is told: under a clock that stands still. */
import { env } from "cloudflare:workers";
import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Tenant } from "../../src/objects/tenant/tenant.ts";
import { UsagePage } from "../../src/protocol/usage.ts";
import { call, connect, newTenant } from "../routes/edge.ts";
import type { TestTenant } from "../support/api.ts";
import { eventually, pass, startClock, stopClock } from "../support/clock.ts";
import { resetIn } from "../support/failing.ts";
import { metrics } from "../support/metrics.ts";
import { evict, roomObject } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";

beforeEach(() => stopClock());
afterEach(() => {
  vi.restoreAllMocks();
  startClock();
});

const path = "/v1/rooms/general/messages";

async function post(tenant: TestTenant, at: string, body: object): Promise<void> {
  expect((await call(at, { method: "POST", credential: tenant.key, user: "ada", body })).status).toBe(201);
}

/** Ten seconds after something happened. */
async function report(tenant: TestTenant): Promise<void> {
  pass(10_000);
  await runDurableObjectAlarm(roomObject(tenant, "general"));
}

/** Seconds, and how often rooms woke; by hours it is the same. */
async function awake(tenant: TestTenant): Promise<readonly [seconds: number, wakings: number]> {
  const told = await metrics(tenant);
  const answer = await call("/v1/usage", { credential: tenant.key });
  const { items } = UsagePage.parse(await answer.json());
  const seconds = told.get("parley_room_awake_seconds_total") ?? NaN;
  expect(items.reduce((sum, { awakeMs }) => sum + awakeMs, 0)).toBe(seconds * 1_000);
  return [seconds, told.get("parley_room_wakings_total") ?? NaN];
}

test("[B5] how long rooms are awake is told with their reports; asleep they take no time, whoever is connected", async () => {
  const tenant = await newTenant(roomy);
  const ada = await connect("general", { token: tenant.key });
  pass(1_500);
  await post(tenant, path, { text: "hello" });
  expect(await awake(tenant)).toEqual([0, 0]);
  await report(tenant);
  expect(await awake(tenant)).toEqual([11.5, 1]);

  await evict(tenant, "general");
  pass(300_000);
  expect(await awake(tenant)).toEqual([11.5, 1]);
  await post(tenant, path, { text: "again" });
  await report(tenant);
  expect(await awake(tenant)).toEqual([21.5, 2]);

  // What came after a report is lost with the memory, and what was told is not.
  pass(5_000);
  await evict(tenant, "general");
  await evictDurableObject(env.TENANT.getByName(tenant.id));
  await post(tenant, path, { text: "and again" });
  await report(tenant);
  expect(await awake(tenant)).toEqual([31.5, 3]);
  expect(ada.closed).toBeNull();
  ada.close();
});

test("[B5] a room that is only read tells once a minute that it is awake, and one that does not exist tells nothing", async () => {
  const tenant = await newTenant(roomy);
  await post(tenant, path, { text: "hello" });
  await report(tenant);
  const read = async (room = "general"): Promise<number> =>
    (await call(`/v1/rooms/${room}/messages`, { credential: tenant.key })).status;
  pass(59_999);
  expect(await read()).toBe(200);
  expect(await read("nobody-made-it")).toBe(404);
  expect(await awake(tenant)).toEqual([10, 1]);
  pass(1);
  const account = vi.spyOn(Tenant.prototype, "account");
  expect(await read()).toBe(200);
  await eventually(
    () => account.mock.results.length === 1,
    () => account.mock.calls,
    6_000,
  );
  expect(await awake(tenant)).toEqual([70, 1]);
  pass(60_000);
  expect(await read("nobody-made-it")).toBe(404);
  expect(await awake(tenant)).toEqual([70, 1]);
});

test("[B5] [B6] what was told without an answer is not told again: nothing counts twice", async () => {
  const tenant = await newTenant(roomy);
  await post(tenant, path, { text: "hello" });
  vi.spyOn(console, "error").mockReturnValue();
  const failing = resetIn(Tenant, "account", { times: 1, afterwards: true });
  await report(tenant);
  expect(failing.calls()).toBe(1);
  // Nobody has to write or come for the next one.
  await report(tenant);
  expect(failing.calls()).toBe(2);
  expect(await awake(tenant)).toEqual([20, 1]);
  expect((await metrics(tenant)).get("parley_flush_messages_count")).toBe(1);
});

test("[B6] how many messages a flush has stored is a histogram over all rooms, of the flushes that stored any", async () => {
  const tenant = await newTenant(roomy);
  const texts = (count: number): object => ({
    messages: Array.from({ length: count }, (_, index) => ({ text: `${index}` })),
  });
  for (const text of ["one", "two", "three"]) await post(tenant, path, { text });
  for (const count of [4, 5, 64, 65]) await post(tenant, `${path}:batch`, texts(count));
  const by = { credential: tenant.key, user: "ada" };
  expect((await call(`${path}/1/reactions/%F0%9F%91%8D`, { method: "PUT", ...by })).status).toBeLessThan(300);
  expect((await call(`${path}/2`, { method: "DELETE", ...by })).status).toBeLessThan(300);
  await report(tenant);
  const told = [...(await metrics(tenant))].filter(([name]) => name.startsWith("parley_flush_messages"));
  expect(Object.fromEntries(told)).toEqual({
    'parley_flush_messages_bucket{le="1"}': 3,
    'parley_flush_messages_bucket{le="4"}': 4,
    'parley_flush_messages_bucket{le="16"}': 5,
    'parley_flush_messages_bucket{le="64"}': 6,
    'parley_flush_messages_bucket{le="+Inf"}': 7,
    parley_flush_messages_sum: 3 + 4 + 5 + 64 + 65,
    parley_flush_messages_count: 7,
  });
});
