/** Bad frames on a connection of many rooms, of which another client hears nothing. */
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ServerFrame } from "../../src/protocol/serverFrames.ts";
import { connectMany } from "../support/manySocket.ts";
import { call } from "../routes/edge.ts";
import { askWith, goOn, newWorld, onlineIn, opened, placesTaken, publish, textsTold, toldOf } from "../routes/many.ts";

afterEach(() => void vi.useRealTimers());

describe("what is no frame", () => {
  const deep = (levels: number): string => `${"[".repeat(levels)}${"]".repeat(levels)}`;
  const deepObject = (levels: number, key: string): string => `${`{"${key}":`.repeat(levels)}1${"}".repeat(levels)}`;
  const say = (fields: string): string => `{"type":"publish","room":"general","nonce":"nonce-nonce",${fields}}`;

  /** Of the connection itself: answered before anything else. */
  const garbage: readonly {
    readonly what: string;
    readonly code: string;
    readonly frames: (string | ArrayBuffer)[];
  }[] = [
    {
      what: "not JSON",
      code: "bad_frame",
      frames: ["", " ", "{", "nonsense", "NaN", "[1,", "\u0000", "{'type':'ping'}"],
    },
    {
      what: "binary",
      code: "bad_frame",
      frames: [new ArrayBuffer(0), new TextEncoder().encode('{"type":"ping"}').buffer as ArrayBuffer],
    },
    {
      what: "too large",
      code: "too_large",
      frames: [say('"text":"x"').padEnd(65_537), "x".repeat(65_537), "😀".repeat(16_385), " ".repeat(900_000)],
    },
    {
      what: "a batch of 51",
      code: "too_large",
      frames: [JSON.stringify(Array.from({ length: 51 }, () => publish("general")))],
    },
    { what: "an empty batch", code: "bad_frame", frames: ["[]"] },
    {
      what: "no object",
      code: "bad_frame",
      frames: ["null", "1", '"text"', "[[]]", "[null]", "{}", '{"room":"general"}'],
    },
    {
      what: "deep",
      code: "bad_frame",
      frames: [deep(32_000), deepObject(10_000, "a"), deepObject(10_000, "0"), `[${deep(10_000)}]`],
    },
    {
      what: "an unknown type",
      code: "bad_frame",
      frames: [
        '{"type":"nonsense"}',
        '{"type":"publish"}',
        '{"type":null}',
        '{"type":"__proto__"}',
        '{"type":["join"]}',
      ],
    },
    {
      what: "a room that is none",
      code: "(bad_frame|invalid_field)",
      frames: [
        ...["__proto__", "", "a b", "-a", "r".repeat(129), null, 1, {}, ["general"]].flatMap((room) => [
          JSON.stringify({ type: "publish", nonce: "nonce-nonce", text: "x", room }),
          JSON.stringify({ type: "join", room }),
          JSON.stringify({ type: "leave", room }),
        ]),
        '{"type":"join"}',
        '{"type":"join","room":"\\ud800"}',
        '{"type":"publish","room":"\\ud800","nonce":"nonce-nonce"}',
        '{"type":"publish","nonce":"nonce-nonce","__proto__":{"room":"general"}}',
      ],
    },
    {
      what: "a field that the connection does not know",
      code: "(bad_frame|invalid_field)",
      frames: [
        '{"type":"join","room":"other","__proto__":{"x":1}}',
        '{"type":"join","room":"other","extra":1}',
        '{"type":"join","room":"other","cursor":"nonsense"}',
        '{"type":"join","room":"other","backlog":201}',
        '{"type":"join","room":"other","presence":"all"}',
        '{"type":"join","room":"other","ref":"\\ud800"}',
        '{"type":"leave","room":"general","backlog":1}',
        '{"type":"ping","__proto__":1}',
        '{"type":"ping","extra":1}',
      ],
    },
  ];

  test.each(garbage)("[W1] $what is answered by one clear error, to the sender alone", async ({ code, frames }) => {
    const { ada, bo } = await newWorld();
    const witness = await connectMany(bo, ["general"]);
    // A connection hears no 49 times at most.
    for (let at = 0; at < frames.length; at += 40) {
      const socket = await connectMany(ada, ["general"]);
      for (const frame of frames.slice(at, at + 40)) {
        const shown = typeof frame === "string" ? frame.slice(0, 80) : "binary";
        const told = await toldOf(socket, frame);
        expect([shown, told]).toEqual([
          shown,
          [
            expect.objectContaining({
              type: "error",
              code: expect.stringMatching(new RegExp(`^${code}$`)),
              message: expect.stringMatching(/.{10}/),
              retryable: false,
            }),
          ],
        ]);
        for (const each of told) expect(ServerFrame.safeParse(each)).toMatchObject({ success: true });
      }
      await goOn(socket, "general");
      socket.close(1000);
    }
    await goOn(witness, "general");
    expect(witness.frames.filter(({ type }) => type === "error" || type === "closing")).toEqual([]);
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  test("[W1] what only the room can judge is refused by the room, with its name and the ref", async () => {
    const { ada, bo } = await newWorld();
    const witness = await connectMany(bo, ["general"]);
    const socket = await connectMany(ada, ["general"]);
    const cases: readonly (readonly [string, string])[] = [
      [say('"text":"x","__proto__":{"x":1}'), "bad_frame"],
      [say('"text":"x","__proto__":null'), "bad_frame"],
      [say('"text":"x","extra":1'), "bad_frame"],
      [say('"data":{"__proto__":1}'), "invalid_field"],
      [say('"text":"\\ud800"'), "invalid_field"],
      [say('"data":{"\\ud800":1}'), "invalid_field"],
      [say(`"data":${deep(33)}`), "invalid_field"],
      [say(`"data":${deep(10_000)}`), "(invalid_field|bad_frame)"],
      [say(`"data":${deep(32_000)}`), "(invalid_field|bad_frame)"],
      [say(`"data":${deepObject(10_000, "a")}`), "(invalid_field|bad_frame)"],
      [say('"text":1'), "invalid_field"],
      ['{"type":"nonsense","room":"general"}', "bad_frame"],
      ['{"type":1,"room":"general"}', "bad_frame"],
      ['{"type":"publish","room":"general"}', "invalid_field"],
    ];
    for (const [index, [frame, code]] of cases.entries()) {
      const ref = `r${index}`;
      const from = socket.frames.length;
      socket.send(`${frame.slice(0, -1)},"ref":"${ref}"}`);
      expect([frame.slice(0, 80), await socket.answer(ref)]).toMatchObject([
        frame.slice(0, 80),
        { type: "error", room: "general", ref, code: expect.stringMatching(new RegExp(`^${code}$`)) },
      ]);
      await goOn(socket, "general");
      expect(socket.frames.slice(from).filter(({ type }) => type === "error")).toHaveLength(1);
    }
    await goOn(witness, "general");
    expect(witness.of("general", "error")).toEqual([]);
    expect(textsTold(witness.in("general"))).toEqual(Array(cases.length + 1).fill("still here"));
  });

  test("[W1] deep nesting that JSON cannot write again is refused, and its neighbours are not taken along", async () => {
    const { ada } = await newWorld();
    const socket = await connectMany(ada, ["general"]);
    const [before, after] = [publish("general"), publish("general")];
    socket.send(
      `[${JSON.stringify(before)},${say(`"ref":"deep","data":${deepObject(9_000, "0")}`)},${JSON.stringify(after)}]`,
    );
    for (const { ref } of [before, after])
      expect(await socket.answer(ref)).toMatchObject({ type: "ack", room: "general" });
    expect(await socket.answer("deep")).toMatchObject({ type: "error", code: expect.stringMatching(/bad_|invalid_/) });
    await goOn(socket, "general");
  });

  test("[S4] whatever such a frame does to its connection, no place is kept for ever", async () => {
    const { ada } = await newWorld();
    const before = placesTaken();
    for (let count = 0; count < 5; count++) {
      const socket = await connectMany(ada);
      socket.send(say(`"data":${deepObject(9_000, "0")}`));
      await socket.until(({ closed, frames }) => closed !== null || frames.length > 0);
      socket.close(1000);
      await socket.untilClosed();
    }
    expect(placesTaken()).toBe(before);
  });

  test("[W1] a number that JSON cannot hold never becomes null on its way to the room", async () => {
    const { ada } = await newWorld();
    const socket = await connectMany(ada, ["general"]);
    socket.send(say('"text":"x","ref":"r","expiresInMs":1e400'));
    expect(await socket.answer("r")).toMatchObject({ type: "error", status: 400 });
  });

  test("[W6] 49 refused frames within 10 seconds leave it open, the 50th closes it with 4429 and all its rooms are left", async () => {
    const world = await newWorld();
    const { ada, bo } = world;
    const witness = await connectMany(bo, ["general"]);
    const socket = await connectMany(ada, ["general", "other"]);
    const kinds = ["nonsense", { type: "leave", room: "elsewhere" }, publish("elsewhere"), { type: "nonsense" }, "[]"];
    for (let count = 0; count < 49; count++) socket.send(kinds[count % kinds.length]);
    expect(await toldOf(socket)).toHaveLength(49);
    await goOn(socket, "general", "other");
    socket.send([publish("general", "just before"), { type: "nonsense" }, publish("general", "too late")]);
    await socket.untilClosed();
    expect(socket.closed).toEqual({ code: 4429, reason: "rate_limited" });
    expect(socket.in(null).slice(-2)).toMatchObject([
      { type: "error", code: "bad_frame" },
      { type: "closing", code: 4429, reconnect: "backoff" },
    ]);
    await expect.poll(() => onlineIn(world, "other")).toBe(0);
    await expect.poll(() => onlineIn(world, "general")).toBe(1);
    await goOn(witness, "general");
    expect(textsTold(witness.in("general"))).toEqual(["still here", "just before", "still here"]);
    await connectMany(ada, ["general"]);
  });

  test("[W6] 50 refused frames in one batch close it; the rest of the batch is not heard", async () => {
    const { ada } = await newWorld();
    const socket = await connectMany(ada, ["general"]);
    socket.send(Array.from({ length: 49 }, () => ({ type: "nonsense" })));
    await toldOf(socket);
    socket.send([{ type: "nonsense" }, { type: "join", ref: "j", room: "other" }, { type: "leave", room: "general" }]);
    await socket.untilClosed();
    expect(socket.closed?.code).toBe(4429);
    expect((await call("/v1/rooms/other", { credential: ada })).status).toBe(404);
  });

  test("[W6] refusals further apart than 10 seconds do not add up", async () => {
    const { ada } = await newWorld();
    const socket = opened(await askWith(env, ada));
    await socket.join("general");
    vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
    for (let round = 0; round < 4; round++) {
      for (let count = 0; count < 40; count++) socket.send("nonsense");
      expect(await toldOf(socket)).toHaveLength(40);
      vi.setSystemTime(Date.now() + 10_001);
    }
    await goOn(socket, "general");
  });
});
