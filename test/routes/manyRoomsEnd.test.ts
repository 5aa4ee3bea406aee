/** How a connection of many rooms begins and ends, and what its credential is worth meanwhile. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type RefusalCode, refusals } from "../../src/protocol/refusals.ts";
import { connectMany, upgradeMany } from "../support/manySocket.ts";
import { roomObject } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import { refused } from "./answers.ts";
import { call, newToken } from "./edge.ts";
import {
  askWith,
  goOn,
  newWorld,
  onlineIn,
  opened,
  placesTaken,
  post,
  publish,
  published,
  slowRooms,
  textsTold,
  toldOf,
} from "./many.ts";

afterEach(() => void vi.useRealTimers());

const page = { Origin: "https://app.test" };

describe("the upgrade", () => {
  const ask = (headers: Readonly<Record<string, string>>, query = ""): Promise<Response> =>
    call(`/v1/socket${query}`, { headers: { Upgrade: "websocket", ...headers } });
  const offer = (token: string): Record<string, string> => ({ "Sec-WebSocket-Protocol": `parley.v1, bearer.${token}` });

  /** What a page is told that may not come in: one `error`, one `closing`, and the close code of the table. */
  async function refusedPage(response: Response, code: RefusalCode): Promise<void> {
    const socket = opened(response);
    await socket.untilClosed();
    const { close, status, retry } = refusals[code];
    expect(socket.frames).toMatchObject([
      { type: "error", code, status, retryable: retry !== "no" },
      { type: "closing", code: close },
    ]);
    expect(socket.closed).toEqual({ code: close, reason: code });
  }

  test("[H6] parley.v1 is selected where it is offered, and the bearer is never given back", async () => {
    const { ada } = await newWorld();
    const response = await ask(offer(ada));
    expect(response.headers.get("sec-websocket-protocol")).toBe("parley.v1");
    opened(response).close();
    const bare = await ask({ Authorization: `Bearer ${ada}` });
    expect(bare.headers.get("sec-websocket-protocol")).toBeNull();
    opened(bare).close();
    opened(await ask({ ...offer(ada), ...page })).close();
  });

  test("[H6] what is no upgrade is 400, and so is a foreign subprotocol and a query", async () => {
    const { ada } = await newWorld();
    const before = placesTaken();
    for (const headers of [{}, page, { Upgrade: "h2c" }])
      await refused(await call("/v1/socket", { credential: ada, headers }), 400, "bad_request");
    for (const offered of ["parley.v2", "graphql-ws", `bearer.${ada}`]) {
      const headers = { Authorization: `Bearer ${ada}`, "Sec-WebSocket-Protocol": offered };
      await refused(await ask(headers), 400, "bad_request");
      await refusedPage(await ask({ ...headers, ...page }), "bad_request");
    }
    for (const query of ["?cursor=0", "?room=general", "?token=x", "?__proto__=1"]) {
      expect((await ask(offer(ada), query)).status).toBe(400);
      await refusedPage(await ask({ ...offer(ada), ...page }, query), "invalid_field");
    }
    expect(placesTaken()).toBe(before);
  });

  test("[H6] [H7] without a credential, or with a wrong one, it is 401; a page is told by a frame and the close code", async () => {
    const { ada } = await newWorld();
    const before = placesTaken();
    const cases: readonly (readonly [Record<string, string>, RefusalCode])[] = [
      [{}, "token_missing"],
      [{ "Sec-WebSocket-Protocol": "parley.v1" }, "token_missing"],
      [offer(ada.slice(0, -3)), "token_invalid"],
      [{ Authorization: "Bearer parley_x_1k_y" }, "token_invalid"],
      [{ ...offer(ada), "Parley-User": "mo" }, "forbidden"],
    ];
    for (const [headers, code] of cases) {
      await refused(await ask(headers), refusals[code].status, code);
      await refusedPage(await ask({ ...headers, ...page }), code);
    }
    expect(placesTaken()).toBe(before);
  });

  test("[T5] a page of an origin that is not listed is 403 before the upgrade", async () => {
    const { ada } = await newWorld(roomy, { origins: ["https://app.test"] });
    await refused(await ask({ ...offer(ada), Origin: "https://evil.test" }), 403, "origin_forbidden");
    const socket = opened(await ask({ ...offer(ada), ...page }));
    await socket.join("general");
    await goOn(socket, "general");
  });
});

describe("its credential", () => {
  test("[A10] [A21] a key that is removed ends what it has opened and what its tokens have, and opens nothing more", async () => {
    const { tenant } = await newWorld();
    const made = await call("/v1/keys", {
      method: "POST",
      credential: tenant.key,
      body: { capabilities: ["read", "publish", "presence"] },
    });
    const { key } = await made.json<{ key: { id: string; secret: string } }>();
    const token = await newToken({ ...tenant, key: key.secret }, "cy", { "*": ["read", "publish"] });
    const sockets = [opened(await upgradeMany(key.secret)), opened(await upgradeMany(token))];
    for (const socket of sockets) await socket.join("general");
    expect((await call(`/v1/keys/${key.id}`, { method: "DELETE", credential: tenant.key })).status).toBe(204);
    for (const socket of sockets) {
      await socket.untilClosed();
      expect(socket.closed).toEqual({ code: 4502, reason: "token_revoked" });
      for (const secret of [key.secret, token]) expect(JSON.stringify(socket.frames)).not.toContain(secret.slice(-20));
    }
    vi.setSystemTime(Date.now() + 5_001);
    for (const credential of [key.secret, token]) expect((await upgradeMany(credential)).status).toBe(401);
  });

  test("[A2] a room's name is looked for in the credential's own tenant", async () => {
    const [one, other] = [await newWorld(), await newWorld()];
    const [ours, theirs] = await Promise.all([connectMany(one.ada, ["general"]), connectMany(other.ada, ["general"])]);
    await published(ours, "general", "ours");
    await goOn(theirs, "general");
    expect(textsTold(theirs.in("general"))).toEqual(["still here"]);
    expect(ours.welcome("general").epoch).not.toBe(theirs.welcome("general").epoch);
  });

  test("[A5] each room is joined with what the token grants there", async () => {
    const { tenant } = await newWorld();
    await call("/v1/rooms/read", { method: "PUT", credential: tenant.key, body: {} });
    const token = await newToken(tenant, "cy", { read: ["read"], write: ["read", "publish"] });
    const socket = await connectMany(token, ["read", "write"]);
    expect(["read", "write"].map((room) => socket.welcome(room).capabilities)).toEqual([["read"], ["read", "publish"]]);
    const frame = publish("read");
    socket.send(frame);
    expect(await socket.answer(frame.ref)).toMatchObject({ type: "error", room: "read", code: "forbidden" });
    await goOn(socket, "write");
  });
});

describe("its end", () => {
  test.each([
    [1000, 1000],
    [3000, 3000],
    [4999, 4999],
    // The platform answers by itself: an empty one by an empty one.
    [undefined, 1005],
  ] as const)(
    "[E7] [O4] a client's close with %s is answered with %i, and no room has it any more",
    async (code, answered) => {
      const world = await newWorld();
      const rooms = Array.from({ length: 8 }, (_, at) => `room-${at}`);
      const before = placesTaken();
      const socket = await connectMany(world.ada, rooms);
      const stays = await connectMany(world.ada, ["room-0"]);
      for (const room of rooms) expect(await onlineIn(world, room)).toBe(1);
      // Rooms that it has joined take no places of their own: whoever holds the client counts.
      expect(placesTaken()).toBe(before + 2);
      socket.close(code);
      await socket.untilClosed();
      expect(socket.closed?.code).toBe(answered);
      for (const room of rooms) await expect.poll(() => onlineIn(world, room)).toBe(room === "room-0" ? 1 : 0);
      expect(placesTaken()).toBe(before + 1);
      await goOn(stays, "room-0");
      stays.close(1000);
      await expect.poll(placesTaken).toBe(before);
    },
  );

  test("[E7] [L2] a client that goes while a room is letting it in leaves no ghost there", async () => {
    const world = await newWorld();
    const rooms = ["one", "two", "three"];
    const socket = await connectMany(world.ada);
    for (const room of rooms) await call(`/v1/rooms/${room}`, { method: "PUT", credential: world.ada, body: {} });
    const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));
    for (const room of rooms)
      await runInDurableObject(roomObject(world.tenant, room), (object) => {
        const enter = object.fetch.bind(object);
        object.fetch = async (request) => {
          const response = await enter(request);
          // As long as a slow disk takes: what the room answers leaves when what it wrote is durable.
          await pause(400);
          return response;
        };
      });
    await toldOf(socket, ...rooms.map((room) => ({ type: "join", room })));
    // The way to the rooms is taken, and none has answered yet.
    await pause(200);
    expect(socket.in("one")).toEqual([]);
    socket.close(1000);
    await socket.untilClosed();
    await pause(500);
    // At once, and not when garbage happens to be collected.
    const online = (): Promise<number[]> => Promise.all(rooms.map((room) => onlineIn(world, room)));
    await expect.poll(online, { timeout: 400 }).toEqual(rooms.map(() => 0));
  });

  test("[E7] a client that closes while rooms are being joined leaves nobody behind", async () => {
    const world = await newWorld();
    const before = placesTaken();
    const rooms = slowRooms();
    const socket = opened(await askWith(rooms.bindings, world.ada));
    const names = Array.from({ length: 10 }, (_, at) => `room-${at}`);
    socket.send(names.map((room) => ({ type: "join", room })));
    await expect.poll(() => rooms.waiting.length).toBe(6);
    socket.close(1000);
    await socket.untilClosed();
    expect(placesTaken()).toBe(before);
    rooms.letAllIn();
    await connectMany(world.bo, names);
    for (const room of names) await expect.poll(() => onlineIn(world, room)).toBe(1);
    expect(socket.in("room-0")).toEqual([]);
  });

  test("[S4] beyond MAX_CONNECTIONS it is refused before the upgrade; whoever goes, or is refused, leaves a place", async () => {
    const { ada } = await newWorld();
    const bindings = { ...env, MAX_CONNECTIONS: String(placesTaken() + 2) };
    const held = [opened(await askWith(bindings, ada)), opened(await askWith(bindings, ada))];
    await refused(await askWith(bindings, ada), 503, "overloaded");
    await held[0]?.join("general");
    await refused(await askWith(bindings, ada), 503, "overloaded");
    held[0]?.close(1000);
    await held[0]?.untilClosed();
    for (let count = 0; count < 5; count++) await refused(await askWith(bindings, `${ada}x`), 401, "token_invalid");
    const again = opened(await askWith(bindings, ada));
    await refused(await askWith(bindings, ada), 503, "overloaded");
    for (let count = 0; count < 50; count++) again.send("nonsense");
    await again.untilClosed();
    opened(await askWith(bindings, ada)).close(1000);
    held[1]?.close(1000);
  });

  test("[E7] [O5] a client that does not read is cut with 4408 and its rooms are left", async () => {
    const world = await newWorld();
    const bufferedAmount = vi.spyOn(WebSocket.prototype, "send");
    const socket = opened(await askWith(env, world.ada));
    await socket.join("general");
    // The end that the Worker holds is the one on which the welcome was sent with the room's name.
    const at = bufferedAmount.mock.calls.findIndex(([text]) =>
      String(text).startsWith('{"room":"general","type":"ack"'),
    );
    const ours = bufferedAmount.mock.contexts[at];
    bufferedAmount.mockRestore();
    Object.defineProperty(ours, "bufferedAmount", { get: () => 1_000_000_000 });
    for (let count = 0; count < 6; count++) await post(world.tenant.key, "general", "x".repeat(16_000));
    await socket.untilClosed();
    expect(socket.closed).toEqual({ code: 4408, reason: "slow_consumer" });
    expect(socket.of(null, "closing")).toMatchObject([{ code: 4408, reconnect: "now" }]);
    await expect.poll(() => onlineIn(world, "general")).toBe(0);
  });
});
