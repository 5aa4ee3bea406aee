/** A token signed by a tenant's own identity provider: what it claims, and whether that is so. */
import { base64url, compactVerify } from "jose";
import { type Issuer, issuerAlgorithms } from "../protocol/issuer.ts";
import { fixedLimits } from "../protocol/limits.ts";
import { TenantId } from "../protocol/names.ts";
import type { Policy } from "../protocol/policy.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import { AUDIENCE, type IssuerClaims, type Rooms } from "../protocol/token.ts";
import { readIssuerClaims } from "./claims.ts";
import { brokenRule, parsePart } from "./header.ts";
import { type Fetching, keySets } from "./keySets.ts";

/** Nothing of this is proved: it only says whose policy to ask for, and in it which provider's keys to try. */
export interface ClaimedToken {
  readonly token: string;
  readonly tenant: string;
  readonly issuer: string;
  readonly alg: (typeof issuerAlgorithms)[number];
  readonly kid: string | undefined;
}

export interface IssuerVerified {
  readonly ok: true;
  readonly issuer: Issuer;
  readonly claims: IssuerClaims & { readonly rooms: Rooms };
}

/** Null for a token that is not of an identity provider, or of no form at all: it is `verifyToken` that says what is wrong with it. */
export function readClaimed(token: string): { readonly ok: true; readonly claimed: ClaimedToken } | Refusal | null {
  const parts = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/.exec(token);
  if (parts === null || token.length > fixedLimits.tokenBytes) return null;
  const [, encodedHeader = "", payload = "", signature = ""] = parts;
  const header = parsePart(encodedHeader);
  const alg = issuerAlgorithms.find((known) => known === header?.alg);
  if (header === null || alg === undefined) return null;
  const said = parsePart(payload);
  if (said === null || typeof said.aud !== "string" || !said.aud.startsWith(`${AUDIENCE}/`)) return null;
  const tenant = TenantId.safeParse(said.aud.slice(AUDIENCE.length + 1));
  if (!tenant.success) return refuse("token_invalid", "The claim `aud` names no tenant.");
  const broken = brokenRule(header, /^(at\+)?jwt$/i);
  if (broken !== null) return refuse("token_invalid", broken);
  const { kid } = header;
  if (kid !== undefined && typeof kid !== "string") return refuse("token_invalid", "The header's `kid` must be text.");
  if (typeof said.iss !== "string") return refuse("token_invalid", "The claim `iss` must be there, as text.");
  if (!isCanonical(signature)) return refuse("token_invalid", "The signature is not base64url.");
  return { ok: true, claimed: { token, tenant: tenant.data, issuer: said.iss, alg, kid } };
}

/**
 * Who signed this and what it says. The algorithm is one that the tenant allows this provider, and one of the key's own type.
 * `token_expired` is said only of a token that is right in all else, and `overloaded` while the provider's keys are not to be had.
 */
export async function verifyIssuerToken(
  { tenant, issuers }: Pick<Policy, "tenant" | "issuers">,
  { token, issuer: name, alg, kid }: ClaimedToken,
  fetching: Fetching,
  nowMs: number,
): Promise<IssuerVerified | Refusal> {
  const issuer = issuers.find((listed) => listed.issuer === name);
  if (issuer === undefined) return unknownIssuer();
  if (!issuer.algorithms.includes(alg))
    return refuse("token_invalid", "The header's `alg` is none that the tenant allows this identity provider.");
  const found = await keySets.keyFor({ tenant, issuer, alg, kid }, fetching, nowMs);
  if (!found.ok) return found;
  const payload = await signedBy(found.key, token, alg);
  if (payload === null) return refuse("token_invalid", "The signature was not made with the key that `kid` names.");
  const read = readIssuerClaims(payload, nowMs);
  if (!read.ok) return read;
  const { claims } = read;
  // They are what was read before the proof, from the same bytes; said again so that no change of the reading can part them.
  if (claims.aud !== `${AUDIENCE}/${tenant}` || claims.iss !== issuer.issuer) return unknownIssuer();
  return { ok: true, issuer, claims: { ...claims, rooms: claims.rooms ?? issuer.rooms } };
}

/** The same for a tenant that does not exist: nobody learns here which do. */
export function unknownIssuer(): Refusal {
  return refuse("token_invalid", "The claim `iss` names no identity provider of this tenant.");
}

/** Null also for a key that cannot be used (an RSA key of less than 2,048 bits): what others publish must not become an error of ours. */
async function signedBy(key: CryptoKey, token: string, alg: string): Promise<Uint8Array | null> {
  try {
    return (await compactVerify(token, key, { algorithms: [alg] })).payload;
  } catch {
    return null;
  }
}

/** Bits left over at the end are zero: a token has one spelling. */
function isCanonical(signature: string): boolean {
  try {
    return base64url.encode(base64url.decode(signature)) === signature;
  } catch {
    return false;
  }
}
