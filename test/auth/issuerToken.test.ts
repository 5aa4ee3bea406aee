import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type IssuerVerified, readClaimed, verifyIssuerToken } from "../../src/auth/issuerToken.ts";
import { verifyToken } from "../../src/auth/token.ts";
import type { Issuer } from "../../src/protocol/issuer.ts";
import { type Refusal, refuse } from "../../src/protocol/refusals.ts";
import { headerOf, newProviderKey, type ProviderKey, signWith, written } from "../support/provider.ts";
import { isSafely, masterKeys, now, nowMs, signHmac } from "./forge.ts";

const tenant = "acme";
const issuer: Issuer = {
  id: "iabcdefghijkl",
  issuer: "https://idp.example.com/",
  jwksUrl: "https://idp.example.com/jwks",
  algorithms: ["RS256", "ES256", "EdDSA"],
  rooms: { "lobby:*": ["read"] },
  capabilities: ["read", "publish"],
};
const claims = {
  iss: issuer.issuer,
  aud: "parley/acme",
  sub: "ada",
  iat: now,
  exp: now + 3_600,
  jti: "t-1",
  rooms: { "team:*": ["read", "publish"] },
};

let rsa: ProviderKey;
let ec: ProviderKey;
let ed: ProviderKey;
let stranger: ProviderKey;
/** What the provider's address answers. */
let set: { keys: unknown[] };
let asked = 0;
// Each test is a provider of its own, of which nothing is known yet.
let providers = 0;
let registered = issuer;

beforeAll(async () => {
  [rsa, ec, ed, stranger] = await Promise.all([
    newProviderKey("rsa-1", "RS256"),
    newProviderKey("ec-1", "ES256"),
    newProviderKey("ed-1", "EdDSA"),
    newProviderKey("ec-1", "ES256"),
  ]);
});
beforeEach(() => {
  registered = { ...issuer, jwksUrl: `https://idp.example.com/jwks/${++providers}` };
  set = { keys: [rsa.jwk, ec.jwk, ed.jwk] };
  asked = 0;
  // The provider is no part of ours.
  vi.stubGlobal("fetch", async () => {
    asked++;
    return Response.json(set);
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

/** What becomes of a token that is for the tenant: as at the edge, where what is no provider's token goes the other way. */
async function verdict(token: string, by = registered): Promise<IssuerVerified | Refusal> {
  const read = readClaimed(token);
  if (read === null) {
    const own = await verifyToken(masterKeys, token, nowMs);
    return own.ok ? refuse("internal", "a token that nobody made") : own;
  }
  if (!read.ok) return read;
  const work: Promise<unknown>[] = [];
  const fetching = { isPrivateAllowed: false, keep: (kept: Promise<unknown>) => void work.push(kept) };
  const verified = await verifyIssuerToken({ tenant, issuers: [by] }, read.claimed, fetching, nowMs);
  await Promise.all(work);
  return verified;
}

async function refused(token: string, code = "token_invalid"): Promise<void> {
  const said = await verdict(token);
  expect({ said, isSafely: isSafely(said, code, token) }).toEqual({ said, isSafely: true });
}

describe("tokens of an identity provider that are right", () => {
  test("[A13] each algorithm is taken with a key of its type, and says what the provider wrote", async () => {
    for (const key of [rsa, ec, ed])
      expect(await verdict(await signWith(key, claims))).toEqual({ ok: true, issuer: registered, claims });
    expect(asked).toBe(1);
  });

  test("[A13] without `rooms` it gets what the tenant has registered", async () => {
    const { rooms: _, ...without } = claims;
    expect(await verdict(await signWith(ec, without))).toMatchObject({ claims: { rooms: issuer.rooms } });
  });

  test("[A13] what providers add is left out: claims, and addresses of keys in the header", async () => {
    const said = { ...claims, email: "ada@example.com", azp: "app", scope: "openid", nonce: "n", nbf: now - 1 };
    const header = { ...headerOf(rsa), x5t: "abc", jku: "https://evil.example/jwks", x5u: "https://evil.example/x" };
    expect(await verdict(await signWith(rsa, said, header))).toEqual({ ok: true, issuer: registered, claims });
    expect(asked).toBe(1);
  });

  test.each(["JWT", "jwt", "at+jwt", "AT+JWT", undefined])("[A13] the type %s is taken", async (typ) => {
    expect(await verdict(await signWith(ec, claims, { alg: "ES256", kid: "ec-1", typ }))).toMatchObject({ ok: true });
  });

  test("[A13] a provider with one key of the algorithm need not name it; with two it must", async () => {
    const nameless = { alg: "ES256" };
    expect(await verdict(await signWith(ec, claims, nameless))).toMatchObject({ ok: true });
    set = { keys: [ec.jwk, { ...stranger.jwk, kid: "ec-2" }] };
    registered = { ...issuer, jwksUrl: "https://idp.example.com/jwks/two" };
    await refused(await signWith(ec, claims, nameless));
  });
});

describe("attacks of RFC 8725", () => {
  const publicText = (): string => JSON.stringify(rsa.jwk);

  test("[A13] an algorithm that needs no private key is never taken", async () => {
    const header = headerOf(rsa);
    const [, payload] = (await signWith(rsa, claims)).split(".");
    for (const alg of ["none", "None", "NONE", "nOnE", "", null, undefined, 0, ["RS256"]])
      for (const signature of ["", "AAAA"]) await refused(`${written({ ...header, alg })}.${payload}.${signature}`);
    for (const secret of [publicText(), String(rsa.jwk["n"]), rsa.kid, "", registered.jwksUrl])
      for (const kid of [rsa.kid, "acme.1kabcdefghijkl"]) {
        const input = `${written({ alg: "HS256", typ: "JWT", kid })}.${payload}`;
        await refused(`${input}.${await signHmac(input, secret || "x")}`);
      }
    expect(asked).toBe(0);
  });

  test("[A13] a set that offers a secret or a private key opens nothing with it", async () => {
    const secret = "0123456789abcdef0123456789abcdef";
    const input = `${written({ alg: "HS256", kid: "oct-1" })}.${written(claims)}`;
    set = { keys: [{ kty: "oct", kid: "oct-1", k: written(secret), alg: "HS256" }] };
    await refused(`${input}.${await signHmac(input, secret)}`);
    const { d } = (await crypto.subtle.exportKey("jwk", ec.pair.privateKey)) as JsonWebKey;
    set = { keys: [{ ...ec.jwk, d }] };
    await refused(await signWith(ec, claims));
  });

  test("[A13] the header's algorithm must be of the type of the key that it names", async () => {
    for (const key of [rsa, ec, ed])
      for (const alg of ["RS256", "ES256", "EdDSA"])
        for (const { kid } of [rsa, ec, ed]) {
          const isRight = key.alg === alg && key.kid === kid;
          const token = await signWith(key, claims, { alg, kid });
          if (isRight) expect(await verdict(token)).toMatchObject({ ok: true });
          else await refused(token);
        }
  });

  test("[A13] an algorithm that the tenant does not allow is refused, though the provider has a key of it", async () => {
    registered = { ...registered, algorithms: ["ES256"] };
    expect(await verdict(await signWith(ec, claims))).toMatchObject({ ok: true });
    for (const key of [rsa, ed]) await refused(await signWith(key, claims));
    for (const alg of ["RS384", "RS512", "PS256", "ES384", "ES256K", "Ed448", "HS512", "RSA-OAEP", "dir"])
      await refused(await signWith(ec, claims, { ...headerOf(ec), alg }));
  });

  test("[A13] another key under the same name proves nothing, not even one that the token brings along", async () => {
    await refused(await signWith(stranger, claims));
    for (const more of [
      { jwk: stranger.jwk },
      { jku: "https://evil.example/jwks" },
      { x5u: "https://evil.example/cert" },
      { x5c: ["MIIB"] },
    ])
      await refused(await signWith(stranger, claims, { ...headerOf(stranger), ...more }));
  });

  test.each([
    "ec-2",
    "",
    "EC-1",
    "ec-1 ",
    "../../../etc/passwd",
    "/dev/null",
    "ec-1' OR '1'='1",
    "https://evil.example/jwks",
    "__proto__",
    "constructor",
    "ec-1\u0000",
    "x".repeat(2_000),
  ])("[A13] the key name %j opens nothing", async (kid) => {
    await refused(await signWith(ec, claims, { alg: "ES256", kid }));
  });

  test.each([[null], [1], [true], [["ec-1"]], [{ kid: "ec-1" }]])(
    "[A13] a key name that is %j is refused",
    async (kid) => {
      await refused(await signWith(ec, claims, { alg: "ES256", kid }));
    },
  );

  test.each([
    ["crit", { crit: ["exp"], exp: now }],
    ["an empty crit", { crit: [] }],
    ["b64", { b64: false, crit: ["b64"] }],
    ["b64 alone", { b64: true }],
    ["another token in it", { cty: "JWT" }],
    ["the type of a ticket", { typ: "parley-ticket" }],
    ["another type", { typ: "secevent+jwt" }],
    ["a type that is no text", { typ: ["JWT"] }],
  ])("[A13] a header with %s is refused", async (_, more) => {
    await refused(await signWith(ec, claims, { ...headerOf(ec), ...more }));
  });

  test("[A13] a token that is changed anywhere is refused", async () => {
    const token = await signWith(ec, claims);
    for (let place = 0; place < token.length; place += 3) {
      const other = token[place] === "A" ? "B" : "A";
      await refused(`${token.slice(0, place)}${other}${token.slice(place + 1)}`);
    }
    const [header, payload, signature = ""] = token.split(".");
    await refused(`${header}.${payload}.`);
    await refused(`${header}.${payload}`);
    await refused(`${token}.${signature}`);
    await refused(`${header}.${written({ ...claims, sub: "eve" })}.${signature}`);
    await refused(`${header}.${payload}.${signature}=`);
    await refused(`${header}.${payload}.${"A".repeat(signature.length)}`);
  });

  test("[A13] a name that stands twice is refused, in the header and in the claims", async () => {
    const twice = JSON.stringify(claims).replace('"sub":"ada"', '"sub":"ada","sub":"eve"');
    await refused(await signWith(ec, twice));
    await refused(await signWith(ec, claims, '{"alg":"ES256","kid":"ec-1","kid":"ec-1"}'));
  });

  test("[A13] a weak or malformed key of the provider opens nothing and is no error of ours", async () => {
    const weak = await newProviderKey("weak", "RS256", 1_024);
    set = {
      keys: [
        weak.jwk,
        { kty: "EC", kid: "ec-1", alg: "ES256", crv: "P-256", x: "AAAA", y: "AAAA" },
        { kty: "OKP", crv: "Ed25519", kid: "ed-1" },
      ],
    };
    for (const key of [weak, ec, ed]) await refused(await signWith(key, claims));
  });
});

describe("claims of an identity provider's token", () => {
  test.each([
    ["another provider", { iss: "https://evil.example/" }],
    ["the provider without its slash", { iss: "https://idp.example.com" }],
    ["the provider in capitals", { iss: "HTTPS://IDP.EXAMPLE.COM/" }],
    ["several providers", { iss: [issuer.issuer] }],
    ["no provider", { iss: undefined }],
    ["another tenant", { aud: "parley/other" }],
    ["no tenant", { aud: "parley" }],
    ["an empty tenant", { aud: "parley/" }],
    ["a tenant that is none", { aud: "parley/acme/x" }],
    ["a tenant in capitals", { aud: "parley/ACME" }],
    ["several audiences", { aud: ["parley/acme"] }],
    ["another service", { aud: "https://api.example.com" }],
    ["no audience", { aud: undefined }],
    ["no user", { sub: undefined }],
    ["a user with a space", { sub: "a b" }],
    ["a user that is a number", { sub: 7 }],
    ["no time of making", { iat: undefined }],
    ["a time of making to come", { iat: now + 31, exp: now + 60 }],
    ["no end", { exp: undefined }],
    ["an end that is text", { exp: String(now + 60) }],
    ["a life of a day and a second", { exp: now + 86_401 }],
    ["a beginning to come", { nbf: now + 31 }],
    ["a beginning that is text", { nbf: "now" }],
    ["an id of 65 characters", { jti: "x".repeat(65) }],
    ["an id that is a number", { jti: 1 }],
    ["the capability admin", { rooms: { "*": ["admin"] } }],
    ["rooms that are a list", { rooms: ["team:a"] }],
    ["too many patterns", { rooms: Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`r${at}`, []])) }],
    ["an empty name", { name: "" }],
  ])("[A13] %s is refused", async (_, more) => {
    // The audience picks the tenant, so that of another one never comes to this tenant's providers.
    await refused(await signWith(ec, { ...claims, ...more }));
  });

  test("[A13] clocks may differ by 30 seconds, and an ended token says so only when all else is right", async () => {
    for (const more of [{ iat: now + 30 }, { nbf: now + 30 }, { iat: now - 100, exp: now - 29 }, { exp: now + 86_400 }])
      expect(await verdict(await signWith(ec, { ...claims, ...more }))).toMatchObject({ ok: true });
    await refused(await signWith(ec, { ...claims, iat: now - 100, exp: now - 30 }), "token_expired");
    await refused(await signWith(stranger, { ...claims, iat: now - 100, exp: now - 30 }));
  });

  test("[A13] a token may have 8,192 bytes and not one more", async () => {
    const padded = async (padding: number): Promise<string> => signWith(ec, { ...claims, pad: "x".repeat(padding) });
    const base = (await padded(0)).length;
    const room = Math.floor(((8_192 - base) * 3) / 4);
    let longest = room;
    while ((await padded(longest + 1)).length <= 8_192) longest++;
    while ((await padded(longest)).length > 8_192) longest--;
    expect(await verdict(await padded(longest))).toMatchObject({ ok: true });
    await refused(await padded(longest + 1));
  });
});
