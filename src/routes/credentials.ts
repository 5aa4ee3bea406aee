/** From a request to an identity: an API key or a token, in the header or in the WebSocket's subprotocols. */
import { verifyApiKey } from "../auth/apiKey.ts";
import { readTicket } from "../auth/ticket.ts";
import { verifyToken } from "../auth/token.ts";
import type { TicketUse } from "../objects/tickets.ts";
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
  return identified.ok ? (refusedBy(identified.identity, headers.get("origin")) ?? identified) : identified;
}

/** What the ticket was made from, as its tenant sees it now. It is for one room, or with null for a stream of many. */
export async function identifyTicket(
  env: Bindings,
  { ticket, room, origin }: { readonly ticket: string; readonly room: string | null; readonly origin: string | null },
  nowMs: number,
): Promise<{ readonly ok: true; readonly identity: Identity; readonly use: TicketUse } | Refusal> {
  const read = await readTicket(settingsOf(env).masterKeys, ticket, nowMs);
  if (!read.ok) return read;
  const { id, expiresAtMs, tenant, keyId: key, user, name, token, issuedAtMs } = read.ticket;
  if (read.ticket.room !== room) return refuse("token_invalid", "The ticket was made for something else.");
  const policy = await policyOf(env, tenant, key, nowMs);
  if (policy === null) return refuse("token_invalid");
  const capabilities = policy.keys[key];
  if (capabilities === undefined) return refuse("token_revoked");
  const identity = { tenant, policy, key, capabilities, token, user, name, issuedAtMs };
  const refused = refusedBy(identity, origin);
  return refused ?? { ok: true, identity, use: { id, expiresAtMs } };
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

/** By the tenant. Origins are compared whole: a suffix or a prefix is another one. Callers that are no page send none. */
function refusedBy({ policy: { suspended, settings } }: Identity, origin: string | null): Refusal | null {
  if (suspended) return refuse("tenant_suspended");
  const allowed = origin === null || settings.origins.includes("*") || settings.origins.includes(origin);
  return allowed ? null : refuse("origin_forbidden");
}
