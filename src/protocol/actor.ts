/** Who did something that is written down: in the audit log, and in what those concerned are told. */
import * as z from "zod";
import type { Session } from "./session.ts";

export const Actor = z.object({
  /** The operator, the tenant's server by an API key, a user by a token, or Parley itself. */
  kind: z.enum(["operator", "key", "user", "system"]),
  /** The key's id or the user's; null where there is none. */
  id: z.string().nullable(),
  /** The user whom an API key named in `Parley-User`. */
  asUser: z.string().optional(),
  /** The request that asked for it: the `X-Request-Id` of its answer. On a socket it is the connection. */
  requestId: z.string(),
});
export type Actor = z.infer<typeof Actor>;

/** Only a token ends by itself. */
export function actorOfSession({ user, key, expiresAt, connection: requestId }: Session): Actor {
  if (expiresAt !== null) return { kind: "user", id: user, requestId };
  return { kind: "key", id: key, requestId, ...(user === null ? {} : { asUser: user }) };
}
