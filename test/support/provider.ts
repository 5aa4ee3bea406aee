/** An identity provider: key pairs, the set of their public halves, and tokens of any shape. It stands in a test of any project. */
import { base64url } from "jose";

export type ProviderAlgorithm = "RS256" | "ES256" | "EdDSA";

export interface ProviderKey {
  readonly kid: string;
  readonly alg: ProviderAlgorithm;
  readonly pair: CryptoKeyPair;
  /** As it stands in the set. */
  readonly jwk: Record<string, unknown>;
}

const made = {
  RS256: {
    name: "RSASSA-PKCS1-v1_5",
    modulusLength: 2_048,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: "SHA-256",
  },
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  EdDSA: { name: "Ed25519" },
};
const signed = {
  RS256: { name: "RSASSA-PKCS1-v1_5" },
  ES256: { name: "ECDSA", hash: "SHA-256" },
  EdDSA: { name: "Ed25519" },
};

export async function newProviderKey(kid: string, alg: ProviderAlgorithm, modulusLength = 2_048): Promise<ProviderKey> {
  const pair = (await crypto.subtle.generateKey({ ...made[alg], modulusLength }, true, [
    "sign",
    "verify",
  ])) as CryptoKeyPair;
  const { kty, n, e, crv, x, y } = (await crypto.subtle.exportKey("jwk", pair.publicKey)) as JsonWebKey;
  const jwk = Object.fromEntries(
    Object.entries({ kty, n, e, crv, x, y, kid, alg, use: "sig" }).filter(([, value]) => value !== undefined),
  );
  return { kid, alg, pair, jwk };
}

/** Text stands as it is; everything else is written as JSON. */
export function written(value: unknown): string {
  return base64url.encode(typeof value === "string" ? value : JSON.stringify(value));
}

/** Signed by the key, whatever the header says. */
export async function signWith(key: ProviderKey, claims: unknown, header: unknown = headerOf(key)): Promise<string> {
  const input = `${written(header)}.${written(claims)}`;
  const signature = await crypto.subtle.sign(signed[key.alg], key.pair.privateKey, new TextEncoder().encode(input));
  return `${input}.${base64url.encode(new Uint8Array(signature))}`;
}

export function headerOf({ alg, kid }: ProviderKey): Record<string, unknown> {
  return { alg, typ: "JWT", kid };
}
