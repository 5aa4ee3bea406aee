/** One WebSocket for many rooms: what is said through it, and what the end of one does to the others. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type RefusalCode, refusals } from "../../src/protocol/refusals.ts";
import { ServerFrame } from "../../src/protocol/serverFrames.ts";
import { everything } from "../support/api.ts";
import { type AddressedFrame, connectMany, type ManySocket, upgradeMany } from "../support/manySocket.ts";
import { evict, roomObject } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import { asOperator, call, connect, newTenant, newToken } from "./edge.ts";
import {
  all,
  askWith,
  goOn,
  isChain,
  newWorld,
  onlineIn,
  opened,
  post,
  publish,
  published,
  slowRooms,
  textsTold,
  toldOf,
} from "./many.ts";

afterEach(() => void vi.useRealTimers());

describe("joining", () => {
  test("[E7] a join is answered with ack, welcome and changes, in this order and with the room's name", async () => {
    const { ada, tenant } = await newWorld();
    for (const text of ["one", "two"]) await post(tenant.key, "general", text);
    const socket = await connectMany(ada);
    socket.send({ type: "join", ref: "j", room: "general" });
    await socket.until(() => socket.of("general", "changes").length > 0);
    expect(socket.frames.slice(0, 3)).toMatchObject([
      { type: "ack", ref: "j", room: "general" },
      { type: "welcome", room: "general", head: 2, start: 1, resumed: false, user: { id: "ada" } },
      { type: "changes", room: "general", from: 0, to: 2, reset: true },
    ]);
    for (const frame of socket.frames) expect(ServerFrame.safeParse(frame)).toMatchObject({ success: true });
    // Without a ref there is no ack.
    socket.send({ type: "join", room: "other" });
    await socket.until(() => socket.of("other", "changes").length > 0);
    expect(socket.in("other").map(({ type }) => type)).toEqual(expect.not.arrayContaining(["ack"]));
    expect(socket.of("other", "welcome")).toHaveLength(1);
    // Each is a connection of its own to its room.
    expect(socket.welcome("other").connection).not.toBe(socket.welcome("general").connection);
  });

  test("[E7] rooms named like properties of every object are rooms like others", async () => {
    const { ada } = await newWorld();
    const rooms = ["constructor", "toString", "0", "valueOf", "hasOwnProperty"];
    const socket = await connectMany(ada, rooms);
    await goOn(socket, ...rooms);
    for (const room of rooms) await socket.leave(room);
  });

  test("[E7] each room resumes from a cursor of its own", async () => {
    const world = await newWorld();
    const { ada, tenant } = world;
    const rooms = ["one", "two", "three"];
    const socket = await connectMany(ada, rooms);
    for (const [index, room] of rooms.entries())
      for (let count = 0; count <= index; count++) await published(socket, room, `before ${count}`);
    const cursors = Object.fromEntries(
      rooms.map((room, index) => [room, `${socket.welcome(room).epoch}:${index + 1}`]),
    );
    await socket.leave("one");
    for (const room of rooms) await post(tenant.key, room, `missed in ${room}`);
    socket.close(1000);
    const again = await connectMany(ada);
    const [one, two] = await Promise.all([
      again.join("one", { cursor: cursors["one"] }),
      again.join("two", { cursor: cursors["two"] }),
    ]);
    expect([one, two]).toMatchObject([
      { room: "one", resumed: true, start: null, head: 2 },
      { room: "two", resumed: true, start: null, head: 3 },
    ]);
    for (const room of ["one", "two"]) expect(textsTold(again.in(room))).toEqual([`missed in ${room}`]);
    // At head nothing is told; another room's cursor is another history; `0` is the beginning.
    await again.leave("one");
    const from = again.frames.length;
    expect(await again.join("one", { cursor: `${one.epoch}:2` })).toMatchObject({ resumed: true });
    expect(again.in("one", from).filter(({ type }) => type === "changes")).toEqual([]);
    expect(await again.join("three", { cursor: cursors["one"] })).toMatchObject({
      resumed: false,
      gap: { reason: "epoch" },
    });
    await again.leave("two");
    expect(await again.join("two", { cursor: "0" })).toMatchObject({ resumed: false, start: 1 });
    await goOn(again, ...rooms);
  });

  test("[E7] backlog and presence are of each room", async () => {
    const world = await newWorld();
    const { ada, bo, tenant } = world;
    const rooms = ["full", "count", "none"] as const;
    for (const room of rooms) for (let count = 0; count < 5; count++) await post(tenant.key, room, `m${count}`);
    const socket = await connectMany(ada);
    for (const [backlog, room] of rooms.entries()) await socket.join(room, { presence: room, backlog });
    expect(rooms.map((room) => socket.welcome(room).start)).toEqual([6, 5, 4]);
    expect(rooms.map((room) => textsTold(socket.in(room)))).toEqual([[], ["m4"], ["m3", "m4"]]);
    expect(rooms.slice(0, 2).map((room) => socket.welcome(room).presence)).toMatchObject([
      { count: 1, members: [{ user: "ada" }] },
      { count: 1, members: [] },
    ]);
    expect(socket.welcome("none")).not.toHaveProperty("presence");
    const other = await connectMany(bo, rooms);
    await socket.until(() =>
      (["full", "count"] as const).every((room) => socket.of(room, "presence").at(-1)?.count === 2),
    );
    expect(socket.of("full", "presence").flatMap(({ joined }) => joined)).toMatchObject([
      { user: "ada" },
      { user: "bo", name: "BO", connections: 1 },
    ]);
    expect(socket.of("count", "presence").flatMap(({ joined }) => joined)).toEqual([]);
    await goOn(other, ...rooms);
    expect(socket.of("none", "presence")).toEqual([]);
    // Left out, they are as on a room's own socket.
    await socket.leave("full");
    const from = socket.frames.length;
    socket.send({ type: "join", room: "full", ref: "plain" });
    await socket.until(() => socket.in("full", from).some(({ type }) => type === "changes"));
    expect(socket.welcome("full")).toMatchObject({ start: 1, presence: { count: 2, more: false } });
  });
});

describe("through it", () => {
  /** What differs between two rooms and two moments, and nothing else. */
  function normal(frame: ServerFrame, room: string): unknown {
    const { room: _, ...bare } = frame as AddressedFrame;
    const text = JSON.stringify(bare)
      .replaceAll(/"(createdAt|editedAt|deletedAt|expiresAt|serverTime)":\d+/g, '"$1":0')
      .replaceAll(/"(connection|epoch)":"[^"]+"/g, '"$1":""')
      // How many frames told of those who came depends on when they came.
      .replaceAll(/"(type":"presence.page".*"version)":\d+/g, '"$1":0')
      .replaceAll(/"cursor":"[^:]+:/g, '"cursor":"')
      .replaceAll(`"${room}"`, '"room"');
    return JSON.parse(text);
  }

  const steps: readonly object[] = [
    { type: "publish", nonce: "nonce-one", text: "one", data: { a: [1, null, "é😀"] }, mentions: ["bo"] },
    { type: "publish", nonce: "nonce-one", text: "one", data: { a: [1, null, "é😀"] }, mentions: ["bo"] },
    { type: "publish", nonce: "nonce-one", text: "other" },
    { type: "publish", nonce: "nonce-two", text: "two", replyTo: 1 },
    { type: "publish", nonce: "nonce-three", text: "three", replyTo: 99 },
    { type: "publish", nonce: "nonce-four", text: "x".repeat(16_385) },
    { type: "publish", nonce: "short" },
    { type: "publish", nonce: "nonce-five", text: "five", extra: 1 },
    { type: "edit", id: 1, text: "one!", ifVersion: 1 },
    { type: "edit", id: 1, text: "one?", ifVersion: 1 },
    { type: "edit", id: 99, text: "nothing" },
    { type: "react", id: 1, emoji: "👍" },
    { type: "react", id: 1, emoji: "👍" },
    { type: "react", id: 2, emoji: "❤️" },
    { type: "react", id: 2, emoji: "❤️", remove: true },
    { type: "delete", id: 2 },
    { type: "delete", id: 2 },
    { type: "read", upTo: 1 },
    { type: "read", upTo: 1 },
    { type: "read", upTo: 99 },
    { type: "typing", active: true },
    { type: "typing", active: true },
    { type: "typing", active: false },
    { type: "presence.set", state: { mood: "fine" } },
    { type: "presence.set", state: "x".repeat(1_100) },
    { type: "presence.get" },
    { type: "presence.get", after: "ada", limit: 1 },
    { type: "history" },
    { type: "history", before: 2, limit: 1 },
    { type: "history", after: 1 },
    { type: "history", before: 1, after: 1 },
    { type: "append", id: 1, at: 0, text: "x" },
    { type: "nonsense" },
    { type: "publish" },
  ];

  test("[E7] every frame is answered as on the room's own socket", async () => {
    const { ada, bo } = await newWorld();
    const direct = await connect("first", { token: ada, presence: "full" });
    const many = await connectMany(ada);
    await many.join("second", { presence: "full" });
    const listeners = [await connect("first", { token: bo }), await connect("second", { token: bo })];
    expect(normal(many.welcome("second"), "second")).toEqual(normal(direct.welcome, "first"));
    for (const [index, step] of steps.entries()) {
      const ref = `s${index}`;
      direct.send({ ...step, ref });
      many.send({ ...step, ref, room: "second" });
      const [theirs, ours] = await Promise.all([direct.answer(ref), many.answer(ref)]);
      expect(ours).toMatchObject({ room: "second" });
      expect([step, normal(ours, "second")]).toEqual([step, normal(theirs, "first")]);
    }
    // And so it was for the others.
    const head = direct.of("changes").at(-1)?.to ?? 0;
    const told = listeners.map(async (listener, index) => {
      await listener.until(() => listener.of("changes").at(-1)?.to === head);
      return ["changes", "receipt", "typing"].map((type) =>
        listener.frames
          .filter((frame) => frame.type === type)
          .map((frame) => normal(frame, ["first", "second"][index] ?? "")),
      );
    });
    expect(await told[1]).toEqual(await told[0]);
  });

  test("[E3] a reader of many rooms is told the same frames in the same order as one of the room alone", async () => {
    const world = await newWorld();
    const { ada, bo } = world;
    const many = await connectMany(bo);
    await many.join("general", { presence: "full" });
    const direct = await connect("general", { token: bo, presence: "full" });
    await expect.poll(() => onlineIn(world, "general")).toBe(1);
    const writer = await connectMany(ada, ["general"]);
    const from = [many.frames.length, direct.frames.length] as const;
    for (const [index, step] of steps.entries()) {
      writer.send({ ...step, ref: `s${index}`, room: "general" });
      await writer.answer(`s${index}`);
      if (index % 10 === 5) await evict(world.tenant, "general");
    }
    writer.send(Array.from({ length: 50 }, (_, at) => publish("general", `burst ${at}`)));
    const last = await published(writer, "general", "last");
    const isThere = ({ frames }: { readonly frames: readonly ServerFrame[] }): boolean =>
      frames.findLast((frame) => frame.type === "changes")?.to === last;
    await Promise.all([many.until(isThere), direct.until(isThere)]);
    const bare = many.frames.slice(from[0]).map(({ room, ...frame }) => {
      expect(room).toBe("general");
      return frame;
    });
    expect(bare).toEqual(direct.frames.slice(from[1]));
    expect(bare.length).toBeGreaterThan(15);
  });

  test("[E7] 1,000 messages over 20 rooms, interleaved from two connections: in each room its own, in one order", async () => {
    const { ada, bo } = await newWorld();
    const rooms = Array.from({ length: 20 }, (_, at) => `room-${at}`);
    const [one, other] = await Promise.all([connectMany(ada, rooms), connectMany(bo, rooms)]);
    const alone = await connect("room-7", { token: bo });
    for (let batch = 0; batch < 20; batch++) {
      const frames = Array.from({ length: 50 }, (_, at) => {
        const room = rooms[(batch + at * 7) % 20] ?? "";
        return publish(room, `for ${room}`);
      });
      (batch % 2 === 0 ? one : other).send(frames);
    }
    for (const socket of [one, other])
      await socket.until(() => rooms.every((room) => socket.of(room, "changes").at(-1)?.to === 50), 20_000);
    const expected = Array.from({ length: 50 }, (_, at) => at + 1);
    for (const socket of [one, other]) {
      for (const room of rooms) {
        isChain(socket.in(room));
        const changes = socket.of(room, "changes").flatMap((frame) => frame.changes);
        const messages = changes.flatMap((change) => (change.type === "message" ? [change.message] : []));
        expect([room, messages.map(({ id }) => id)]).toEqual([room, expected]);
        expect(new Set(messages.map(({ text }) => text))).toEqual(new Set([`for ${room}`]));
      }
      expect(socket.frames.filter(({ type }) => type === "error")).toEqual([]);
      expect(socket.in(null)).toEqual([]);
    }
    const acks = (socket: ManySocket): number =>
      socket.frames.filter((frame) => frame.type === "ack" && frame.id).length;
    await one.until(() => acks(one) + acks(other) === 1_000);
    await alone.until(() => alone.of("changes").at(-1)?.to === 50);
    expect(alone.of("changes").flatMap(({ changes }) => changes)).toEqual(
      one.of("room-7", "changes").flatMap(({ changes }) => changes),
    );
  });

  test("[E7] a ping that names a room is answered too", async () => {
    const { ada } = await newWorld();
    const socket = await connectMany(ada, ["general"]);
    for (const frame of [
      { type: "ping", room: "general", ref: "1" },
      { type: "ping", room: "general" },
    ]) {
      const from = socket.frames.length;
      socket.send(frame);
      await socket.until(() => socket.frames.slice(from).some(({ type }) => type === "pong" || type === "error"));
    }
  });

  test("[W2] a frame that its room cannot take does not take its neighbours of the batch along", async () => {
    const { ada } = await newWorld();
    const socket = await connectMany(ada, ["general", "other"]);
    // Small as it was sent, but 100 KB as JSON writes it.
    const grows = `{"type":"publish","ref":"grows","room":"general","nonce":"nonce-grows","data":[${"1e9,".repeat(9_000)}1]}`;
    const [before, after, elsewhere] = [publish("general"), publish("general"), publish("other")];
    socket.send(`[${JSON.stringify(before)},${grows},${JSON.stringify(elsewhere)},${JSON.stringify(after)}]`);
    expect(await socket.answer(elsewhere.ref)).toMatchObject({ type: "ack", room: "other" });
    expect(await socket.answer(before.ref)).toMatchObject({ type: "ack", room: "general", seq: 1 });
    expect(await socket.answer(after.ref)).toMatchObject({ type: "ack", room: "general", seq: 2 });
    expect(await socket.answer("grows")).toMatchObject({ type: "error", room: "general", code: "too_large" });
  });
});

describe("rooms that let nobody in", () => {
  test("[E7] each says why, with its name and the ref; the others go on, and it can be joined when it lets in", async () => {
    const tenant = await newTenant({ ...roomy, socketsPerRoom: 2 }, { autoCreate: false });
    for (const room of ["open", "secret", "gone", "crowded", "also"])
      await call(`/v1/rooms/${room}`, { method: "PUT", credential: tenant.key, body: {} });
    await call("/v1/rooms/gone", { method: "DELETE", credential: tenant.key });
    const rooms = { open: everything, also: everything, gone: everything, crowded: everything, unknown: everything };
    const token = await newToken(tenant, "ada", { ...rooms, secret: ["publish"] });
    const others = [
      await connect("crowded", { token: await newToken(tenant, "bo", all) }),
      await connect("crowded", { token: await newToken(tenant, "cy", all) }),
    ];
    const socket = await connectMany(token, ["open"]);
    const expected: Readonly<Record<string, RefusalCode>> = {
      secret: "forbidden",
      unheard: "forbidden",
      unknown: "not_found",
      gone: "room_deleted",
      crowded: "connection_limit",
    };
    const joins = Object.keys(expected).map((room) => ({ type: "join", ref: room, room }));
    socket.send([...joins, { type: "join", ref: "also", room: "also" }, publish("open", "meanwhile")]);
    for (const [room, code] of Object.entries(expected)) {
      const { status, retry } = refusals[code];
      expect(await socket.answer(room)).toEqual({
        type: "error",
        ref: room,
        room,
        code,
        status,
        message: expect.any(String),
        retryable: retry !== "no",
      });
      expect(socket.in(room)).toHaveLength(1);
    }
    expect(await socket.answer("also")).toMatchObject({ type: "ack" });
    await socket.until(() => socket.of("also", "changes").length > 0);
    await goOn(socket, "open", "also");
    // What is said to them is refused as to any room that is not joined.
    const stray = publish("gone");
    socket.send(stray);
    expect(await socket.answer(stray.ref)).toMatchObject({ type: "error", room: "gone", code: "bad_frame" });
    await call("/v1/rooms/gone", { method: "PUT", credential: tenant.key, body: {} });
    await call("/v1/rooms/unknown", { method: "PUT", credential: tenant.key, body: {} });
    others[0]?.close(1000);
    await expect
      .poll(async () => (await call("/v1/rooms/crowded", { credential: tenant.key })).json<{ online: number }>())
      .toMatchObject({ online: 1 });
    for (const room of ["gone", "unknown", "crowded"]) await socket.join(room);
    await goOn(socket, "open", "also", "gone", "unknown", "crowded");
  });

  test("[E7] 60 rooms that refuse, as after a long absence, do not take the one along that lets in", async () => {
    const { ada } = await newWorld(roomy, { autoCreate: false });
    await call("/v1/rooms/general", { method: "PUT", credential: ada, body: {} });
    const socket = await connectMany(ada, ["general"]);
    const gone = Array.from({ length: 60 }, (_, at) => ({ type: "join", ref: `j${at}`, room: `gone-${at}` }));
    socket.send(gone.slice(0, 30), gone.slice(30));
    for (const { ref } of gone) expect(await socket.answer(ref)).toMatchObject({ type: "error", code: "not_found" });
    await goOn(socket, "general");
  });

  test("[E7] a room to which there is no way is `internal`, and disturbs no other", async () => {
    const { ada } = await newWorld();
    const rooms = slowRooms();
    const log = vi.spyOn(console, "error").mockReturnValue();
    const socket = opened(await askWith(rooms.bindings, ada));
    socket.send({ type: "join", ref: "b", room: "broken" }, { type: "join", ref: "g", room: "general" });
    await rooms.letIn("broken", new Error("the way is broken"));
    expect(await socket.answer("b")).toMatchObject({
      type: "error",
      room: "broken",
      code: "internal",
      retryable: true,
    });
    expect(log.mock.calls).toEqual([["a room could not be entered", expect.any(Error)]]);
    log.mockRestore();
    rooms.letAllIn();
    await socket.until(() => socket.of("general", "changes").length > 0);
    await goOn(socket, "general");
    await socket.join("broken");
  });

  test("[W7] at most six rooms are being joined at a time, and each that is done makes place for the next", async () => {
    const { ada } = await newWorld();
    const rooms = slowRooms();
    const socket = opened(await askWith(rooms.bindings, ada));
    const names = Array.from({ length: 15 }, (_, at) => `room-${at}`);
    socket.send(names.map((room) => ({ type: "join", ref: room, room })));
    for (let done = 0; done < names.length; done++) {
      const left = Math.min(6, names.length - done);
      await expect.poll(() => rooms.waiting.length).toBe(left);
      await toldOf(socket);
      expect(rooms.waiting).toEqual(names.slice(done, done + left));
      await rooms.letIn(names[done]);
      expect(await socket.answer(names[done] ?? "")).toMatchObject({ type: "ack" });
    }
  });
});

describe("rooms that close", () => {
  test("[E7] a deleted room says closing with its name; the others go on, and made anew it can be joined", async () => {
    const world = await newWorld();
    const { ada, tenant } = world;
    const socket = await connectMany(ada, ["general", "other"]);
    await goOn(socket, "general");
    const { epoch } = socket.welcome("general");
    expect((await call("/v1/rooms/general", { method: "DELETE", credential: tenant.key })).status).toBe(204);
    await socket.until(() => socket.of("general", "closing").length > 0);
    expect(socket.in("general").at(-1)).toEqual({
      type: "closing",
      room: "general",
      code: 4504,
      reason: expect.any(String),
      reconnect: "never",
    });
    await goOn(socket, "other");
    const stray = publish("general");
    socket.send([stray, { type: "join", ref: "j", room: "general" }]);
    expect(await socket.answer(stray.ref)).toMatchObject({ type: "error", room: "general", code: "bad_frame" });
    expect(await socket.answer("j")).toMatchObject({ type: "error", room: "general", code: "room_deleted" });
    await call("/v1/rooms/general", { method: "PUT", credential: tenant.key, body: {} });
    expect(await socket.join("general", { cursor: `${epoch}:1` })).toMatchObject({
      resumed: false,
      gap: { reason: "epoch" },
      head: 0,
    });
    await goOn(socket, "general", "other");
    expect(socket.frames.filter(({ type }) => type === "closing")).toHaveLength(1);
  });

  test("[A24] [T2] a suspended tenant ends the connection with 4510 and opens none; resumed, it does", async () => {
    const world = await newWorld();
    const { ada, tenant } = world;
    const rooms = ["one", "two", "three"];
    const socket = await connectMany(ada, rooms);
    await asOperator(`/v1/tenants/${tenant.id}/suspend`, { method: "POST" });
    await socket.untilClosed();
    expect(socket.closed).toEqual({ code: 4510, reason: "tenant_suspended" });
    const closings = socket.frames.filter(({ type }) => type === "closing");
    expect(closings).toMatchObject([{ code: 4510, reconnect: "never" }]);
    expect(closings[0]?.room).toBeUndefined();
    vi.setSystemTime(Date.now() + 6_000);
    expect((await upgradeMany(ada)).status).toBe(403);
    await asOperator(`/v1/tenants/${tenant.id}/resume`, { method: "POST" });
    vi.setSystemTime(Date.now() + 6_000);
    await goOn(await connectMany(ada, rooms), ...rooms);
  });

  test("[E7] [W6] 50 bad frames for one room close that room with 4429; it can be joined again at once", async () => {
    const { ada, bo } = await newWorld();
    const socket = await connectMany(ada, ["general", "other"]);
    const witness = await connectMany(bo, ["general", "other"]);
    const bad = (ref: string): object => ({ type: "publish", room: "general", ref, nonce: "short" });
    for (let count = 1; count <= 49; count++) socket.send(bad(`b${count}`));
    expect(await socket.answer("b49")).toMatchObject({ type: "error", room: "general", code: "invalid_field" });
    await goOn(socket, "general");
    socket.send(bad("b50"));
    await socket.until(() => socket.of("general", "closing").length > 0);
    expect(socket.of("general", "error")).toHaveLength(50);
    expect(socket.of("general", "closing")).toMatchObject([{ code: 4429, reconnect: "backoff", room: "general" }]);
    await goOn(socket, "other");
    await socket.join("general");
    // Its bad frames were the room's to count, not the connection's.
    expect((await toldOf(socket, "nonsense")).map(({ type }) => type)).toEqual(["error"]);
    await goOn(socket, "general", "other");
    await goOn(witness, "general", "other");
    expect(witness.frames.filter(({ type }) => type === "error" || type === "closing")).toEqual([]);
  });

  test("[E7] [A11] a token's end closes the room in which a frame comes too late", async () => {
    const world = await newWorld();
    const socket = await connectMany(world.ada, ["general", "other"]);
    const { expiresAt } = socket.welcome("general");
    vi.setSystemTime((expiresAt ?? 0) + 31_000);
    socket.send(publish("general"), { type: "join", ref: "j", room: "third" });
    await socket.until(() => socket.of("general", "closing").length > 0);
    expect(socket.of("general", "closing")).toMatchObject([{ code: 4401, reconnect: "now", room: "general" }]);
    expect(await socket.answer("j")).toMatchObject({ type: "error", room: "third", code: "token_expired" });
    expect(socket.of("other", "closing")).toEqual([]);
  });

  test("[E7] a room that loses its sockets without a farewell is closing 4412, come back now; and then resumes", async () => {
    const world = await newWorld();
    const { ada, tenant } = world;
    const socket = await connectMany(ada, ["general", "other"]);
    const seq = await published(socket, "general", "before");
    const { epoch } = socket.welcome("general");
    await evictDurableObject(roomObject(tenant, "general"), { webSockets: "close" });
    await socket.until(() => socket.of("general", "closing").length > 0);
    expect(socket.in("general").at(-1)).toEqual({
      type: "closing",
      room: "general",
      code: 4412,
      reason: expect.any(String),
      reconnect: "now",
    });
    await goOn(socket, "other");
    await post(tenant.key, "general", "missed");
    const from = socket.frames.length;
    expect(await socket.join("general", { cursor: `${epoch}:${seq}` })).toMatchObject({ resumed: true });
    expect(textsTold(socket.in("general", from))).toEqual(["missed"]);
    await goOn(socket, "general", "other");
    expect(socket.frames.filter(({ type }) => type === "closing")).toHaveLength(1);
  });

  test("[E7] [O5] a room cuts the connection's socket that does not read, and only that room is closing 4408", async () => {
    const world = await newWorld();
    const socket = await connectMany(world.ada, ["general", "other"]);
    await runInDurableObject(roomObject(world.tenant, "general"), (_, state) => {
      for (const held of state.getWebSockets()) Object.defineProperty(held, "bufferedAmount", { get: () => 1_048_577 });
    });
    for (let count = 0; count < 5; count++) await post(world.tenant.key, "general", "x".repeat(16_000));
    await socket.until(() => socket.of("general", "closing").length > 0);
    expect(socket.of("general", "closing")).toMatchObject([{ code: 4408, reconnect: "now" }]);
    await goOn(socket, "other");
    await socket.join("general");
  });
});

describe("limits", () => {
  test("[W7] 100 rooms can be joined, one more is connection_limit; after a leave there is a place again", async () => {
    const { ada } = await newWorld();
    const socket = await connectMany(ada);
    const rooms = Array.from({ length: 100 }, (_, at) => `room-${at}`);
    const joins = rooms.map((room) => ({ type: "join", ref: room, room, presence: "none" }));
    socket.send(joins.slice(0, 50), joins.slice(50));
    // They count from when they are asked for.
    socket.send({ type: "join", ref: "early", room: "one-more" });
    expect(await socket.answer("early")).toMatchObject({ type: "error", room: "one-more", code: "connection_limit" });
    await socket.until(() => rooms.every((room) => socket.of(room, "changes").length > 0), 20_000);
    socket.send({ type: "join", ref: "late", room: "one-more" });
    expect(await socket.answer("late")).toMatchObject({
      type: "error",
      room: "one-more",
      code: "connection_limit",
      status: 429,
      retryable: true,
    });
    await socket.leave("room-42");
    await socket.join("one-more");
    socket.send({ type: "join", ref: "again", room: "room-42" });
    expect(await socket.answer("again")).toMatchObject({ type: "error", room: "room-42", code: "connection_limit" });
    // A room that closes, and one that refuses, give their places back as well.
    await socket.leave("one-more");
    socket.send({ type: "join", ref: "bad", room: "room-42", cursor: "nonsense" });
    expect(await socket.answer("bad")).toMatchObject({ type: "error", code: "invalid_field" });
    await socket.join("room-42");
    await goOn(socket, "room-0", "room-42", "room-99");
  });

  test("[W7] rooms that refuse and rooms that close give their place back", async () => {
    const world = await newWorld();
    const { tenant } = world;
    const mine = await newToken(tenant, "cy", { "open:*": everything, "secret:*": ["publish"] });
    const socket = await connectMany(
      mine,
      Array.from({ length: 99 }, (_, at) => `open:${at}`),
    );
    for (let round = 0; round < 5; round++) {
      socket.send({ type: "join", ref: `s${round}`, room: `secret:${round}` });
      expect(await socket.answer(`s${round}`)).toMatchObject({ code: "forbidden" });
    }
    await socket.join("open:last");
    await call("/v1/rooms/open:5", { method: "DELETE", credential: tenant.key });
    await socket.until(() => socket.of("open:5", "closing").length > 0);
    await socket.join("open:more");
    socket.send({ type: "join", ref: "over", room: "open:over" });
    expect(await socket.answer("over")).toMatchObject({ code: "connection_limit" });
    await goOn(socket, "open:more", "open:last", "open:0");
  });
});

describe("rooms that sleep", () => {
  test("[E9] every room loses its memory while it is held; its mark and all that follows still arrive", async () => {
    const world = await newWorld();
    const { ada, bo, tenant } = world;
    const rooms = ["one", "two", "three", "four", "five"];
    const socket = await connectMany(ada, rooms);
    const writer = await connectMany(bo, rooms);
    for (let round = 1; round <= 3; round++) {
      for (const room of rooms) await evict(tenant, room);
      for (const [index, room] of rooms.entries()) {
        // Some are woken by the connection itself, some by another one, some over HTTP.
        if (index % 3 === 0) await published(socket, room, `round ${round}`);
        else if (index % 3 === 1) await published(writer, room, `round ${round}`);
        else await post(tenant.key, room, `round ${round}`);
      }
      for (const room of rooms) await socket.until(() => socket.of(room, "changes").at(-1)?.to === round);
    }
    for (const room of rooms) {
      isChain(socket.in(room));
      expect(textsTold(socket.in(room))).toEqual(["round 1", "round 2", "round 3"]);
    }
    // Woken by a question, a room tells everybody the head.
    await evict(tenant, "one");
    const from = socket.frames.length;
    writer.send({ type: "history", ref: "h", room: "one", limit: 1 });
    await writer.answer("h");
    await socket.until(() => socket.in("one", from).some((frame) => frame.type === "changes"));
    expect(socket.in("one", from)).toMatchObject([{ type: "changes", from: 3, to: 3, changes: [] }]);
    expect(socket.frames.filter(({ type }) => type === "closing" || type === "error")).toEqual([]);
  });

  test("[E9] it can be left, closed and pinged while its rooms sleep", async () => {
    const world = await newWorld();
    const { ada, tenant } = world;
    const rooms = ["one", "two"];
    const socket = await connectMany(ada, rooms);
    for (const room of rooms) await evict(tenant, room);
    await toldOf(socket);
    await socket.leave("one");
    await expect.poll(() => onlineIn(world, "one")).toBe(0);
    await evict(tenant, "one");
    await socket.join("one");
    await goOn(socket, ...rooms);
    for (const room of rooms) await evict(tenant, room);
    socket.close(1000);
    for (const room of rooms) await expect.poll(() => onlineIn(world, room)).toBe(0);
  });
});
