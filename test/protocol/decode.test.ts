import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ClientFrame, PublishFrame } from "../../src/protocol/clientFrames.ts";
import { decode } from "../../src/protocol/decode.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { isPlainPublish } from "../../src/protocol/plainPublish.ts";
import { isLonger, unfitJson, utf8Length } from "../../src/protocol/text.ts";
import { badFields, wholeFrames } from "./frames.ts";

const bytes = 65_536;
const decodeOne = (value: unknown): unknown =>
  decode(typeof value === "string" ? value : JSON.stringify(value), bytes)[0];
const deep = (levels: number): string => `${"[".repeat(levels)}${"]".repeat(levels)}`;

describe("one frame", () => {
  test("[W1] the frames of these tests are all there are, with all their fields", () => {
    const types = ClientFrame.options.map(({ shape }) => [[...shape.type.values][0], Object.keys(shape).sort()]);
    expect(types).toEqual(Object.entries(wholeFrames).map(([type, frame]) => [type, Object.keys(frame).sort()]));
  });

  test.each(Object.values(wholeFrames))("[W1] a whole $type passes as it is", (frame) => {
    expect(decodeOne(frame)).toEqual({ ok: true, frame });
  });

  test.each(Object.values(wholeFrames))(
    "[W1] every field of $type has one type: any other is invalid_field and names it",
    ({ type }) => {
      const ofType = badFields.filter((bad) => bad.type === type);
      expect(ofType.length).toBeGreaterThan(0);
      for (const { field, frame } of ofType) {
        const decoded = decodeOne(frame);
        expect([frame, decoded]).toMatchObject([
          frame,
          { ok: false, error: "invalid_field", detail: expect.stringContaining(field) },
        ]);
      }
    },
  );

  test.each(Object.values(wholeFrames))("[W1] $type with a field too many is bad_frame and says which", (frame) => {
    for (const field of ["extra", "constructor", "prototype", "toString", "room", "seq", "__defineGetter__"])
      expect(decodeOne({ ...frame, [field]: 1 })).toEqual({
        ok: false,
        error: "bad_frame",
        detail: `Unknown field "${field}".`,
        ref: "r",
      });
    const poisoned = `${JSON.stringify(frame).slice(0, -1)},"__proto__":{"x":1}}`;
    expect(decodeOne(poisoned)).toEqual({
      ok: false,
      error: "bad_frame",
      detail: 'Unknown field "__proto__".',
      ref: "r",
    });
  });

  test("[W1] of many fields too many the first five are named: an answer does not grow with what it refuses", () => {
    const many = Object.fromEntries(Array.from({ length: 6_000 }, (_, index) => [`k${index}`, 1]));
    expect(decodeOne({ type: "ping", ...many })).toMatchObject({
      error: "bad_frame",
      detail: 'Unknown field "k0", "k1", "k2", "k3", "k4" and 5995 more.',
    });
  });

  test("[W1] an unknown type, none, or what is no object is bad_frame", () => {
    for (const type of [
      "welcome",
      "changes",
      "Publish",
      "publish ",
      "",
      "__proto__",
      "constructor",
      null,
      1,
      ["publish"],
      undefined,
    ])
      expect(decodeOne({ type, ref: "7" })).toMatchObject({ ok: false, error: "bad_frame", ref: "7" });
    for (const value of [null, 1, true, '"text"', "{}"])
      expect(decodeOne(value)).toMatchObject({ ok: false, error: "bad_frame" });
  });

  test("[W1] what is not JSON is bad_frame, and so is binary", () => {
    for (const text of [
      "",
      " ",
      "{",
      "}",
      "nonsense",
      "NaN",
      "Infinity",
      "undefined",
      "{'type':'ping'}",
      '{"type":"ping",}',
      '{"type":NaN}',
      "\uFEFF{}x",
      '{"type":"ping"}{"type":"ping"}',
    ])
      expect(decode(text, bytes)).toEqual([expect.objectContaining({ ok: false, error: "bad_frame" })]);
    expect(decode(new ArrayBuffer(3), bytes)).toEqual([expect.objectContaining({ ok: false, error: "bad_frame" })]);
    expect(decode(new TextEncoder().encode('{"type":"ping"}').buffer as ArrayBuffer, bytes)).toMatchObject([
      { ok: false },
    ]);
  });

  test("[W1] lone surrogates are refused wherever a string goes on to others", () => {
    const lone = "\ud800";
    const { publish, react, edit, finish } = wholeFrames;
    for (const frame of [
      { ...publish, text: lone },
      { ...publish, text: `a${lone}b` },
      { ...publish, text: "\udc00\ud800" },
      { ...publish, data: lone },
      { ...publish, data: { a: [lone] } },
      { ...publish, data: { [lone]: 1 } },
      { ...publish, mentions: [lone] },
      { ...publish, nonce: `${lone}12345678` },
      { ...edit, text: lone },
      { ...react, emoji: lone },
      { ...finish, text: lone },
    ])
      expect(decodeOne(frame)).toMatchObject({ ok: false, error: "invalid_field" });
    expect(decodeOne({ ...publish, text: "\ud83d\ude00" })).toMatchObject({ ok: true });
    expect(decodeOne({ ...publish, ref: lone })).toMatchObject({ ok: false, error: "invalid_field" });
    expect(decodeOne({ ...publish, ref: lone })).not.toHaveProperty("ref");
  });

  test("[W1] __proto__ is refused as a key in data, as an emoji and as a user", () => {
    const { publish, react } = wholeFrames;
    for (const data of ['{"__proto__":1}', '{"a":[{"__proto__":{"x":1}}]}', '{"\\u005f_proto__":1}'])
      expect(decodeOne(JSON.stringify(publish).replace('{"a":1}', data))).toMatchObject({
        ok: false,
        error: "invalid_field",
      });
    expect(decodeOne({ ...react, emoji: "__proto__" })).toMatchObject({ ok: false, error: "invalid_field" });
    expect(decodeOne({ ...publish, mentions: ["__proto__"] })).toMatchObject({ ok: false, error: "invalid_field" });
    expect(decodeOne({ ...publish, data: { constructor: { prototype: 1 } } })).toMatchObject({ ok: true });
    expect(Object.hasOwn(Object.prototype, "x")).toBe(false);
  });

  test("[W1] nesting of 10,000 levels is refused without recursion, in a frame and inside of data", () => {
    const { publish } = wholeFrames;
    expect(decodeOne(deep(10_000))).toMatchObject({ ok: false, error: "bad_frame" });
    expect(decodeOne(`${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`)).toMatchObject({
      ok: false,
      error: "bad_frame",
    });
    for (const nested of [deep(10_000), `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`])
      for (const field of ["data", "text", "mentions", "extra"])
        expect(decodeOne(`{"type":"publish","nonce":"${publish.nonce}","${field}":${nested}}`)).toMatchObject({
          ok: false,
        });
  });

  test("[W1] of duplicate keys the last one counts, as JSON.parse has it: the whole frame is checked after that", () => {
    expect(decodeOne('{"type":"ping","type":"typing","active":true}')).toEqual({
      ok: true,
      frame: { type: "typing", active: true },
    });
    expect(decodeOne('{"type":"read","upTo":1,"upTo":"x"}')).toMatchObject({ ok: false, error: "invalid_field" });
  });

  test("[W1] a ref is given back only if it is one", () => {
    const ref = "r".repeat(fixedLimits.refLength);
    expect(decodeOne({ type: "nonsense", ref })).toMatchObject({ ref });
    for (const bad of [`${ref}r`, 1, null, {}, ["r"]])
      expect(decodeOne({ type: "nonsense", ref: bad })).not.toHaveProperty("ref");
  });
});

describe("a message of nothing but text", () => {
  const { refLength, nonceLengthMin, nonceLengthMax } = fixedLimits;
  const plain = { type: "publish", nonce: "nonce-nonce", text: "text" };
  /** Not known as plain it is still taken, but slowly: so these must be. */
  const plainOnes: readonly object[] = [
    plain,
    { ...plain, ref: "" },
    { ...plain, ref: "r".repeat(refLength), nonce: "n".repeat(nonceLengthMin), text: "" },
    { ...plain, nonce: "_".repeat(nonceLengthMax), text: "😀".repeat(16_384) },
  ];
  /** Each of these may be a frame, or none: that is for zod to say. */
  const others: readonly unknown[] = [
    null,
    "publish",
    [plain],
    { ...plain, type: "Publish" },
    { ...plain, text: null },
    { ...plain, data: 1 },
    { ...plain, extra: 1 },
    { ...plain, ref: 1 },
    { ...plain, ref: "r".repeat(refLength + 1) },
    { ...plain, ref: "\ud800" },
    { ...plain, text: "\udc00" },
    { ...plain, text: "t".repeat(32_769) },
    { ...plain, nonce: "nonce nonce" },
    { ...plain, nonce: "nonce-nonce\n" },
    { type: "publish", text: "text" },
    { type: "publish", nonce: "nonce-nonce", ref: "r" },
    JSON.parse('{"type":"publish","nonce":"nonce-nonce","text":"text","__proto__":{"x":1}}'),
    JSON.parse('{"type":"publish","nonce":"nonce-nonce","__proto__":{"text":"text"}}'),
  ];

  test("[W1] it is told from every other frame", () => {
    for (const frame of plainOnes) expect([frame, isPlainPublish(frame)]).toEqual([frame, true]);
    for (const value of others) expect([value, isPlainPublish(value)]).toEqual([value, false]);
  });

  const string = fc.oneof(
    fc.string({ unit: "binary", maxLength: 66 }),
    fc.constantFrom("", "nonce-nonce", "text", "\ud800", "n".repeat(65), "r".repeat(32)),
  );
  const field = fc.oneof({ weight: 9, arbitrary: string }, { weight: 1, arbitrary: fc.jsonValue() });
  const key = fc.constantFrom("ref", "data", "mentions", "streaming", "__proto__", "toString", "");
  const frames = fc
    .tuple(
      fc.record({ type: fc.constantFrom("publish", "edit", 1), nonce: field, text: field }, { requiredKeys: [] }),
      fc.dictionary(key, field),
    )
    // As it comes: `__proto__` is a key like any other.
    .map(([known, more]): unknown => JSON.parse(JSON.stringify({ ...known, ...more })));

  test("[W1] known as plain, it is what zod makes of it, whatever is sent", () => {
    fc.assert(
      fc.property(frames, (value) => {
        if (isPlainPublish(value)) expect(PublishFrame.parse(value)).toEqual(value);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("a batch", () => {
  const ping = { type: "ping" };

  test("[W2] every frame of it stands for itself, in its place", () => {
    const batch = [ping, { type: "nonsense", ref: "1" }, null, [ping], ping];
    expect(decode(JSON.stringify(batch), bytes)).toMatchObject([
      { ok: true },
      { ok: false, error: "bad_frame", ref: "1" },
      { ok: false, error: "bad_frame" },
      { ok: false, error: "bad_frame" },
      { ok: true },
    ]);
    expect(decode("[]", bytes)).toEqual([expect.objectContaining({ ok: false, error: "bad_frame" })]);
  });

  test("[W2] 50 frames are taken, 51 are one refusal", () => {
    const batch = (count: number): string => JSON.stringify(Array.from({ length: count }, () => ping));
    expect(decode(batch(50), bytes)).toHaveLength(50);
    expect(decode(batch(51), bytes)).toEqual([expect.objectContaining({ ok: false, error: "too_large" })]);
  });
});

describe("sizes", () => {
  test("[W7] a frame is counted in bytes of UTF-8: 65,536 pass, one more does not", () => {
    for (const text of ["a", "é", "€", "😀", "a€😀"]) {
      const whole = JSON.stringify({ type: "publish", nonce: "nonce-nonce", text: text.repeat(5_000) });
      const pad = (to: number): string => whole + " ".repeat(to - new TextEncoder().encode(whole).length);
      expect(decode(pad(bytes), bytes)).toMatchObject([{ ok: true }]);
      expect(decode(pad(bytes + 1), bytes)).toMatchObject([{ ok: false, error: "too_large" }]);
    }
  });

  test("[W7] the count is that of an encoder", () => {
    for (const text of ["", "a", "\u007f", "\u0080", "\u07ff", "\u0800", "\uffff", "😀", "a\u0000é€😀z"])
      expect(utf8Length(text)).toBe(new TextEncoder().encode(text).length);
  });

  test("[W7] whether a text is longer is what the count says, where nothing is counted too", () => {
    for (const unit of ["a", "é", "€", "😀"])
      for (const text of [unit, unit.repeat(7)])
        for (let most = 0; most < 32; most += 1)
          expect([text, most, isLonger(text, most)]).toEqual([text, most, utf8Length(text) > most]);
  });

  test("[W7] data may be nested 32 levels deep and not 33", () => {
    expect(unfitJson(JSON.parse(deep(32)))).toBeNull();
    expect(unfitJson(JSON.parse(deep(33)))).toMatch(/deeper than 32/);
    expect(unfitJson(JSON.parse(deep(200_000)))).toMatch(/deeper/);
  });

  const { publish, react, read } = wholeFrames;
  const edges: readonly [string, unknown, unknown][] = [
    ["refLength", { ...read, ref: "r".repeat(32) }, { ...read, ref: "r".repeat(33) }],
    ["nonceLengthMin", { ...publish, nonce: "n".repeat(8) }, { ...publish, nonce: "n".repeat(7) }],
    ["nonceLengthMax", { ...publish, nonce: "n".repeat(64) }, { ...publish, nonce: "n".repeat(65) }],
    [
      "mentions",
      { ...publish, mentions: Array.from({ length: 50 }, (_, at) => `u${at}`) },
      { ...publish, mentions: Array.from({ length: 51 }, (_, at) => `u${at}`) },
    ],
    [
      "attachments",
      { ...publish, attachments: Array.from({ length: 10 }, () => "u") },
      { ...publish, attachments: Array.from({ length: 11 }, () => "u") },
    ],
    ["expiresInMsMin", { ...publish, expiresInMs: 1_000 }, { ...publish, expiresInMs: 999 }],
    ["expiresInMsMax", { ...publish, expiresInMs: 31_536_000_000 }, { ...publish, expiresInMs: 31_536_000_001 }],
    ["emojiBytes", { ...react, emoji: "é".repeat(16) }, { ...react, emoji: `${"é".repeat(16)}a` }],
    [
      "tokenBytes",
      { ...wholeFrames.token, token: "t".repeat(8_192) },
      { ...wholeFrames.token, token: "t".repeat(8_193) },
    ],
    [
      "reasonLength",
      { ...wholeFrames.cancel, reason: "r".repeat(256) },
      { ...wholeFrames.cancel, reason: "r".repeat(257) },
    ],
    ["a user's name", { ...publish, mentions: ["u".repeat(128)] }, { ...publish, mentions: ["u".repeat(129)] }],
    ["the ceiling of textLength", { ...publish, text: "t".repeat(32_768) }, { ...publish, text: "t".repeat(32_769) }],
    ["a whole number", { ...read, upTo: Number.MAX_SAFE_INTEGER }, { ...read, upTo: Number.MAX_SAFE_INTEGER + 1 }],
  ];
  test.each(edges)("[W7] %s: what is just allowed passes, one more is refused", (_, allowed, refused) => {
    expect(decodeOne(allowed)).toMatchObject({ ok: true });
    expect(decodeOne(refused)).toMatchObject({ ok: false, error: "invalid_field" });
  });
});
