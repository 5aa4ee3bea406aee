import { expect, test } from "vitest";
import { parseMasterKeys } from "../../src/auth/masterKeys.ts";
import { openKey, sealKey } from "../../src/auth/sealedKey.ts";

const one = "one-".repeat(8);
const two = "two:".repeat(8);
const place = { tenant: "acme", assistant: "helper", url: "https://models.example.com/v1" };
const key = "sk-of-the-endpoint";

test("[I2] a sealed key opens for its tenant, assistant and address, and for no other", async () => {
  const masterKeys = parseMasterKeys(`1:${one}`);
  const sealed = await sealKey(masterKeys, place, key);
  expect(await openKey(masterKeys, place, sealed)).toBe(key);
  for (const other of [{ tenant: "acme-2" }, { assistant: "other" }, { url: "https://models.example.com/v2" }])
    expect(await openKey(masterKeys, { ...place, ...other }, sealed)).toBeNull();
  // The same key twice is two boxes, of which neither tells of the other.
  expect((await sealKey(masterKeys, place, key)).box).not.toBe(sealed.box);
});

test("[I2] a box that was changed anywhere does not open", async () => {
  const masterKeys = parseMasterKeys(`1:${one}`);
  const { masterKey, box } = await sealKey(masterKeys, place, key);
  const bytes = Uint8Array.from(atob(box), (letter) => letter.codePointAt(0) ?? 0);
  for (const index of bytes.keys()) {
    const changed = bytes.map((byte, at) => (at === index ? byte ^ 1 : byte));
    expect(await openKey(masterKeys, place, { masterKey, box: btoa(String.fromCharCode(...changed)) })).toBeNull();
  }
  expect(await openKey(masterKeys, place, { masterKey, box: "" })).toBeNull();
});

test("[I2] [A8] it opens while its master key is listed, whichever is the first", async () => {
  const sealed = await sealKey(parseMasterKeys(`1:${one}`), place, key);
  expect(await openKey(parseMasterKeys(`2:${two},1:${one}`), place, sealed)).toBe(key);
  expect(await openKey(parseMasterKeys(`2:${two}`), place, sealed)).toBeNull();
  expect(await openKey(parseMasterKeys(`1:${two}`), place, sealed)).toBeNull();
  expect((await sealKey(parseMasterKeys(`2:${two},1:${one}`), place, key)).masterKey).toBe(2);
});
