/** Tokens that end, and new ones, on connections that the Worker holds. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { everything } from "../support/api.ts";
import type { AddressedFrame, ManySocket } from "../support/manySocket.ts";
import { evict, roomObject } from "../support/room.ts";
import { call, newToken } from "./edge.ts";
import { openEvents, type TestStream } from "./events.ts";
import { all, askWith, goOn, newWorld, opened, publish, slowRooms, toldOf } from "./many.ts";
import { newRooms, ticketOf } from "./inRoom.ts";
import { env } from "cloudflare:workers";

afterEach(() => void vi.useRealTimers());

const leewayMs = fixedLimits.tokenLeewaySeconds * 1_000;

// The platform's.
const { setTimeout, clearTimeout } = globalThis;
const longMs = 5_000;

/** From now on the long timers are the test's: those of the Worker. Short ones, which are the rooms', ring by themselves. */
function holdTimers(): void {
  vi.useFakeTimers({
    now: Date.now(),
    toFake: ["Date", "setTimeout", "clearTimeout", "setInterval", "clearInterval"],
  });
  const { setTimeout: hold, clearTimeout: release } = globalThis;
  const held = new Set<unknown>();
  const byLength = (ring: () => void, ms = 0): unknown => {
    if (ms < longMs) return setTimeout(ring, ms);
    const timer = hold(ring, ms);
    held.add(timer);
    return timer;
  };
  globalThis.setTimeout = byLength as typeof setTimeout;
  globalThis.clearTimeout = ((timer: number) =>
    (held.has(timer) ? release : clearTimeout)(timer)) as typeof clearTimeout;
}

async function openMany(token: string, ...rooms: string[]): Promise<ManySocket> {
  const socket = opened(await askWith(env, token));
  for (const room of rooms) await socket.join(room);
  return socket;
}

describe("the end of a token", () => {
  test("[A17] a connection of many rooms is told once, and its rooms tell it nothing", async () => {
    const { tenant } = await newWorld();
    const token = await newToken(tenant, "ada", all, 40);
    holdTimers();
    const socket = await openMany(token, "one", "two");
    const expiresAt = socket.welcome("one").expiresAt ?? 0;
    for (const atMs of [expiresAt - 20_000, expiresAt, expiresAt + leewayMs - 1]) {
      vi.advanceTimersByTime(atMs - Date.now());
      for (const room of ["one", "two"]) await runDurableObjectAlarm(roomObject(tenant, room));
      await toldOf(socket);
    }
    const notices = socket.frames.filter(({ type }) => type === "token");
    expect(notices).toEqual([{ type: "token", expiresAt, expiring: true }]);
    expect(socket.closed).toBeNull();
    vi.advanceTimersByTime(1);
    await socket.untilClosed();
    expect(socket.closed).toEqual({ code: 4401, reason: "token_expired" });
    expect(socket.frames.filter(({ type }) => type === "closing")).toHaveLength(1);
  });

  test("[A17] [E5] a stream of events is told once by an event `token`, of many rooms too, and with a ticket", async () => {
    const { tenant } = await newRooms(["one", "two"]);
    const token = await newToken(tenant, "bo", { "*": ["read"] }, 300);
    const { ticket } = await ticketOf(token, { room: "one" });
    holdTimers();
    const streams = await Promise.all([
      openEvents("/v1/rooms/one/events", { credential: token }),
      openEvents("/v1/events?rooms=one,two", { credential: token }),
      openEvents(`/v1/rooms/one/events?ticket=${ticket}`),
    ]);
    for (const stream of streams) await stream.until(() => stream.lastEventId.split(",").every((id) => id !== ""));
    const expiresAt = (await streams[0].welcome())["expiresAt"];
    const told = (stream: TestStream): unknown => stream.of("token");
    await vi.advanceTimersByTimeAsync(Number(expiresAt) - Date.now() - 60_001);
    expect(streams.map(told)).toEqual([[], [], []]);
    await vi.advanceTimersByTimeAsync(1);
    for (const stream of streams) {
      await stream.until(() => stream.of("token").length > 0);
      expect(stream.events.at(-1)).toEqual({ name: "token", id: undefined, data: { expiresAt, expiring: true } });
    }
    await vi.advanceTimersByTimeAsync(60_000 + leewayMs);
    for (const stream of streams) {
      await stream.end();
      expect(stream.of("token")).toHaveLength(1);
      expect(stream.of("closing")).toEqual([{ code: 4401, reason: expect.any(String), reconnect: "now" }]);
    }
  });

  test("[A11] what the Worker has not ended, the room ends 10 seconds later", async () => {
    const { tenant } = await newWorld();
    const token = await newToken(tenant, "ada", all, 40);
    // The Worker's timers stay the platform's: they do not see how the time passes.
    vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
    const socket = await openMany(token, "one");
    const stream = await openEvents("/v1/rooms/one/events", { credential: token });
    const overMs = (socket.welcome("one").expiresAt ?? 0) + leewayMs;
    for (const [atMs, isOver] of [
      [overMs, false],
      [overMs + fixedLimits.tokenBackstopMs - 1, false],
      [overMs + fixedLimits.tokenBackstopMs, true],
    ] as const) {
      vi.setSystemTime(atMs);
      await evict(tenant, "one");
      await runDurableObjectAlarm(roomObject(tenant, "one"));
      await runDurableObjectAlarm(roomObject(tenant, "one"));
      if (isOver) await stream.end();
      expect([socket.of("one", "closing").length, stream.ended]).toEqual(isOver ? [1, "end"] : [0, null]);
    }
    expect(socket.of("one", "closing")).toMatchObject([{ code: 4401, reconnect: "now" }]);
    expect(stream.of("closing")).toMatchObject([{ code: 4401, reconnect: "now" }]);
    socket.close(1000);
  });
});

describe("a new token on a connection of many rooms", () => {
  async function answered(socket: ManySocket, token: unknown): Promise<AddressedFrame> {
    const ref = `t${++refs}`;
    socket.send({ type: "token", ref, token });
    return socket.answer(ref);
  }
  let refs = 0;

  /** What each room was told that the user may do, when it was let in. */
  const rightsIn = (socket: ManySocket, room: string): readonly string[] => socket.welcome(room).capabilities;

  test("[A19] it carries the connection and its rooms beyond the end of the old one", async () => {
    const { tenant } = await newWorld();
    const old = await newToken(tenant, "ada", all, 40);
    holdTimers();
    const socket = await openMany(old, "one", "two");
    const first = socket.welcome("one").expiresAt ?? 0;
    vi.advanceTimersByTime(20_000);
    await socket.until(() => socket.frames.some((frame) => frame.type === "token"));
    const answer = await answered(socket, await newToken(tenant, "ada", all, 3_600));
    expect(answer).toEqual({ type: "token", ref: "t1", expiresAt: expect.any(Number) });
    const second = answer.type === "token" ? answer.expiresAt : 0;
    expect(second).toBeGreaterThan(first + 3_000_000);
    for (let toGoMs = first + leewayMs + 20_000 - Date.now(); toGoMs > 0; toGoMs -= 15_000) {
      vi.advanceTimersByTime(15_000);
      await toldOf(socket);
      for (const room of ["one", "two"]) await runDurableObjectAlarm(roomObject(tenant, room));
    }
    await goOn(socket, "one", "two");
    // What is joined later is joined by the new one.
    expect((await socket.join("three")).expiresAt).toBe(second);
    await goOn(socket, "three");
    expect(socket.frames.filter(({ type }) => type === "closing")).toEqual([]);
    socket.close(1000);
  });

  test("[A19] each room goes by it from the answer on, whatever it grants there; one that it does not open keeps the old one", async () => {
    const { tenant, ada } = await newWorld();
    const socket = await openMany(ada, "one", "two", "three");
    const less = { one: ["read"], two: ["read", "publish"], four: ["read", "publish"] };
    const token = await newToken(tenant, "ada", less);
    const batch = [publish("one", "by the old one"), { type: "token", ref: "t", token }];
    socket.send(batch);
    expect(await socket.answer("t")).toMatchObject({ type: "token" });
    expect(await socket.answer(String(batch[0]?.ref))).toMatchObject({ type: "ack" });
    await socket.until(() => socket.of("three", "error").length > 0);
    expect(socket.of("three", "error")).toMatchObject([{ code: "forbidden" }]);
    for (const [room, type] of [
      ["one", "error"],
      ["two", "ack"],
      ["three", "ack"],
    ] as const) {
      const frame = publish(room);
      socket.send(frame);
      expect([room, (await socket.answer(frame.ref)).type]).toEqual([room, type]);
    }
    // The rooms know the connection by the name that it had.
    const attachments = await runInDurableObject(roomObject(tenant, "one"), (_, state) =>
      JSON.stringify(state.getWebSockets().map((each) => WebSocket.prototype.deserializeAttachment.call(each))),
    );
    expect(attachments).toContain(`"session":{"connection":"${socket.welcome("one").connection}"`);
    await evict(tenant, "one");
    const silenced = publish("one");
    socket.send(silenced);
    expect(await socket.answer(silenced.ref)).toMatchObject({ code: "forbidden", room: "one" });
    await socket.join("four");
    expect(rightsIn(socket, "four")).toEqual(["read", "publish"]);
    socket.send({ type: "join", ref: "j", room: "five" });
    expect(await socket.answer("j")).toMatchObject({ type: "error", room: "five", code: "forbidden" });
    socket.close(1000);
  });

  test("[A19] a room that is being joined meanwhile by the old one hears of the new one before anything else", async () => {
    const { tenant, ada } = await newWorld();
    const slow = slowRooms();
    const socket = opened(await askWith(slow.bindings, ada));
    const early = publish("one");
    socket.send({ type: "join", ref: "j", room: "one", presence: "none" }, early);
    await expect.poll(() => slow.waiting).toEqual(["one"]);
    expect(await answered(socket, await newToken(tenant, "ada", { one: ["read"] }))).toMatchObject({ type: "token" });
    slow.letAllIn();
    expect(await socket.answer("j")).toMatchObject({ type: "ack" });
    // Said before the answer, and heard after it: the newer one counts.
    expect(await socket.answer(early.ref)).toMatchObject({ code: "forbidden", room: "one" });
    socket.close(1000);
  });

  test("[A19] refused, everything is as it was, and the answer does not repeat it", async () => {
    const world = await newWorld();
    const other = await newWorld();
    const { tenant, ada, bo } = world;
    const socket = await openMany(ada, "one");
    const brief = await newToken(tenant, "ada", all, 1);
    vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
    for (const [token, code] of [
      [bo, "forbidden"],
      [other.ada, "forbidden"],
      [tenant.key, "token_invalid"],
      [`${ada.slice(0, -4)}AAAA`, "token_invalid"],
      [`${ada} x`, "token_invalid"],
      [`${ada}\n`, "token_invalid"],
      ["", "token_invalid"],
      ["é", "token_invalid"],
      [brief, "token_expired"],
      [1, "invalid_field"],
    ] as const) {
      vi.setSystemTime(Date.now() + 31_000);
      const answer = await answered(socket, token);
      expect([code, answer]).toEqual([code, expect.objectContaining({ type: "error", code })]);
      expect(answer.room).toBeUndefined();
      if (String(token).length > 20) expect(JSON.stringify(answer)).not.toContain(String(token).slice(-12));
    }
    vi.useRealTimers();
    await goOn(socket, "one");
    await socket.join("two");
    expect(rightsIn(socket, "two")).toContain("manage");
    socket.close(1000);
  });

  test("[A19] [W7] one at a time and six a minute", async () => {
    const { ada } = await newWorld();
    const socket = await openMany(ada, "one");
    socket.send([
      { type: "token", ref: "one", token: ada },
      { type: "token", ref: "two", token: ada },
    ]);
    expect(await socket.answer("two")).toMatchObject({ code: "rate_limited", retryAfterMs: 1_000 });
    expect(await socket.answer("one")).toMatchObject({ type: "token" });
    for (let more = 2; more <= fixedLimits.refreshesPerMinute; more++)
      expect(await answered(socket, ada)).toMatchObject({ type: "token" });
    expect(await answered(socket, ada)).toMatchObject({ code: "rate_limited", limit: { limit: 6, windowMs: 60_000 } });
    socket.close(1000);
  });

  test("[A19] [A10] the key of the old one may go, that of the new one may not", async () => {
    const { tenant, ada } = await newWorld();
    const made = await call("/v1/keys", { method: "POST", credential: tenant.key, body: { capabilities: everything } });
    const { key } = await made.json<{ key: { id: string; secret: string } }>();
    holdTimers();
    const second = { ...tenant, key: key.secret };
    const socket = await openMany(await newToken(second, "ada", all), "one");
    expect(await answered(socket, ada)).toMatchObject({ type: "token" });
    expect((await call(`/v1/keys/${key.id}`, { method: "DELETE", credential: tenant.key })).status).toBe(204);
    for (let beat = 1; beat <= 3; beat++) {
      vi.advanceTimersByTime(15_000);
      await toldOf(socket);
    }
    await goOn(socket, "one");
    socket.close(1000);
  });

  test("[A18] [A19] what only the Worker may say to a room no client says through it", async () => {
    const { ada } = await newWorld();
    const socket = await openMany(ada, "one");
    const session = { connection: "x", user: "mo", name: null, capabilities: ["read"], ceiling: [] };
    const forged = { type: "session", session: { ...session, key: "k", token: null, issuedAt: 0, expiresAt: null } };
    socket.send({ ...forged, room: "one" }, { room: "one", ...forged }, forged);
    await toldOf(socket);
    expect(socket.frames.filter(({ type }) => type === "error")).toMatchObject([
      { code: "bad_frame", room: "one" },
      { code: "bad_frame", room: "one" },
      { code: "bad_frame" },
    ]);
    await goOn(socket, "one");
    socket.close(1000);
  });
});

describe("a connection of many rooms without a room", () => {
  test("[A20] is closed after a minute, whether it never joined one, was refused, or left them all", async () => {
    const { tenant, ada } = await newWorld();
    const elsewhere = await newToken(tenant, "ada", { elsewhere: ["read"] });
    holdTimers();
    const [idle, refused, leaver, busy] = [
      await openMany(ada),
      await openMany(elsewhere),
      await openMany(ada, "one"),
      await openMany(ada, "one"),
    ];
    refused.send({ type: "join", ref: "j", room: "one" });
    expect(await refused.answer("j")).toMatchObject({ type: "error" });
    const wait = async (ms: number): Promise<void> => {
      for (let at = 0; at < ms; at += 15_000) {
        vi.advanceTimersByTime(15_000);
        for (const socket of [idle, refused, leaver, busy]) if (socket.closed === null) await toldOf(socket);
      }
    };
    await wait(45_000);
    expect([idle, refused].map(({ closed }) => closed)).toEqual([null, null]);
    vi.advanceTimersByTime(14_000);
    await leaver.leave("one");
    vi.advanceTimersByTime(1_000);
    await toldOf(leaver);
    for (const socket of [idle, refused]) {
      await socket.untilClosed();
      expect(socket.closed).toEqual({ code: 4430, reason: "connection_limit" });
      expect(socket.of(null, "closing")).toMatchObject([{ code: 4430, reconnect: "backoff" }]);
    }
    await wait(45_000);
    expect(leaver.closed).toBeNull();
    await wait(15_000);
    await leaver.untilClosed();
    expect(leaver.closed?.code).toBe(4430);
    await goOn(busy, "one");
    busy.close(1000);
  });
});
