/** An API key of a tenant: its id, and the secret that is derived from it and stored nowhere. */
import { base64url } from "jose";
import { KeyId, TenantId } from "../protocol/names.ts";
import type { MasterKeys } from "./masterKeys.ts";

export interface KeyName {
  readonly tenant: string;
  readonly keyId: string;
}

export interface ApiKey extends KeyName {
  readonly secret: string;
}

/** The key that a text is, or null. Any isolate can tell without asking anyone; whether the key is still listed is the policy's to say. */
export async function verifyApiKey(masterKeys: MasterKeys, text: string): Promise<KeyName | null> {
  const apiKey = parseApiKey(text);
  if (apiKey === null) return null;
  const { tenant, keyId, secret } = apiKey;
  const presented = base64url.decode(secret);
  // The last character holds two bits more than 32 bytes need: a key has one spelling, not four.
  if (base64url.encode(presented) !== secret) return null;
  return (await masterKeys.derives(versionOf(keyId), labelOf({ tenant, keyId }), presented)) ? { tenant, keyId } : null;
}

/** The 43 characters of a key's secret, or null when the version of its master key is unknown or the name is none. */
export async function deriveSecret(masterKeys: MasterKeys, name: KeyName): Promise<string | null> {
  if (!isKeyName(name)) return null;
  const bytes = await masterKeys.derive(versionOf(name.keyId), labelOf(name));
  return bytes && base64url.encode(bytes);
}

/** 60 random bits: ids are never given twice, and guessing one yields nothing without the secret. */
export function newKeyId(masterKeys: MasterKeys): string {
  const alphabet = "abcdefghijklmnopqrstuvwxyz234567";
  // 32 letters divide 256, so each is as likely as the others.
  const letters = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => alphabet.charAt(byte % 32));
  return `${masterKeys.current}k${letters.join("")}`;
}

/** Whether a credential is written as a key, and not as a token. */
export function isApiKey(credential: string): boolean {
  return credential.startsWith("parley_");
}

export function formatApiKey({ tenant, keyId, secret }: ApiKey): string {
  return `parley_${tenant}_${keyId}_${secret}`;
}

/** The parts of a key as written; nothing is verified. Neither a tenant nor a key id can hold a `_`; a secret can. */
export function parseApiKey(text: string): ApiKey | null {
  const parts = /^parley_([^_]+)_([^_]+)_([A-Za-z0-9_-]{43})$/.exec(text);
  if (parts === null) return null;
  const [, tenant = "", keyId = "", secret = ""] = parts;
  return isKeyName({ tenant, keyId }) ? { tenant, keyId, secret } : null;
}

/** Whether both names have their form. Only then does the label below say one name and no other. */
export function isKeyName({ tenant, keyId }: KeyName): boolean {
  return TenantId.safeParse(tenant).success && KeyId.safeParse(keyId).success;
}

function labelOf({ tenant, keyId }: KeyName): string {
  return `parley/api-key/1\n${tenant}\n${keyId}`;
}

function versionOf(keyId: string): number {
  return Number(keyId.slice(0, keyId.indexOf("k")));
}
