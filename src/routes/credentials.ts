/** From a request to an identity: an API key or a token, in the header or in the WebSocket's subprotocols. */
import { waitUntil } from "cloudflare:workers";
import { isApiKey, verifyApiKey } from "../auth/apiKey.ts";
import { type Authority, type Identity, identifyToken, standing } from "../auth/identity.ts";
import { readTicket } from "../auth/ticket.ts";
import { tenantStub } from "../objects/stubs.ts";
import type { TicketUse } from "../objects/tickets.ts";
import { UserId } from "../protocol/names.ts";
import { ceilingOf } from "../protocol/policy.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import { BEARER_SUBPROTOCOL_PREFIX } from "../protocol/version.ts";
import { type Bindings, settingsOf } from "../env.ts";
import { heldAgainst } from "./banned.ts";
import { claimedPolicyOf, policyOf } from "./policies.ts";

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

export function identify(env: Bindings, headers: Headers, nowMs: number): Promise<Identified> {
  return identifyPresented(env, presentedBy(headers), nowMs);
}

/** What a request presents, apart from it: its headers are gone when it is answered. */
export interface Presented {
  readonly credential: string | null;
  readonly asUser: string | null;
  readonly origin: string | null;
}

export function presentedBy(headers: Headers): Presented {
  return {
    credential: presentedCredential(headers),
    asUser: headers.get("parley-user"),
    origin: headers.get("origin"),
  };
}

export async function identifyPresented(
  env: Bindings,
  { credential, asUser, origin }: Presented,
  nowMs: number,
): Promise<Identified> {
  if (credential === null) return refuse("token_missing");
  const identified = isApiKey(credential)
    ? await identifyKey(env, credential, asUser, nowMs)
    : await identifyBearer(env, credential, asUser, nowMs);
  if (!identified.ok) return identified;
  return refusedBy(identified.identity, origin) ?? heldAgainst(env, identified.identity, nowMs);
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
  const capabilities = ceilingOf(policy, key);
  if (capabilities === null) return refuse("token_revoked");
  const identity = { tenant, policy, key, capabilities, token, user, name, issuedAtMs };
  const identified = await standing(authorityOf(env, nowMs), identity);
  if (!identified.ok) return identified;
  const held = refusedBy(identity, origin) ?? (await heldAgainst(env, identity, nowMs));
  return held.ok ? { ...held, use: { id, expiresAtMs } } : held;
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
  const capabilities = ceilingOf(policy, key.keyId);
  if (capabilities === null) return refuse("token_revoked");
  const user = asUser === null ? null : UserId.safeParse(asUser);
  if (user?.success === false)
    return refuse("invalid_field", "`Parley-User` is 1 to 128 printable characters without / or space.");
  return standing(authorityOf(env, nowMs), {
    tenant: key.tenant,
    policy,
    key: key.keyId,
    capabilities,
    token: null,
    user: user?.data ?? null,
    name: null,
    // It is issued anew with each use.
    issuedAtMs: nowMs,
  });
}

async function identifyBearer(
  env: Bindings,
  credential: string,
  asUser: string | null,
  nowMs: number,
): Promise<Identified> {
  const identified = await identifyToken(authorityOf(env, nowMs), credential, nowMs);
  return identified.ok && asUser !== null && asUser !== identified.identity.user
    ? refuse("forbidden", "A token speaks for its own user only.")
    : identified;
}

function authorityOf(env: Bindings, nowMs: number): Authority {
  const { masterKeys, privateEndpoints: isPrivateAllowed } = settingsOf(env);
  return {
    masterKeys,
    policyOf: (tenant, key) => policyOf(env, tenant, key, nowMs),
    claimedPolicyOf: (claimed) => claimedPolicyOf(env, claimed, nowMs),
    revocationOf: async (tenant, issued) => (await tenantStub(env, tenant).revocationsOf([issued]))[0] ?? null,
    fetching: { isPrivateAllowed, keep: waitUntil },
  };
}

/** By the tenant. Origins are compared whole: a suffix or a prefix is another one. Callers that are no page send none. */
function refusedBy({ policy: { suspended, settings } }: Identity, origin: string | null): Refusal | null {
  if (suspended) return refuse("tenant_suspended");
  const allowed = origin === null || settings.origins.includes("*") || settings.origins.includes(origin);
  return allowed ? null : refuse("origin_forbidden");
}
