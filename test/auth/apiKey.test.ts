import * as fc from "fast-check";
import { expect, test } from "vitest";
import { deriveSecret, formatApiKey, newKeyId, parseApiKey, verifyApiKey } from "../../src/auth/apiKey.ts";
import { parseMasterKeys } from "../../src/auth/masterKeys.ts";
import { KeyId } from "../../src/protocol/names.ts";
import { masterKeys, secretOf, signHmac, signer } from "./forge.ts";

const master = "0123456789abcdef".repeat(3);
const tenant = fc.stringMatching(/^[a-z0-9][a-z0-9-]{1,39}$/);
const keyId = fc.stringMatching(/^1k[a-z2-7]{12}$/);
const name = fc.record({ tenant, keyId });
const secret = fc.stringMatching(/^[A-Za-z0-9_-]{43}$/);
// Secrets that look like the separators and parts of a key.
const trickySecret = fc
  .array(fc.constantFrom("_", "-", "_1kabcdefghijkl_", "parley_", "a"), { minLength: 43 })
  .map((pieces) => pieces.join("").slice(0, 43));

test("[A1] a secret is the HMAC of the master key over the label, tenant and key id", async () => {
  const expected = await signHmac("parley/api-key/1\nacme\n1kabcdefghijkl", master);
  expect(await secretOf()).toBe(expected);
  expect(expected).toMatch(/^[A-Za-z0-9_-]{43}$/);
  // Also what openssl says. Written down, because a change of this value would lock every tenant out.
  expect(expected).toBe("IXcD2Z4etLqRwPOMs6FhVPtyOi4Kj1BEbSa3zlQwd3E");
});

test("[A1] the same name always derives the same secret, in any isolate", async () => {
  await fc.assert(
    fc.asyncProperty(name, async (key) => {
      expect(await deriveSecret(parseMasterKeys(`1:${master}`), key)).toBe(await secretOf(key));
    }),
  );
});

test("[A1] a derived key is verified from its text alone", async () => {
  await fc.assert(
    fc.asyncProperty(name, async (key) => {
      expect(await verifyApiKey(masterKeys, formatApiKey({ ...key, secret: await secretOf(key) }))).toEqual(key);
    }),
  );
});

test("[A1] a new key id has its form, the current version, and is not given twice", () => {
  const ids = Array.from({ length: 1_000 }, () => newKeyId(masterKeys));
  for (const id of ids) expect(KeyId.safeParse(id).success && id.startsWith("1k")).toBe(true);
  expect(new Set(ids).size).toBe(1_000);
  // 12,000 letters of 32: each is seen.
  expect(new Set(ids.map((id) => id.slice(2)).join("")).size).toBe(32);
});

test("[A2] secrets differ as soon as tenant, key or master key differ", async () => {
  const other = parseMasterKeys(`1:${master}x,2:${master}`);
  await fc.assert(
    fc.asyncProperty(name, name, async (a, b) => {
      const same = a.tenant === b.tenant && a.keyId === b.keyId;
      expect((await secretOf(a)) === (await secretOf(b))).toBe(same);
      expect(await deriveSecret(other, a)).not.toBe(await secretOf(a));
      expect(await deriveSecret(other, { ...a, keyId: a.keyId.replace("1k", "2k") })).not.toBe(await secretOf(a));
    }),
  );
});

test("[A2] a key's parts are read back as they were written, whatever its secret holds", () => {
  fc.assert(
    fc.property(
      tenant,
      fc.stringMatching(/^[1-9][0-9]{0,3}k[a-z2-7]{12}$/),
      fc.oneof(secret, trickySecret),
      (tenantId, id, text) => {
        const key = { tenant: tenantId, keyId: id, secret: text };
        expect(parseApiKey(formatApiKey(key))).toEqual(key);
      },
    ),
  );
});

test("[A2] no two keys have the same text", () => {
  fc.assert(
    fc.property(name, name, trickySecret, trickySecret, (a, b, first, second) => {
      const same = a.tenant === b.tenant && a.keyId === b.keyId && first === second;
      expect(formatApiKey({ ...a, secret: first }) === formatApiKey({ ...b, secret: second })).toBe(same);
    }),
  );
});

test("[A2] the secret of one key opens no other key and no other tenant", async () => {
  await fc.assert(
    fc.asyncProperty(name, name, async (a, b) => {
      fc.pre(a.tenant !== b.tenant || a.keyId !== b.keyId);
      const stolen = await secretOf(a);
      expect(await verifyApiKey(masterKeys, formatApiKey({ ...b, secret: stolen }))).toBeNull();
      expect(
        await verifyApiKey(
          masterKeys,
          formatApiKey({ tenant: a.tenant, keyId: b.keyId === a.keyId ? "1kzzzzzzzzzzzz" : b.keyId, secret: stolen }),
        ),
      ).toBeNull();
    }),
  );
});

test("[A2] a change of any character of a key makes it none", async () => {
  const text = formatApiKey({ ...signer, secret: await secretOf() });
  await fc.assert(
    fc.asyncProperty(fc.nat(text.length - 1), fc.constantFrom(..."abcXYZ019_-. \n%"), async (index, character) => {
      fc.pre(text.charAt(index) !== character);
      expect(await verifyApiKey(masterKeys, text.slice(0, index) + character + text.slice(index + 1))).toBeNull();
    }),
    { numRuns: 500 },
  );
});

test("[A2] a key has one spelling: the spare bits of its last character must be zero", async () => {
  const secretText = await secretOf();
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const last = alphabet.indexOf(secretText.charAt(42));
  for (const spare of [1, 2, 3]) {
    const twin = secretText.slice(0, 42) + alphabet.charAt(last + spare);
    expect(await verifyApiKey(masterKeys, formatApiKey({ ...signer, secret: twin }))).toBeNull();
  }
});

test("[A2] what is no name derives nothing", async () => {
  for (const key of [
    { tenant: "acme\n1kabcdefghijkl", keyId: "1kabcdefghijkl" },
    { tenant: "Acme", keyId: "1kabcdefghijkl" },
    { tenant: "", keyId: "1kabcdefghijkl" },
    { tenant: "acme", keyId: "01kabcdefghijkl" },
    { tenant: "acme", keyId: "1kabcdefghijkl\n" },
    { tenant: "acme", keyId: "kabcdefghijkl" },
    { tenant: "acme", keyId: "2kabcdefghijkl" },
  ])
    expect(await deriveSecret(masterKeys, key)).toBeNull();
});

test("[A2] what is no key is told apart without a throw", async () => {
  const good = formatApiKey({ ...signer, secret: await secretOf() });
  for (const text of [
    "",
    "parley",
    "parley___",
    `Bearer ${good}`,
    ` ${good}`,
    `${good} `,
    `${good}\n`,
    `${good}A`,
    good.slice(0, -1),
    good.toUpperCase(),
    good.replace("acme", "ACME"),
    good.replace("acme", "a"),
    good.replace("1k", "0k"),
    good.replace("1k", "k"),
    good.replaceAll("_", "."),
    "_".repeat(100_000),
    "parley_".repeat(20_000),
  ]) {
    expect(parseApiKey(text)).toBeNull();
    expect(await verifyApiKey(masterKeys, text)).toBeNull();
  }
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary", maxLength: 200 }), async (text) => {
      expect(await verifyApiKey(masterKeys, text)).toBeNull();
      expect(await verifyApiKey(masterKeys, `parley_acme_1kabcdefghijkl_${text}`)).toBeNull();
    }),
  );
});
