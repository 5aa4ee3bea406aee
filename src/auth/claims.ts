/** A token's claims, read once the signature is proved: parsed, and held against the clock. */
import type * as z from "zod";
import { fixedLimits } from "../protocol/limits.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import { AUDIENCE, Claims, IssuerClaims } from "../protocol/token.ts";
import { parseJsonObject } from "./jsonObject.ts";

/** In our words and not the parser's, which may quote what it was given. */
const claimRules: Readonly<Record<keyof IssuerClaims, string>> = {
  aud: `The claim \`aud\` must be ${AUDIENCE}, and of an identity provider's token ${AUDIENCE}/<tenant>, alone and not in a list.`,
  iss: "The claim `iss` must be there, as text.",
  sub: "The claim `sub` must be a user: 1 to 128 printable characters without / or space.",
  name: "The claim `name` must have 1 to 128 characters, or be absent.",
  iat: "The claim `iat` must be there, in whole seconds.",
  exp: "The claim `exp` must be there, in whole seconds.",
  jti: "The claim `jti` may have 64 characters.",
  rooms: `The claim \`rooms\` must give lists of capabilities of a room under at most ${fixedLimits.tokenRooms} patterns.`,
};

/** Claims that we do not know are left out: other issuers add theirs. Being expired is said last, of claims that are right in all else. */
export function readClaims(payload: Uint8Array, nowMs: number): Read<Claims> {
  return read(Claims, payload, nowMs);
}

/** Of a token that an identity provider signed. */
export function readIssuerClaims(payload: Uint8Array, nowMs: number): Read<IssuerClaims> {
  return read(IssuerClaims, payload, nowMs);
}

type Read<Said> = { readonly ok: true; readonly claims: Said } | Refusal;

function read<Said extends Pick<Claims, "iat" | "exp">>(
  schema: z.ZodType<Said>,
  payload: Uint8Array,
  nowMs: number,
): Read<Said> {
  const said = parseJsonObject(payload);
  if (said === null) return refuse("token_invalid", "The claims are not a JSON object, or say a name twice.");
  const parsed = schema.safeParse(said);
  if (!parsed.success) return refuse("token_invalid", brokenRule(parsed.error.issues[0]?.path[0]));
  const { iat, exp } = parsed.data;
  const { nbf } = said;
  const now = nowMs / 1_000;
  const leeway = fixedLimits.tokenLeewaySeconds;
  if (exp - iat > fixedLimits.tokenSecondsMax)
    return refuse("token_invalid", "A token may live for a day: `exp` is later than that after `iat`.");
  if (iat > now + leeway) return refuse("token_invalid", "The claim `iat` is in the future.");
  if (nbf !== undefined && typeof nbf !== "number")
    return refuse("token_invalid", "The claim `nbf` must be a number of seconds, or absent.");
  if (nbf !== undefined && nbf > now + leeway) return refuse("token_invalid", "The claim `nbf` is in the future.");
  if (now >= exp + leeway) return refuse("token_expired", "The claim `exp` is in the past.");
  return { ok: true, claims: parsed.data };
}

function brokenRule(claim: PropertyKey | undefined): string {
  const rule = Object.entries(claimRules).find(([name]) => name === claim);
  return rule?.[1] ?? "The claims are not those of a token.";
}
