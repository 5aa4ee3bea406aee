/** In which order a connection of many rooms takes what it is told, and what waits for what. */
import { describe, expect, test } from "vitest";
import { connectMany } from "../support/manySocket.ts";
import { roomy } from "../support/roomy.ts";
import { call } from "./edge.ts";
import {
  askWith,
  goOn,
  newWorld,
  onlineIn,
  opened,
  post,
  publish,
  published,
  slowRooms,
  textsOf,
  textsTold,
  toldOf,
} from "./many.ts";

describe("order", () => {
  test("[E7] what was said to a room before it is left reaches it, what is said after is refused", async () => {
    const world = await newWorld();
    const socket = await connectMany(world.ada, ["general", "other"]);
    const [one, two, late] = [publish("general", "one"), publish("general", "two"), publish("general", "late")];
    socket.send([one, two, { type: "leave", ref: "l", room: "general" }, late]);
    expect(await socket.answer("l")).toEqual({ type: "ack", ref: "l", room: "general" });
    expect(await socket.answer(late.ref)).toMatchObject({ type: "error", room: "general", code: "bad_frame" });
    await expect.poll(() => textsOf(world, "general")).toEqual(["one", "two"]);
    await goOn(socket, "other");
    const left = socket.frames.findIndex((frame) => "ref" in frame && frame.ref === "l");
    expect(socket.in("general", left + 1).map(({ type }) => type)).toEqual(["error"]);
  });

  test("[E7] a batch that joins, speaks, leaves and speaks is handled in this order: what it said in between is said", async () => {
    const world = await newWorld();
    const socket = await connectMany(world.ada, ["other"]);
    const [one, two, late] = [publish("general", "one"), publish("general", "two"), publish("general", "late")];
    socket.send([
      { type: "join", ref: "j", room: "general" },
      one,
      two,
      { type: "leave", ref: "l", room: "general" },
      late,
    ]);
    expect(await socket.answer("l")).toEqual({ type: "ack", ref: "l", room: "general" });
    expect(await socket.answer(late.ref)).toMatchObject({ type: "error", room: "general", code: "bad_frame" });
    await goOn(socket, "other");
    await expect.poll(() => textsOf(world, "general")).toEqual(["one", "two"]);
    const left = socket.frames.findIndex((frame) => "ref" in frame && frame.ref === "l");
    expect(socket.in("general", left + 1).map(({ type }) => type)).toEqual(["error"]);
    await expect.poll(() => onlineIn(world, "general")).toBe(0);
  });

  test("[E7] frames to a room that is being joined wait, 50 of them, and arrive in order; one more is overloaded", async () => {
    const world = await newWorld();
    const rooms = slowRooms();
    const socket = opened(await askWith(rooms.bindings, world.ada));
    socket.send({ type: "join", ref: "j", room: "general" });
    const frames = Array.from({ length: 50 }, (_, at) => publish("general", `m${at}`));
    socket.send(frames.slice(0, 30));
    for (const frame of frames.slice(30)) socket.send(frame);
    const over = [publish("general", "over"), publish("general", "over")];
    expect(await toldOf(socket, over[0], [over[1]])).toMatchObject(
      over.map(({ ref }) => ({
        type: "error",
        ref,
        room: "general",
        code: "overloaded",
        status: 503,
        retryable: true,
        retryAfterMs: expect.any(Number),
      })),
    );
    await rooms.letIn("general");
    await socket.until(() =>
      frames.every(({ ref }) => socket.frames.some((frame) => "ref" in frame && frame.ref === ref)),
    );
    expect(textsTold(socket.in("general"))).toEqual(frames.map((_, at) => `m${at}`));
    expect(socket.of("general", "ack").map(({ ref }) => ref)).toEqual(["j", ...frames.map(({ ref }) => ref)]);
    // There is room again.
    await goOn(socket, "general");
    expect(socket.frames.findIndex(({ type }) => type === "welcome")).toBeLessThan(
      socket.frames.findIndex((frame) => frame.type === "ack" && frame.ref === frames[0]?.ref),
    );
  });

  test("[E7] frames that wait may be as long as any: together they are more than one frame may have", async () => {
    const world = await newWorld();
    const rooms = slowRooms();
    const socket = opened(await askWith(rooms.bindings, world.ada));
    socket.send({ type: "join", ref: "j", room: "general" });
    const frames = Array.from({ length: 6 }, (_, at) => publish("general", `${at}`.padEnd(16_000, "x")));
    for (const frame of frames) socket.send(frame);
    await toldOf(socket);
    await rooms.letIn("general");
    await socket.answer("j");
    for (const [at, { ref }] of frames.entries())
      expect(await socket.answer(ref)).toMatchObject({ type: "ack", room: "general", seq: at + 1 });
    expect(socket.of("general", "error")).toEqual([]);
  });

  test("[E7] what waited for a room that then refuses is refused too: each of them is answered", async () => {
    const world = await newWorld(roomy, { autoCreate: false });
    const rooms = slowRooms();
    const socket = opened(await askWith(rooms.bindings, world.ada));
    const [one, two] = [publish("nowhere"), publish("nowhere")];
    socket.send([{ type: "join", ref: "j", room: "nowhere" }, one, two]);
    await rooms.letIn("nowhere");
    expect(await socket.answer("j")).toMatchObject({ type: "error", room: "nowhere", code: "not_found" });
    for (const { ref } of [one, two])
      expect(await socket.answer(ref)).toMatchObject({ type: "error", room: "nowhere", ref });
  });

  test("[E7] a room that is left while it is being joined says nothing more, and has nobody in the end", async () => {
    const world = await newWorld();
    const rooms = slowRooms();
    const socket = opened(await askWith(rooms.bindings, world.ada));
    socket.send({ type: "join", ref: "j", room: "general" });
    await expect.poll(() => rooms.waiting).toEqual(["general"]);
    socket.send({ type: "leave", ref: "l", room: "general" });
    expect(await socket.answer("l")).toEqual({ type: "ack", ref: "l", room: "general" });
    const left = socket.frames.length;
    rooms.letAllIn();
    await socket.join("other");
    await expect.poll(() => onlineIn(world, "general")).toBe(0);
    expect(socket.in("general", left)).toEqual([]);
    await socket.join("general");
    await goOn(socket, "general");
  });

  test("[E7] a join that is overtaken by a leave is answered too, before the leave", async () => {
    const world = await newWorld();
    const rooms = slowRooms();
    const socket = opened(await askWith(rooms.bindings, world.ada));
    socket.send({ type: "join", ref: "j", room: "general" });
    await expect.poll(() => rooms.waiting).toEqual(["general"]);
    socket.send({ type: "leave", ref: "l", room: "general" });
    await socket.answer("l");
    rooms.letAllIn();
    await socket.join("other");
    expect(socket.in("general").map((frame) => ("ref" in frame ? frame.ref : frame.type))).toEqual(["j", "l"]);
  });

  test("[E7] nothing of a room comes after the ack of its leave, however busy it is", async () => {
    const { ada, bo } = await newWorld();
    const socket = await connectMany(ada, ["busy", "other"]);
    const writer = await connectMany(bo, ["busy", "other"]);
    for (let round = 0; round < 10; round++) {
      writer.send(Array.from({ length: 50 }, (_, at) => publish("busy", `m${at}`)));
      const ref = `l${round}`;
      if (round % 2 === 0) await socket.until(() => socket.of("busy", "changes").length > 0);
      socket.send([publish("busy"), { type: "leave", ref, room: "busy" }]);
      await socket.answer(ref);
      writer.send(Array.from({ length: 50 }, (_, at) => publish("busy", `n${at}`)));
      const seq = await published(writer, "busy", "end of round");
      await writer.until(() => (writer.of("busy", "changes").at(-1)?.to ?? 0) >= seq);
      await published(socket, "other");
      const left = socket.frames.findIndex((frame) => "ref" in frame && frame.ref === ref);
      expect(socket.in("busy", left + 1)).toEqual([]);
      await socket.join("busy", { backlog: 0 });
    }
  });

  // The second: a user who has no connection to spare.
  test.each([1_000, 1])(
    "[E7] a room can be left and joined again in one batch and resumes, at %i sockets a user",
    async (socketsPerUser) => {
      const world = await newWorld({ ...roomy, socketsPerUser });
      const { ada, tenant } = world;
      const socket = await connectMany(ada, ["general"]);
      const { epoch } = socket.welcome("general");
      for (let round = 0; round < 20; round++) {
        await post(tenant.key, "general", `m${round}`);
        await socket.until(() => socket.of("general", "changes").at(-1)?.to === round + 1);
        const from = socket.frames.length;
        socket.send([
          { type: "leave", ref: `l${round}`, room: "general" },
          { type: "join", ref: `j${round}`, room: "general", cursor: `${epoch}:${round + 1}` },
        ]);
        expect(await socket.answer(`j${round}`)).toMatchObject({ type: "ack", room: "general" });
        await socket.until(() => socket.in("general", from).some(({ type }) => type === "welcome"));
        expect(socket.in("general", from).map(({ type }) => type)).toEqual(["ack", "ack", "welcome"]);
        expect(socket.welcome("general")).toMatchObject({ resumed: true, head: round + 1 });
      }
      expect(await onlineIn(world, "general")).toBe(1);
    },
  );

  test("[E7] a room that is joined, left and joined in one batch is joined once", async () => {
    const world = await newWorld();
    const socket = await connectMany(world.ada, ["other"]);
    for (let round = 0; round < 10; round++) {
      const room = `room-${round}`;
      const batch = [
        { type: "join", ref: `a${round}`, room, backlog: 0 },
        { type: "leave", ref: `l${round}`, room },
        { type: "join", ref: `b${round}`, room, backlog: 0 },
      ];
      socket.send(batch);
      expect(await socket.answer(`b${round}`)).toMatchObject({ type: "ack", room });
      await socket.until(() => socket.of(room, "changes").length > 0);
      await goOn(socket, room);
      expect(socket.of(room, "welcome")).toHaveLength(1);
      expect(textsTold(socket.in(room))).toEqual(["still here"]);
    }
  });

  test("[E7] joining twice is conflict, also while it is being joined; the room goes on", async () => {
    const { ada } = await newWorld();
    const socket = await connectMany(ada);
    const join = (ref: string): object => ({ type: "join", ref, room: "general" });
    socket.send([join("1"), join("2")]);
    expect(await socket.answer("2")).toMatchObject({ type: "error", room: "general", code: "conflict", status: 409 });
    expect(await socket.answer("1")).toMatchObject({ type: "ack" });
    socket.send(join("3"));
    expect(await socket.answer("3")).toMatchObject({ type: "error", room: "general", code: "conflict" });
    await socket.until(() => socket.of("general", "changes").length > 0);
    await goOn(socket, "general");
    expect(socket.of("general", "welcome")).toHaveLength(1);
  });

  test("[E7] a frame for a room that is not joined is refused with its room and ref, and so is its leaving", async () => {
    const { ada } = await newWorld();
    const socket = await connectMany(ada, ["general"]);
    const stray = publish("elsewhere");
    const told = await toldOf(socket, [stray, publish("general")], { type: "leave", ref: "l", room: "elsewhere" });
    expect(told.filter(({ room }) => room === "elsewhere")).toMatchObject([
      { type: "error", room: "elsewhere", ref: stray.ref, code: "bad_frame", retryable: false },
      { type: "error", room: "elsewhere", ref: "l", code: "bad_frame" },
    ]);
    await goOn(socket, "general");
    // It made no room.
    expect((await call("/v1/rooms/elsewhere", { credential: ada })).status).toBe(404);
  });
});
