import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Addressed, decodeAddressed, type Letter } from "../../src/protocol/addressed.ts";
import { decode } from "../../src/protocol/decode.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import type { Refusal } from "../../src/protocol/refusals.ts";
import { badFields, wholeFrames } from "./frames.ts";

const bytes = 65_536;
const decodeOne = (value: unknown): Addressed | Refusal | undefined =>
  decodeAddressed(typeof value === "string" ? value : JSON.stringify(value), bytes)[0];

function letterOf(value: unknown): Letter {
  const decoded = decodeOne(value);
  if (decoded?.ok !== true || !("json" in decoded)) throw new Error(`no letter: ${JSON.stringify(decoded)}`);
  return decoded;
}

/** What its room takes it for, or why it does not come so far; in either case without the address. */
function heard(raw: unknown): unknown {
  const decoded = decodeOne(raw);
  if (decoded === undefined) throw new Error("nothing was decoded");
  if (decoded.ok && "json" in decoded) return decode(decoded.json, bytes)[0];
  const { room: _, ...rest } = { room: undefined, ...decoded };
  return rest;
}

/** The same frame on the room's own socket. */
const direct = (frame: unknown): unknown => decode(JSON.stringify(frame), bytes)[0];

const room = "general";
const { publish } = wholeFrames;
/** A ping is answered by whoever hears it first, and a token is for all rooms. */
const lettersOnly = Object.values(wholeFrames).filter(({ type }) => type !== "ping" && type !== "token");
const deep = (levels: number): string => `${"[".repeat(levels)}${"]".repeat(levels)}`;

describe("for a room", () => {
  test.each(lettersOnly)("[E7] a whole $type goes to its room as it is, without the address", (frame) => {
    expect(decodeOne({ ...frame, room })).toEqual({ ok: true, room, ref: "r", json: JSON.stringify(frame) });
    expect(decodeOne({ room, ...frame })).toEqual({ ok: true, room, ref: "r", json: JSON.stringify(frame) });
  });

  test("[W1] what the room would refuse is refused in the same words: no field is lost or mended on the way", () => {
    for (const { frame } of badFields) expect([frame, heard({ ...frame, room })]).toEqual([frame, direct(frame)]);
    for (const field of ["extra", "constructor", "prototype", "toString", "toJSON", "seq", "__defineGetter__", "Room"])
      expect(heard({ ...publish, [field]: 1, room })).toEqual({
        ok: false,
        error: "bad_frame",
        detail: `Unknown field "${field}".`,
        ref: "r",
      });
    for (const type of ["nonsense", "", "__proto__", 1, null, ["publish"]])
      expect(heard({ ...publish, type, room })).toEqual(direct({ ...publish, type }));
  });

  test("[W1] __proto__ as a key is an unknown field, wherever it is looked at", () => {
    for (const key of ["__proto__", "\\u005f_proto__"])
      for (const value of ['{"x":1}', '{"room":"other"}', "1", "null"]) {
        const raw = `{"${key}":${value},"type":"publish","nonce":"nonce-nonce","text":"x","ref":"r","room":"general"}`;
        expect(heard(raw)).toEqual({ ok: false, error: "bad_frame", detail: 'Unknown field "__proto__".', ref: "r" });
      }
    // Neither its room nor its type may come from there.
    expect(decodeOne('{"type":"publish","nonce":"nonce-nonce","__proto__":{"room":"general"}}')).toMatchObject({
      ok: false,
    });
    expect(decodeOne('{"room":"general","__proto__":{"type":"ping"}}')).toMatchObject({ ok: false });
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  test("[W1] __proto__ and lone surrogates inside of data are refused", () => {
    for (const data of [
      '{"__proto__":1}',
      '{"a":[{"__proto__":{"x":1}}]}',
      '"\\ud800"',
      '{"\\ud800":1}',
      '["\\udc00"]',
    ]) {
      const raw = `{"type":"publish","nonce":"nonce-nonce","ref":"r","room":"general","data":${data}}`;
      expect(heard(raw)).toMatchObject({ ok: false, error: "invalid_field", ref: "r" });
    }
    const lone = heard({ ...publish, ref: "\ud800", room });
    expect(lone).toMatchObject({ ok: false, error: "invalid_field" });
    expect(lone).not.toHaveProperty("ref");
  });

  test("[W1] a number that JSON cannot hold is refused, and never becomes the null that the field allows", () => {
    for (const field of ['"expiresInMs":1e400', '"replyTo":-1e400', '"text":1e400', '"attachments":[1e999]']) {
      const frame = `"type":"publish","nonce":"nonce-nonce",${field}}`;
      expect(decode(`{${frame}`, bytes)).toMatchObject([{ ok: false }]);
      expect([field, heard(`{"room":"general",${frame}`)]).toMatchObject([field, { ok: false }]);
    }
  });

  test("[W1] nesting of 32,000 levels is refused or reaches the room: decoding never throws", () => {
    const objects = (levels: number, key: string): string => `${`{"${key}":`.repeat(levels)}1${"}".repeat(levels)}`;
    for (const nested of [
      ...[33, 1_000, 10_000, 32_000].map(deep),
      // V8 has a fast way to JSON without recursion, which it leaves for some keys.
      ...["a", "0", "é", "__proto__", "toJSON"].flatMap((key) => [1_000, 4_000].map((levels) => objects(levels, key))),
      objects(10_500, "0"),
      objects(10_500, "a"),
    ])
      for (const field of ["data", "text", "extra", "ref", "nonce"])
        expect(heard(`{"type":"publish","room":"general","${field}":${nested}}`)).toMatchObject({ ok: false });
  });

  test("[A19] a new token is for all rooms, and refused for one", () => {
    expect(decodeOne(wholeFrames.token)).toEqual({ ok: true, frame: wholeFrames.token });
    expect(decodeOne({ ...wholeFrames.token, room })).toMatchObject({ ok: false, error: "bad_frame", room, ref: "r" });
    expect(decodeOne({ ...wholeFrames.token, token: 1 })).toMatchObject({ ok: false, error: "invalid_field" });
  });

  test("[E7] a room may be named like a property of every object", () => {
    for (const name of ["constructor", "toString", "hasOwnProperty", "valueOf", "0", "a.b:c-d_e", "r".repeat(128)])
      expect(letterOf({ ...publish, room: name }).room).toBe(name);
  });

  test("[W1] a room that is none is bad_frame, and its ref is given back", () => {
    for (const name of [
      "",
      "-a",
      "a b",
      "a/b",
      "ä",
      "_a",
      "__proto__",
      "a\u0000",
      "a\n",
      '"',
      "\ud800",
      "r".repeat(129),
      null,
      1,
      true,
      {},
      [],
      ["general"],
      { toString: "general" },
    ])
      expect([name, decodeOne({ ...publish, room: name })]).toMatchObject([
        name,
        { ok: false, error: expect.stringMatching(/^(bad_frame|invalid_field)$/), ref: "r" },
      ]);
    const without = decodeOne(publish);
    expect(without).toMatchObject({ ok: false, error: "bad_frame", ref: "r" });
    expect(without).toMatchObject({ detail: expect.stringContaining("room") });
  });

  test("[W1] of duplicate keys the last one counts, for the address as for the rest", () => {
    expect(letterOf('{"type":"typing","active":true,"room":"one","room":"two"}')).toMatchObject({
      room: "two",
      json: '{"type":"typing","active":true}',
    });
    expect(decodeOne('{"type":"history","room":"one","room":1}')).toMatchObject({ ok: false });
    expect(decodeOne('{"type":"publish","room":"one","type":"leave"}')).toEqual({
      ok: true,
      frame: { type: "leave", room: "one" },
    });
  });
});

describe("for the connection", () => {
  const join = { type: "join", ref: "r", room, cursor: "abcdefgh:7", backlog: 3, presence: "count" };
  const leave = { type: "leave", ref: "r", room };

  test("[E7] join, leave, and a ping without a room are its own", () => {
    for (const frame of [
      join,
      leave,
      { type: "join", room },
      { type: "join", room, cursor: "0" },
      { type: "leave", room },
      { type: "ping" },
      { type: "ping", ref: "r" },
    ])
      expect(decodeOne(frame)).toEqual({ ok: true, frame });
  });

  test("[W1] every field of them has one type: any other is refused and named", () => {
    for (const [field, values] of Object.entries({
      room: [undefined, null, 1, "", "-a", "__proto__", "a/b", {}, "r".repeat(129)],
      cursor: [null, 0, "", "1", "abcdefgh", "abcdefgh:-1", "abcdefgh:01", "0:1", {}],
      backlog: [null, -1, 1.5, "1", 201, 1e300, []],
      presence: [null, "", "all", true, ["full"]],
      ref: [null, 1, {}, "r".repeat(33), "\ud800"],
    }))
      for (const value of values)
        expect([field, value, decodeOne({ ...join, [field]: value })]).toMatchObject([
          field,
          value,
          { ok: false, error: "invalid_field", detail: expect.stringContaining(field) },
        ]);
    for (const value of [undefined, null, 1, "-a", "__proto__"])
      expect(decodeOne({ ...leave, room: value })).toMatchObject({ ok: false, error: "invalid_field", ref: "r" });
  });

  test("[W7] backlog: up to 200, not 201", () => {
    expect(decodeOne({ ...join, backlog: fixedLimits.backlogMax })).toMatchObject({ ok: true });
    expect(decodeOne({ ...join, backlog: fixedLimits.backlogMax + 1 })).toMatchObject({ ok: false });
  });

  test("[W1] a field too many is bad_frame and says which, also __proto__", () => {
    for (const frame of [join, leave, { type: "ping", ref: "r" }]) {
      for (const field of ["extra", "constructor", "toString"])
        expect(decodeOne({ ...frame, [field]: 1 })).toEqual({
          ok: false,
          error: "bad_frame",
          detail: `Unknown field "${field}".`,
          ref: "r",
        });
      expect(decodeOne(`${JSON.stringify(frame).slice(0, -1)},"__proto__":{"x":1}}`)).toEqual({
        ok: false,
        error: "bad_frame",
        detail: 'Unknown field "__proto__".',
        ref: "r",
      });
    }
    expect(decodeOne({ ...leave, backlog: 1 })).toMatchObject({ ok: false, error: "bad_frame" });
  });

  test("[W1] what is no frame at all is one clear refusal", () => {
    for (const value of [null, 1, true, '"text"', "{}", [[]], [["join"]], {}, { ref: "r" }, { room }])
      expect(decodeOne(value)).toMatchObject({ ok: false, error: "bad_frame" });
    for (const type of ["Join", "", "joined", "__proto__", "constructor", null, 1, ["join"]])
      expect(decodeOne({ type, ref: "7" })).toMatchObject({ ok: false, error: "bad_frame", ref: "7" });
    for (const text of ["", " ", "{", "nonsense", '{"type":"join"', '{"type":"ping"}{"type":"ping"}', "\uFEFF{}x"])
      expect(decodeAddressed(text, bytes)).toMatchObject([{ ok: false, error: "bad_frame" }]);
    expect(decodeAddressed(new ArrayBuffer(3), bytes)).toMatchObject([{ ok: false, error: "bad_frame" }]);
  });
});

describe("a batch", () => {
  test("[W2] every frame of it stands for itself, in its place and for its own room", () => {
    const batch = [
      { type: "join", room: "one" },
      { type: "typing", active: true, room: "one" },
      { type: "typing", active: true, room: "two" },
      { type: "typing", active: true, room: "-" },
      null,
      { type: "leave", room: "one" },
      { type: "ping" },
    ];
    expect(decodeAddressed(JSON.stringify(batch), bytes)).toMatchObject([
      { ok: true, frame: { type: "join" } },
      { ok: true, room: "one" },
      { ok: true, room: "two" },
      { ok: false },
      { ok: false, error: "bad_frame" },
      { ok: true, frame: { type: "leave" } },
      { ok: true, frame: { type: "ping" } },
    ]);
    expect(decodeAddressed("[]", bytes)).toMatchObject([{ ok: false, error: "bad_frame" }]);
  });

  test("[W7] 50 frames are taken, 51 are one refusal; 65,536 bytes pass, one more does not", () => {
    const batch = (count: number): string =>
      JSON.stringify(Array.from({ length: count }, () => ({ type: "typing", active: true, room })));
    expect(decodeAddressed(batch(50), bytes)).toHaveLength(50);
    expect(decodeAddressed(batch(51), bytes)).toEqual([expect.objectContaining({ ok: false, error: "too_large" })]);
    expect(decodeAddressed(batch(1).padEnd(bytes), bytes)).toMatchObject([{ ok: true }]);
    expect(decodeAddressed(batch(1).padEnd(bytes + 1), bytes)).toMatchObject([{ ok: false, error: "too_large" }]);
    expect(decodeAddressed("😀".repeat(16_385), bytes)).toMatchObject([{ ok: false, error: "too_large" }]);
  });
});

describe("any JSON", () => {
  test("[W1] 20,000 values with a room say to it what they would say on its own socket", () => {
    const whole = fc.constantFrom<object>(...lettersOnly);
    const anyValue = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom<unknown>(-0, 1e300, "\ud800", "__proto__", { toJSON: 1 }),
    );
    const widened = fc
      .tuple(whole, fc.oneof(fc.string(), fc.constantFrom("text", "data", "ref", "id", "toJSON")), anyValue)
      .map(([frame, field, value]) => ({ ...frame, [field]: value }));
    fc.assert(
      fc.property(fc.oneof(widened, fc.dictionary(fc.string(), anyValue)), (frame) => {
        if (Object.hasOwn(frame, "room") || !Object.hasOwn(frame, "type")) return;
        expect(heard({ ...frame, room })).toEqual(direct(frame));
      }),
      { seed: 817, numRuns: 20_000 },
    );
  });
});
