import { env } from "cloudflare:workers";
import { createExecutionContext, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { router } from "../../src/routes/app.ts";
import { problem } from "../../src/routes/problem.ts";
import { Room } from "../../src/objects/room/room.ts";
import { Tenant } from "../../src/objects/tenant/tenant.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { type RefusalCode, refusals, refuse } from "../../src/protocol/refusals.ts";
import { asAsked, overloadIn, resetIn } from "../support/failing.ts";
import { roomObject } from "../support/room.ts";
import { TestSocket } from "../support/socket.ts";
import { refused } from "./answers.ts";
import { askUpgrade, call, connect } from "./edge.ts";
import { TestStream } from "./events.ts";
import { newWorld, opened, post, published, textsOf, type World } from "./many.ts";

afterEach(() => vi.restoreAllMocks());

const attempts = fixedLimits.callAttempts;

/** Resets the room for real, between two calls. */
async function reset({ tenant }: World, room: string): Promise<void> {
  await runInDurableObject(roomObject(tenant, room), (_, state) => state.abort(asAsked)).catch(() => undefined);
}

async function unavailable(response: Response, code: "restarting" | "overloaded"): Promise<void> {
  const { retryAfterMs } = await refused(response, 503, code);
  expect(retryAfterMs).toBe(code === "restarting" ? 1_000 : 5_000);
  expect(response.headers.get("retry-after")).toBe(code === "restarting" ? "1" : "5");
}

describe("a call over HTTP", () => {
  test("[H8] what was lost twice by a reset is answered at the third time", async () => {
    const { ada } = await newWorld();
    await post(ada, "general");
    const failing = resetIn(Room, "messages", { times: 2 });
    const found = await call("/v1/rooms/general/messages", { credential: ada });
    expect(await found.json()).toMatchObject({ messages: [{ text: "text" }] });
    expect(failing.calls()).toBe(attempts);
  });

  test("[H8] and after the third it is 503 `restarting`, with the time to come again", async () => {
    const { ada } = await newWorld();
    await post(ada, "general");
    const failing = resetIn(Room, "messages");
    await unavailable(await call("/v1/rooms/general/messages", { credential: ada }), "restarting");
    expect(failing.calls()).toBe(attempts);
  });

  test("[H8] a message with a nonce that was stored before its room was reset is stored once, and acked", async () => {
    const world = await newWorld();
    await post(world.ada, "general", "before");
    const failing = resetIn(Room, "publish", { times: 1, afterwards: true });
    const body = { text: "once", nonce: "nonce-of-it" };
    const sent = await call("/v1/rooms/general/messages", { method: "POST", credential: world.ada, body });
    expect(await sent.json()).toMatchObject({ message: { id: 2, text: "once" } });
    expect(failing.calls()).toBe(2);
    expect(await textsOf(world, "general")).toEqual(["before", "once"]);
  });

  test("[H8] one without a nonce is not sent again: its sender is told, and nothing is there twice", async () => {
    const world = await newWorld();
    await post(world.ada, "general", "before");
    const failing = resetIn(Room, "publish", { times: 1, afterwards: true });
    const body = { text: "perhaps" };
    const sent = await call("/v1/rooms/general/messages", { method: "POST", credential: world.ada, body });
    await unavailable(sent, "restarting");
    expect(failing.calls()).toBe(1);
    expect(await textsOf(world, "general")).toEqual(["before", "perhaps"]);
  });

  test("[H8] an edit is not made again: it would count as two", async () => {
    const { ada } = await newWorld();
    await post(ada, "general");
    const failing = resetIn(Room, "edit", { times: 1 });
    const edit = { method: "PATCH", credential: ada, body: { text: "edited" } };
    await unavailable(await call("/v1/rooms/general/messages/1", edit), "restarting");
    expect(failing.calls()).toBe(1);
  });

  test("[H8] what is removed is not removed again: it would be told that there is no such thing", async () => {
    const { tenant, ada } = await newWorld();
    await post(ada, "general");
    const made = await call("/v1/keys", { method: "POST", credential: tenant.key, body: {} });
    const { key } = await made.json<{ key: { id: string } }>();
    for (const [failing, path] of [
      [resetIn(Tenant, "removeKey", { times: 1, afterwards: true }), `/v1/keys/${key.id}`],
      [resetIn(Room, "delete", { times: 1, afterwards: true }), "/v1/rooms/general"],
    ] as const) {
      await unavailable(await call(path, { method: "DELETE", credential: tenant.key }), "restarting");
      expect(failing.calls()).toBe(1);
    }
  });

  test("[H8] a reaction, a member and a deletion are made again", async () => {
    const { ada } = await newWorld();
    await post(ada, "general");
    for (const [method, name, path, body] of [
      ["react", "PUT", "/messages/1/reactions/%F0%9F%91%8D", undefined],
      ["setMember", "PUT", "/members/bo", { role: "member" }],
      ["remove", "DELETE", "/messages/1", undefined],
    ] as const) {
      const failing = resetIn(Room, method, { times: 1, afterwards: true });
      const made = await call(`/v1/rooms/general${path}`, { method: name, credential: ada, body });
      expect(made.status).toBe(200);
      expect(failing.calls()).toBe(2);
      vi.restoreAllMocks();
    }
  });

  test("[H8] what is overloaded is not asked again, not even for what may be asked twice", async () => {
    const { ada } = await newWorld();
    await post(ada, "general");
    for (const [method, path, options] of [
      ["messages", "/messages", {}],
      ["publish", "/messages", { method: "POST", body: { text: "x", nonce: "nonce-of-it" } }],
    ] as const) {
      const failing = overloadIn(Room, method);
      await unavailable(await call(`/v1/rooms/general${path}`, { credential: ada, ...options }), "overloaded");
      expect(failing.calls()).toBe(1);
    }
  });

  test("[H8] a room that loses its tenant asks it again; of an overloaded one it passes on what it was told", async () => {
    const { ada } = await newWorld();
    const making = { method: "PUT", credential: ada, body: {} };
    const lost = resetIn(Tenant, "registerRoom", { times: 2 });
    expect((await call("/v1/rooms/general", making)).status).toBe(201);
    expect(lost.calls()).toBe(attempts);
    vi.restoreAllMocks();
    const busy = overloadIn(Tenant, "registerRoom");
    await unavailable(await call("/v1/rooms/other", making), "overloaded");
    expect(busy.calls()).toBe(1);
  });

  test("[H8] of several rooms one that is gone is named with its reason, and the others are told", async () => {
    const { ada } = await newWorld();
    await post(ada, "general");
    await post(ada, "other");
    const failing = resetIn(Room, "unread", { times: attempts });
    const found = await call("/v1/unread?rooms=general", { credential: ada });
    expect(await found.json()).toMatchObject({ rooms: { general: { code: "restarting", status: 503 } } });
    expect(failing.calls()).toBe(attempts);
    const again = await call("/v1/unread?rooms=general,other", { credential: ada });
    expect(await again.json()).toMatchObject({ rooms: { general: { unread: 0 }, other: { unread: 0 } } });
  });
});

describe("a connection", () => {
  const bearer = (token: string): Record<string, string> => ({ Authorization: `Bearer ${token}` });
  const page = { Origin: "https://app.test" };

  test("[H8] an upgrade whose room is reset meanwhile is made again, and the socket opens", async () => {
    const { ada } = await newWorld();
    await post(ada, "general");
    const failing = resetIn(Room, "fetch", { times: 2 });
    const socket = await connect("general", { token: ada });
    expect(socket.welcome.room).toBe("general");
    expect(failing.calls()).toBe(attempts);
  });

  test("[H9] where the room cannot be reached a program gets 503, a page a socket that closes with 4412 or 4413", async () => {
    const { ada } = await newWorld();
    await post(ada, "general");
    for (const [fail, code, close] of [
      [resetIn, "restarting", 4412],
      [overloadIn, "overloaded", 4413],
    ] as const) {
      fail(Room, "fetch");
      await unavailable(await askUpgrade("general", bearer(ada)), code);
      const asPage = await askUpgrade("general", { ...bearer(ada), ...page });
      const socket = new TestSocket(asPage.webSocket!);
      await socket.until(({ closed }) => closed !== null);
      expect(socket.of("error")).toMatchObject([{ code, status: 503, retryable: true }]);
      expect(socket.of("closing")).toMatchObject([{ code: close }]);
      expect(socket.closed?.code).toBe(close);
      vi.restoreAllMocks();
    }
  });

  test("[H9] the same where the tenant cannot be asked", async () => {
    const { ada } = await newWorld();
    const failing = overloadIn(Tenant, "policy");
    // Nobody has asked for this tenant by this key for so long.
    vi.useFakeTimers({ now: Date.now() + 10_000, toFake: ["Date"] });
    try {
      await unavailable(await call("/v1/rooms/general", { credential: ada }), "overloaded");
      await unavailable(await askUpgrade("general", bearer(ada)), "overloaded");
      const asPage = await askUpgrade("general", { ...bearer(ada), ...page });
      const socket = new TestSocket(asPage.webSocket!);
      await socket.until(({ closed }) => closed !== null);
      expect(socket.closed?.code).toBe(4413);
      expect(failing.calls()).toBe(3);
    } finally {
      vi.useRealTimers();
    }
  });

  test("[H9] a room that is reset drops its sockets, which come back and resume without a hole", async () => {
    const world = await newWorld();
    await post(world.ada, "general", "one");
    const socket = await connect("general", { token: world.ada });
    await reset(world, "general");
    await socket.until(({ closed }) => closed !== null);
    // 1006: the platform can send no farewell for an object that is gone. Clients treat it as 4412.
    expect(socket.closed?.code).toBe(1006);
    await post(world.ada, "general", "two");
    const again = await connect("general", { token: world.ada, cursor: `${socket.welcome.epoch}:1` });
    expect(again.welcome.resumed).toBe(true);
    await again.until(() => again.of("changes").length > 0);
    expect(again.of("changes")).toMatchObject([{ from: 1, to: 2 }]);
  });

  test("[H9] among many rooms one that is reset is closed with 4412 by its name, can be joined anew, and disturbs no other", async () => {
    const world = await newWorld();
    const socket = opened(await call("/v1/socket", { headers: { Upgrade: "websocket", ...bearer(world.ada) } }));
    await Promise.all(["general", "other"].map((room) => socket.join(room)));
    await published(socket, "general", "one");
    await reset(world, "general");
    await socket.until(() => socket.of("general", "closing").length > 0);
    expect(socket.of("general", "closing")).toMatchObject([{ code: 4412, reconnect: "now" }]);
    await socket.join("general");
    await published(socket, "general", "two");
    await published(socket, "other", "three");
    socket.close();
  });

  test("[H9] one that cannot be entered is refused to its join alone", async () => {
    const world = await newWorld();
    const socket = opened(await call("/v1/socket", { headers: { Upgrade: "websocket", ...bearer(world.ada) } }));
    await socket.join("other");
    for (const [fail, code, calls] of [
      [resetIn, "restarting", attempts],
      [overloadIn, "overloaded", 1],
    ] as const) {
      const failing = fail(Room, "fetch");
      socket.send({ type: "join", ref: code, room: "general" });
      expect(await socket.answer(code)).toMatchObject({ type: "error", room: "general", code, retryable: true });
      expect(failing.calls()).toBe(calls);
      vi.restoreAllMocks();
    }
    await published(socket, "other", "still here");
    await socket.join("general");
    socket.close();
  });

  test("[H9] a stream whose room is reset ends with `closing` 4412; one that finds no room is 503", async () => {
    const world = await newWorld();
    await post(world.ada, "general");
    const stream = new TestStream(await call("/v1/rooms/general/events", { credential: world.ada }));
    await stream.welcome();
    await reset(world, "general");
    expect(await stream.end()).toBe("end");
    expect(stream.of("closing")).toMatchObject([{ code: 4412, reconnect: "now" }]);
    resetIn(Room, "fetch");
    await unavailable(await call("/v1/rooms/general/events", { credential: world.ada }), "restarting");
    vi.restoreAllMocks();
    overloadIn(Room, "fetch");
    await unavailable(await call("/v1/events?rooms=general,other", { credential: world.ada }), "overloaded");
  });

  test("[H9] a long poll whose room cannot be reached is 503", async () => {
    const { ada } = await newWorld();
    await post(ada, "general");
    const { cursor } = await (await call("/v1/rooms/general", { credential: ada })).json<{ cursor: string }>();
    overloadIn(Room, "fetch");
    const waiting = call(`/v1/rooms/general/changes?after=${cursor}&wait=5`, { credential: ada });
    await unavailable(await waiting, "overloaded");
  });
});

test("[H9] every 503 of the table says when to come again, also where what refuses does not", async () => {
  const codes = (Object.keys(refusals) as RefusalCode[]).filter((code) => refusals[code].status === 503);
  expect(codes).toEqual(expect.arrayContaining(["restarting", "overloaded"]));
  for (const code of codes) {
    const app = router().get("/", (c) => problem(c, refuse(code)));
    const response = await app.request("/", {}, env, createExecutionContext());
    expect([code, Number(response.headers.get("retry-after"))]).toEqual([
      code,
      expect.toSatisfy((s) => Number(s) >= 1),
    ]);
    const { retryAfterMs } = await response.json<{ retryAfterMs: number }>();
    expect(Math.ceil(retryAfterMs / 1_000)).toBe(Number(response.headers.get("retry-after")));
  }
});
