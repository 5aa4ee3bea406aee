/** Who calls: a credential that was verified, with what its tenant says of it now. */
import type { Context } from "hono";
import { grantedIn } from "../auth/grants.ts";
import type { Actor } from "../protocol/actor.ts";
import type { Capability } from "../protocol/capabilities.ts";
import type { Policy, RoomPolicy } from "../protocol/policy.ts";
import type { Session } from "../protocol/session.ts";
import type { Rooms } from "../protocol/token.ts";
import type { AppEnv } from "./app.ts";

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

/** Who asks, for the audit log. Where nobody was identified it is the operator: nobody else passes without. */
export function actorOf(c: Context<AppEnv>): Actor {
  const requestId = c.get("requestId");
  const identity: Identity | undefined = c.get("identity");
  if (identity === undefined) return { kind: "operator", id: null, requestId };
  const { token, user, key } = identity;
  if (token !== null) return { kind: "user", id: user, requestId };
  return { kind: "key", id: key, requestId, ...(user === null ? {} : { asUser: user }) };
}

/** What a room is told of the caller. The room decides; this only says what the credential grants there. */
export function callerOf(
  identity: Identity,
  room: string,
  connection: string,
): { session: Session; policy: RoomPolicy } {
  const { policy, token } = identity;
  const granted: ReadonlySet<Capability> | null = token === null ? null : grantedIn(token.rooms, room);
  return {
    policy: { version: policy.version, limits: policy.limits, autoCreate: policy.settings.autoCreate },
    session: {
      connection,
      user: identity.user,
      name: identity.name,
      capabilities: identity.capabilities.filter((capability) => granted === null || granted.has(capability)),
      ceiling: [...identity.capabilities],
      key: identity.key,
      token: token?.id ?? null,
      issuedAt: identity.issuedAtMs,
      expiresAt: token?.expiresAtMs ?? null,
    },
  };
}
