/** A token signed with an API key's secret, by us or by a tenant's own server. */
import { SignJWT, compactVerify, errors } from "jose";
import { fixedLimits } from "../protocol/limits.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import { AUDIENCE, Claims, type Rooms } from "../protocol/token.ts";
import type { KeyName } from "./apiKey.ts";
import { readClaims } from "./claims.ts";
import { readHeader } from "./header.ts";
import type { MasterKeys } from "./masterKeys.ts";
import { keepSigningKey, signingKey } from "./signingKey.ts";

export interface Verified {
  readonly ok: true;
  readonly tenant: string;
  readonly keyId: string;
  readonly claims: Claims;
}

export interface TokenRequest {
  readonly user: string;
  readonly name?: string | undefined;
  /** 1 to `fixedLimits.tokenSecondsMax`. */
  readonly expiresInSeconds: number;
  readonly rooms: Rooms;
  /** Becomes `jti`, by which this one token can be revoked. */
  readonly tokenId?: string | undefined;
}

/**
 * Who signed this and what it says. `token_expired` is said only of a token that is right in all else; everything else
 * is `token_invalid`, with the rule that failed and never a piece of the token. Whether the key is still listed, and
 * what it may itself do, is the policy's to say.
 */
export async function verifyToken(masterKeys: MasterKeys, token: string, nowMs: number): Promise<Verified | Refusal> {
  if (token.length > fixedLimits.tokenBytes)
    return refuse("token_invalid", `A token may have ${fixedLimits.tokenBytes} bytes.`);
  const parts = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)$/.exec(token);
  if (parts === null) return refuse("token_invalid", "A token is three parts of base64url joined by dots.");
  const [, header = "", , signature = ""] = parts;
  const signer = readHeader(header);
  if (!signer.ok) return signer;
  // 32 bytes, with the two bits left over at zero: a token has one spelling, not four.
  if (!/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/.test(signature))
    return refuse("token_invalid", "The signature is not one of HS256.");
  const key = await signingKey(masterKeys, signer.name);
  if (key === null) return refuse("token_invalid", "The header's `kid` names no key of this deployment.");
  const payload = await signedPayload(token, key);
  if (payload === null) return refuse("token_invalid", "The signature was not made with the key that `kid` names.");
  keepSigningKey(masterKeys, signer.name, key);
  const read = readClaims(payload, nowMs);
  return read.ok ? { ok: true, ...signer.name, claims: read.claims } : read;
}

/**
 * Null when no token can be made: the version of the key's master key is unknown, or the token would be longer than
 * `fixedLimits.tokenBytes`, which many rooms can bring about. The request has been parsed: what it may not say is a bug and throws.
 */
export async function mintToken(
  masterKeys: MasterKeys,
  { tenant, keyId }: KeyName,
  { user, name, expiresInSeconds, rooms, tokenId }: TokenRequest,
  nowMs: number,
): Promise<{ readonly token: string; readonly expiresAtMs: number } | null> {
  if (!(expiresInSeconds >= 1 && expiresInSeconds <= fixedLimits.tokenSecondsMax))
    throw new RangeError("A token lives from 1 second to a day.");
  const key = await signingKey(masterKeys, { tenant, keyId });
  if (key === null) return null;
  const iat = Math.floor(nowMs / 1_000);
  const { jti, ...claims } = Claims.parse({
    aud: AUDIENCE,
    sub: user,
    name,
    iat,
    exp: iat + expiresInSeconds,
    jti: tokenId,
    rooms,
  });
  const unsigned = new SignJWT({ ...claims, ...(jti === undefined ? {} : { jti }) });
  const token = await unsigned.setProtectedHeader({ alg: "HS256", typ: "JWT", kid: `${tenant}.${keyId}` }).sign(key);
  keepSigningKey(masterKeys, { tenant, keyId }, key);
  return token.length > fixedLimits.tokenBytes ? null : { token, expiresAtMs: claims.exp * 1_000 };
}

/** What the signature covers, or null if it is not the key's. The algorithm is ours to name, whatever the header says. */
export async function signedPayload(token: string, key: CryptoKey): Promise<Uint8Array | null> {
  try {
    return (await compactVerify(token, key, { algorithms: ["HS256"] })).payload;
  } catch (error) {
    if (error instanceof errors.JOSEError) return null;
    throw error;
  }
}
