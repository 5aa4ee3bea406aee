import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { call, everything, newTenant, ordinary } from "../support/api.ts";
import { pass, startClock, stopClock } from "../support/clock.ts";
import { ask, here, Place, place, spanMs } from "../support/place.ts";
import { query, rowsOf } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import { connect, type TestSocket } from "../support/socket.ts";

beforeAll(() => stopClock());
afterAll(startClock);

const started = { type: "typing", user: "ada", active: true, expiresInMs: 8_000 };
const stopped = { ...started, active: false };
const isNew = { type: "ack", ref: expect.any(String) };
const saysNothingNew = { ...isNew, duplicate: true };

const type = (socket: TestSocket, active: boolean) => ask(socket, { type: "typing", active });

test("[L6] typing is told to all, to the typist as well, with the time after which it is let go", async () => {
  const room = await place();
  const ada = await room.enter("ada");
  const bo = await room.enter("bo", { capabilities: ["read"], presence: "none" });
  expect(await type(ada, true)).toEqual(isNew);
  ada.send({ type: "typing", active: false });
  await room.fence(ada, bo);
  for (const socket of [ada, bo]) expect(socket.of("typing")).toEqual([started, stopped]);
});

test("[L6] it keeps its place among the messages", async () => {
  const room = await place();
  const ada = await room.enter("ada");
  const bo = await room.enter("bo");
  ada.send(
    { type: "typing", active: true },
    { type: "publish", nonce: "nonce-one", text: "one" },
    { type: "typing", active: false },
  );
  await room.fence(bo);
  const order = bo.frames.filter((frame) => frame.type === "typing" || (frame.type === "changes" && frame.to > 0));
  expect(order.slice(0, 3)).toMatchObject([{ active: true }, { type: "changes", to: 1 }, { active: false }]);
});

test("[L6] it needs the right to publish, and a user", async () => {
  const room = await place();
  const bo = await room.enter("bo");
  const reader = await room.enter("eve", { capabilities: everything.filter((capability) => capability !== "publish") });
  const server = await connect(here, { token: room.tenant.key });
  for (const socket of [reader, server])
    for (const active of [true, false])
      expect(await type(socket, active)).toMatchObject({ type: "error", code: "forbidden", status: 403 });
  await room.fence(bo);
  expect(bo.of("typing")).toEqual([]);
});

test("[L6] [M7] who is muted does not type, and in a frozen room only moderators do", async () => {
  const room = await place();
  const ada = await room.enter("ada", { capabilities: ordinary });
  const mod = await room.enter("mod");
  const asServer = (path: string, method: string, body?: object) =>
    call(`/v1/rooms/${here}${path}`, { method, credential: room.tenant.key, ...(body === undefined ? {} : { body }) });
  await asServer("/mutes/ada", "PUT", { until: Date.now() + 5_000 });
  for (const active of [true, false])
    expect(await type(ada, active)).toMatchObject({ type: "error", code: "muted", retryAfterMs: 5_000 });
  pass(5_000);
  expect(await type(ada, true)).toEqual(isNew);
  await asServer("", "PATCH", { settings: { frozen: true } });
  pass(1_000);
  expect(await type(ada, true)).toMatchObject({ type: "error", code: "room_frozen", status: 403 });
  expect(await type(ada, false)).toMatchObject({ type: "error", code: "room_frozen" });
  expect(await type(mod, true)).toEqual(isNew);
  await room.fence(mod);
  expect(mod.of("typing")).toEqual([started, { ...started, user: "mod" }]);
});

test("[L6] [W7] what is repeated within 1 s is acked and not told; 1,000 ms after, it is", async () => {
  const room = await place();
  const ada = await room.enter("ada");
  const bo = await room.enter("bo");
  expect(await type(ada, true)).toEqual(isNew);
  expect(await type(ada, true)).toEqual(saysNothingNew);
  pass(999);
  expect(await type(ada, true)).toEqual(saysNothingNew);
  pass(1);
  expect(await type(ada, true)).toEqual(isNew);
  pass(999);
  expect(await type(ada, true)).toEqual(saysNothingNew);
  await room.fence(bo);
  expect(bo.of("typing")).toEqual([started, started]);
});

test("[L6] an end is told only after a beginning that is not over yet", async () => {
  const room = await place();
  const ada = await room.enter("ada");
  const bo = await room.enter("bo");
  expect(await type(ada, false)).toEqual(saysNothingNew);
  expect(await type(ada, true)).toEqual(isNew);
  pass(7_999);
  expect(await type(ada, false)).toEqual(isNew);
  expect(await type(ada, false)).toEqual(saysNothingNew);
  expect(await type(ada, true)).toEqual(isNew);
  pass(8_000);
  expect(await type(ada, false)).toEqual(saysNothingNew);
  await room.fence(bo);
  expect(bo.of("typing")).toEqual([started, stopped, started]);
});

test("[L6] stopping makes no room for another beginning: at most one of each in a second", async () => {
  const room = await place();
  const ada = await room.enter("ada");
  const bo = await room.enter("bo");
  for (let count = 0; count < 20; count++) {
    await type(ada, true);
    await type(ada, false);
    pass(49);
  }
  await room.fence(bo);
  expect(bo.of("typing")).toEqual([started, stopped]);
});

test("[L6] a clock that is set back does not silence a typist", async () => {
  const room = await place();
  const ada = await room.enter("ada");
  expect(await type(ada, true)).toEqual(isNew);
  pass(-10_000);
  expect(await type(ada, true)).toEqual(isNew);
  expect(await type(ada, false)).toEqual(isNew);
});

test("[L6] after the room lost its memory a beginning is told anew, and an end of what it does not know is not", async () => {
  const room = await place();
  const ada = await room.enter("ada");
  const bo = await room.enter("bo");
  await type(ada, true);
  await room.fence(bo);
  await room.forget();
  expect(await type(ada, false)).toEqual(saysNothingNew);
  expect(await type(ada, true)).toEqual(isNew);
  await room.fence(bo);
  expect(bo.of("typing")).toEqual([started, started]);
});

test("[L6] 200 frames in a few seconds are neither refused nor close the socket", async () => {
  const room = new Place(await newTenant({ ...roomy, publishPerUserPerSecond: 1, publishPerUserBurst: 2 }), here);
  const ada = await room.enter("ada");
  const bo = await room.enter("bo");
  for (let count = 1; count <= 200; count++) {
    ada.send({ type: "typing", ref: `t${count}`, active: count % 7 > 0 });
    if (count % 10 === 0) {
      await ada.answer(`t${count}`);
      pass(200);
    }
  }
  await room.fence(ada, bo);
  expect(ada.of("error")).toEqual([]);
  expect(ada.of("ack")).toHaveLength(200);
  expect(ada.closed).toBeNull();
  // Four seconds: a beginning each, and at most an end between two.
  expect(bo.of("typing").length).toBeLessThanOrEqual(9);
  // It is not paid for like what is published.
  expect(await ask(ada, { type: "publish", nonce: "nonce-one", text: "one" })).toMatchObject({ type: "ack", id: 2 });
});

test("[L6] nothing is written, nor is the room woken later: no row, no job, no timer", async () => {
  const room = await place();
  await room.enter("ada");
  const bo = await room.enter("bo");
  await room.fence(bo);
  // The report to the directory, which all that was before has asked for.
  pass(60_000);
  await room.ring();
  const jobs = () => query(room.tenant, here, "SELECT name, at FROM job ORDER BY name");
  const before = await jobs();
  const timers = watchTimers();
  const { written } = await rowsOf(room.tenant, here, async (object) => {
    const ada = [...object.getConnections()].find(({ state }) => JSON.stringify(state).includes('"user":"ada"'));
    if (ada === undefined) throw new Error("no socket");
    for (const active of [true, false, false, true])
      await object.webSocketMessage(ada, JSON.stringify({ type: "typing", active }));
    await new Promise((resolve) => setTimeout(resolve, spanMs));
  });
  expect(bo.of("typing")).toEqual([started, stopped]);
  expect(timers.pending()).toBe(0);
  timers.end();
  expect(written).toBe(0);
  expect(await jobs()).toEqual(before);
});

/** Timers that were set since and have neither fired nor been taken back. Test and room share the global. */
function watchTimers(): { pending(): number; end(): void } {
  const pending = new Set<unknown>();
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const setting = vi.spyOn(globalThis, "setTimeout").mockImplementation(((run: () => void, ms?: number) => {
    const timer = set(() => {
      pending.delete(timer);
      run();
    }, ms);
    pending.add(timer);
    return timer;
  }) as typeof setTimeout);
  const clearing = vi.spyOn(globalThis, "clearTimeout").mockImplementation((timer) => {
    pending.delete(timer);
    clear(timer as never);
  });
  return {
    pending: () => pending.size,
    end: () => {
      setting.mockRestore();
      clearing.mockRestore();
    },
  };
}
