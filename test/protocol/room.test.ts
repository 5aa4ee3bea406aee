/** Bad frames against a live room, in which two others go on undisturbed. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RefusalCode } from "../../src/protocol/refusals.ts";
import { type ErrorFrame, ServerFrame } from "../../src/protocol/serverFrames.ts";
import { everything } from "../support/api.ts";
import type { TestSocket } from "../support/socket.ts";
import { call, connect, newTenant, newToken } from "../routes/edge.ts";
import { badFields, wholeFrames } from "./frames.ts";
import { roomy } from "../support/roomy.ts";

interface Room {
  readonly sender: TestSocket;
  readonly others: readonly TestSocket[];
  readonly join: (user: string) => Promise<TestSocket>;
}

async function newRoom(limits: Readonly<Record<string, number>> = roomy): Promise<Room> {
  const tenant = await newTenant(limits);
  const join = async (user: string): Promise<TestSocket> =>
    connect("general", { token: await newToken(tenant, user, { "*": everything }) });
  const [sender, bo, cy] = [await join("ada"), await join("bo"), await join("cy")];
  return { sender, others: [bo, cy], join };
}

let pings = 0;

/** What the sender was told of frames that are refused as they are read: everything up to the answer to a ping behind them. */
async function toldOf(sender: TestSocket, ...frames: unknown[]): Promise<ServerFrame[]> {
  const from = sender.frames.length;
  const pongs = sender.of("pong").length;
  sender.send(...frames, { type: "ping", ref: `p${++pings}` });
  await sender.until(({ closed }) => closed !== null || sender.of("pong").length > pongs);
  return sender.frames.slice(from).filter(({ type }) => type !== "pong");
}

/** The others are connected and were told nothing but whole changes; a publish goes through, to all, at the next seq. */
async function isUnharmed({ sender, others }: Pick<Room, "sender" | "others">): Promise<void> {
  const standing = (socket: TestSocket): number => socket.of("changes").at(-1)?.to ?? 0;
  const head = Math.max(standing(sender), ...others.map(standing));
  // What one has heard is on its way to all.
  for (const other of others) await other.until(() => standing(other) === head);
  const [speaker, ...listeners] = [...others, ...(sender.closed === null ? [sender] : [])];
  const ref = `u${++pings}`;
  speaker?.send({ type: "publish", ref, nonce: `unharmed-${pings}`, text: "still here" });
  expect(await speaker?.answer(ref)).toMatchObject({ type: "ack", seq: head + 1 });
  for (const socket of [...listeners, ...others]) {
    await socket.until(() => socket.of("changes").at(-1)?.to === head + 1);
    expect(socket.closed).toBeNull();
    const frames = socket.of("changes").filter(({ reset }) => reset !== true);
    frames.forEach((frame, index) => expect(frame.from).toBe(frames[index - 1]?.to ?? socket.welcome.head));
  }
  for (const other of others) {
    expect(other.of("error")).toEqual([]);
    expect(other.of("closing")).toEqual([]);
  }
  expect(({} as { x?: unknown }).x).toBeUndefined();
}

const codesOf = (frames: readonly ServerFrame[]): string[] =>
  frames.map((frame) => (frame.type === "error" ? frame.code : `not an error: ${JSON.stringify(frame)}`));

const deep = (levels: number): string => `${"[".repeat(levels)}${"]".repeat(levels)}`;
const deepObject = (levels: number): string => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;
const publish = (fields: string): string => `{"type":"publish","nonce":"nonce-nonce",${fields}}`;

describe("frames that are none", () => {
  const cases: readonly {
    readonly what: string;
    readonly code: RefusalCode;
    readonly frames: readonly (string | ArrayBuffer)[];
  }[] = [
    {
      what: "one byte too many",
      code: "too_large",
      frames: [
        publish(`"text":"x"`).padEnd(65_537),
        publish(`"text":"${"€".repeat(15_000)}"`).padEnd(65_537 - 30_000),
        "x".repeat(65_537),
        "😀".repeat(16_385),
        " ".repeat(900_000),
      ],
    },
    {
      what: "malformed",
      code: "bad_frame",
      frames: [
        "",
        " ",
        "{",
        "nonsense",
        "{'type':'ping'}",
        publish(`"text":"x",`),
        '{"type":"publish"',
        "\u0000",
        "NaN",
        "-",
        "[",
        "[1,",
      ],
    },
    { what: "nested 10,000 deep", code: "bad_frame", frames: [deep(10_000), deepObject(10_000), deepObject(10_900)] },
    {
      what: "nested 10,000 deep in data",
      code: "invalid_field",
      frames: [
        publish(`"data":${deep(10_000)}`),
        publish(`"data":${deepObject(10_000)}`),
        publish(`"data":${deep(33)}`),
      ],
    },
    {
      what: "nested 10,000 deep in a field too many",
      code: "bad_frame",
      frames: [publish(`"text":"x","more":${deep(10_000)}`)],
    },
    {
      what: "binary",
      code: "bad_frame",
      frames: [
        new ArrayBuffer(0),
        new ArrayBuffer(9),
        new TextEncoder().encode('{"type":"ping"}').buffer as ArrayBuffer,
        new ArrayBuffer(100_000),
      ],
    },
    {
      what: "of an unknown type",
      code: "bad_frame",
      frames: [
        '{"type":"nonsense"}',
        '{"type":"welcome"}',
        '{"type":null}',
        "{}",
        '{"type":"__proto__"}',
        '{"type":"constructor"}',
      ],
    },
    {
      what: "no objects",
      code: "bad_frame",
      frames: ["null", "1", "1e999", "true", '"text"', "[null]", "[[]]", '["publish"]'],
    },
    {
      what: "with fields too many",
      code: "bad_frame",
      frames: ["__proto__", "constructor", "prototype", "extra", "room", "", "\\ud800"].map((field) =>
        publish(`"text":"x","${field}":{"x":1}`),
      ),
    },
    {
      what: "with __proto__ in them",
      code: "invalid_field",
      frames: [
        publish('"data":{"__proto__":{"x":1}}'),
        publish('"data":[{"a":{"__proto__":1}}]'),
        '{"type":"react","id":1,"emoji":"__proto__"}',
        publish('"text":"x","mentions":["__proto__"]'),
      ],
    },
    {
      what: "with lone surrogates",
      code: "invalid_field",
      frames: [
        publish('"text":"\\ud800"'),
        publish('"text":"a\\udfffb"'),
        publish('"data":"\\ud800"'),
        publish('"data":{"\\ud800":1}'),
        publish('"data":[["\\udc00"]]'),
        '{"type":"react","id":1,"emoji":"\\ud83d"}',
        publish('"text":"x","mentions":["\\ud800"]'),
        '{"type":"edit","id":1,"text":"\\ud800"}',
      ],
    },
    {
      what: "with numbers that are none of ours",
      code: "invalid_field",
      frames: ["1e999", "-1e999", "9007199254740993", "1e-300", "-0.5", "0", "-1", `1${"0".repeat(400)}`].map(
        (id) => `{"type":"read","upTo":${id}}`,
      ),
    },
    {
      what: "empty of content",
      code: "invalid_field",
      frames: [
        publish('"text":null'),
        publish('"data":null'),
        '{"type":"publish","nonce":"nonce-nonce"}',
        '{"type":"edit","id":1}',
        '{"type":"history","ref":"1","before":1,"after":1}',
      ],
    },
    {
      what: "of a message that there is not",
      code: "not_found",
      frames: [wholeFrames.append, wholeFrames.finish, wholeFrames.cancel, wholeFrames.snapshot].map((frame) =>
        JSON.stringify({ ...frame, id: 77 }),
      ),
    },
    {
      what: "a batch of 51",
      code: "too_large",
      frames: [JSON.stringify(Array.from({ length: 51 }, () => ({ type: "read", upTo: 1 })))],
    },
  ];

  test.each(cases)(
    "[W1] $what: each is refused with $code, told to its sender alone, and the room goes on",
    async ({ code, frames }) => {
      const room = await newRoom();
      for (const frame of frames) {
        const told = await toldOf(room.sender, frame);
        const sent = typeof frame === "string" ? frame.slice(0, 80) : "binary";
        expect([sent, codesOf(told)]).toEqual([sent, [code]]);
        expect(ServerFrame.safeParse(told[0])).toMatchObject({ success: true });
        expect((told[0] as ErrorFrame).message).toMatch(/\S.*\.$/);
      }
      expect(room.sender.closed).toBeNull();
      await isUnharmed(room);
    },
  );

  describe("fields", () => {
    let room: Room;
    beforeAll(async () => {
      room = await newRoom();
    });
    afterAll(() => isUnharmed(room));

    test.each(Object.keys(wholeFrames))(
      "[W1] every field of %s with every wrong type is invalid_field, with its ref",
      async (type) => {
        // Fewer than 50 on each socket: it would be closed.
        const bad = badFields.filter((one) => one.type === type).map(({ frame }) => frame);
        for (let at = 0; at < bad.length; at += 40) {
          const frames = bad.slice(at, at + 40);
          const sender = await room.join(`${type.replace(".", "-")}${at}`);
          const told = await toldOf(sender, ...frames);
          expect(codesOf(told)).toEqual(frames.map(() => "invalid_field"));
          told.forEach((frame, index) => {
            if (frames[index]?.["ref"] === "r") expect(frame).toMatchObject({ ref: "r" });
          });
          expect(sender.closed).toBeNull();
          sender.close();
        }
      },
    );
  });
});

describe("batches", () => {
  test("[W2] of a batch with one bad frame only that one is refused, whichever it is", async () => {
    const room = await newRoom();
    for (let bad = 0; bad < 5; bad++) {
      const batch = Array.from({ length: 5 }, (_, at) => ({
        type: at === bad ? "nonsense" : "publish",
        ref: `b${bad}-${at}`,
        nonce: `batch-${bad}-${at}`,
        text: "x",
      }));
      room.sender.send(batch);
      for (const [at, { ref }] of batch.entries())
        expect((await room.sender.answer(ref)).type).toBe(at === bad ? "error" : "ack");
    }
    await isUnharmed(room);
    expect(room.others[0]?.of("changes").at(-1)?.to).toBe(5 * 4 + 1);
  });

  test("[W2] a batch of 50 is taken whole, and an empty one is none", async () => {
    const room = await newRoom();
    room.sender.send(
      Array.from({ length: 50 }, (_, at) => ({ type: "publish", ref: `f${at}`, nonce: `fifty-${at}-x`, text: "x" })),
    );
    await room.sender.until(() => room.sender.of("ack").length === 50);
    expect(codesOf(await toldOf(room.sender, []))).toEqual(["bad_frame"]);
    await isUnharmed(room);
  });
});

describe("hearing no", () => {
  test("[W6] 49 refused frames leave a socket open, the fiftieth closes it with 4429 after a `closing` frame", async () => {
    const room = await newRoom();
    const told = await toldOf(room.sender, ...Array.from({ length: 49 }, () => "nonsense"));
    expect(codesOf(told)).toEqual(Array.from({ length: 49 }, () => "bad_frame"));
    expect(room.sender.closed).toBeNull();
    await isUnharmed(room);
    room.sender.send("nonsense", "nonsense", { type: "publish", ref: "late", nonce: "too-late-1", text: "x" });
    await room.sender.until(({ closed }) => closed !== null);
    expect(room.sender.of("error")).toHaveLength(50);
    expect(room.sender.frames.at(-1)).toEqual({
      type: "closing",
      code: 4429,
      reason: "Too many refused frames.",
      reconnect: "backoff",
    });
    expect(room.sender.closed).toEqual({ code: 4429, reason: "rate_limited" });
    await isUnharmed(room);
    expect(JSON.stringify(room.others[0]?.frames)).not.toContain("too-late");
  });

  test("[W6] 50 in one batch close it too, and the 50 of one are not another's", async () => {
    const room = await newRoom();
    const twin = await room.join("ada");
    await toldOf(twin, ...Array.from({ length: 49 }, () => "nonsense"));
    room.sender.send(Array.from({ length: 50 }, () => null));
    await room.sender.until(({ closed }) => closed !== null);
    expect(room.sender.closed?.code).toBe(4429);
    expect(twin.closed).toBeNull();
    await isUnharmed(room);
  });

  test("[W6] one refused frame, of whatever code, closes nothing: what is refused can be put right", async () => {
    const room = await newRoom();
    // Whether there is such a message is decided by the flush, after a ping was answered.
    for (const frame of [
      { type: "edit", ref: "1", id: 4_711, text: "x" },
      { type: "publish", ref: "2", nonce: "reply-to-none", text: "x", replyTo: 4_711 },
    ]) {
      room.sender.send(frame);
      expect(await room.sender.answer(frame.ref)).toMatchObject({ type: "error", code: "not_found" });
    }
    expect(codesOf(await toldOf(room.sender, "x".repeat(70_000), new ArrayBuffer(1)))).toEqual([
      "too_large",
      "bad_frame",
    ]);
    expect(room.sender.closed).toBeNull();
    await isUnharmed(room);
  });
});

describe("limits at their edge", () => {
  const accepted = async (sender: TestSocket, frame: object): Promise<void> => {
    const ref = `a${++pings}`;
    const raw = JSON.stringify({ ...frame, ref });
    sender.send(raw);
    expect(await sender.answer(ref)).toMatchObject({ type: "ack" });
  };
  const refusedWith = async (sender: TestSocket, frame: object, code: RefusalCode): Promise<void> => {
    const ref = `r${++pings}`;
    sender.send({ ...frame, ref });
    expect(await sender.answer(ref)).toMatchObject({ type: "error", code });
  };
  const message = (fields: object): object => ({ type: "publish", nonce: `edge-nonce-${++pings}`, ...fields });

  test("[W7] a frame of 65,536 bytes is taken, also of letters with several bytes, and of 65,537 not", async () => {
    const { sender } = await newRoom();
    for (const letter of ["a", "€"]) {
      const raw = JSON.stringify(message({ ref: `edge-${letter.charCodeAt(0)}`, text: letter.repeat(16_000) }));
      const padded = raw + " ".repeat(65_536 - new TextEncoder().encode(raw).length);
      expect(codesOf(await toldOf(sender, `${padded} `))).toEqual(["too_large"]);
      sender.send(padded);
      expect(await sender.answer(`edge-${letter.charCodeAt(0)}`)).toMatchObject({ type: "ack" });
    }
  });

  test("[W7] textLength: 16,384 UTF-16 units are taken, one more is not; in edits too", async () => {
    const { sender } = await newRoom();
    for (const text of ["a".repeat(16_384), "😀".repeat(8_192)]) {
      await accepted(sender, message({ text }));
      await accepted(sender, { type: "edit", id: 1, text });
      await refusedWith(sender, message({ text: `${text}a` }), "too_large");
      await refusedWith(sender, { type: "edit", id: 1, text: `${text}a` }, "too_large");
    }
  });

  test("[W7] dataBytes: 16,384 bytes of JSON are taken, one more is not; in edits too", async () => {
    const { sender } = await newRoom();
    for (const letter of ["a", "€"]) {
      const size = new TextEncoder().encode(letter).length;
      const data = letter.repeat(Math.floor(16_382 / size)) + "a".repeat(16_382 % size);
      await accepted(sender, message({ data }));
      await accepted(sender, { type: "edit", id: 1, data });
      await refusedWith(sender, message({ data: `${data}a` }), "too_large");
      await refusedWith(sender, { type: "edit", id: 1, data: `${data}a` }, "too_large");
    }
  });

  test("[W7] limits that the operator lowered hold as well", async () => {
    const { sender } = await newRoom({ ...roomy, textLength: 5, dataBytes: 5, frameBytes: 300 });
    await accepted(sender, message({ text: "12345", data: "123" }));
    await refusedWith(sender, message({ text: "123456" }), "too_large");
    await refusedWith(sender, message({ data: "1234" }), "too_large");
    const raw = JSON.stringify(message({ text: "x" }));
    expect(codesOf(await toldOf(sender, raw.padEnd(301)))).toEqual(["too_large"]);
    expect(await toldOf(sender, raw.padEnd(300))).not.toContainEqual(expect.objectContaining({ type: "error" }));
  });

  test("[W7] 50 mentions are taken and 51 are not", async () => {
    const { sender } = await newRoom();
    const users = (count: number): string[] => Array.from({ length: count }, (_, at) => `u${at}`);
    await accepted(sender, message({ text: "x", mentions: users(50) }));
    await refusedWith(sender, message({ text: "x", mentions: users(51) }), "invalid_field");
  });

  test("[W7] a message holds 20 different emoji and not 21; one that is there may be given by more", async () => {
    const { sender, others } = await newRoom();
    await accepted(sender, message({ text: "x" }));
    for (let count = 0; count < 20; count++) await accepted(sender, { type: "react", id: 1, emoji: `e${count}` });
    await refusedWith(sender, { type: "react", id: 1, emoji: "e20" }, "conflict");
    for (const other of others) await accepted(other, { type: "react", id: 1, emoji: "e19" });
    await accepted(sender, { type: "react", id: 1, emoji: "e0", remove: true });
    await accepted(sender, { type: "react", id: 1, emoji: "e20" });
    await refusedWith(sender, { type: "react", id: 1, emoji: "e0" }, "conflict");
  });

  test("[W7] an emoji has at most 32 bytes, whatever word it is", async () => {
    const { sender } = await newRoom();
    await accepted(sender, message({ text: "x" }));
    for (const emoji of ["👩🏿‍❤️‍💋‍👨🏾".slice(0, 11), "e".repeat(32), "constructor", "toString", "valueOf"]) {
      await accepted(sender, { type: "react", id: 1, emoji });
      await accepted(sender, { type: "react", id: 1, emoji, remove: true });
    }
    await refusedWith(sender, { type: "react", id: 1, emoji: "e".repeat(33) }, "invalid_field");
    await refusedWith(sender, { type: "react", id: 1, emoji: "é".repeat(17) }, "invalid_field");
  });

  test("[W7] a page has at most pageSize messages", async () => {
    const { sender } = await newRoom({ ...roomy, pageSize: 3 });
    for (let count = 0; count < 4; count++) await accepted(sender, message({ text: `m${count}` }));
    for (const [limit, length] of [
      [2, 2],
      [3, 3],
      [4, 3],
      [Number.MAX_SAFE_INTEGER, 3],
    ]) {
      const ref = `h${++pings}`;
      sender.send({ type: "history", ref, limit });
      const page = await sender.answer(ref);
      expect(ServerFrame.safeParse(page)).toMatchObject({ success: true });
      expect(page.type === "page" && [page.messages.length, page.hasMore]).toEqual([length, true]);
    }
  });

  test("[W7] a page at the ends of what a number can be is one that the protocol knows", async () => {
    const { sender } = await newRoom();
    await accepted(sender, message({ text: "x" }));
    for (const bounds of [
      { before: Number.MAX_SAFE_INTEGER },
      { after: Number.MAX_SAFE_INTEGER - 1 },
      { around: Number.MAX_SAFE_INTEGER },
      { after: 0 },
    ]) {
      const ref = `h${++pings}`;
      sender.send({ type: "history", ref, ...bounds });
      expect(ServerFrame.safeParse(await sender.answer(ref))).toMatchObject({ success: true });
    }
    await refusedWith(sender, { type: "history", ref: "x", after: Number.MAX_SAFE_INTEGER }, "invalid_field");
  });

  test("[W7] backlog: up to 200 of the newest messages on joining", async () => {
    const tenant = await newTenant(roomy);
    const token = await newToken(tenant, "ada", { "*": everything });
    for (let sent = 0; sent < 201; sent += 67)
      await Promise.all(
        Array.from({ length: 67 }, (_, at) =>
          call("/v1/rooms/general/messages", { method: "POST", credential: token, body: { text: `m${sent + at}` } }),
        ),
      );
    for (const backlog of [undefined, 0, 1, 199, 200]) {
      const socket = await connect("general", backlog === undefined ? { token } : { token, backlog });
      await socket.until(() => socket.of("changes").at(-1)?.to === 201);
      expect(socket.of("changes").flatMap(({ changes }) => changes)).toHaveLength(backlog ?? 50);
      socket.close();
    }
    await expect(connect("general", { token, backlog: 201 })).rejects.toThrow(/400/);
  });

  test("[W7] frames of a socket: the burst passes, one more is refused with when to come again", async () => {
    const { sender, others } = await newRoom({ framesPerSocketBurst: 5, framesPerSocketPerSecond: 4 });
    const pings5 = Array.from({ length: 5 }, (_, at) => ({ type: "history", ref: `x${at}` }));
    sender.send([...pings5, { type: "history", ref: "over" }]);
    for (const { ref } of pings5) expect((await sender.answer(ref)).type).toBe("page");
    const error = await sender.answer("over");
    expect(error).toMatchObject({ type: "error", code: "rate_limited", limit: { scope: "socket", limit: 5 } });
    const waitMs = error.type === "error" ? (error.retryAfterMs ?? 0) : 0;
    expect(waitMs).toBeGreaterThan(0);
    expect(waitMs).toBeLessThanOrEqual(250);
    await new Promise((resolve) => void setTimeout(resolve, waitMs));
    sender.send({ type: "history", ref: "again" });
    expect((await sender.answer("again")).type).toBe("page");
    // One socket's allowance is not another's.
    others[0]?.send({ type: "history", ref: "mine" });
    expect((await others[0]?.answer("mine"))?.type).toBe("page");
  });
});

describe("one nonce", () => {
  const once = { type: "publish", nonce: "one-nonce-1", text: "once" };
  const limits = { publishPerUserBurst: 20, publishPerUserPerSecond: 1 };

  test("[P3] 50 publishes of it on five sockets of one user at a limit of 20 are one message: 50 equal acks, 49 duplicates", async () => {
    const room = await newRoom(limits);
    const sockets = [room.sender, ...(await Promise.all(Array.from({ length: 4 }, () => room.join("ada"))))];
    for (let count = 0; count < 10; count++) for (const socket of sockets) socket.send({ ...once, ref: `n${count}` });
    for (const socket of sockets) await socket.until(() => socket.of("ack").length === 10);
    const acks = sockets.flatMap((socket) => socket.of("ack"));
    expect(new Set(acks.map(({ id, seq }) => `${id} ${seq}`))).toEqual(new Set(["1 1"]));
    expect(acks.filter(({ duplicate }) => duplicate === true)).toHaveLength(49);
    for (const socket of [...sockets, ...room.others]) {
      expect(socket.of("error")).toEqual([]);
      expect(socket.of("changes").flatMap(({ changes }) => changes)).toHaveLength(1);
    }
    await isUnharmed(room);
  });

  test("[P3] in one batch of 50, and again in another, it is the same", async () => {
    const room = await newRoom(limits);
    for (let round = 0; round < 2; round++) {
      room.sender.send(Array.from({ length: 50 }, (_, at) => ({ ...once, ref: `n${round}-${at}` })));
      await room.sender.until(() => room.sender.of("ack").length === 50 * (round + 1));
    }
    const acks = room.sender.of("ack");
    expect(acks.map(({ duplicate }) => duplicate === true)).toEqual(Array.from({ length: 100 }, (_, at) => at > 0));
    expect(new Set(acks.map(({ id, seq }) => `${id} ${seq}`))).toEqual(new Set(["1 1"]));
    await isUnharmed(room);
  });

  test("[P3] other content under it is nonce_reused, stored or still waiting in the same batch", async () => {
    const room = await newRoom();
    room.sender.send([
      { ...once, ref: "1" },
      { ...once, ref: "2", text: "other" },
      { ...once, ref: "3", data: 1 },
      { ...once, ref: "4" },
    ]);
    expect(await room.sender.answer("1")).toEqual({ type: "ack", ref: "1", id: 1, seq: 1 });
    for (const ref of ["2", "3"])
      expect(await room.sender.answer(ref)).toMatchObject({ code: "nonce_reused", status: 422, retryable: false });
    expect(await room.sender.answer("4")).toEqual({ type: "ack", ref: "4", id: 1, seq: 1, duplicate: true });
    room.sender.send({ ...once, ref: "5", text: "other" });
    expect(await room.sender.answer("5")).toMatchObject({ code: "nonce_reused", status: 422, retryable: false });
    expect(room.sender.of("changes").at(-1)?.to).toBe(1);
    await isUnharmed(room);
  });

  test("[P3] [P4] what is stored is answered however often it comes again, among new ones, and takes neither their rate nor their credits", async () => {
    const room = await newRoom({ ...roomy, publishPerUserBurst: 10, publishPerUserPerSecond: 1, changesPerDay: 10 });
    const { sender } = room;
    const frame = (number: number, ref: string): object => ({
      type: "publish",
      ref: `${number}-${ref}`,
      nonce: `number-${number}`,
      text: `text ${number}`,
    });
    const known = [1, 2, 3, 4];
    sender.send(...known.map((number) => frame(number, "new")));
    await sender.until(() => sender.of("ack").length === 4);
    for (let turn = 0; turn < 3; turn++) {
      const again = (ref: string): object[] => known.map((number) => frame(number, `${turn}${ref}`));
      const reused = { ...frame(1, `${turn}-reused`), text: "other" };
      const fresh = [5 + 2 * turn, 6 + 2 * turn].map((number) => frame(number, "new"));
      sender.send(...again("a"), ...again("b"), reused, ...again("c"), ...fresh, ...again("d"));
      await sender.until(() => sender.of("ack").length + sender.of("error").length === 4 + 19 * (turn + 1));
    }
    expect(sender.of("error").map(({ code }) => code)).toEqual(["nonce_reused", "nonce_reused", "nonce_reused"]);
    const acks = sender.of("ack").map(({ ref = "", id, seq, duplicate = false }) => ({ ref, id, seq, duplicate }));
    for (const { ref, id, seq, duplicate } of acks)
      expect([ref, `${id}`, `${seq}`, duplicate]).toEqual([
        ref,
        ref.split("-")[0],
        ref.split("-")[0],
        !ref.endsWith("new"),
      ]);
    const changes = sender.of("changes").filter(({ reset }) => reset !== true);
    expect(changes.flatMap(({ changes: each }) => each)).toHaveLength(10);
    expect(changes.map(({ from }) => from)).toEqual([0, ...changes.map(({ to }) => to)].slice(0, -1));
  });
});
