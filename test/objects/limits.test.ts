/** What is told of a limit before it is hit, and to whoever asks; under a clock that stands still. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { call, connect, newTenant, newToken } from "../routes/edge.ts";
import { everything, type TestTenant } from "../support/api.ts";
import { pass, startClock, stopClock } from "../support/clock.ts";
import { roomy } from "../support/roomy.ts";
import type { TestSocket } from "../support/socket.ts";

beforeEach(() => stopClock());
afterEach(() => startClock());

let sent = 0;

async function socketOf(tenant: TestTenant, user: string): Promise<TestSocket> {
  return connect("general", { token: await newToken(tenant, user, { "*": everything }) });
}

async function say(socket: TestSocket, times: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    const ref = `say-${++sent}`;
    socket.send({ type: "publish", ref, nonce: `nonce-${ref}`, text: "x" });
    await socket.answer(ref);
  }
}

test("[T18] a connection is warned once when four fifths of a limit are used, and again when half of it was free", async () => {
  const tenant = await newTenant({ ...roomy, publishPerUserPerSecond: 10, publishPerUserBurst: 20 });
  const ada = await socketOf(tenant, "ada");
  await say(ada, 15);
  expect(ada.of("limit")).toEqual([]);
  await say(ada, 5);
  expect(ada.of("limit")).toEqual([{ type: "limit", scope: "user_in_room", limit: 20, remaining: 4, resetMs: 1_600 }]);
  pass(400);
  await say(ada, 4);
  expect(ada.of("limit")).toHaveLength(1);
  pass(1_200);
  await say(ada, 1);
  await say(ada, 7);
  expect(ada.of("limit")).toHaveLength(2);
});

test("[T18] the frames of a connection, the room and the tenant are warned of as well", async () => {
  const rates = { publishPerRoomPerSecond: 5, publishPerRoomBurst: 10 };
  const tenant = await newTenant({
    ...roomy,
    ...rates,
    framesPerSocketPerSecond: 5,
    framesPerSocketBurst: 20,
    changesPerDay: 10,
  });
  const [ada, bo] = [await socketOf(tenant, "ada"), await socketOf(tenant, "bo")];
  await say(ada, 7);
  await say(bo, 1);
  const scopes = (socket: TestSocket): string[] => socket.of("limit").map(({ scope }) => scope);
  expect(scopes(bo)).toContain("room");
  expect(scopes(ada)).not.toContain("room");
  expect([...scopes(ada), ...scopes(bo)]).toContain("tenant_day");
  for (let frame = 0; frame < 8; frame++) ada.send({ type: "history", ref: `page-${frame}`, limit: 1 });
  await ada.answer("page-7");
  await say(ada, 1);
  expect(scopes(ada)).toContain("socket");
});

test("[T18] every answer to a change over HTTP says what is left, as does whoever is asked", async () => {
  const tenant = await newTenant({ publishPerUserPerSecond: 10, publishPerUserBurst: 20 });
  const token = await newToken(tenant, "ada", { "*": everything });
  const path = "/v1/rooms/general/messages";
  const answer = await call(path, { method: "POST", credential: token, body: { text: "x" } });
  expect(answer.headers.get("ratelimit")).toBe('"user_in_room";r=19;t=1, "room";r=399;t=1');
  expect(answer.headers.get("ratelimit-policy")).toBe('"user_in_room";q=20, "room";q=400');
  const asked = await call("/v1/limits?room=general", { credential: token });
  expect(await asked.json()).toMatchObject({
    limits: { publishPerUserBurst: 20, textLength: 16_384 },
    levels: [
      { scope: "tenant", limit: 2_000, remaining: 1_996 },
      { scope: "tenant_day", limit: 10_000_000, remaining: 9_999_996 },
      { scope: "tenant_sockets", limit: 20_000, remaining: 20_000 },
      { scope: "upload_day", limit: 5_000_000_000, remaining: 5_000_000_000 },
      { scope: "upload_stored", limit: 50_000_000_000, remaining: 50_000_000_000 },
      { scope: "uploads_open", limit: 1_000, remaining: 1_000 },
      { scope: "user_in_room", limit: 20, remaining: 19, resetMs: 100 },
      { scope: "room", limit: 400, remaining: 399 },
    ],
  });
});
