import * as fc from "fast-check";
import { base64url } from "jose";
import { describe, expect, test } from "vitest";
import { deriveSecret } from "../../src/auth/apiKey.ts";
import { parseMasterKeys } from "../../src/auth/masterKeys.ts";
import { mintToken, verifyToken } from "../../src/auth/token.ts";
import { roomCapabilities } from "../../src/protocol/capabilities.ts";
import { UserId } from "../../src/protocol/names.ts";
import {
  forge,
  goodClaims,
  goodHeader,
  isSafely,
  kid,
  leaks,
  masterKeys,
  now,
  nowMs,
  part,
  secretOf,
  signHmac,
  signer,
} from "./forge.ts";

async function refused(token: string, code = "token_invalid"): Promise<boolean> {
  return isSafely(await verifyToken(masterKeys, token, nowMs), code, token);
}

const base64urlAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

describe("[A3] tokens that are right", () => {
  test("[A3] a minted token is verified, and says what was asked", async () => {
    const rooms = { "team:*": ["read" as const, "publish" as const] };
    const minted = await mintToken(
      masterKeys,
      signer,
      { user: "ada", name: "Ada L.", expiresInSeconds: 3_600, rooms, tokenId: "t-1" },
      nowMs + 999,
    );
    expect(minted?.expiresAtMs).toBe(nowMs + 3_600_000);
    expect(await verifyToken(masterKeys, minted?.token ?? "", nowMs)).toEqual({
      ok: true,
      ...signer,
      claims: { aud: "parley", sub: "ada", name: "Ada L.", iat: now, exp: now + 3_600, jti: "t-1", rooms },
    });
  });

  test("[A3] whatever may be asked is minted and verified to the same", async () => {
    const user = fc.stringMatching(/^[a-zA-Z0-9@._é漢-]{1,40}$/).filter((name) => UserId.safeParse(name).success);
    const rooms = fc.dictionary(
      fc.stringMatching(/^[a-z]{1,8}(:(\*|[a-z]{1,8})){0,3}$/),
      fc.uniqueArray(fc.constantFrom(...roomCapabilities)),
      { maxKeys: 10 },
    );
    await fc.assert(
      fc.asyncProperty(user, rooms, fc.integer({ min: 1, max: 86_400 }), async (sub, granted, expiresInSeconds) => {
        const minted = await mintToken(masterKeys, signer, { user: sub, expiresInSeconds, rooms: granted }, nowMs);
        expect(await verifyToken(masterKeys, minted?.token ?? "", nowMs)).toEqual({
          ok: true,
          ...signer,
          claims: { aud: "parley", sub, iat: now, exp: now + expiresInSeconds, rooms: { ...granted } },
        });
      }),
    );
  });

  test("[A3] a tenant's own server needs nothing but the secret's 43 characters and any JWT library", async () => {
    expect(await verifyToken(masterKeys, await forge(), nowMs)).toMatchObject({
      ok: true,
      ...signer,
      claims: goodClaims,
    });
  });

  test("[A3] keys that are kept and keys that are derived anew verify alike", async () => {
    for (let index = 0; index < 1_100; index++) {
      const name = { tenant: `tenant-${index}`, keyId: signer.keyId };
      const minted = await mintToken(masterKeys, name, { user: "ada", expiresInSeconds: 60, rooms: {} }, nowMs);
      expect(await verifyToken(masterKeys, minted?.token ?? "", nowMs)).toMatchObject({
        ok: true,
        tenant: name.tenant,
      });
    }
    expect(await verifyToken(masterKeys, await forge(), nowMs)).toMatchObject({ ok: true, ...signer });
  });

  test("[A3] a kept key is not taken for that of other master keys", async () => {
    const token = await forge();
    expect(await verifyToken(masterKeys, token, nowMs)).toMatchObject({ ok: true });
    const others = parseMasterKeys(`1:${"another-master-key-".repeat(3)}`);
    expect(isSafely(await verifyToken(others, token, nowMs), "token_invalid", token)).toBe(true);
  });
});

describe("[A3] what may be minted", () => {
  const request = { user: "ada", expiresInSeconds: 60, rooms: {} };

  test("[A3] a token that verify would refuse is never minted", async () => {
    for (const wrong of [
      { expiresInSeconds: 0 },
      { expiresInSeconds: 86_401 },
      { expiresInSeconds: 1.5 },
      { expiresInSeconds: Number.NaN },
      { user: "a/b" },
      { user: "" },
      { name: "" },
      { tokenId: "x".repeat(65) },
    ]) {
      await expect(mintToken(masterKeys, signer, { ...request, ...wrong }, nowMs)).rejects.toThrow();
    }
  });

  test("[A3] a token too long to be verified is not minted", async () => {
    const rooms = Object.fromEntries(
      Array.from({ length: 100 }, (_, index) => [`${"r".repeat(90)}${index}:*`, [...roomCapabilities]]),
    );
    expect(await mintToken(masterKeys, signer, { ...request, rooms }, nowMs)).toBeNull();
  });

  test("[A3] nothing is minted for a key of an unknown master key or for what is no key", async () => {
    expect(await mintToken(masterKeys, { ...signer, keyId: "7kabcdefghijkl" }, request, nowMs)).toBeNull();
    expect(await mintToken(masterKeys, { ...signer, tenant: "../acme" }, request, nowMs)).toBeNull();
  });
});

describe("[A3] signatures", () => {
  test.each(["none", "None", "NONE", "nOnE", "", "none "])(
    "[A3] a token of algorithm '%s' is refused, signed or not",
    async (alg) => {
      const header = { ...goodHeader, alg };
      expect(await refused(`${part(header)}.${part(goodClaims)}.`)).toBe(true);
      expect(await refused(`${part(header)}.${part(goodClaims)}`)).toBe(true);
      expect(await refused(await forge({ header }))).toBe(true);
    },
  );

  test.each([
    "HS384",
    "HS512",
    "RS256",
    "RS384",
    "PS256",
    "ES256",
    "ES384",
    "EdDSA",
    "Ed25519",
    "hs256",
    "HS256 ",
    "dir",
    "A256KW",
  ])("[A3] a header that says %s is refused even over a signature of HS256", async (alg) => {
    expect(await refused(await forge({ header: { ...goodHeader, alg } }))).toBe(true);
  });

  test("[A3] an algorithm that is no text is refused", async () => {
    for (const alg of [undefined, null, 256, true, ["HS256"], { HS256: 1 }])
      expect(await refused(await forge({ header: { ...goodHeader, alg } }))).toBe(true);
  });

  test.each([
    ["HS384", "SHA-384"],
    ["HS512", "SHA-512"],
  ])("[A3] a true %s signature by the right key is refused", async (alg, hash) => {
    expect(await refused(await forge({ header: { ...goodHeader, alg }, hash }))).toBe(true);
    expect(await refused(await forge({ hash }))).toBe(true);
  });

  test("[A3] a true RS256 or ES256 signature is refused, also with its public key in the header", async () => {
    const rsa = {
      name: "RSASSA-PKCS1-v1_5",
      modulusLength: 2_048,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: "SHA-256",
    };
    const ec = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    for (const [alg, algorithm] of [
      ["RS256", rsa],
      ["ES256", ec],
    ] as const) {
      const { privateKey, publicKey } = await keyPair(algorithm);
      const jwk = await crypto.subtle.exportKey("jwk", publicKey);
      const input = `${part({ ...goodHeader, alg, jwk })}.${part(goodClaims)}`;
      const signature = new Uint8Array(
        await crypto.subtle.sign(algorithm, privateKey, new TextEncoder().encode(input)),
      );
      expect(await refused(`${input}.${base64url.encode(signature)}`)).toBe(true);
      // And the other way round: HS256 under what everybody can read.
      expect(await refused(await forge({ secret: JSON.stringify(jwk) }))).toBe(true);
    }
  });

  test("[A3] a token signed with anything else than the key is refused", async () => {
    const secret = await secretOf();
    const bytes = String.fromCharCode(...base64url.decode(secret).filter((byte) => byte < 128));
    const keys = [
      " ",
      "secret",
      "parley",
      kid,
      secret.slice(1),
      `${secret}=`,
      secret.toLowerCase(),
      bytes,
      `parley_acme_1kabcdefghijkl_${secret}`,
    ];
    for (const key of keys) expect(await refused(await forge({ secret: key }))).toBe(true);
  });

  test("[A3] a key inside or behind the header is not looked at", async () => {
    const k = base64url.encode("attacker");
    for (const more of [
      { jwk: { kty: "oct", k } },
      { jku: "https://evil.example/jwks" },
      { x5u: "https://evil.example/x" },
      { x5c: [k] },
    ]) {
      expect(await refused(await forge({ header: { ...goodHeader, ...more }, secret: "attacker" }))).toBe(true);
    }
  });

  test("[A3] a token without a signature is refused", async () => {
    const [header, payload] = (await forge()).split(".");
    for (const end of ["", ".", ".=", "..", ".AA", `.${"A".repeat(43)}`, `.${"A".repeat(42)}`, `.${"A".repeat(86)}`])
      expect(await refused(`${header}.${payload}${end}`)).toBe(true);
  });

  test("[A3] a token that is cut anywhere is refused", async () => {
    const token = await forge();
    for (let end = 0; end < token.length; end++) expect(await refused(token.slice(0, end))).toBe(true);
  });

  test("[A3] a token in which any one character is another is refused", async () => {
    const token = await forge();
    await fc.assert(
      fc.asyncProperty(
        fc.nat(token.length - 1),
        fc.constantFrom(...base64urlAlphabet, ".", "=", " ", "\n", "+", "/", "é"),
        async (index, character) => {
          fc.pre(token.charAt(index) !== character);
          expect(await refused(token.slice(0, index) + character + token.slice(index + 1))).toBe(true);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test("[A3] a token has one spelling: no padding, no space, no spare bits", async () => {
    const token = await forge();
    for (const twin of [`${token}=`, `${token}\n`, ` ${token}`, token.replace(".", " ."), token.replaceAll(".", "=.")])
      expect(await refused(twin)).toBe(true);
    const last = base64urlAlphabet.indexOf(token.slice(-1));
    for (const spare of [1, 2, 3])
      expect(await refused(token.slice(0, -1) + base64urlAlphabet.charAt(last + spare))).toBe(true);
  });

  test("[A3] the signature of one token does not fit the claims of another", async () => {
    const [header, , signature] = (await forge()).split(".");
    const other = await forge({ claims: { ...goodClaims, sub: "user-eve-of-ages" } });
    expect(await refused(`${header}.${other.split(".")[1]}.${signature}`)).toBe(true);
  });

  test("[A3] an expired token without its signature is invalid and not expired", async () => {
    expect(
      await refused(await forge({ claims: { ...goodClaims, iat: now - 9_000, exp: now - 8_000 }, secret: "guess" })),
    ).toBe(true);
  });

  test("[A3] arbitrary text is refused without a throw", async () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.stringMatching(/^[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,43}$/),
    );
    await fc.assert(
      fc.asyncProperty(text, async (token) => {
        expect(await verifyToken(masterKeys, token, nowMs)).toMatchObject({ ok: false, error: "token_invalid" });
      }),
      { numRuns: 500 },
    );
  });
});

describe("[A2] the header's kid is not believed", () => {
  test("[A2] a token signed by one key and naming another is refused", async () => {
    for (const name of [
      { tenant: "evil", keyId: signer.keyId },
      { tenant: signer.tenant, keyId: "1kzzzzzzzzzzzz" },
    ]) {
      expect(await refused(await forge({ secret: await secretOf(name) }))).toBe(true);
    }
    await fc.assert(
      fc.asyncProperty(fc.stringMatching(/^[a-z0-9][a-z0-9-]{1,39}$/), async (tenant) => {
        fc.pre(tenant !== signer.tenant);
        expect(await refused(await forge({ header: { ...goodHeader, kid: `${tenant}.${signer.keyId}` } }))).toBe(true);
      }),
    );
  });

  test("[A2] a token with another tenant's key is that tenant's, whatever its claims say", async () => {
    const name = { tenant: "evil", keyId: signer.keyId };
    const header = { ...goodHeader, kid: `evil.${signer.keyId}` };
    const token = await forge({
      header,
      claims: { ...goodClaims, tenant: "acme", iss: "acme", kid },
      secret: await secretOf(name),
    });
    const verdict = await verifyToken(masterKeys, token, nowMs);
    expect(verdict).toMatchObject({ ok: true, tenant: "evil" });
    expect(verdict).not.toHaveProperty("claims.tenant");
  });

  test("[A2] a kid of an unknown master key is refused", async () => {
    expect(await deriveSecret(masterKeys, { ...signer, keyId: "2kabcdefghijkl" })).toBeNull();
    expect(await refused(await forge({ header: { ...goodHeader, kid: "acme.2kabcdefghijkl" } }))).toBe(true);
  });

  test.each([
    ["missing", undefined],
    ["null", null],
    ["empty", ""],
    ["a number", 1],
    ["a list", [kid]],
    ["an object", { tenant: "acme", keyId: signer.keyId }],
    ["only a tenant", "acme"],
    ["only a key id", signer.keyId],
    ["only a dot", "."],
    ["without a tenant", `.${signer.keyId}`],
    ["without a key id", "acme."],
    ["three parts", `acme.acme.${signer.keyId}`],
    ["with a dot too many", `${kid}.`],
    ["with a space", ` ${kid}`],
    ["with a line's end", `${kid}\n`],
    ["with a null byte", `${kid}\0`],
    ["in capitals", kid.toUpperCase()],
    ["with a version of zero", "acme.0kabcdefghijkl"],
    ["with a padded version", "acme.01kabcdefghijkl"],
    ["with a slash", `acme/room.${signer.keyId}`],
    ["a path", "../../../../etc/passwd"],
    ["a path into a key", `../acme.${signer.keyId}`],
    ["a device", "/dev/null"],
    ["SQL", "acme' UNION SELECT 'attacker'--"],
    ["a command", "acme.$(curl evil.example)"],
    ["an address", "https://evil.example/key"],
    ["a prototype's name", "__proto__.constructor"],
    ["a label's line", `acme\n${signer.keyId}.${signer.keyId}`],
    ["very long", "a".repeat(5_000)],
    ["very long after the dot", `acme.1k${"a".repeat(5_000)}`],
  ])("[A2] a kid that is %s is refused", async (_, wrong) => {
    const header = { ...goodHeader, kid: wrong };
    const token = await forge({ header });
    expect(await refused(token)).toBe(true);
    if (typeof wrong === "string" && wrong.length >= 10)
      expect(leaks(await verifyToken(masterKeys, token, nowMs), wrong)).toBe(false);
    expect(await refused(await forge({ header, secret: " " }))).toBe(true);
  });
});

describe("[A4] the header", () => {
  test.each([undefined, "JWT", "jwt", "Jwt"])("[A4] a typ of %s is accepted", async (typ) => {
    expect(await verifyToken(masterKeys, await forge({ header: { ...goodHeader, typ } }), nowMs)).toMatchObject({
      ok: true,
    });
  });

  test.each([
    "at+jwt",
    "application/jwt",
    "JWE",
    "JOSE",
    "dpop+jwt",
    "secevent+jwt",
    "",
    "JWT ",
    "xJWT",
    null,
    1,
    ["JWT"],
  ])("[A4] a typ of %s is refused", async (typ) => {
    expect(await refused(await forge({ header: { ...goodHeader, typ } }))).toBe(true);
  });

  test("[A4] any crit is refused, known or unknown, and be it empty", async () => {
    for (const more of [
      { crit: ["x-unknown"], "x-unknown": 1 },
      { crit: ["exp"], exp: now },
      { crit: ["b64"], b64: true },
      { crit: ["alg"] },
      { crit: [] },
      { crit: null },
      { crit: "b64" },
    ]) {
      expect(await refused(await forge({ header: { ...goodHeader, ...more } }))).toBe(true);
    }
  });

  test("[A4] an unencoded payload is refused", async () => {
    const raw = JSON.stringify(goodClaims);
    for (const more of [{ b64: false, crit: ["b64"] }, { b64: false }]) {
      const header = part({ ...goodHeader, ...more });
      expect(await refused(`${header}.${raw}.${await signHmac(`${header}.${raw}`, await secretOf())}`)).toBe(true);
      expect(await refused(await forge({ header: { ...goodHeader, ...more } }))).toBe(true);
    }
  });

  test("[A4] a token inside a token is refused", async () => {
    const inner = await forge();
    for (const cty of ["JWT", "jwt", "application/jwt"]) {
      expect(await refused(await forge({ header: { ...goodHeader, cty }, claims: inner }))).toBe(true);
      expect(await refused(await forge({ header: { ...goodHeader, cty } }))).toBe(true);
    }
    expect(await refused(await forge({ claims: inner }))).toBe(true);
    expect(await refused(await forge({ claims: JSON.stringify(inner) }))).toBe(true);
  });

  test("[A4] an encrypted token is refused", async () => {
    const header = part({ alg: "dir", enc: "A256GCM", kid });
    expect(
      await refused(`${header}..${part("initial-vector")}.${part("ciphertext-ciphertext")}.${part("tag-tag-tag")}`),
    ).toBe(true);
    expect(
      await refused(
        `${part({ ...goodHeader, enc: "A256GCM", zip: "DEF" })}.${part("encrypted-key")}.${part("iv")}.${part("text")}.${part("tag")}`,
      ),
    ).toBe(true);
  });

  test("[A4] the JSON form of a signed token is refused", async () => {
    const [header, payload, signature] = (await forge()).split(".");
    expect(await refused(JSON.stringify({ protected: header, payload, signature }))).toBe(true);
    expect(await refused(JSON.stringify({ payload, signatures: [{ protected: header, signature }] }))).toBe(true);
  });

  test.each([
    ["says a name twice", `{"alg":"none","alg":"HS256","kid":"${kid}"}`],
    ["says a name twice in two spellings", `{"alg":"HS256","kid":"${kid}","\\u006bid":"${kid}"}`],
    ["is a list", "[]"],
    ["is text", '"HS256"'],
    ["is null", "null"],
    ["is cut", '{"alg":"HS256"'],
    ["has more after it", `{"alg":"HS256","kid":"${kid}"}{}`],
    ["is empty", " "],
    ["begins with a mark of byte order", `\uFEFF{"alg":"HS256","kid":"${kid}"}`],
  ])("[A4] a header that %s is refused", async (_, header) => {
    expect(await refused(await forge({ header }))).toBe(true);
  });

  test("[A4] a header that is not UTF-8 is refused", async () => {
    const bytes = Uint8Array.from([
      ...new TextEncoder().encode(`{"alg":"HS256","kid":"${kid}","x":"`),
      0xff,
      0x22,
      0x7d,
    ]);
    const input = `${base64url.encode(bytes)}.${part(goodClaims)}`;
    expect(await refused(`${input}.${await signHmac(input, await secretOf())}`)).toBe(true);
  });

  test.each([
    ["alg", { alg: "none" }],
    ["alg", { alg: "HS384" }],
    ["typ", { typ: "JWE" }],
    ["crit", { crit: ["x"] }],
    ["cty", { cty: "JWT" }],
    ["b64", { b64: true }],
    ["kid", { kid: "acme" }],
    ["kid", { kid: "Acme.1kabcdefghijkl" }],
    ["kid", { kid: "acme.2kabcdefghijkl" }],
  ])("[A4] the refusal names `%s` when that is what is wrong", async (name, change) => {
    expect(await verifyToken(masterKeys, await forge({ header: { ...goodHeader, ...change } }), nowMs)).toMatchObject({
      detail: expect.stringMatching(new RegExp(`header.*\`${name}\``)),
    });
  });

  test("[A4] a token longer than 8 KB is refused, though it be right in all else", async () => {
    const padded = async (length: number): Promise<string> =>
      forge({ claims: { ...goodClaims, more: "x".repeat(length) } });
    const length = 6_000 - Math.ceil(((await padded(6_000)).length - 8_192) * 0.75);
    const fits = await padded(length - 2);
    expect(fits.length).toBeGreaterThan(8_180);
    expect(await verifyToken(masterKeys, fits, nowMs)).toMatchObject({ ok: true });
    expect(
      isSafely(await verifyToken(masterKeys, await padded(length + 4), nowMs), "token_invalid", fits.slice(0, 200)),
    ).toBe(true);
    expect(await verifyToken(masterKeys, "a".repeat(10_000_000), nowMs)).toMatchObject({
      error: "token_invalid",
      detail: "A token may have 8192 bytes.",
    });
  });
});

async function keyPair(algorithm: Parameters<typeof crypto.subtle.generateKey>[0]): Promise<CryptoKeyPair> {
  const pair = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new Error("These algorithms have pairs.");
  return pair;
}
