/** From a request to an identity: an API key or a token, in the header or in the WebSocket's subprotocols. */
import { verifyApiKey } from "../auth/apiKey.ts";
import { verifyToken } from "../auth/token.ts";
import { UserId } from "../protocol/names.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import { BEARER_SUBPROTOCOL_PREFIX } from "../protocol/version.ts";
import { type Bindings, settingsOf } from "../env.ts";
import type { Identity } from "./identity.ts";
import { policyOf } from "./policies.ts";

type Identified = { readonly ok: true; readonly identity: Identity } | Refusal;

/** Null when there is none. Never from the URL, which ends in logs. */
export function presentedCredential(headers: Headers): string | null {
  const [scheme, credential] = headers.get("authorization")?.split(" ") ?? [];
  if (scheme?.toLowerCase() === "bearer" && credential !== undefined && credential !== "") return credential;
  const bearer = subprotocols(headers).find((protocol) => protocol.startsWith(BEARER_SUBPROTOCOL_PREFIX));
  return bearer === undefined ? null : bearer.slice(BEARER_SUBPROTOCOL_PREFIX.length);
}

export function subprotocols(headers: Headers): string[] {
  return (headers.get("sec-websocket-protocol") ?? "")
    .split(",")
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== "");
}

export async function identify(env: Bindings, headers: Headers, nowMs: number): Promise<Identified> {
  const credential = presentedCredential(headers);
  if (credential === null) return refuse("token_missing");
  const identified = credential.startsWith("parley_")
    ? await identifyKey(env, credential, headers.get("parley-user"), nowMs)
    : await identifyToken(env, credential, headers.get("parley-user"), nowMs);
  if (!identified.ok) return identified;
  if (identified.identity.policy.suspended) return refuse("tenant_suspended");
  return originAllowed(identified.identity, headers.get("origin")) ? identified : refuse("origin_forbidden");
}

async function identifyKey(
  env: Bindings,
  credential: string,
  asUser: string | null,
  nowMs: number,
): Promise<Identified> {
  const key = await verifyApiKey(settingsOf(env).masterKeys, credential);
  if (key === null) return refuse("token_invalid");
  const policy = await policyOf(env, key.tenant, key.keyId, nowMs);
  if (policy === null) return refuse("token_invalid");
  const capabilities = policy.keys[key.keyId];
  if (capabilities === undefined) return refuse("token_revoked");
  const user = asUser === null ? null : UserId.safeParse(asUser);
  if (user?.success === false)
    return refuse("invalid_field", "`Parley-User` is 1 to 128 printable characters without / or space.");
  return {
    ok: true,
    identity: {
      tenant: key.tenant,
      policy,
      key: key.keyId,
      capabilities,
      token: null,
      user: user?.data ?? null,
      name: null,
      issuedAtMs: nowMs,
    },
  };
}

async function identifyToken(
  env: Bindings,
  credential: string,
  asUser: string | null,
  nowMs: number,
): Promise<Identified> {
  const verified = await verifyToken(settingsOf(env).masterKeys, credential, nowMs);
  if (!verified.ok) return verified;
  const { tenant, keyId, claims } = verified;
  const policy = await policyOf(env, tenant, keyId, nowMs);
  if (policy === null) return refuse("token_invalid");
  const capabilities = policy.keys[keyId];
  if (capabilities === undefined) return refuse("token_revoked");
  if (asUser !== null && asUser !== claims.sub) return refuse("forbidden", "A token speaks for its own user only.");
  const token = { id: claims.jti ?? null, rooms: claims.rooms, expiresAtMs: claims.exp * 1_000 };
  return {
    ok: true,
    identity: {
      tenant,
      policy,
      key: keyId,
      capabilities,
      token,
      user: claims.sub,
      name: claims.name ?? null,
      issuedAtMs: claims.iat * 1_000,
    },
  };
}

/** Compared whole: a suffix or a prefix is another origin. Callers that are no page send none. */
function originAllowed({ policy }: Identity, origin: string | null): boolean {
  return origin === null || policy.settings.origins.includes("*") || policy.settings.origins.includes(origin);
}
