/** The key that signs a tenant's tokens: the secret of one of its API keys, imported once and kept while it is in use. */
import { type KeyName, deriveSecret } from "./apiKey.ts";
import type { MasterKeys } from "./masterKeys.ts";

const encoder = new TextEncoder();

/** More than one isolate meets at a time; deriving one anew costs two HMACs and an import, so forgetting is cheap. */
const keptMax = 1_000;

// By the master keys themselves, so that a rotation forgets what the old ones made.
const keptBy = new WeakMap<MasterKeys, Map<string, CryptoKey>>();

/**
 * Null when the version of its master key is unknown. What is kept is not extractable: the secret's text lives for the
 * length of this call, and nothing that can print an object can print it.
 */
export async function signingKey(masterKeys: MasterKeys, name: KeyName): Promise<CryptoKey | null> {
  const kept = keptBy.get(masterKeys)?.get(placeOf(name));
  if (kept !== undefined) return kept;
  const secret = await deriveSecret(masterKeys, name);
  if (secret === null) return null;
  // The characters as they stand and not the bytes behind them: so any JWT library takes the secret as it is.
  return crypto.subtle.importKey("raw", encoder.encode(secret), { name: "HMAC", hash: "SHA-256" }, false, [
    "sign",
    "verify",
  ]);
}

/** Call it for a key that has just proved something: kept unseen, the invented names of strangers would push out those in use. */
export function keepSigningKey(masterKeys: MasterKeys, name: KeyName, key: CryptoKey): void {
  const kept = keptBy.get(masterKeys) ?? new Map<string, CryptoKey>();
  keptBy.set(masterKeys, kept);
  // A Map remembers the order of entry: what was used last goes to its end.
  kept.delete(placeOf(name));
  kept.set(placeOf(name), key);
  const [oldest] = kept.keys();
  if (kept.size > keptMax && oldest !== undefined) kept.delete(oldest);
}

function placeOf({ tenant, keyId }: KeyName): string {
  return `${tenant}.${keyId}`;
}
