/** Tokens that end, and new ones, on connections that the Worker holds. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { fixedLimits } from "../../src/protocol/limits.ts";
import type { ManySocket } from "../support/manySocket.ts";
import { evict, roomObject } from "../support/room.ts";
import { newToken } from "./edge.ts";
import { openEvents, type TestStream } from "./events.ts";
import { all, askWith, newWorld, opened, toldOf } from "./many.ts";
import { newRooms, ticketOf } from "./inRoom.ts";
import { env } from "cloudflare:workers";

afterEach(() => void vi.useRealTimers());

const leewayMs = fixedLimits.tokenLeewaySeconds * 1_000;

/** From now on the Worker's timers are the test's. */
function holdTimers(): void {
  vi.useFakeTimers({
    now: Date.now(),
    toFake: ["Date", "setTimeout", "clearTimeout", "setInterval", "clearInterval"],
  });
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
