import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { restMs } from "../../src/core/patience.ts";
import { Courier, type Parcel } from "../../src/objects/room/courier.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import type { WebhookEvent } from "../../src/protocol/webhook.ts";
import { call, newTenant } from "../support/api.ts";
import { evict, query } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import { hears, newWebhook, parcelsTo, trouble } from "../support/webhooks.ts";

const { outboxAgainMs, outboxHandMs, outboxRestMsMax } = fixedLimits;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const event: WebhookEvent = { id: "1", type: "room.vacated", atMs: 0, tenant: "acme", room: "lobby", data: {} };

/** A courier with one event for one endpoint, which does with it as `hand` says. */
function courierOf(hand: () => Promise<boolean>) {
  let waits = true;
  const booked: number[] = [];
  const dropped: string[] = [];
  const sinceMs = Date.now();
  const parcel: Parcel<unknown> = { events: [event], sinceMs, delivered: () => (waits = false) };
  const courier = new Courier({
    kind: "the webhook endpoint",
    endpoints: () => (waits ? ["one"] : []),
    next: () => (waits ? parcel : null),
    hand,
    drop: (endpoint) => {
      dropped.push(endpoint);
      waits = false;
    },
    sync: () => Promise.resolve(),
    book: (atMs) => void booked.push(atMs),
    isOver: () => false,
  });
  return { courier, booked, dropped, waits: () => waits };
}

test("[N6] [W7] an endpoint that does not answer is given up after ten seconds, and another try is booked", async () => {
  const hand = vi.fn(() => new Promise<boolean>(() => undefined));
  const { courier, booked, waits } = courierOf(hand);
  const sinceMs = Date.now();
  courier.call();
  await vi.advanceTimersByTimeAsync(outboxHandMs - 1);
  courier.call();
  await vi.advanceTimersByTimeAsync(0);
  expect(hand).toHaveBeenCalledTimes(1);
  expect(booked.at(-1)).toBe(sinceMs + outboxHandMs - 1 + outboxAgainMs);
  await vi.advanceTimersByTimeAsync(1);
  expect(booked.at(-1)).toBe(sinceMs + outboxHandMs + outboxAgainMs);
  // It rests, whatever else happens in the room, and wakes nobody before it may be tried again.
  const restsUntilMs = Date.now() + outboxAgainMs;
  courier.call();
  await vi.advanceTimersByTimeAsync(0);
  expect(booked.at(-1)).toBe(restsUntilMs);
  courier.ring(restsUntilMs - 1);
  expect(booked.at(-1)).toBe(restsUntilMs);
  await vi.advanceTimersByTimeAsync(0);
  expect(hand).toHaveBeenCalledTimes(1);
  hand.mockResolvedValue(true);
  courier.ring(Date.now() + outboxAgainMs);
  await vi.advanceTimersByTimeAsync(0);
  expect(hand).toHaveBeenCalledTimes(2);
  expect(waits()).toBe(false);
});

test("[N6] what an endpoint that is no more was to be handed goes, and nothing is booked for nobody", async () => {
  const { courier, booked, dropped } = courierOf(() => Promise.resolve(false));
  courier.ring(Date.now());
  await vi.advanceTimersByTimeAsync(0);
  expect(dropped).toEqual(["one"]);
  const before = booked.length;
  courier.ring(Date.now());
  expect(booked).toHaveLength(before);
});

test("[N6] [W7] who takes nothing rests as long as the oldest has waited: ten seconds at least and five minutes at most", () => {
  expect([0, outboxAgainMs, outboxAgainMs + 1].map((ms) => restMs(0, ms))).toEqual([
    outboxAgainMs,
    outboxAgainMs,
    outboxAgainMs + 1,
  ]);
  expect([outboxRestMsMax, outboxRestMsMax + 1].map((ms) => restMs(0, ms))).toEqual([outboxRestMsMax, outboxRestMsMax]);
  // The clock was set back.
  expect(restMs(5_000, 0)).toBe(outboxAgainMs);
});

test("[N6] [W7] what is handed on at once is bounded by number and by length, and one event always goes", async () => {
  vi.useRealTimers();
  const tenant = await newTenant(roomy);
  const endpoint = await newWebhook(tenant, { events: ["message.created"] });
  const post = async (data: unknown) => {
    const options = { method: "POST", credential: tenant.key, body: { data } };
    expect((await call("/v1/rooms/lobby/messages", options)).status).toBe(201);
  };
  const release = trouble(tenant, endpoint, "throws");
  const long = "x".repeat(16_000);
  for (let count = 0; count < 20; count++) await post(long);
  for (let count = 0; count < 3; count++) await post("short");
  await query(
    tenant,
    "lobby",
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150) INSERT INTO outbox (endpoint, position, type, at, seq, data)
     SELECT '${endpoint}', 100 + i, 'message.created', 0, 100 + i, '{"message":23}' FROM n`,
  );
  release();
  await evict(tenant, "lobby");
  await query(tenant, "lobby", "SELECT 1");
  await hears(tenant, endpoint, 173);
  // The first fifteen fill 256 KB.
  expect(parcelsTo(tenant, endpoint)).toEqual([15, fixedLimits.outboxBatchEvents, 58]);
});
