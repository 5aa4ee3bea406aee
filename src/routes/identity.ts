/** Who calls, as it is told to others. */
import type { Context } from "hono";
import { type Identity, sessionIn, termsOf } from "../auth/identity.ts";
import type { Actor } from "../protocol/actor.ts";
import type { Terms } from "../protocol/policy.ts";
import type { Session } from "../protocol/session.ts";
import type { AppEnv } from "./app.ts";

/** Who asks, for the audit log. Where nobody was identified it is the operator: nobody else passes without. */
export function actorOf(c: Context<AppEnv>): Actor {
  const requestId = c.get("requestId");
  const identity: Identity | undefined = c.get("identity");
  if (identity === undefined) return { kind: "operator", id: null, requestId };
  const { token, user, key } = identity;
  if (token !== null) return { kind: "user", id: user, requestId };
  return { kind: "key", id: key, requestId, ...(user === null ? {} : { asUser: user }) };
}

/** What a room is told of the caller. */
export function callerOf(identity: Identity, room: string, connection: string): { session: Session; policy: Terms } {
  return { policy: termsOf(identity), session: sessionIn(room, identity, connection) };
}
