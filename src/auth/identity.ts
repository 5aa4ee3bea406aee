/** Who calls: a credential that was verified, with what its tenant says of it now. */
import type { Capability } from "../protocol/capabilities.ts";
import { issuerKey } from "../protocol/issuer.ts";
import { ceilingOf, type Policy, type Terms } from "../protocol/policy.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import { type Issued, refuseRevoked, type Revocation, revokedBy } from "../protocol/revocation.ts";
import type { Session } from "../protocol/session.ts";
import type { Claims, Rooms } from "../protocol/token.ts";
import { grantedIn } from "./grants.ts";
import { type ClaimedToken, readClaimed, unknownIssuer, verifyIssuerToken } from "./issuerToken.ts";
import type { Fetching } from "./keySets.ts";
import type { MasterKeys } from "./masterKeys.ts";
import { verifyToken } from "./token.ts";

export interface Identity {
  readonly tenant: string;
  readonly policy: Policy;
  /** The API key used, or the one that signed the token; of an identity provider's token what stands for it (`issuerKey`). */
  readonly key: string;
  /** What that key or provider may do: nobody has more by a token than its maker has. */
  readonly capabilities: readonly Capability[];
  /** Null for an API key. */
  readonly token: { readonly id: string | null; readonly rooms: Rooms; readonly expiresAtMs: number } | null;
  readonly user: string | null;
  readonly name: string | null;
  readonly issuedAtMs: number;
  /** By a shadow ban; absent where it was not looked. */
  readonly shadowedUntilMs?: number;
}

type Identified = { readonly ok: true; readonly identity: Identity } | Refusal;
type Maker = Pick<Identity, "tenant" | "policy" | "key" | "capabilities">;

/** Whom a token is held against: at the edge, and in a room whose client sends a new one. */
export interface Authority {
  readonly masterKeys: MasterKeys;
  /** What the tenant has decided; null where there is none. Asked only for a key that has proved itself. */
  readonly policyOf: (tenant: string, key: string) => Promise<Policy | null>;
  /** The same for what a token only claims, of a provider's: who is asked must bound it. */
  readonly claimedPolicyOf: (
    claimed: ClaimedToken,
  ) => Promise<{ readonly ok: true; readonly policy: Policy | null } | Refusal>;
  /** By what the tenant has revoked a credential: asked only where more is in force than its policy lists. */
  readonly revocationOf: (tenant: string, issued: Issued) => Promise<Revocation | null>;
  /** How the keys of the tenant's identity providers are had. */
  readonly fetching: Fetching;
}

export async function identifyToken(authority: Authority, token: string, nowMs: number): Promise<Identified> {
  const read = readClaimed(token);
  if (read !== null) return read.ok ? identifyByIssuer(authority, read.claimed, nowMs) : read;
  const verified = await verifyToken(authority.masterKeys, token, nowMs);
  if (!verified.ok) return verified;
  const { tenant, keyId: key, claims } = verified;
  const policy = await authority.policyOf(tenant, key);
  if (policy === null) return refuse("token_invalid");
  const capabilities = ceilingOf(policy, key);
  if (capabilities === null) return refuse("token_revoked");
  return standing(authority, speaker({ tenant, policy, key, capabilities }, claims, nowMs));
}

/** Refused if its tenant has revoked it. */
export async function standing(
  { revocationOf }: Pick<Authority, "revocationOf">,
  identity: Identity,
): Promise<Identified> {
  const { tenant, user, token, key, issuedAtMs: issuedAt, policy } = identity;
  const issued = { user, token: token?.id ?? null, key, issuedAt };
  const listed = revokedBy(issued, policy.revocations);
  const revocation = listed === null && policy.moreRevocations ? await revocationOf(tenant, issued) : listed;
  return revocation === null ? { ok: true, identity } : refuseRevoked(revocation);
}

async function identifyByIssuer(authority: Authority, claimed: ClaimedToken, nowMs: number): Promise<Identified> {
  const { claimedPolicyOf, fetching } = authority;
  const asked = await claimedPolicyOf(claimed);
  if (!asked.ok) return asked;
  const { policy } = asked;
  if (policy === null) return unknownIssuer();
  const verified = await verifyIssuerToken(policy, claimed, fetching, nowMs);
  if (!verified.ok) return verified;
  const { id, capabilities } = verified.issuer;
  const maker = { tenant: policy.tenant, policy, key: issuerKey(id), capabilities };
  return standing(authority, speaker(maker, verified.claims, nowMs));
}

/** A clock that is ahead of ours must not put off what ends all sessions from before now. */
function speaker(maker: Maker, { sub, name, iat, exp, jti, rooms }: Omit<Claims, "aud">, nowMs: number): Identity {
  const token = { id: jti ?? null, rooms, expiresAtMs: exp * 1_000 };
  return { ...maker, token, user: sub, name: name ?? null, issuedAtMs: Math.min(iat * 1_000, nowMs) };
}

/** What a room is told of the tenant. */
export function termsOf({ policy: { version, limits, settings } }: Pick<Identity, "policy">): Terms {
  return { version, limits, autoCreate: settings.autoCreate };
}

/** What the credential is in a room. The room decides; this only says what is granted there. */
export function sessionIn(
  room: string,
  { user, name, key, token, capabilities, issuedAtMs, shadowedUntilMs }: Identity,
  connection: string,
): Session {
  const granted: ReadonlySet<Capability> | null = token === null ? null : grantedIn(token.rooms, room);
  return {
    connection,
    user,
    name,
    capabilities: capabilities.filter((capability) => granted === null || granted.has(capability)),
    ceiling: [...capabilities],
    key,
    token: token?.id ?? null,
    ...(shadowedUntilMs === undefined ? {} : { shadowedUntilMs }),
    issuedAt: issuedAtMs,
    expiresAt: token?.expiresAtMs ?? null,
  };
}
