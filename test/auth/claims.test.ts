import * as fc from "fast-check";
import { base64url } from "jose";
import { describe, expect, test } from "vitest";
import { verifyToken } from "../../src/auth/token.ts";
import {
  forge,
  goodClaims,
  goodHeader,
  isSafely,
  leaks,
  masterKeys,
  now,
  nowMs,
  part,
  secretOf,
  signHmac,
} from "./forge.ts";

async function verdictOf(change: Record<string, unknown>, atMs = nowMs): Promise<string> {
  const token = await forge({ claims: { ...goodClaims, ...change } });
  const verdict = await verifyToken(masterKeys, token, atMs);
  if (verdict.ok) return "ok";
  return isSafely(verdict, verdict.error, token) ? verdict.error : "leaks";
}

describe("[A4] who and for whom", () => {
  test.each([
    undefined,
    null,
    "",
    "Parley",
    "parley ",
    "parley/acme",
    "other",
    ["parley"],
    ["other", "parley"],
    { parley: true },
    1,
  ])("[A4] an aud of %s is refused", async (aud) => {
    expect(await verdictOf({ aud })).toBe("token_invalid");
  });

  test.each([
    undefined,
    null,
    "",
    "a/b",
    "a b",
    "a\nb",
    "a\0b",
    "__proto__",
    ".",
    "..",
    "u".repeat(129),
    7,
    ["ada"],
    { user: "ada" },
  ])("[A4] a sub of %j is refused", async (sub) => {
    expect(await verdictOf({ sub })).toBe("token_invalid");
  });

  test("[A4] a name or jti that is not allowed is refused, and neither is needed", async () => {
    for (const change of [
      { name: "" },
      { name: "n".repeat(129) },
      { name: "a\u0007b" },
      { name: 1 },
      { name: null },
      { jti: "j".repeat(65) },
      { jti: 1 },
      { jti: null },
    ]) {
      expect(await verdictOf(change)).toBe("token_invalid");
    }
    expect(await verdictOf({ name: "Ada", jti: "j" })).toBe("ok");
  });

  test("[A4] claims that are not ours are allowed and left out", async () => {
    const token = await forge({
      claims: {
        ...goodClaims,
        iss: "https://acme.example",
        admin: true,
        role: "owner",
        nbf: now,
        deep: { a: [{ b: 1 }, { b: 2 }] },
      },
    });
    expect(await verifyToken(masterKeys, token, nowMs)).toEqual({
      ok: true,
      tenant: "acme",
      keyId: "1kabcdefghijkl",
      claims: goodClaims,
    });
  });
});

describe("[A4] rooms", () => {
  test.each([
    ["missing", undefined],
    ["null", null],
    ["a list", ["team"]],
    ["a text", "*"],
    ["with a capability that there is not", { "*": ["fly"] }],
    ["with a capability in capitals", { "*": ["READ"] }],
    ["with a star for capabilities", { "*": ["*"] }],
    ["with capabilities that are no list", { "*": "read" }],
    ["with a null", { "*": null }],
    ["with an empty pattern", { "": ["read"] }],
    ["with a slash in a pattern", { "evil/room": ["read"] }],
    ["with a star inside a segment", { "a*": ["read"] }],
    ["with two stars", { "**": ["read"] }],
    ["with an empty segment", { "a::b": ["read"] }],
    ["with a long pattern", { ["a".repeat(129)]: ["read"] }],
    ["with 101 patterns", Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`r${index}`, ["read"]]))],
  ])("[A4] rooms that are %s are refused", async (_, rooms) => {
    expect(await verdictOf({ rooms })).toBe("token_invalid");
  });

  test("[A6] a token cannot hold admin", async () => {
    expect(await verdictOf({ rooms: { "*": ["read", "admin"] } })).toBe("token_invalid");
  });

  test("[A4] no rooms at all, or no rights in them, is a token that can do nothing", async () => {
    expect(await verdictOf({ rooms: {} })).toBe("ok");
    expect(await verdictOf({ rooms: { "*": [] } })).toBe("ok");
  });
});

describe("[A4] the clock", () => {
  const expiresMs = goodClaims.exp * 1_000;

  test("[A4] a token ends 30 seconds after exp, to the millisecond", async () => {
    expect(await verdictOf({}, expiresMs)).toBe("ok");
    expect(await verdictOf({}, expiresMs + 29_999)).toBe("ok");
    expect(await verdictOf({}, expiresMs + 30_000)).toBe("token_expired");
    expect(await verdictOf({}, expiresMs + 10 ** 12)).toBe("token_expired");
  });

  test("[A4] a token begins 30 seconds before iat, to the millisecond", async () => {
    expect(await verdictOf({}, nowMs - 30_000)).toBe("ok");
    expect(await verdictOf({}, nowMs - 30_001)).toBe("token_invalid");
    expect(await verdictOf({ iat: now + 31 })).toBe("token_invalid");
  });

  test("[A4] nbf is honoured with the same leeway, and it may have fractions", async () => {
    expect(await verdictOf({ nbf: now + 30 })).toBe("ok");
    expect(await verdictOf({ nbf: now + 30.5 })).toBe("token_invalid");
    expect(await verdictOf({ nbf: now + 31 })).toBe("token_invalid");
    for (const nbf of [null, "", String(now), [now], true]) expect(await verdictOf({ nbf })).toBe("token_invalid");
  });

  test("[A4] a token lives for a day at most", async () => {
    expect(await verdictOf({ exp: now + 86_400 })).toBe("ok");
    expect(await verdictOf({ exp: now + 86_401 })).toBe("token_invalid");
    expect(await verdictOf({ iat: now - 86_400, exp: now + 1 })).toBe("token_invalid");
    expect(await verdictOf({ iat: 0 })).toBe("token_invalid");
  });

  test("[A4] exp and iat are there and whole seconds", async () => {
    for (const wrong of [undefined, null, "", String(now), now + 0.5, 1e300, -1e300, [now], true]) {
      expect(await verdictOf({ exp: wrong })).toBe("token_invalid");
      expect(await verdictOf({ iat: wrong })).toBe("token_invalid");
    }
    const infinite = JSON.stringify(goodClaims).replace(`"exp":${goodClaims.exp}`, '"exp":1e999');
    expect(await verifyToken(masterKeys, await forge({ claims: infinite }), nowMs)).toMatchObject({
      error: "token_invalid",
    });
  });

  test("[A4] at any instant the clock decides as the rules say", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: -100, max: 100 }),
        fc.integer({ min: -100, max: 100 }),
        fc.option(fc.integer({ min: -100, max: 100 }), { nil: undefined }),
        async (issued, lives, notBefore) => {
          const claims = {
            iat: now + issued,
            exp: now + issued + lives,
            ...(notBefore === undefined ? {} : { nbf: now + notBefore }),
          };
          const early = issued > 30 || (notBefore ?? 0) > 30;
          expect(await verdictOf(claims)).toBe(
            early ? "token_invalid" : issued + lives + 30 <= 0 ? "token_expired" : "ok",
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  test("[A4] only a token that is right in all else is called expired", async () => {
    const expired = { iat: now - 7_200, exp: now - 3_600 };
    expect(await verdictOf(expired)).toBe("token_expired");
    for (const change of [
      { aud: "other" },
      { sub: "a/b" },
      { rooms: { "*": ["admin"] } },
      { nbf: now + 100 },
      { iat: now - 100_000 },
    ])
      expect(await verdictOf({ ...expired, ...change })).toBe("token_invalid");
  });
});

describe("[A4] the claims as JSON", () => {
  const text = JSON.stringify(goodClaims);

  test.each([
    ["say a name twice", `${text.slice(0, -1)},"sub":"eve"}`],
    ["say a name twice in two spellings", `${text.slice(0, -1)},"s\\u0075b":"eve"}`],
    ["say a name twice with space before the colon", `${text.slice(0, -1)},"sub" \n:"eve"}`],
    ["give two lists under one pattern", text.replace('{"team:*":', '{"team:*":["read"],"team:*":')],
    ["say a name twice where nobody looks", `${text.slice(0, -1)},"more":[{"a":{"b":1,"b":1}}]}`],
    ["are a list", `[${text}]`],
    ["are text", '"claims"'],
    ["are null", "null"],
    ["are a number", "1"],
    ["are cut", text.slice(0, -1)],
    ["have more after them", `${text} x`],
    ["are nothing", " "],
    ["are nested without end", `${'{"a":['.repeat(900)}${"]}".repeat(900)}`],
  ])("[A4] claims that %s are refused", async (_, claims) => {
    const token = await forge({ claims });
    expect(isSafely(await verifyToken(masterKeys, token, nowMs), "token_invalid", token)).toBe(true);
  });

  test("[A4] claims that are not UTF-8 are refused", async () => {
    const header = part(goodHeader);
    const bytes = Uint8Array.from([...new TextEncoder().encode(`${text.slice(0, -1)},"more":"`), 0xff, 0x22, 0x7d]);
    const input = `${header}.${base64url.encode(bytes)}`;
    const token = `${input}.${await signHmac(input, await secretOf())}`;
    expect(isSafely(await verifyToken(masterKeys, token, nowMs), "token_invalid", token)).toBe(true);
  });

  test("[A4] one name in two objects, or a name as a value, is not said twice", async () => {
    for (const more of [
      { a: { sub: 1 }, b: { sub: 2 } },
      { list: ["sub", "sub", "sub:"] },
      { quoted: '","sub":"' },
      { braces: '{"sub":"{{}}' },
      { "back\\": 1, "back\\\\": 1, 'back\\"': 1 },
    ]) {
      expect(await verdictOf(more)).toBe("ok");
    }
  });

  test("[A4] whatever JSON.stringify writes says no name twice, and a repeated member always does", async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 3 }), fc.integer({ min: 0, max: 3 }), async (more, spaces) => {
        const once = JSON.stringify({ ...goodClaims, more }, null, spaces);
        const verdict = async (claims: string): Promise<boolean> =>
          (await verifyToken(masterKeys, await forge({ claims }), nowMs)).ok;
        expect(await verdict(once)).toBe(true);
        expect(await verdict(`${once.slice(0, -1)}, "more" : 0}`)).toBe(false);
      }),
    );
  });
});

test.each([
  ["aud", { aud: "other" }],
  ["sub", { sub: "" }],
  ["name", { name: "" }],
  ["iat", { iat: "1" }],
  ["exp", { exp: "1" }],
  ["jti", { jti: 1 }],
  ["rooms", { rooms: { "*": ["fly"] } }],
  ["nbf", { nbf: "1" }],
  ["nbf", { nbf: now + 100 }],
  ["iat", { iat: now + 100 }],
  ["exp", { exp: now + 100_000 }],
  ["exp", { iat: now - 100, exp: now - 50 }],
])("[A4] the refusal names `%s` when that is what is wrong", async (name, change) => {
  const verdict = await verifyToken(masterKeys, await forge({ claims: { ...goodClaims, ...change } }), nowMs);
  expect(verdict).toMatchObject({ ok: false, detail: expect.stringContaining(`\`${name}\``) });
});

test("[A7] a refusal repeats nothing of what the token said, encoded or not", async () => {
  const canary = "canary-0123456789";
  const changes = [
    { aud: canary },
    { sub: `${canary}/` },
    { name: `${canary}\u0007` },
    { iat: canary },
    { exp: canary },
    { nbf: canary },
    { jti: canary.repeat(9) },
    { rooms: canary },
    { rooms: { [canary]: [canary] } },
    { rooms: { [`${canary}/`]: ["read"] } },
    { rooms: { [canary]: canary } },
  ];
  for (const change of changes) {
    const token = await forge({ claims: { ...goodClaims, ...change } });
    const verdict = await verifyToken(masterKeys, token, nowMs);
    expect(isSafely(verdict, "token_invalid", token)).toBe(true);
    expect(leaks(verdict, canary)).toBe(false);
    expect(verdict).toHaveProperty("detail");
  }
});
