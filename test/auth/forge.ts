/** Tokens as anyone may write them: any header, any payload, any key. */
import { base64url } from "jose";
import { deriveSecret } from "../../src/auth/apiKey.ts";
import { parseMasterKeys } from "../../src/auth/masterKeys.ts";

export const nowMs = 1_800_000_000_000;
export const now = nowMs / 1_000;

export const masterKeys = parseMasterKeys(`1:${"0123456789abcdef".repeat(3)}`);
export const signer = { tenant: "acme", keyId: "1kabcdefghijkl" };
export const kid = "acme.1kabcdefghijkl";
export const goodHeader = { alg: "HS256", typ: "JWT", kid };
export const goodClaims = {
  aud: "parley",
  sub: "user-ada-lovelace",
  iat: now,
  exp: now + 3_600,
  rooms: { "team:*": ["read", "publish"] },
};

export async function secretOf(name = signer, keys = masterKeys): Promise<string> {
  const secret = await deriveSecret(keys, name);
  if (secret === null) throw new Error("The master keys of the test lack this version.");
  return secret;
}

/** Text stands as it is; everything else is written as JSON. */
export function part(value: unknown): string {
  return base64url.encode(typeof value === "string" ? value : JSON.stringify(value));
}

export async function signHmac(input: string, secret: string, hash = "SHA-256"): Promise<string> {
  const encoder = new TextEncoder();
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), { name: "HMAC", hash }, false, ["sign"]);
  return base64url.encode(new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(input))));
}

/** Signed correctly by default, so that what a test changes is the only thing wrong. */
export async function forge({
  header = goodHeader,
  claims = goodClaims,
  secret,
  hash,
}: { header?: unknown; claims?: unknown; secret?: string; hash?: string } = {}): Promise<string> {
  const input = `${part(header)}.${part(claims)}`;
  return `${input}.${await signHmac(input, secret ?? (await secretOf()), hash)}`;
}

/** Refused with this code, and no ten characters of the token are in what the client is told. */
export function isSafely(
  verdict: { readonly ok: boolean; readonly error?: string },
  code: string,
  token: string,
): boolean {
  return !verdict.ok && verdict.error === code && !leaks(verdict, token);
}

export function leaks(refusal: unknown, secret: string): boolean {
  const told = JSON.stringify(refusal);
  return Array.from({ length: Math.max(0, secret.length - 9) }, (_, start) => secret.slice(start, start + 10)).some(
    (piece) => told.includes(piece),
  );
}
