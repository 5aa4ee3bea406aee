/** Who did something that is written down: in the audit log, and in what those concerned are told. */
import * as z from "zod";

export const Actor = z.object({
  /** The operator, the tenant's server by an API key, a user by a token, or Parley itself. */
  kind: z.enum(["operator", "key", "user", "system"]),
  /** The key's id or the user's; null where there is none. */
  id: z.string().nullable(),
  /** The request that asked for it: the `X-Request-Id` of its answer. */
  requestId: z.string(),
});
export type Actor = z.infer<typeof Actor>;
