import { afterEach, beforeEach, expect, test } from "vitest";
import { runInDurableObject } from "cloudflare:test";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { eventually, goTo, pass, startClock, stopClock } from "../support/clock.ts";
import { ask, graceMs, here, type Place, place } from "../support/place.ts";
import { evict, query, roomObject } from "../support/room.ts";
import type { TestSocket } from "../support/socket.ts";

// The platform stamps pings by its own clock, so this one begins where that stands.
beforeEach(() => stopClock(Date.now()));
afterEach(startClock);

const { silentMs, seenEveryMs, neverPingedMs, sweepMs } = fixedLimits;
const ping = '{"type":"ping"}';

/** Exactly the text that the platform answers, and its answer. */
async function pinged(socket: TestSocket): Promise<void> {
  const pongs = socket.of("pong").length;
  socket.send(ping);
  await eventually(
    () => socket.of("pong").length > pongs,
    () => socket.frames.slice(-3),
  );
}

/** When the platform last answered a ping of this user. */
function stampOf({ tenant }: Place, user: string): Promise<number | null> {
  return runInDurableObject(roomObject(tenant, here), (_, state) => {
    const socket = state
      .getWebSockets()
      .find((one) => JSON.stringify(one.deserializeAttachment()).includes(`"user":"${user}"`));
    return socket === undefined ? null : (state.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? null);
  });
}

/** As if what was written down of the last frames were so much older. The room forgets what it knows better. */
async function age(room: Place, ms: number): Promise<void> {
  await runInDurableObject(roomObject(room.tenant, here), (_, state) => {
    for (const socket of state.getWebSockets()) {
      const { deserializeAttachment: read, serializeAttachment: write } = WebSocket.prototype;
      const attachment: { __user: { seenAtMs: number } } = read.call(socket);
      attachment.__user.seenAtMs -= ms;
      write.call(socket, attachment);
    }
  });
  await room.forget();
}

/** Lets the alarm ring whenever it is due until then. */
async function goOn(room: Place, untilMs: number): Promise<void> {
  for (;;) {
    const due = await query<{ at: number | null }>(room.tenant, here, "SELECT min(at) AS at FROM job");
    const atMs = due[0]?.at ?? Infinity;
    if (atMs > untilMs) break;
    goTo(Math.max(atMs, Date.now()));
    await room.ring();
  }
  goTo(untilMs);
}

function isOpen(socket: TestSocket): boolean {
  return socket.closed === null && socket.of("closing").length === 0;
}

async function untilSwept(socket: TestSocket): Promise<void> {
  await eventually(
    () => socket.closed !== null,
    () => socket.frames.slice(-3),
  );
  expect(socket.closed?.code).toBe(4412);
  expect(socket.of("closing")).toEqual([{ type: "closing", code: 4412, reason: expect.any(String), reconnect: "now" }]);
}

test("[L8] who pinged and fell silent for 75 s is closed with 4412; who pinged a moment later stays", async () => {
  for (const earlyMs of [1, 0]) {
    stopClock(Date.now());
    const room = await place();
    // At the time where the clock stands, which is before the platform's: the sweep is due when the pings are.
    const silent = await room.slipIn("silent");
    const alive = await room.slipIn("alive");
    await pinged(silent);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await pinged(alive);
    await room.fence(silent, alive);
    await age(room, seenEveryMs + 1_000);
    const [silentAtMs, aliveAtMs] = [await stampOf(room, "silent"), await stampOf(room, "alive")];
    if (silentAtMs === null || aliveAtMs === null) throw new Error("no stamp");
    expect(aliveAtMs).toBeGreaterThan(silentAtMs);
    goTo(silentAtMs + silentMs - earlyMs);
    await room.ring();
    await room.fence(alive);
    expect(isOpen(alive)).toBe(true);
    if (earlyMs > 0) expect(isOpen(silent)).toBe(true);
    else await untilSwept(silent);
    startClock();
  }
});

test("[L8] the platform's stamp of a ping outlives an eviction, and follows no clock of ours", async () => {
  const room = await place();
  const ada = await room.enter("ada");
  expect(await stampOf(room, "ada")).toBeNull();
  await pinged(ada);
  const stamp = await stampOf(room, "ada");
  pass(1_000_000);
  await pinged(ada);
  const again = (await stampOf(room, "ada")) ?? 0;
  expect(again - (stamp ?? 0)).toBeLessThan(60_000);
  await room.forget();
  expect(await stampOf(room, "ada")).toBe(again);
});

test("[L8] it is closed at the next look: 75 s after the join, then every 60 to 75 s", async () => {
  const room = await place();
  const ada = await room.enter("ada");
  const joinedMs = Date.now();
  await pinged(ada);
  expect(await room.dueMs("sweep")).toBe(joinedMs + silentMs);
  goTo(joinedMs + silentMs);
  await room.ring();
  // It may have been seen 15 s later than is known, and is due in 15 s; but looked for in 60 s.
  expect(isOpen(ada)).toBe(true);
  expect(await room.dueMs("sweep")).toBe(joinedMs + silentMs + sweepMs);
  await goOn(room, joinedMs + silentMs + sweepMs);
  await untilSwept(ada);
});

test("[L8] who sends anything but pings stays, also when the room loses its memory between its frames", async () => {
  for (const evicted of [false, true]) {
    stopClock(Date.now());
    const room = await place();
    const ada = await room.enter("ada");
    await pinged(ada);
    for (let minute = 0; minute < 6; minute++) {
      await goOn(room, Date.now() + 60_000);
      expect(await ask(ada, { type: "presence.get", limit: 1 })).toMatchObject({ type: "presence.page" });
      if (evicted) await room.forget();
    }
    expect(isOpen(ada)).toBe(true);
    await goOn(room, Date.now() + silentMs + seenEveryMs + sweepMs);
    await untilSwept(ada);
    startClock();
  }
});

test("[L8] what is written down may be 15 s old: nobody who was silent for less than 75 s is closed after an eviction", async () => {
  const room = await place();
  const ada = await room.enter("ada");
  await pinged(ada);
  pass(20_000);
  await ask(ada, { type: "presence.get" });
  const writtenMs = Date.now();
  pass(seenEveryMs - 1);
  await ask(ada, { type: "presence.get" });
  await room.forget();
  goTo(writtenMs + seenEveryMs + silentMs - 1);
  await room.ring();
  await room.fence();
  expect(isOpen(ada)).toBe(true);
});

test("[L8] a frame refused, too fast or a ping in other words is a sign of life as well", async () => {
  const room = await place();
  const ada = await room.enter("ada");
  await pinged(ada);
  for (const [frame, answer] of [
    ['{"type": "ping"}', "pong"],
    ['{"type":"nonsense"}', "error"],
    ["no JSON", "error"],
  ] as const) {
    await goOn(room, Date.now() + 80_000);
    const heard = ada.frames.length;
    ada.send(frame);
    await eventually(
      () => ada.frames.slice(heard).some(({ type }) => type === answer),
      () => ada.frames.slice(heard),
    );
  }
  await goOn(room, Date.now() + 80_000);
  expect(isOpen(ada)).toBe(true);
});

test("[L8] who never pinged is closed after 10 minutes without a frame, and not a millisecond before", async () => {
  const room = await place();
  const ada = await room.enter("ada");
  const joinedMs = Date.now();
  await goOn(room, joinedMs + neverPingedMs - 1);
  await room.ring();
  expect(isOpen(ada)).toBe(true);
  expect(await room.dueMs("sweep")).toBe(joinedMs + neverPingedMs);
  await goOn(room, joinedMs + neverPingedMs);
  await untilSwept(ada);
});

test("[L8] a frame gives who never pinged another 10 minutes, also over an eviction", async () => {
  const room = await place();
  const ada = await room.enter("ada");
  await goOn(room, Date.now() + 500_000);
  await ask(ada, { type: "presence.get" });
  const seenMs = Date.now();
  await room.forget();
  await goOn(room, seenMs + neverPingedMs - 1);
  expect(isOpen(ada)).toBe(true);
  await goOn(room, seenMs + neverPingedMs + sweepMs);
  await untilSwept(ada);
});

test("[L8] [L2] those who are swept leave like others, and a room with nobody has no job left", async () => {
  const room = await place();
  const bo = await room.watch("bo");
  const tabs = [await room.enter("ada"), await room.enter("ada")];
  for (const tab of tabs) await pinged(tab);
  for (let minute = 0; minute < 3; minute++) {
    await goOn(room, Date.now() + 60_000);
    await ask(bo.socket, { type: "presence.get", limit: 1 });
  }
  for (const tab of tabs) await untilSwept(tab);
  await goOn(room, Date.now() + graceMs);
  await room.fence(bo);
  expect(bo.states).toEqual({ bo: "{}" });
  expect(bo.complaints).toEqual([]);
  expect(await room.states()).toEqual({ bo: "{}" });
  await room.exit(bo.socket);
  await goOn(room, Date.now() + 300_000);
  expect(await query(room.tenant, here, "SELECT name, at FROM job")).toEqual([]);
  expect(await room.ring()).toBe(false);
  expect(await room.leavers()).toEqual([]);
});

test("[L8] all are swept at once, after an eviction too, and their room ends with nobody and nothing to do", async () => {
  const room = await place();
  const sockets = await Promise.all(["ada", "bo", "cy"].map((user) => room.slipIn(user)));
  for (const socket of sockets) await pinged(socket);
  await room.fence();
  await room.forget();
  await goOn(room, Date.now() + silentMs + seenEveryMs + sweepMs);
  for (const socket of sockets) await untilSwept(socket);
  expect(await room.dueMs("sweep")).toBeNull();
  await goOn(room, Date.now() + 60_000);
  expect(await room.states()).toEqual({});
  expect(await query(room.tenant, here, "SELECT name FROM job")).toEqual([]);
});

test("[L8] [O3] pings wake nobody", async () => {
  const room = await place();
  const ada = await room.enter("ada");
  const bo = await room.enter("bo");
  await room.fence(ada, bo);
  await evict(room.tenant, here);
  const [heardByAda, heardByBo] = [ada.frames.length, bo.frames.length];
  for (let count = 0; count < 3; count++) await pinged(ada);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(ada.frames.slice(heardByAda).map(({ type }) => type)).toEqual(["pong", "pong", "pong"]);
  expect(bo.frames).toHaveLength(heardByBo);
  // What does wake the room makes it tell the head to all.
  await ask(ada, { type: "presence.get" });
  await eventually(
    () => bo.frames.slice(heardByBo).some(({ type }) => type === "changes"),
    () => bo.frames.slice(heardByBo),
  );
});
