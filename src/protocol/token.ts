/** What a token says. */
import * as z from "zod";
import { roomCapabilities } from "./capabilities.ts";
import { fixedLimits } from "./limits.ts";
import { DisplayName, TenantId, UserId } from "./names.ts";
import { RoomPattern } from "./roomPattern.ts";

export const Rooms = z
  .record(RoomPattern, z.array(z.enum(roomCapabilities)))
  .refine((rooms) => Object.keys(rooms).length <= fixedLimits.tokenRooms, `at most ${fixedLimits.tokenRooms} patterns`);
export type Rooms = z.infer<typeof Rooms>;

export const AUDIENCE = "parley";

/** By which one token can be revoked. */
export const TokenId = z
  .string()
  .max(64)
  .refine((id) => id.isWellFormed(), "holds a lone surrogate");

export const Claims = z.object({
  aud: z.literal(AUDIENCE),
  sub: UserId,
  name: DisplayName.optional(),
  iat: z.int(),
  exp: z.int(),
  jti: TokenId.optional(),
  rooms: Rooms,
});
export type Claims = z.infer<typeof Claims>;

/** Of an identity provider's token. Its audience names the tenant: one that is registered by two opens nothing of the other. */
export const IssuerClaims = Claims.extend({
  aud: z.templateLiteral([AUDIENCE, "/", TenantId]),
  iss: z.string(),
  rooms: Rooms.optional(),
});
export type IssuerClaims = z.infer<typeof IssuerClaims>;
