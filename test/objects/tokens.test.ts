import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { eventually, goTo, pass, startClock, stopClock } from "../support/clock.ts";
import { ask, here, type Place, place } from "../support/place.ts";
import { connect, type TestSocket } from "../support/socket.ts";
import { newToken } from "../routes/edge.ts";

beforeEach(() => stopClock());
afterEach(startClock);

const { tokenLookMs, tokenNoticeMs } = fixedLimits;
const leewayMs = fixedLimits.tokenLeewaySeconds * 1_000;
const ordinary = { "*": ["read", "publish", "presence"] };

async function enterFor({ tenant }: Place, user: string, seconds: number): Promise<TestSocket> {
  return connect(here, { token: await newToken(tenant, user, ordinary, seconds), presence: "full" });
}

/** What was sent before an answer to this has arrived. */
async function heard(...sockets: TestSocket[]): Promise<void> {
  for (const socket of sockets) if (socket.closed === null) await ask(socket, { type: "history", limit: 1 });
}

/** Rings whenever the room has booked it, until then. How often it rang for tokens. */
async function goOn(room: Place, untilMs: number): Promise<number> {
  for (let rings = 0; ; rings++) {
    const dueMs = (await room.dueMs("tokens")) ?? Infinity;
    if (dueMs > untilMs) {
      goTo(untilMs);
      return rings;
    }
    goTo(Math.max(dueMs, Date.now()));
    await room.ring();
  }
}

const notices = (socket: TestSocket): object[] => socket.of("token");

async function closed(socket: TestSocket): Promise<void> {
  await eventually(
    () => socket.closed !== null,
    () => socket.frames.slice(-3),
  );
}

describe("the end of a token", () => {
  test("[A17] a socket is told a minute before, once, whatever the room has forgotten", async () => {
    const room = await place();
    const ada = await enterFor(room, "ada", 3_600);
    const expiresAt = ada.welcome.expiresAt ?? 0;
    expect(await room.dueMs("tokens")).toBe(expiresAt - tokenNoticeMs);
    await room.forget();
    expect(await goOn(room, expiresAt - tokenNoticeMs - 1)).toBe(0);
    await heard(ada);
    expect(notices(ada)).toEqual([]);
    expect(await goOn(room, expiresAt - tokenNoticeMs)).toBe(1);
    await heard(ada);
    expect(notices(ada)).toEqual([{ type: "token", expiresAt, expiring: true }]);
    // An alarm that rings twice, and one after the memory went.
    await room.ring();
    await room.forget();
    await room.ring();
    await goOn(room, expiresAt + leewayMs - 1);
    await heard(ada);
    expect(notices(ada)).toHaveLength(1);
    expect(ada.closed).toBeNull();
  });

  test("[A11] a reader that sends nothing, in a room that sleeps, is closed with 4401 when the leeway is over", async () => {
    const room = await place();
    // Shorter than the silence for which it would be closed in any case.
    const ada = await enterFor(room, "ada", 300);
    const bo = await enterFor(room, "bo", 500);
    const expiresAt = ada.welcome.expiresAt ?? 0;
    await goOn(room, expiresAt + leewayMs - 1);
    await room.forget();
    expect(ada.closed).toBeNull();
    expect(await room.dueMs("tokens")).toBe(expiresAt + leewayMs);
    await goOn(room, expiresAt + leewayMs);
    await closed(ada);
    expect(ada.closed).toEqual({ code: 4401, reason: "token_expired" });
    expect(ada.of("closing")).toMatchObject([{ code: 4401, reconnect: "now" }]);
    await heard(bo);
    expect([bo.closed, notices(bo)]).toEqual([null, []]);
  });

  test("[A17] of a token that lives less than two minutes the half is waited for", async () => {
    const room = await place();
    for (const seconds of [119, 60, 1]) {
      const socket = await enterFor(room, `u${seconds}`, seconds);
      const expiresAt = socket.welcome.expiresAt ?? 0;
      const leftMs = expiresAt - Date.now();
      await goOn(room, Date.now() + Math.ceil(leftMs / 2));
      await heard(socket);
      expect(notices(socket)).toEqual([{ type: "token", expiresAt, expiring: true }]);
      await goOn(room, expiresAt + leewayMs);
      await closed(socket);
    }
  });

  test("[A17] no alarm is booked where no token ends, and none is left when they have ended", async () => {
    const room = await place();
    const server = await connect(here, { token: room.tenant.key });
    expect(await room.dueMs("tokens")).toBeNull();
    expect(server.welcome.expiresAt).toBeNull();
    const ada = await enterFor(room, "ada", 60);
    await goOn(room, Date.now() + 100_000);
    await closed(ada);
    expect(await room.dueMs("tokens")).toBeNull();
    await heard(server);
    expect([server.closed, notices(server)]).toEqual([null, []]);
    // One that has left by itself costs one alarm more.
    const bo = await enterFor(room, "bo", 60);
    await room.exit(bo);
    expect(await goOn(room, Date.now() + 200_000)).toBe(1);
    expect(await room.dueMs("tokens")).toBeNull();
  });

  test("[A17] many that end one after the other are told and closed in batches, each in time", async () => {
    const room = await place();
    const sockets: TestSocket[] = [];
    const startMs = Math.ceil(Date.now() / 1_000) * 1_000;
    goTo(startMs);
    for (let at = 0; at < 60; at++) {
      sockets.push(await enterFor(room, `u${at}`, 300));
      pass(1_000);
    }
    const firstMs = startMs + 300_000;
    // A look now and then, and not one for each of the sixty.
    const rings = await goOn(room, firstMs - 1);
    expect(rings).toBeLessThanOrEqual(60_000 / tokenLookMs + 1);
    await heard(...sockets);
    for (const socket of sockets) expect(notices(socket)).toHaveLength(1);
    expect(await goOn(room, firstMs + leewayMs + 60_000 + tokenLookMs)).toBeLessThanOrEqual(60_000 / tokenLookMs + 2);
    for (const socket of sockets) await closed(socket);
    expect(new Set(sockets.map((socket) => socket.closed?.code))).toEqual(new Set([4401]));
  });
});
