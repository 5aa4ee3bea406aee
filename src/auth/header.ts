/** A token's header: it is read before the signature, so nothing in it is believed; it only picks the key to try. */
import { base64url } from "jose";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import { type KeyName, isKeyName } from "./apiKey.ts";
import { type JsonObject, parseJsonObject } from "./jsonObject.ts";

export function readHeader(encoded: string): { readonly ok: true; readonly name: KeyName } | Refusal {
  const header = parsePart(encoded);
  if (header === null) return refuse("token_invalid", "The header is not a JSON object, or says a name twice.");
  const broken = header.alg === "HS256" ? brokenRule(header, /^jwt$/i) : "The header's `alg` must be HS256.";
  if (broken !== null) return refuse("token_invalid", broken);
  const name = parseKid(header.kid);
  return name === null
    ? refuse("token_invalid", "The header's `kid` must be a tenant and the id of one of its keys, joined by a dot.")
    : { ok: true, name };
}

/** A part of a token that is JSON; null for what is no object, or says a name twice. */
export function parsePart(encoded: string): JsonObject | null {
  try {
    return parseJsonObject(base64url.decode(encoded));
  } catch {
    // A length that no bytes have.
    return null;
  }
}

/** What holds for every token, whoever signed it; null when nothing is broken. A URL or a key in a header is not even looked at. */
export function brokenRule({ typ, crit, cty, b64 }: JsonObject, type: RegExp): string | null {
  if (typ !== undefined && !(typeof typ === "string" && type.test(typ)))
    return "The header's `typ` must be JWT, or absent.";
  // What it lists must be understood or the token refused, and no extension is understood here.
  if (crit !== undefined) return "The header may not have `crit`.";
  if (cty !== undefined) return "The header may not have `cty`: a token holds claims, not another token.";
  if (b64 !== undefined) return "The header may not have `b64`.";
  return null;
}

function parseKid(kid: unknown): KeyName | null {
  if (typeof kid !== "string") return null;
  const dot = kid.indexOf(".");
  const name = { tenant: kid.slice(0, dot), keyId: kid.slice(dot + 1) };
  return dot !== -1 && isKeyName(name) ? name : null;
}
