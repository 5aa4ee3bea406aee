/** Who calls: a credential that was verified, with what its tenant says of it now. */
import type { Capability } from "../protocol/capabilities.ts";
import type { Policy } from "../protocol/policy.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import type { Session } from "../protocol/session.ts";
import type { Rooms } from "../protocol/token.ts";
import { grantedIn } from "./grants.ts";
import type { MasterKeys } from "./masterKeys.ts";
import { verifyToken } from "./token.ts";

export interface Identity {
  readonly tenant: string;
  readonly policy: Policy;
  /** The API key used, or the one that signed the token. */
  readonly key: string;
  /** What that key may do: nobody has more by a token than its maker has. */
  readonly capabilities: readonly Capability[];
  /** Null for an API key. */
  readonly token: { readonly id: string | null; readonly rooms: Rooms; readonly expiresAtMs: number } | null;
  readonly user: string | null;
  readonly name: string | null;
  readonly issuedAtMs: number;
}

/** Whom a token is held against: at the edge, and in a room whose client sends a new one. */
export interface Authority {
  readonly masterKeys: MasterKeys;
  /** What the tenant has decided; null where there is none. Asked only for a key that has proved itself. */
  readonly policyOf: (tenant: string, key: string) => Promise<Policy | null>;
}

export async function identifyToken(
  { masterKeys, policyOf }: Authority,
  token: string,
  nowMs: number,
): Promise<{ readonly ok: true; readonly identity: Identity } | Refusal> {
  const verified = await verifyToken(masterKeys, token, nowMs);
  if (!verified.ok) return verified;
  const { tenant, keyId: key, claims } = verified;
  const policy = await policyOf(tenant, key);
  if (policy === null) return refuse("token_invalid");
  const capabilities = policy.keys[key];
  if (capabilities === undefined) return refuse("token_revoked");
  return {
    ok: true,
    identity: {
      tenant,
      policy,
      key,
      capabilities,
      token: { id: claims.jti ?? null, rooms: claims.rooms, expiresAtMs: claims.exp * 1_000 },
      user: claims.sub,
      name: claims.name ?? null,
      issuedAtMs: claims.iat * 1_000,
    },
  };
}

/** What the credential is in a room. The room decides; this only says what is granted there. */
export function sessionIn(
  room: string,
  { user, name, key, token, capabilities, issuedAtMs }: Identity,
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
    issuedAt: issuedAtMs,
    expiresAt: token?.expiresAtMs ?? null,
  };
}
