/** Who speaks to a room, as the edge has verified it. It also lies in a socket's attachment, so it is parsed on the way back. */
import * as z from "zod";
import { capabilities } from "./capabilities.ts";
import { DisplayName, UserId } from "./names.ts";

export const Session = z.object({
  /** Made by the edge, one per socket; for a call over HTTP its request id. */
  connection: z.string(),
  /** Null for an API key that names no user. */
  user: UserId.nullable(),
  name: DisplayName.nullable(),
  /** What the credential allows in this room; a role may add to it. */
  capabilities: z.array(z.enum(capabilities)),
  /** What the API key behind it may do: a role adds nothing beyond. */
  ceiling: z.array(z.enum(capabilities)),
  /** The API key that was used, or that signed the token; of an identity provider's token its `issuerKey`. */
  key: z.string(),
  token: z.string().nullable(),
  /**
   * What the user says is hidden from others until then, by a ban of the tenant. Goes for rooms whose policy does not list all
   * bans: another's list knows better.
   */
  shadowedUntilMs: z.int().nullable().optional(),
  issuedAt: z.int(),
  expiresAt: z.int().nullable(),
});
export type Session = z.infer<typeof Session>;

/** What a connection is told of those who are here: every change, how many there are, or nothing. */
export const PresenceMode = z.enum(["full", "count", "none"]);
export type PresenceMode = z.infer<typeof PresenceMode>;
