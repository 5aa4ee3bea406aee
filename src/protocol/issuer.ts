/** A tenant's own identity provider: whose tokens let its users in, and with what. */
import * as z from "zod";
import { roomCapabilities } from "./capabilities.ts";
import { EndpointUrl } from "./endpoint.ts";
import { fixedLimits } from "./limits.ts";
import { DisplayName } from "./names.ts";
import { Rooms } from "./token.ts";

/** Signatures of a key pair only: what is public of it can make no token. */
export const issuerAlgorithms = ["RS256", "ES256", "EdDSA"] as const;
export const IssuerAlgorithm = z.enum(issuerAlgorithms);

export const IssuerId = z.string().regex(/^i[a-z2-7]{12}$/, "an identity provider's id");

/** What a token says in `iss`, compared to the letter. */
export const IssuerName = z
  .string()
  .regex(/^[^\p{Cc}\p{Cs}]{1,512}$/u, "1 to 512 characters, none of them a control character");

/** What tokens without `rooms` get. It is copied to every edge, so it has fewer patterns than a token. */
const Template = Rooms.refine(
  (rooms) => Object.keys(rooms).length <= fixedLimits.issuerRooms,
  `at most ${fixedLimits.issuerRooms} patterns`,
);

/** What the edge goes by. */
export const Issuer = z.object({
  id: IssuerId,
  issuer: IssuerName,
  jwksUrl: EndpointUrl,
  algorithms: z.array(IssuerAlgorithm).min(1),
  rooms: Rooms,
  /** None of its tokens has more than this, whatever it says. */
  capabilities: z.array(z.enum(roomCapabilities)),
});
export type Issuer = z.infer<typeof Issuer>;

export const NewIssuer = z.strictObject({
  name: DisplayName.optional(),
  issuer: IssuerName,
  jwksUrl: EndpointUrl,
  algorithms: z.array(IssuerAlgorithm).min(1).max(issuerAlgorithms.length),
  rooms: Template.optional(),
  /** Unless they are named, all of a room that the key which registers it has itself. */
  capabilities: z.array(z.enum(roomCapabilities)).min(1).optional(),
});

/** What a session, a ticket and a revocation name in place of an API key. No key's id has a colon. */
const KEY_PREFIX = "issuer:";

export const IssuerKey = z.templateLiteral([KEY_PREFIX, IssuerId]);

export function issuerKey(id: string): string {
  return `${KEY_PREFIX}${id}`;
}

/** Null for an API key. */
export function issuerIdOf(key: string): string | null {
  return key.startsWith(KEY_PREFIX) ? key.slice(KEY_PREFIX.length) : null;
}
