/**
 * Keys of others that a tenant hands over, as they may be written down: sealed with AES-GCM under a key that a master key derives,
 * for one tenant, one assistant and one address. Moved to another of these, a box does not open.
 */
import type { SealedKey } from "../protocol/assistant.ts";
import type { MasterKeys } from "./masterKeys.ts";

export interface KeyPlace {
  readonly tenant: string;
  readonly assistant: string;
  /** To which the key is sent, and to no other. */
  readonly url: string;
}

/** As NIST SP 800-38D recommends for AES-GCM. */
const ivBytes = 12;
const encoder = new TextEncoder();

/** Under the first master key. */
export async function sealKey(masterKeys: MasterKeys, place: KeyPlace, key: string): Promise<SealedKey> {
  const { current } = masterKeys;
  const sealing = await sealingKey(masterKeys, current, place.tenant);
  if (sealing === null) throw new Error("the first master key is always known");
  const iv = crypto.getRandomValues(new Uint8Array(ivBytes));
  const sealed = await crypto.subtle.encrypt(algorithmFor(iv, place), sealing, encoder.encode(key));
  const box = Uint8Array.of(...iv, ...new Uint8Array(sealed));
  return { masterKey: current, box: btoa(String.fromCharCode(...box)) };
}

/** Null where its master key is listed no more, or it was sealed for another place. */
export async function openKey(
  masterKeys: MasterKeys,
  place: KeyPlace,
  { masterKey, box }: SealedKey,
): Promise<string | null> {
  const sealing = await sealingKey(masterKeys, masterKey, place.tenant);
  if (sealing === null) return null;
  const bytes = Uint8Array.from(atob(box), (letter) => letter.codePointAt(0) ?? 0);
  const algorithm = algorithmFor(bytes.subarray(0, ivBytes), place);
  try {
    return new TextDecoder().decode(await crypto.subtle.decrypt(algorithm, sealing, bytes.subarray(ivBytes)));
  } catch {
    return null;
  }
}

async function sealingKey(masterKeys: MasterKeys, version: number, tenant: string): Promise<CryptoKey | null> {
  const bytes = await masterKeys.derive(version, `parley/assistant-key/1\n${tenant}`);
  return bytes && crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

/** None of the three can hold a line break. */
function algorithmFor(
  iv: Uint8Array,
  { tenant, assistant, url }: KeyPlace,
): { name: "AES-GCM"; iv: Uint8Array; additionalData: Uint8Array } {
  return { name: "AES-GCM", iv, additionalData: encoder.encode(`${tenant}\n${assistant}\n${url}`) };
}
