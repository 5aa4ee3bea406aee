import * as fc from "fast-check";
import { expect, test } from "vitest";
import { deriveSecret, formatApiKey, newKeyId, verifyApiKey } from "../../src/auth/apiKey.ts";
import { type MasterKeys, parseMasterKeys } from "../../src/auth/masterKeys.ts";
import { mintToken, verifyToken } from "../../src/auth/token.ts";
import { nowMs } from "./forge.ts";

const one = "one-".repeat(8);
const two = "two:".repeat(8);

async function newKey(masterKeys: MasterKeys, tenant: string) {
  const keyId = newKeyId(masterKeys);
  const secret = await deriveSecret(masterKeys, { tenant, keyId });
  if (secret === null) throw new Error("The current version is always known.");
  return { keyId, text: formatApiKey({ tenant, keyId, secret }) };
}

function faultOf(text: string): string {
  try {
    parseMasterKeys(text);
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
  return "";
}

test("[A8] the first master key makes new keys", () => {
  expect(parseMasterKeys(`1:${one},2:${two}`).current).toBe(1);
  expect(parseMasterKeys(`2:${two},1:${one}`).current).toBe(2);
  expect(newKeyId(parseMasterKeys(`9999:${two}`))).toMatch(/^9999k[a-z2-7]{12}$/);
});

test("[A8] keys and tokens of an older master key stay valid while it is listed, and not after", async () => {
  const before = parseMasterKeys(`1:${one}`);
  const { keyId, text } = await newKey(before, "acme");
  const minted = await mintToken(
    before,
    { tenant: "acme", keyId },
    { user: "ada", expiresInSeconds: 60, rooms: { "*": ["read"] } },
    nowMs,
  );
  const both = parseMasterKeys(`2:${two},1:${one}`);
  expect(await verifyApiKey(both, text)).toEqual({ tenant: "acme", keyId });
  expect(await verifyToken(both, minted?.token ?? "", nowMs)).toMatchObject({ ok: true });
  const after = parseMasterKeys(`2:${two}`);
  expect(await verifyApiKey(after, text)).toBeNull();
  expect(await deriveSecret(after, { tenant: "acme", keyId })).toBeNull();
  expect(await verifyToken(after, minted?.token ?? "", nowMs)).toMatchObject({ error: "token_invalid" });
  expect(
    await mintToken(after, { tenant: "acme", keyId }, { user: "ada", expiresInSeconds: 60, rooms: {} }, nowMs),
  ).toBeNull();
});

test("[A8] a version that was given another secret opens nothing of the first", async () => {
  const { text } = await newKey(parseMasterKeys(`1:${one}`), "acme");
  expect(await verifyApiKey(parseMasterKeys(`1:${two}`), text)).toBeNull();
});

test("[A8] space around an entry is not part of its secret", async () => {
  const { text } = await newKey(parseMasterKeys(`1:${one}`), "acme");
  expect(await verifyApiKey(parseMasterKeys(` 1:${one} ,\n2:${two}\n`), text)).not.toBeNull();
});

test.each([
  ["nothing", "", /empty/],
  ["a single value without a version", one, /version/],
  ["a value whose version is no number", `a:${one}`, /version/],
  ["version 0", `0:${one}`, /version/],
  ["a version with a leading zero", `01:${one}`, /version/],
  ["a version that no key id has room for", `10000:${one}`, /version/],
  ["a secret of 31 characters", `1:${one.slice(1)}`, /shorter than 32/],
  ["a second secret that is short", `1:${one},2:short`, /entry 2 .*shorter than 32/],
  ["a version that stands twice", `1:${one},2:${two},1:${two}`, /entry 3 repeats/],
  ["a comma at the end", `1:${one},`, /entry 2 is empty/],
  ["a secret with a space", `1:${one} ${one}`, /space/],
  ["a secret that is not ASCII", `1:${"ü".repeat(32)}`, /ASCII/],
])("[A8] master keys with %s are refused", (_, text, reason) => {
  expect(faultOf(text)).toMatch(reason);
});

test("[A7] a fault in the master keys is told without what stands there", () => {
  for (const text of [
    "hunter2",
    `hunter2${one}`,
    "1:hunter2",
    `hunter2:${one}`,
    `1:${one},hunter2`,
    `1:hunter2 ${one}`,
  ]) {
    expect(faultOf(text)).toMatch(/^MASTER_KEY/);
    expect(faultOf(text)).not.toContain("hunter2");
    expect(faultOf(text)).not.toContain("one-");
  }
});

test("[A7] neither JSON nor an enumeration of the master keys shows a secret", () => {
  const masterKeys = parseMasterKeys(`1:${one}`);
  expect(JSON.stringify(masterKeys)).toBe('{"current":1}');
  expect(JSON.stringify(Object.entries(masterKeys))).not.toContain("one-");
});

test("[A8] a byte that is not what the label derives is never taken for it", async () => {
  const masterKeys = parseMasterKeys(`1:${one}`);
  const derived = await masterKeys.derive(1, "label");
  if (derived === null) throw new Error("Version 1 is known.");
  expect(await masterKeys.derives(1, "label", derived)).toBe(true);
  await fc.assert(
    fc.asyncProperty(fc.nat(31), fc.integer({ min: 1, max: 255 }), async (index, change) => {
      const changed = derived.map((byte, at) => (at === index ? byte ^ change : byte));
      expect(await masterKeys.derives(1, "label", changed)).toBe(false);
    }),
  );
  for (const length of [0, 1, 31]) expect(await masterKeys.derives(1, "label", derived.slice(0, length))).toBe(false);
  expect(await masterKeys.derives(1, "other", derived)).toBe(false);
  expect(await masterKeys.derives(2, "label", derived)).toBe(false);
});
