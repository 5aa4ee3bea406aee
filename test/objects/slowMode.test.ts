import { afterEach, beforeEach, expect, test } from "vitest";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { call, ordinary } from "../support/api.ts";
import { pass, startClock, stopClock } from "../support/clock.ts";
import { ask, here, type Place, place } from "../support/place.ts";
import type { TestSocket } from "../support/socket.ts";

beforeEach(() => stopClock());
afterEach(startClock);

const path = `/v1/rooms/${here}`;
let sent = 0;
const publish = (nonce = `nonce-of-${++sent}`): object => ({ type: "publish", nonce, text: nonce });

async function slow({ tenant }: Place, slowModeMs: number): Promise<number> {
  const body = { settings: { slowModeMs } };
  return (await call(path, { method: "PATCH", credential: tenant.key, body })).status;
}

const enter = (world: Place, user: string, capabilities = ordinary): Promise<TestSocket> =>
  world.enter(user, { capabilities });

test("[G6] slow mode: one message of a user in the span, over every transport, and the refusal says when", async () => {
  const world = await place();
  const phone = await enter(world, "ada");
  const laptop = await enter(world, "ada");
  const bo = await enter(world, "bo");
  // What was said before it began counts too.
  expect(await ask(phone, publish())).toMatchObject({ type: "ack" });
  expect(await slow(world, 60_000)).toBe(200);
  pass(10_000);
  const refusal = await ask(laptop, publish("nonce-kept-1"));
  expect(refusal).toMatchObject({ code: "slow_mode", status: 429, retryable: true });
  const leftMs = refusal.type === "error" ? (refusal.retryAfterMs ?? 0) : 0;
  expect(leftMs).toBeGreaterThan(49_000);
  expect(leftMs).toBeLessThanOrEqual(50_000);
  const options = { method: "POST", credential: await world.token("ada", ordinary), body: { text: "by HTTP" } };
  const overHttp = await call(`${path}/messages`, options);
  expect([overHttp.status, overHttp.headers.get("retry-after")]).toEqual([429, "50"]);
  expect(await ask(bo, publish())).toMatchObject({ type: "ack" });

  await world.forget();
  expect(await ask(laptop, publish())).toMatchObject({ code: "slow_mode", retryAfterMs: leftMs });
  pass(leftMs - 1);
  expect(await ask(laptop, publish())).toMatchObject({ code: "slow_mode", retryAfterMs: 1 });
  pass(1);
  // Refused before, it is stored now; repeated, it is known before it is looked how soon it comes.
  expect(await ask(laptop, publish("nonce-kept-1"))).toMatchObject({ type: "ack" });
  expect(await ask(phone, publish("nonce-kept-1"))).toMatchObject({ type: "ack", duplicate: true });
  expect(await ask(phone, publish())).toMatchObject({ code: "slow_mode", retryAfterMs: 60_000 });
  await world.forget();
  expect(await ask(phone, publish())).toMatchObject({ code: "slow_mode", retryAfterMs: 60_000 });
  // Edits and reactions are no messages.
  expect(await ask(phone, { type: "edit", id: 1, text: "better" })).toMatchObject({ type: "ack" });
  expect(await ask(phone, { type: "react", id: 1, emoji: "x" })).toMatchObject({ type: "ack" });
});

test("[G6] what was said while slow mode was off counts when it is on again, and so does what was said the last time", async () => {
  const world = await place();
  await world.post("first");
  const [ada, bo] = [await enter(world, "ada"), await enter(world, "bo")];
  await slow(world, 60_000);
  expect(await ask(ada, publish())).toMatchObject({ type: "ack" });
  pass(100_000);
  expect(await ask(bo, publish())).toMatchObject({ type: "ack" });
  await slow(world, 0);
  expect(await ask(ada, publish())).toMatchObject({ type: "ack" });
  pass(1_000);
  await slow(world, 60_000);
  for (const woken of [false, true]) {
    if (woken) await world.forget();
    expect(await ask(ada, publish())).toMatchObject({ code: "slow_mode", retryAfterMs: 59_000 });
    expect(await ask(bo, publish())).toMatchObject({ code: "slow_mode", retryAfterMs: 59_000 });
  }
  // Another span is the same slow mode.
  await slow(world, 30_000);
  pass(29_000);
  expect(await ask(ada, publish())).toMatchObject({ type: "ack" });
  expect(await ask(ada, publish())).toMatchObject({ code: "slow_mode", retryAfterMs: 30_000 });
});

test("[G6] of several messages in one batch slow mode takes the first", async () => {
  const world = await place();
  const ada = await enter(world, "ada");
  await world.post("first");
  await slow(world, 1_000);
  const refs = ["b1", "b2", "b3"];
  ada.send(refs.map((ref) => ({ ...publish(), ref })));
  const answers = await Promise.all(refs.map((ref) => ada.answer(ref)));
  expect(answers).toMatchObject([
    { type: "ack" },
    { code: "slow_mode", retryAfterMs: 1_000 },
    { code: "slow_mode", retryAfterMs: 1_000 },
  ]);
  // Of a clock that was set back nobody waits longer than the span.
  pass(-100_000);
  expect(await ask(ada, publish())).toMatchObject({ code: "slow_mode", retryAfterMs: 1_000 });
});

test("[G6] who may moderate and the tenant's server are not slowed, and what was never sent costs nothing", async () => {
  const world = await place();
  await world.post("first");
  await slow(world, 60_000);
  const mo = await enter(world, "mo", [...ordinary, "moderate"]);
  for (let count = 0; count < 3; count++) expect(await ask(mo, publish())).toMatchObject({ type: "ack" });
  for (let count = 0; count < 3; count++) expect(await world.post("served")).toBeGreaterThan(0);
  const ada = await enter(world, "ada");
  expect(await ask(ada, { ...publish(), replyTo: 4_711 })).toMatchObject({ code: "not_found" });
  expect(await ask(ada, publish())).toMatchObject({ type: "ack" });
  await slow(world, 0);
  expect(await ask(ada, publish())).toMatchObject({ type: "ack" });
});

test("[G6] slow mode is a setting of the room of at most six hours, told to everyone", async () => {
  const world = await place();
  const ada = await enter(world, "ada");
  await world.post("first");
  expect(ada.welcome.settings).toMatchObject({ frozen: false, slowModeMs: 0, access: "open" });
  expect(await slow(world, fixedLimits.slowModeMsMax)).toBe(200);
  for (const wrong of [fixedLimits.slowModeMsMax + 1, -1, 1.5]) expect(await slow(world, wrong)).toBe(400);
  await world.fence(ada);
  const changes = ada.of("changes").flatMap((frame) => frame.changes);
  expect(changes).toContainEqual({
    type: "room",
    room: expect.objectContaining({ slowModeMs: fixedLimits.slowModeMsMax, frozen: false, access: "open" }),
  });
});
