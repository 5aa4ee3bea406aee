/** The places of connections: one of the process for each that comes, and one of its user's when it is known who that is. */
import type { Context } from "hono";
import { nanoid } from "nanoid";
import type { Identity } from "../auth/identity.ts";
import { claimPlace, ownerOf, takePlace } from "../objects/room/connections.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import { settingsOf } from "../env.ts";
import type { AppEnv } from "./app.ts";

/** Must be left (`leavePlace`) however the connection ends, or when its room counts it. */
export function newPlace(c: Context<AppEnv>): { readonly ok: true; readonly connection: string } | Refusal {
  const connection = nanoid();
  const { maxConnections, maxFiles } = settingsOf(c.env);
  return takePlace(connection, { connections: maxConnections, files: maxFiles })
    ? { ok: true, connection }
    : refuse("overloaded", "This server holds as many connections as it can.", { retryAfterMs: 1_000 });
}

export function claim(connection: string, { tenant, user, policy }: Identity): Refusal | null {
  const { connectionsPerUser } = policy.limits;
  if (claimPlace(connection, ownerOf(tenant, user), connectionsPerUser)) return null;
  return refuse("connection_limit", `At most ${connectionsPerUser} connections of a user.`);
}
