/** For how long the Worker holds a connection, and when it takes the client for gone. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import worker from "../../src/index.ts";
import { takePlace } from "../../src/objects/room/connections.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { Tenure, type TenureOptions } from "../../src/routes/held/tenure.ts";
import { everything } from "../support/api.ts";
import { connectMany, ManySocket } from "../support/manySocket.ts";
import { roomy } from "../support/roomy.ts";
import { call, newTenant, newToken } from "./edge.ts";
import { placesTaken } from "./many.ts";
import type { Ended } from "../../src/objects/journal.ts";
import { Life } from "../../src/routes/held/life.ts";

afterEach(() => void vi.useRealTimers());

interface Held {
  readonly tenure: Tenure;
  readonly onBeat: ReturnType<typeof vi.fn<() => void>>;
  readonly onExpiring: ReturnType<typeof vi.fn<TenureOptions["onExpiring"]>>;
  readonly onEnd: ReturnType<typeof vi.fn<TenureOptions["onEnd"]>>;
}

const nowMs = 1_767_225_600_000;
const released: Ended = { by: "client", close: 1000 };

/** By a clock that moves when the test says so. `release` is what every holder must do at the end. */
function hold(expiresAtMs: number | null = null, connection = "held"): Held {
  vi.useFakeTimers({ now: nowMs });
  const onBeat = vi.fn<() => void>();
  const onExpiring = vi.fn<TenureOptions["onExpiring"]>();
  const onEnd = vi.fn<TenureOptions["onEnd"]>(() => tenure.release(released));
  const tenure = new Tenure({
    connection,
    life: new Life(null, nowMs),
    expiresAtMs,
    nowMs,
    chance: 1,
    onBeat,
    onExpiring,
    onEnd,
  });
  return { tenure, onBeat, onExpiring, onEnd };
}

describe("a tenure", () => {
  test("[E8] ends after 30 minutes, once, and beats every 15 seconds until then", () => {
    const { onBeat, onEnd } = hold();
    vi.advanceTimersByTime(15_000);
    expect(onBeat).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(1_800_000 - 15_000 - 1);
    expect(onEnd).not.toHaveBeenCalled();
    expect(onBeat).toHaveBeenCalledTimes(119);
    vi.advanceTimersByTime(1);
    expect(onEnd.mock.calls).toEqual([["restarting", expect.any(String)]]);
    const beats = onBeat.mock.calls.length;
    vi.advanceTimersByTime(10_000_000);
    expect(onEnd).toHaveBeenCalledTimes(1);
    expect(onBeat).toHaveBeenCalledTimes(beats);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("[E8] ends with the 500,000th frame, however they come", () => {
    for (const size of [1, 50, 499_999]) {
      const { tenure, onEnd } = hold();
      let counted = 0;
      for (; counted + size < fixedLimits.heldFramesMax; counted += size) tenure.countFrames(size);
      tenure.countFrames(fixedLimits.heldFramesMax - 1 - counted);
      expect(onEnd).not.toHaveBeenCalled();
      tenure.countFrames(1);
      expect(onEnd.mock.calls).toEqual([["restarting", expect.any(String)]]);
      tenure.countFrames(500_000);
      tenure.countJoin();
      expect(onEnd).toHaveBeenCalledTimes(1);
      expect(vi.getTimerCount()).toBe(0);
    }
  });

  test("[E8] ends with the 900th join", () => {
    const { tenure, onEnd } = hold();
    for (let joins = 1; joins < 900; joins++) tenure.countJoin();
    expect(onEnd).not.toHaveBeenCalled();
    tenure.countJoin();
    expect(onEnd.mock.calls).toEqual([["restarting", expect.any(String)]]);
  });

  test("[E8] ends with its token, 30 seconds of leeway included, where that is sooner", () => {
    for (const [lifeMs, endsAfterMs, error] of [
      [60_000, 90_000, "token_expired"],
      [0, 30_000, "token_expired"],
      [-29_999, 1, "token_expired"],
      [-30_000, 0, "token_expired"],
      [-86_400_000, 0, "token_expired"],
      [1_769_999, 1_799_999, "token_expired"],
      [1_770_000, 1_800_000, "restarting"],
      [86_400_000, 1_800_000, "restarting"],
      // More than a timer can hold: it would ring at once.
      [365 * 86_400_000, 1_800_000, "restarting"],
    ] as const) {
      const { onEnd } = hold(nowMs + lifeMs);
      vi.advanceTimersByTime(Math.max(0, endsAfterMs - 1));
      if (endsAfterMs > 0) expect([lifeMs, onEnd.mock.calls]).toEqual([lifeMs, []]);
      vi.advanceTimersByTime(1);
      expect([lifeMs, onEnd.mock.calls.map(([ended]) => ended)]).toEqual([lifeMs, [error]]);
    }
  });

  test("[A17] says once that its token ends: a minute before, or when half of a shorter life is over", () => {
    for (const [lifeMs, toldAfterMs] of [
      [3_600_000, null],
      [1_859_000, 1_799_000],
      // It is retired first.
      [1_860_001, null],
      [600_000, 540_000],
      [120_000, 60_000],
      [90_000, 45_000],
      [1, 1],
      [-29_000, 0],
      [365 * 86_400_000, null],
    ] as const) {
      const { onExpiring, onEnd } = hold(nowMs + lifeMs);
      if (toldAfterMs !== null && toldAfterMs > 1) {
        vi.advanceTimersByTime(toldAfterMs - 1);
        expect(onExpiring).not.toHaveBeenCalled();
      }
      vi.advanceTimersByTime(2);
      const told = [{ type: "token", expiresAt: nowMs + lifeMs, expiring: true }];
      expect([lifeMs, onExpiring.mock.calls]).toEqual([lifeMs, toldAfterMs === null ? [] : [told]]);
      vi.advanceTimersByTime(10_000_000);
      expect(onExpiring).toHaveBeenCalledTimes(toldAfterMs === null ? 0 : 1);
      expect(onEnd).toHaveBeenCalledTimes(1);
      expect(vi.getTimerCount()).toBe(0);
    }
  });

  test("[E8] released, it is over: no beat, no end, no timer, and its place is free", () => {
    expect(takePlace("held", { connections: Infinity, files: Infinity })).toBe(true);
    const before = placesTaken();
    const { tenure, onBeat, onEnd } = hold(nowMs + 1_000);
    tenure.release(released);
    expect(placesTaken()).toBe(before - 1);
    tenure.release(released);
    tenure.countFrames(500_000);
    for (let joins = 0; joins < 1_000; joins++) tenure.countJoin();
    vi.advanceTimersByTime(10_000_000);
    expect([onBeat.mock.calls, onEnd.mock.calls, vi.getTimerCount()]).toEqual([[], [], 0]);
    expect(placesTaken()).toBe(before - 1);
  });
});

describe("through the socket", () => {
  const all = { "*": everything };
  type Faked = ("Date" | "setInterval" | "clearInterval" | "setTimeout" | "clearTimeout")[];

  /** Opened without a request of its own, so that its timers are the test's. */
  async function openAt(toFake: Faked, token: string): Promise<ManySocket> {
    vi.useFakeTimers({ now: Date.now(), toFake });
    const headers = { Upgrade: "websocket", Authorization: `Bearer ${token}` };
    const request = new Request("http://parley.test/v1/socket", { headers });
    const { webSocket } = await worker.fetch(request, env, createExecutionContext());
    if (webSocket === null) throw new Error("not upgraded");
    return new ManySocket(webSocket);
  }

  /** The Worker has heard the client by now. */
  async function ping(socket: ManySocket): Promise<void> {
    const pongs = socket.of(null, "pong").length;
    socket.send({ type: "ping" });
    await socket.until(() => socket.of(null, "pong").length > pongs);
  }

  async function onlineIn(credential: string, room: string): Promise<number> {
    const found = await call(`/v1/rooms/${room}`, { credential });
    return (await found.json<{ online: number }>()).online;
  }

  const beats: Faked = ["Date", "setInterval", "clearInterval"];

  test("[E8] the 900th join retires it: closing, 4412, come back now; and what came meanwhile is resumed", async () => {
    const tenant = await newTenant(roomy);
    const token = await newToken(tenant, "ada", all);
    const socket = await connectMany(token, ["stays"]);
    const { epoch } = socket.welcome("stays");
    const rooms = Array.from({ length: 29 }, (_, at) => `room-${at}`);
    // 1 and 31 times 29 are 900.
    for (let round = 1; round <= 31; round++) {
      const joins = rooms.map((room) => ({
        type: "join",
        ref: `${round} ${room}`,
        room,
        backlog: 0,
        presence: "none",
      }));
      socket.send(joins);
      const isLast = round === 31;
      await socket.until(
        ({ closed }) =>
          isLast
            ? closed !== null
            : joins.every(({ ref }) => socket.frames.some((frame) => "ref" in frame && frame.ref === ref)),
        15_000,
      );
      if (isLast) break;
      expect(socket.closed).toBeNull();
      socket.send(rooms.map((room) => ({ type: "leave", ref: `left ${round} ${room}`, room })));
      await socket.answer(`left ${round} ${rooms.at(-1)}`);
    }
    expect(socket.closed).toEqual({ code: 4412, reason: "restarting" });
    expect(socket.frames.at(-1)).toEqual({
      type: "closing",
      code: 4412,
      reason: expect.any(String),
      reconnect: "now",
    });
    expect(socket.frames.filter(({ type }) => type === "error")).toEqual([]);
    for (const room of ["stays", "room-0", "room-28"]) await expect.poll(() => onlineIn(tenant.key, room)).toBe(0);
    await call("/v1/rooms/stays/messages", { method: "POST", credential: tenant.key, body: { text: "missed" } });
    const again = await connectMany(token);
    expect(await again.join("stays", { cursor: `${epoch}:0` })).toMatchObject({ resumed: true, head: 1 });
    expect(again.of("stays", "changes")).toMatchObject([{ from: 0, to: 1 }]);
  }, 60_000);

  test("[E8] every frame counts, the client's and the rooms', however they are put together", async () => {
    const tenant = await newTenant(roomy);
    const counted = vi.spyOn(Tenure.prototype, "countFrames");
    const total = (): number => counted.mock.calls.reduce((sum, [count]) => sum + count, 0);
    const socket = await connectMany(await newToken(tenant, "ada", all), ["one", "two"]);
    // Two joins, and of each room a welcome and changes.
    expect(total()).toBe(6);
    const publish = (at: number): object => ({ type: "publish", ref: `${at}`, nonce: `nonce-${at}-x`, text: "x" });
    socket.send(Array.from({ length: 50 }, (_, at) => ({ ...publish(at), room: at % 2 === 0 ? "one" : "two" })));
    await socket.until(() => socket.frames.filter((frame) => frame.type === "ack" && frame.id).length === 50);
    const told = ["one", "two"].flatMap((room) => socket.of(room, "changes")).length - 2;
    // What was sent, an ack each, and the changes.
    expect(total()).toBe(6 + 50 + 50 + told);
    socket.send([{ type: "ping" }, "nonsense", { type: "leave", room: "one" }]);
    await socket.until(() => socket.of(null, "error").length > 0);
    expect(total()).toBe(6 + 50 + 50 + told + 3);
    counted.mockRestore();
  });

  test("[E8] after 30 minutes, or up to a tenth earlier, it is retired, however busy it is", async () => {
    const chance = vi.spyOn(Math, "random").mockReturnValue(1);
    const tenant = await newTenant(roomy);
    const socket = await openAt([...beats, "setTimeout", "clearTimeout"], await newToken(tenant, "ada", all));
    chance.mockRestore();
    await socket.join("general");
    for (let minute = 1; minute < 30; minute++) {
      vi.advanceTimersByTime(60_000);
      await ping(socket);
    }
    vi.advanceTimersByTime(59_999);
    await ping(socket);
    expect(socket.closed).toBeNull();
    vi.advanceTimersByTime(1);
    await socket.untilClosed();
    expect(socket.closed).toEqual({ code: 4412, reason: "restarting" });
    expect(socket.of(null, "closing")).toMatchObject([{ code: 4412, reconnect: "now" }]);
    // For so long a room may take to answer its close.
    vi.advanceTimersByTime(2_000);
    // The last beat has asked the tenant, whose answer is on its way.
    await expect.poll(() => vi.getTimerCount()).toBe(0);
  });

  test("[A24] only while it has no room it looks every second what its tenant has decided", async () => {
    const tenant = await newTenant(roomy);
    const token = await newToken(tenant, "ada", { one: everything, two: everything });
    const socket = await openAt(beats, token);
    const [roomless, inRooms] = [2, 1];
    expect(vi.getTimerCount()).toBe(roomless);
    for (const room of ["one", "two"]) await socket.join(room);
    expect(vi.getTimerCount()).toBe(inRooms);
    await socket.leave("one");
    expect(vi.getTimerCount()).toBe(inRooms);
    await socket.leave("two");
    expect(vi.getTimerCount()).toBe(roomless);
    socket.send({ type: "join", ref: "refused", room: "another" });
    expect(await socket.answer("refused")).toMatchObject({ type: "error" });
    expect(vi.getTimerCount()).toBe(roomless);
    socket.close(1000);
    await socket.untilClosed();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("[E8] [A11] 30 seconds after its token has ended it is closed with 4401", async () => {
    const tenant = await newTenant(roomy);
    const token = await newToken(tenant, "ada", all, 60);
    const socket = await openAt([...beats, "setTimeout", "clearTimeout"], token);
    await socket.join("general");
    vi.advanceTimersByTime(88_000);
    await ping(socket);
    vi.advanceTimersByTime(3_000);
    await socket.untilClosed();
    expect(socket.closed).toEqual({ code: 4401, reason: "token_expired" });
    expect(socket.of(null, "closing")).toMatchObject([{ code: 4401, reconnect: "now" }]);
  });

  test("[L8] [E8] who pinged once and fell silent for 75 seconds is closed, and the rooms are left", async () => {
    const tenant = await newTenant(roomy);
    const socket = await openAt(beats, await newToken(tenant, "ada", all));
    await socket.join("general");
    await ping(socket);
    vi.advanceTimersByTime(75_000);
    await ping(socket);
    // What the room says is no sign of the client.
    vi.advanceTimersByTime(60_000);
    await call("/v1/rooms/general/messages", { method: "POST", credential: tenant.key, body: { text: "hello" } });
    await socket.until(() => socket.of("general", "changes").at(-1)?.to === 1);
    vi.advanceTimersByTime(15_000);
    expect(socket.closed).toBeNull();
    // It is looked at every 15 seconds.
    vi.advanceTimersByTime(15_000);
    await socket.untilClosed();
    expect(socket.closed).toEqual({ code: 4412, reason: "restarting" });
    expect(socket.of(null, "closing")).toMatchObject([{ code: 4412, reconnect: "now" }]);
    await expect.poll(() => onlineIn(tenant.key, "general")).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("[L8] any frame is a sign of life, also a bad one and one for a room", async () => {
    const tenant = await newTenant(roomy);
    const socket = await openAt(beats, await newToken(tenant, "ada", all));
    await socket.join("general");
    await ping(socket);
    for (const [index, frame] of [
      { type: "history", ref: "0", room: "general" },
      { type: "nonsense", ref: "1" },
      { type: "join", ref: "2", room: "general" },
    ].entries()) {
      vi.advanceTimersByTime(75_000);
      socket.send(frame);
      await socket.answer(`${index}`);
    }
    expect(socket.closed).toBeNull();
    vi.advanceTimersByTime(105_000);
    await socket.untilClosed();
    expect(socket.closed?.code).toBe(4412);
  });

  test("[L8] [E8] who never pinged is closed after 10 minutes without a frame, not before", async () => {
    const tenant = await newTenant(roomy);
    const socket = await openAt(beats, await newToken(tenant, "ada", all));
    await socket.join("general");
    vi.advanceTimersByTime(500_000);
    socket.send({ type: "history", ref: "h", room: "general" });
    await socket.answer("h");
    vi.advanceTimersByTime(585_000);
    socket.send({ type: "history", ref: "again", room: "general" });
    await socket.answer("again");
    vi.advanceTimersByTime(615_000);
    await socket.untilClosed();
    expect(socket.closed).toEqual({ code: 4412, reason: "restarting" });
    await expect.poll(() => onlineIn(tenant.key, "general")).toBe(0);
  });

  test("[E8] [L8] its rooms are pinged at every beat, so that they do not take a silent reader for gone", async () => {
    const tenant = await newTenant(roomy);
    const socket = await openAt(beats, await newToken(tenant, "ada", all));
    const sent = vi.spyOn(WebSocket.prototype, "send");
    const rooms = ["one", "two", "three"];
    for (const room of rooms) await socket.join(room);
    const pings = (): number => sent.mock.calls.filter(([text]) => text === '{"type":"ping"}').length;
    // One each right after opening: a socket that never sent anything is torn down late.
    expect(pings()).toBe(3);
    vi.advanceTimersByTime(30_000);
    expect(pings()).toBe(9);
    await socket.leave("two");
    vi.advanceTimersByTime(15_000);
    expect(pings()).toBe(11);
    sent.mockRestore();
    // None of the answers is the client's to hear.
    await ping(socket);
    expect(socket.frames.filter(({ type }) => type === "pong")).toHaveLength(1);
    socket.close(1000);
  });
});
