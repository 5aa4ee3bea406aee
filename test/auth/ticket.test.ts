import * as fc from "fast-check";
import { base64url } from "jose";
import { describe, expect, test } from "vitest";
import { type MasterKeys, parseMasterKeys } from "../../src/auth/masterKeys.ts";
import { type TicketGrant, mintTicket, readTicket } from "../../src/auth/ticket.ts";
import { mintToken, verifyToken } from "../../src/auth/token.ts";
import { roomCapabilities } from "../../src/protocol/capabilities.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { forge, goodHeader, isSafely, leaks, masterKeys, nowMs, part, secretOf, signHmac, signer } from "./forge.ts";

const byKey: TicketGrant = { ...signer, user: null, name: null, room: null, token: null, issuedAtMs: nowMs };
const tokenOfAda = {
  id: "token-1",
  rooms: { "team:red": ["read" as const, "publish" as const] },
  expiresAtMs: nowMs + 3_600_000,
};
const byToken: TicketGrant = {
  ...signer,
  user: "user-ada-lovelace",
  name: "Ada L.",
  room: "team:red",
  token: tokenOfAda,
  issuedAtMs: nowMs - 5_000,
};
const id = "ticket-0123456789";
const header = { alg: "HS256", typ: "parley-ticket", kid: "1.acme" };
const { tenant: _, ...said } = byToken;
const claims = { ...said, aud: "parley/ticket", id, expiresAtMs: nowMs + 60_000 };
const base64urlAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

async function mint(grant = byToken, keys = masterKeys): Promise<string> {
  return (await mintTicket(keys, grant, id, nowMs)).ticket;
}

async function refused(ticket: string, code = "token_invalid", keys = masterKeys, atMs = nowMs): Promise<boolean> {
  return isSafely(await readTicket(keys, ticket, atMs), code, ticket);
}

async function ticketKeyOf(tenant = "acme", keys: MasterKeys = masterKeys, version = 1): Promise<Uint8Array> {
  const bytes = await keys.derive(version, `parley/ticket/1\n${tenant}`);
  if (bytes === null) throw new Error("The master keys of the test lack this version.");
  return bytes;
}

/** Signed with the tenant's own key by default, so that what a test changes is the only thing wrong. */
async function forgeTicket({
  head = header,
  body = claims,
  key,
  hash = "SHA-256",
}: { head?: unknown; body?: unknown; key?: Uint8Array; hash?: string } = {}): Promise<string> {
  const input = `${part(head)}.${part(body)}`;
  const hmac = { name: "HMAC", hash };
  const imported = await crypto.subtle.importKey("raw", key ?? (await ticketKeyOf()), hmac, false, ["sign"]);
  const signature = await crypto.subtle.sign("HMAC", imported, new TextEncoder().encode(input));
  return `${input}.${base64url.encode(new Uint8Array(signature))}`;
}

describe("[A12] tickets that are right", () => {
  test.each([
    ["a key", byKey],
    ["a key that names a user", { ...byKey, user: "ada", name: "Ada" }],
    ["a key, for one room", { ...byKey, room: "team:red" }],
    ["a token, for one room", byToken],
    ["a token, for many rooms", { ...byToken, room: null }],
    ["a token without an id", { ...byToken, name: null, token: { id: null, rooms: {}, expiresAtMs: nowMs + 90_000 } }],
  ])("[A12] a ticket of %s says what was verified, and no more", async (_name, grant) => {
    const { ticket, expiresAtMs } = await mintTicket(masterKeys, grant, id, nowMs);
    expect(expiresAtMs).toBe(nowMs + 60_000);
    expect(await readTicket(masterKeys, ticket, nowMs)).toEqual({
      ok: true,
      ticket: { ...grant, id, expiresAtMs },
    });
  });

  test("[A12] whatever may have been verified is read back to the same", async () => {
    const text = fc
      .stringMatching(/^[a-zA-Z0-9@._é漢-]{1,40}$/)
      .filter((name) => !["__proto__", ".", ".."].includes(name));
    const room = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/);
    const rooms = fc.dictionary(
      fc.stringMatching(/^[a-z]{1,8}(:(\*|[a-z]{1,8})){0,3}$/),
      fc.uniqueArray(fc.constantFrom(...roomCapabilities)),
      { maxKeys: 10, noNullPrototype: true },
    );
    const grants = fc.record({
      tenant: fc.stringMatching(/^[a-z0-9][a-z0-9-]{1,39}$/),
      keyId: fc.stringMatching(/^[1-9][0-9]{0,3}k[a-z2-7]{12}$/),
      user: fc.option(text),
      name: fc.option(text),
      room: fc.option(room),
      token: fc.option(
        fc.record({ id: fc.option(text), rooms, expiresAtMs: fc.integer({ min: nowMs + 1, max: nowMs + 86_400_000 }) }),
      ),
      issuedAtMs: fc.integer({ min: nowMs - 86_400_000, max: nowMs }),
    });
    await fc.assert(
      fc.asyncProperty(grants, text, async (grant, ticketId) => {
        const { ticket, expiresAtMs } = await mintTicket(masterKeys, grant, ticketId, nowMs);
        expect(await readTicket(masterKeys, ticket, nowMs)).toEqual({
          ok: true,
          ticket: { ...grant, id: ticketId, expiresAtMs },
        });
      }),
    );
  });

  test("[A12] it can stand in a URL as it is", async () => {
    const ticket = await mint({ ...byToken, user: "é漢%&?#+" });
    expect(new URL(`https://parley.example/?ticket=${ticket}&b=1`).searchParams.get("ticket")).toBe(ticket);
    expect(encodeURIComponent(ticket)).toBe(ticket);
  });

  test("[A12] its key is the HMAC of the master key over a label of its own and the tenant", async () => {
    const ticket = await mint();
    const [head, body] = ticket.split(".");
    expect(JSON.parse(new TextDecoder().decode(base64url.decode(head ?? "")))).toEqual(header);
    expect(JSON.parse(new TextDecoder().decode(base64url.decode(body ?? "")))).toEqual(claims);
    expect(await readTicket(masterKeys, await forgeTicket(), nowMs)).toEqual(
      await readTicket(masterKeys, ticket, nowMs),
    );
  });

  test("[A12] what is no grant makes no ticket", async () => {
    for (const wrong of [
      { tenant: "Acme" },
      { tenant: "acme\n1kabcdefghijkl" },
      { keyId: "acme" },
      { user: "a/b" },
      { name: "" },
      { room: "team:*" },
      { issuedAtMs: Number.NaN },
      { token: { id: "x".repeat(65), rooms: {}, expiresAtMs: nowMs } },
      { token: { id: null, rooms: { "a/b": [] }, expiresAtMs: nowMs } },
    ])
      await expect(mintTicket(masterKeys, { ...byToken, ...wrong }, id, nowMs)).rejects.toThrow();
    for (const wrong of ["", "x".repeat(65)])
      await expect(mintTicket(masterKeys, byToken, wrong, nowMs)).rejects.toThrow();
  });
});

describe("[A12] the clock", () => {
  test("[A12] a ticket ends after 60 seconds, to the millisecond and without leeway", async () => {
    const ticket = await mint();
    expect(fixedLimits.ticketSeconds).toBe(60);
    expect(await readTicket(masterKeys, ticket, nowMs + 59_999)).toMatchObject({ ok: true });
    expect(await refused(ticket, "token_expired", masterKeys, nowMs + 60_000)).toBe(true);
    expect(await refused(ticket, "token_expired", masterKeys, nowMs + 10 ** 12)).toBe(true);
  });

  test("[A12] a token's earlier end is the ticket's too", async () => {
    const token = { id: null, rooms: {}, expiresAtMs: nowMs + 1_500 };
    const { ticket, expiresAtMs } = await mintTicket(masterKeys, { ...byToken, token }, id, nowMs);
    expect(expiresAtMs).toBe(nowMs + 1_500);
    expect(await readTicket(masterKeys, ticket, nowMs + 1_499)).toMatchObject({ ok: true, ticket: { expiresAtMs } });
    expect(await refused(ticket, "token_expired", masterKeys, nowMs + 1_500)).toBe(true);
  });

  test("[A12] a token that lives on its leeway makes a ticket that has ended", async () => {
    const token = { id: null, rooms: {}, expiresAtMs: nowMs - 1 };
    expect(await refused(await mint({ ...byToken, token }), "token_expired")).toBe(true);
  });

  test("[A12] only a ticket that is right in all else is called expired", async () => {
    const expired = { ...claims, expiresAtMs: nowMs };
    expect(await refused(await forgeTicket({ body: expired }), "token_expired")).toBe(true);
    expect(await refused(await forgeTicket({ body: expired, key: await ticketKeyOf("evil") }))).toBe(true);
    expect(await refused(await forgeTicket({ body: expired, head: { ...header, typ: "JWT" } }))).toBe(true);
    for (const change of [{ aud: "parley" }, { user: "a/b" }, { id: "" }, { keyId: "acme" }])
      expect(await refused(await forgeTicket({ body: { ...expired, ...change } }))).toBe(true);
  });
});

describe("[A12] the signature", () => {
  test("[A12] a ticket in which any one character is another is refused", async () => {
    const ticket = await mint();
    for (let index = 0; index < ticket.length; index++) {
      const at = base64urlAlphabet.indexOf(ticket.charAt(index));
      // Each of the six bits that the character stands for; a dot has none and becomes a letter.
      const twins = at === -1 ? ["A"] : [1, 2, 4, 8, 16, 32].map((bit) => base64urlAlphabet.charAt(at ^ bit));
      for (const twin of [...twins, ".", "=", "é"])
        if (twin !== ticket.charAt(index))
          expect(await refused(ticket.slice(0, index) + twin + ticket.slice(index + 1))).toBe(true);
    }
  });

  test("[A12] a ticket that is cut anywhere, or has more, is refused", async () => {
    const ticket = await mint();
    for (let end = 0; end < ticket.length; end++) expect(await refused(ticket.slice(0, end))).toBe(true);
    for (const twin of [`${ticket}=`, `${ticket}\n`, ` ${ticket}`, `${ticket}.`, `${ticket}A`, `.${ticket}`])
      expect(await refused(twin)).toBe(true);
    expect(await refused(ticket.replaceAll(".", "=."))).toBe(true);
  });

  test("[A12] the parts of two tickets make no third", async () => {
    const [headA, bodyA, signatureA] = (await mint()).split(".");
    const [headB, bodyB, signatureB] = (await mint({ ...byToken, tenant: "evil", user: "eve" })).split(".");
    for (const mixed of [
      [headA, bodyB, signatureA],
      [headA, bodyB, signatureB],
      [headA, bodyA, signatureB],
      [headB, bodyA, signatureA],
      [headB, bodyA, signatureB],
      [headB, bodyB, signatureA],
    ])
      expect(await refused(mixed.join("."))).toBe(true);
  });

  test("[A12] no algorithm but HS256 counts, and be the key right", async () => {
    for (const alg of ["none", "None", "", "HS384", "HS512", "RS256", "ES256", "EdDSA", "hs256", null, undefined, 1])
      expect(await refused(await forgeTicket({ head: { ...header, alg } }))).toBe(true);
    for (const [alg, hash] of [
      ["HS384", "SHA-384"],
      ["HS512", "SHA-512"],
    ] as const) {
      expect(await refused(await forgeTicket({ head: { ...header, alg }, hash }))).toBe(true);
      expect(await refused(await forgeTicket({ hash }))).toBe(true);
    }
    const [, body] = (await mint()).split(".");
    for (const end of ["", ".", `.${"A".repeat(43)}`])
      for (const head of [{ ...header, alg: "none" }, header])
        expect(await refused(`${part(head)}.${body}${end}`)).toBe(true);
  });

  test("[A12] a true RS256 signature is refused, also with its public key in the header", async () => {
    const rsa = {
      name: "RSASSA-PKCS1-v1_5",
      modulusLength: 2_048,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: "SHA-256",
    };
    const pair = await crypto.subtle.generateKey(rsa, true, ["sign", "verify"]);
    if (!("privateKey" in pair)) throw new Error("This algorithm has pairs.");
    const jwk = await crypto.subtle.exportKey("jwk", pair.publicKey);
    const input = `${part({ ...header, alg: "RS256", jwk })}.${part(claims)}`;
    const signature = await crypto.subtle.sign(rsa, pair.privateKey, new TextEncoder().encode(input));
    expect(await refused(`${input}.${base64url.encode(new Uint8Array(signature))}`)).toBe(true);
    expect(await refused(await forgeTicket({ key: new TextEncoder().encode(JSON.stringify(jwk)) }))).toBe(true);
  });

  test("[A12] the key of another tenant, of a token or of anyone else signs no ticket", async () => {
    const encoder = new TextEncoder();
    const foreign = await masterKeys.derive(1, "parley/api-key/1\nacme\n1kabcdefghijkl");
    for (const key of [
      await ticketKeyOf("evil"),
      encoder.encode(await secretOf()),
      foreign ?? new Uint8Array(),
      // Its own key, but as text.
      encoder.encode(base64url.encode(await ticketKeyOf())),
      encoder.encode("secret"),
      new Uint8Array(32),
    ])
      expect(await refused(await forgeTicket({ key }))).toBe(true);
    expect(await refused(await forgeTicket({ head: { ...header, kid: "1.evil" } }))).toBe(true);
  });

  test("[A12] a ticket signed by a tenant's key is that tenant's, whatever its claims say", async () => {
    const ticket = await forgeTicket({
      head: { ...header, kid: "1.evil" },
      body: { ...claims, tenant: "acme", iss: "acme" },
      key: await ticketKeyOf("evil"),
    });
    expect(await readTicket(masterKeys, ticket, nowMs)).toEqual({
      ok: true,
      ticket: { ...byToken, tenant: "evil", id, expiresAtMs: nowMs + 60_000 },
    });
  });
});

describe("[A12] tickets and tokens", () => {
  test("[A12] a token is no ticket, and a ticket is no token", async () => {
    const minted = await mintToken(masterKeys, signer, { user: "ada", expiresInSeconds: 60, rooms: {} }, nowMs);
    expect(await refused(minted?.token ?? "")).toBe(true);
    const ticket = await mint();
    expect(isSafely(await verifyToken(masterKeys, ticket, nowMs), "token_invalid", ticket)).toBe(true);
  });

  test("[A12] a tenant cannot write with its own keys what passes for a ticket", async () => {
    const secret = await secretOf();
    for (const head of [header, goodHeader, { ...goodHeader, typ: "parley-ticket" }, { ...header, kid: "1.acme" }])
      expect(await refused(await forge({ header: head, claims, secret }))).toBe(true);
  });

  test("[A12] where a ticket's kid is also the name of an API key, the two are still told apart", async () => {
    const keys = parseMasterKeys(`12:${"another-master-key-".repeat(3)},1:${"0123456789abcdef".repeat(3)}`);
    const tenant = "1kabcdefghijkl";
    const ticket = await mint({ ...byToken, tenant }, keys);
    expect(await readTicket(keys, ticket, nowMs)).toMatchObject({ ok: true, ticket: { tenant } });
    expect(isSafely(await verifyToken(keys, ticket, nowMs), "token_invalid", ticket)).toBe(true);
    // Under the header of a token its signature is no other's: the key is not that of tenant "12".
    const key = await ticketKeyOf(tenant, keys, 12);
    const disguised = await forgeTicket({ head: { alg: "HS256", kid: `12.${tenant}` }, key });
    expect(isSafely(await verifyToken(keys, disguised, nowMs), "token_invalid", disguised)).toBe(true);
    const secret = await secretOf({ tenant: "12", keyId: tenant }, keys);
    expect(await refused(await forge({ header: { ...header, kid: `12.${tenant}` }, claims, secret }))).toBe(true);
  });

  test("[A12] a right signature over claims that are not a ticket's is refused", async () => {
    for (const change of [
      { aud: "parley" },
      { aud: ["parley/ticket"] },
      { aud: undefined },
      { id: undefined },
      { id: "x".repeat(65) },
      { keyId: null },
      { user: undefined },
      { user: "__proto__" },
      { name: "a\u0007b" },
      { room: "" },
      { room: "evil/room" },
      { room: undefined },
      { token: undefined },
      { token: {} },
      { token: { ...tokenOfAda, rooms: { "*": ["admin"] } } },
      { token: { ...tokenOfAda, expiresAtMs: null } },
      { token: { ...tokenOfAda, id: 1 } },
      { issuedAtMs: "1" },
      { expiresAtMs: undefined },
      { expiresAtMs: null },
      { expiresAtMs: `${claims.expiresAtMs}` },
      { expiresAtMs: claims.expiresAtMs + 0.5 },
    ])
      expect(await refused(await forgeTicket({ body: { ...claims, ...change } }))).toBe(true);
    const text = JSON.stringify(claims);
    for (const body of [
      `${text.slice(0, -1)},"user":"eve"}`,
      `${text.slice(0, -1)},"us\\u0065r":"eve"}`,
      text.replace('"rooms":{', '"rooms":{"team:red":[],'),
      `[${text}]`,
      "null",
      '"claims"',
      text.slice(0, -1),
      " ",
    ])
      expect(await refused(await forgeTicket({ body }))).toBe(true);
  });
});

describe("[A12] the header", () => {
  test.each([undefined, null, "", "JWT", "jwt", "Parley-Ticket", "parley-ticket ", "parley", ["parley-ticket"], 1])(
    "[A12] a typ of %j is refused",
    async (typ) => {
      expect(await refused(await forgeTicket({ head: { ...header, typ } }))).toBe(true);
    },
  );

  test.each([
    undefined,
    null,
    "",
    1,
    ["1.acme"],
    "acme",
    "1",
    ".",
    ".acme",
    "1.",
    "0.acme",
    "01.acme",
    "-1.acme",
    "+1.acme",
    "1e0.acme",
    "12345.acme",
    "1..acme",
    "1.acme.",
    "1.acme.acme",
    "1.Acme",
    "1.a",
    " 1.acme",
    "1.acme ",
    "1.acme\n",
    "1.acme\0",
    "1.acme\nacme",
    "1.acme/room",
    "acme.1",
    "acme.1kabcdefghijkl",
    "1.__proto__",
    "../../etc/passwd",
    `1.${"a".repeat(41)}`,
  ])("[A12] a kid of %j is refused", async (kid) => {
    expect(await refused(await forgeTicket({ head: { ...header, kid } }))).toBe(true);
    // And by its form, not for want of a key: the right key for what it says changes nothing.
    const key = await masterKeys.derive(1, `parley/ticket/1\n${String(kid).slice(String(kid).indexOf(".") + 1)}`);
    expect(
      await readTicket(
        masterKeys,
        await forgeTicket({ head: { ...header, kid }, key: key ?? new Uint8Array(32) }),
        nowMs,
      ),
    ).toMatchObject({ detail: expect.stringMatching(/^The header's `kid` must be/) });
  });

  test("[A12] a header with anything more is refused", async () => {
    for (const more of [
      { crit: ["x"], x: 1 },
      { crit: [] },
      { cty: "JWT" },
      { b64: false, crit: ["b64"] },
      { b64: true },
      { jwk: { kty: "oct", k: "AAAA" } },
      { jku: "https://evil.example/jwks" },
      { enc: "A256GCM" },
      { zip: "DEF" },
      { x: 1 },
    ])
      expect(await refused(await forgeTicket({ head: { ...header, ...more } }))).toBe(true);
  });

  test("[A12] a header that is no JSON object, or says a name twice, is refused", async () => {
    const text = JSON.stringify(header);
    for (const head of [
      `{"alg":"none",${text.slice(1)}`,
      `${text.slice(0, -1)},"k\\u0069d":"1.acme"}`,
      `[${text}]`,
      `${text}{}`,
      text.slice(0, -1),
      `\uFEFF${text}`,
      "null",
      '"HS256"',
      " ",
    ])
      expect(await refused(await forgeTicket({ head }))).toBe(true);
    const [, body] = (await mint()).split(".");
    // A length that no bytes have.
    const input = `${"A".repeat(5)}.${body}`;
    expect(await refused(`${input}.${await signHmac(input, await secretOf())}`)).toBe(true);
  });
});

describe("[A12] the length", () => {
  test("[A12] a ticket longer than 12,288 characters is refused, though it be right in all else", async () => {
    const padded = async (length: number): Promise<string> =>
      forgeTicket({ body: { ...claims, more: "x".repeat(length) } });
    const length = 9_000 - Math.ceil(((await padded(9_000)).length - 12_288) * 0.75);
    const near = await Promise.all([-2, -1, 0, 1, 2, 3, 4].map((more) => padded(length + more)));
    const [fits, long] = [near.filter((text) => text.length <= 12_288), near.filter((text) => text.length > 12_288)];
    expect(Math.max(...fits.map((text) => text.length))).toBeGreaterThanOrEqual(12_287);
    for (const ticket of fits) expect(await readTicket(masterKeys, ticket, nowMs)).toMatchObject({ ok: true });
    expect(long.length).toBeGreaterThan(0);
    for (const ticket of long)
      expect(await readTicket(masterKeys, ticket, nowMs)).toEqual({
        ok: false,
        error: "token_invalid",
        detail: "A ticket may have 12288 characters.",
      });
  });

  test("[A12] a huge text is refused at once", async () => {
    for (const text of ["a".repeat(10_000_000), ".".repeat(10_000_000), `${await mint()}${"A".repeat(10_000_000)}`])
      expect(await readTicket(masterKeys, text, nowMs)).toMatchObject({ error: "token_invalid" });
  });

  test("[A12] the longest token still has its ticket", async () => {
    const longest = (patterns: number) => ({
      user: "漢".repeat(128),
      name: "漢".repeat(128),
      tokenId: "漢".repeat(64),
      expiresInSeconds: 86_400,
      rooms: Object.fromEntries(
        Array.from({ length: patterns }, (__, index) => [`r${index}`.padEnd(128, "x"), [...roomCapabilities]]),
      ),
    });
    const lengths = Array.from({ length: 40 }, (__, patterns) => patterns);
    const all = await Promise.all(lengths.map((patterns) => mintToken(masterKeys, signer, longest(patterns), nowMs)));
    const last = all.filter((minted) => minted !== null).at(-1);
    const verified = await verifyToken(masterKeys, last?.token ?? "", nowMs);
    if (!verified.ok || last === undefined || last === null) throw new Error("Some number of patterns fits.");
    expect(last.token.length).toBeGreaterThan(7_700);
    const { sub, name, jti, rooms, exp } = verified.claims;
    const grant = {
      tenant: verified.tenant,
      keyId: verified.keyId,
      user: sub,
      name: name ?? null,
      room: "r".repeat(128),
      token: { id: jti ?? null, rooms, expiresAtMs: exp * 1_000 },
      issuedAtMs: nowMs,
    };
    const { ticket } = await mintTicket(masterKeys, grant, "i".repeat(64), nowMs);
    expect(ticket.length).toBeLessThan(9_000);
    expect(await readTicket(masterKeys, ticket, nowMs)).toMatchObject({ ok: true, ticket: grant });
  });

  test("[A12] a ticket that read would refuse is never minted", async () => {
    const rooms = Object.fromEntries(
      Array.from({ length: 100 }, (__, index) => [`r${index}`.padEnd(128, "x"), [...roomCapabilities]]),
    );
    const token = { id: null, rooms, expiresAtMs: nowMs + 60_000 };
    await expect(mintTicket(masterKeys, { ...byToken, token }, id, nowMs)).rejects.toThrow(RangeError);
  });
});

describe("[A7] what is told", () => {
  test("[A7] a ticket holds nothing that opens anything but a stream", async () => {
    const secret = await secretOf();
    // What a caller's object may hold beside the grant never gets into the URL.
    const careless = { ...byToken, secret, policy: { keys: {} }, token: { ...tokenOfAda, secret } };
    const ticket = await mint(careless);
    const [, body = ""] = ticket.split(".");
    const text = new TextDecoder().decode(base64url.decode(body));
    expect(leaks(text, secret)).toBe(false);
    expect(leaks(ticket, part(secret).slice(0, -2))).toBe(false);
    expect(JSON.parse(text)).toEqual(claims);
    expect(leaks(text, base64url.encode(await ticketKeyOf()))).toBe(false);
  });

  test("[A7] no refusal holds a piece of what was presented", async () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", minLength: 10, maxLength: 300 }),
      fc.stringMatching(/^[A-Za-z0-9_-]{1,40}\.[A-Za-z0-9_-]{1,40}\.[A-Za-z0-9_-]{42}A$/),
      fc
        .tuple(fc.jsonValue(), fc.jsonValue())
        .map(([head, body]) => `${part(JSON.stringify(head))}.${part(JSON.stringify(body))}.${"A".repeat(43)}`),
    );
    await fc.assert(
      fc.asyncProperty(text, async (ticket) => {
        const verdict = await readTicket(masterKeys, ticket, nowMs);
        expect(verdict).toMatchObject({ ok: false, error: "token_invalid" });
        expect(leaks(verdict, ticket)).toBe(false);
      }),
      { numRuns: 500 },
    );
    for (const kid of ["1.unheard-of-tenant", "77.unheard-of-tenant", "secret-instead-of-a-kid"]) {
      const verdict = await readTicket(masterKeys, await forgeTicket({ head: { ...header, kid } }), nowMs);
      expect(verdict).toMatchObject({ error: "token_invalid" });
      expect(leaks(verdict, kid)).toBe(false);
    }
    const user = "a user with spaces";
    expect(leaks(await readTicket(masterKeys, await forgeTicket({ body: { ...claims, user } }), nowMs), user)).toBe(
      false,
    );
  });

  test.each([
    ["HS256", { alg: "none" }],
    ["a token is no ticket", { typ: "JWT" }],
    ["`kid` must be", { kid: "acme" }],
    ["`kid` names no master key", { kid: "2.acme" }],
    ["not made with the key that `kid` names", { kid: "1.evil" }],
    ["not that of a ticket", { more: 1 }],
  ])("[A7] the refusal says the rule instead: %s", async (rule, change) => {
    expect(await readTicket(masterKeys, await forgeTicket({ head: { ...header, ...change } }), nowMs)).toMatchObject({
      detail: expect.stringContaining(rule),
    });
  });
});

describe("[A8] rotation", () => {
  const one = "one-".repeat(8);
  const two = "two:".repeat(8);
  const before = parseMasterKeys(`1:${one}`);
  const both = parseMasterKeys(`2:${two},1:${one}`);
  const after = parseMasterKeys(`2:${two}`);

  test("[A8] a ticket of an older master key opens while it is listed, and not after", async () => {
    const ticket = await mint(byToken, before);
    expect(await readTicket(both, ticket, nowMs)).toMatchObject({ ok: true });
    expect(await refused(ticket, "token_invalid", after)).toBe(true);
  });

  test("[A8] new tickets are of the first master key, whatever the API key's version", async () => {
    const ticket = await mint(byToken, both);
    expect(await readTicket(after, ticket, nowMs)).toMatchObject({ ok: true, ticket: { keyId: signer.keyId } });
    expect(await refused(ticket, "token_invalid", before)).toBe(true);
  });

  test("[A8] a version that was given another secret opens no ticket of the first", async () => {
    const ticket = await mint(byToken, before);
    expect(await refused(ticket, "token_invalid", parseMasterKeys(`1:${two}`))).toBe(true);
    const [head, body, signature] = ticket.split(".");
    expect(head).toBe(part(header));
    expect(await refused(`${part({ ...header, kid: "2.acme" })}.${body}.${signature}`, "token_invalid", both)).toBe(
      true,
    );
  });
});
