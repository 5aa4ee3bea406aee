/** A ticket: what a verified credential was, signed by us for one opening of a stream by a page that cannot send headers. */
import { SignJWT } from "jose";
import * as z from "zod";
import { IssuerKey } from "../protocol/issuer.ts";
import { fixedLimits } from "../protocol/limits.ts";
import { DisplayName, KeyId, RoomName, TenantId, UserId } from "../protocol/names.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import { Claims, Rooms } from "../protocol/token.ts";
import { parsePart } from "./header.ts";
import { parseJsonObject } from "./jsonObject.ts";
import type { MasterKeys } from "./masterKeys.ts";
import { signedPayload } from "./token.ts";

/** What was verified when the ticket was asked for. */
export interface TicketGrant {
  readonly tenant: string;
  /** An API key's id, or what stands for one of an identity provider. */
  readonly keyId: string;
  readonly user: string | null;
  readonly name: string | null;
  /** The one room that it opens, `token.rooms` being narrowed to it by the caller; null for a connection of many rooms. */
  readonly room: string | null;
  /** Null for an API key. */
  readonly token: { readonly id: string | null; readonly rooms: Rooms; readonly expiresAtMs: number } | null;
  /** Of the credential. */
  readonly issuedAtMs: number;
}

export interface Ticket extends TicketGrant {
  /** By which the room or the tenant remembers that it was used. */
  readonly id: string;
  /** Of the ticket. */
  readonly expiresAtMs: number;
}

const AUDIENCE = "parley/ticket";
const TYPE = "parley-ticket";

/** It repeats a token's rooms and not its frame: the longest token's ticket has less than 9,000. Cloudflare's URLs end at 16 KB. */
const lengthMax = 12_288;

const headerRules: Readonly<Record<keyof TicketHeader, string>> = {
  alg: "The header's `alg` must be HS256.",
  typ: `The header's \`typ\` must be ${TYPE}: a token is no ticket.`,
  kid: "The header's `kid` must be the version of a master key and a tenant, joined by a dot.",
};

// Strict: only we write it, and every extension of a header is a way to have it read differently.
const TicketHeader = z.strictObject({
  alg: z.literal("HS256"),
  typ: z.literal(TYPE),
  kid: z.templateLiteral([z.string().regex(/^[1-9][0-9]{0,3}$/), ".", TenantId]),
});
type TicketHeader = z.infer<typeof TicketHeader>;

/** The tenant is not said: it is the one whose key signed. What is not named here is left out, so that it never gets into a URL. */
const TicketClaims = z.object({
  aud: z.literal(AUDIENCE),
  id: z.string().min(1).max(64),
  keyId: z.union([KeyId, IssuerKey]),
  user: UserId.nullable(),
  name: DisplayName.nullable(),
  room: RoomName.nullable(),
  token: z.object({ id: Claims.shape.jti.unwrap().nullable(), rooms: Rooms, expiresAtMs: z.int() }).nullable(),
  issuedAtMs: z.int(),
  expiresAtMs: z.int(),
});

/** The grant has been verified and `id` is new, at most 64 characters: what a ticket may not say is a bug and throws. */
export async function mintTicket(
  masterKeys: MasterKeys,
  grant: TicketGrant,
  id: string,
  nowMs: number,
): Promise<{ readonly ticket: string; readonly expiresAtMs: number }> {
  const tenant = TenantId.parse(grant.tenant);
  const key = await ticketKey(masterKeys, masterKeys.current, tenant);
  if (key === null) throw new Error("The current version is always known.");
  const expiresAtMs = Math.min(nowMs + fixedLimits.ticketSeconds * 1_000, grant.token?.expiresAtMs ?? Infinity);
  const claims = TicketClaims.parse({ ...grant, aud: AUDIENCE, id, expiresAtMs });
  const header = { alg: "HS256", typ: TYPE, kid: `${masterKeys.current}.${tenant}` };
  const ticket = await new SignJWT(claims).setProtectedHeader(header).sign(key);
  if (ticket.length > lengthMax) throw new RangeError(`A ticket may have ${lengthMax} characters.`);
  return { ticket, expiresAtMs };
}

/**
 * What was verified. `token_expired` is said only of a ticket that is right in all else; everything else is
 * `token_invalid`, with the rule that failed and never a piece of the ticket. That it is used once, and that its key and
 * token still hold, is for those who remember it to say.
 */
export async function readTicket(
  masterKeys: MasterKeys,
  ticket: string,
  nowMs: number,
): Promise<{ readonly ok: true; readonly ticket: Ticket } | Refusal> {
  if (ticket.length > lengthMax) return refuse("token_invalid", `A ticket may have ${lengthMax} characters.`);
  // 32 bytes at the end, with the two bits left over at zero: a ticket has one spelling, and is used once and not four times.
  const parts = /^([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/.exec(ticket);
  if (parts === null)
    return refuse("token_invalid", "A ticket is three parts of base64url joined by dots, the last a signature.");
  const signer = readSigner(parts[1] ?? "");
  if (!signer.ok) return signer;
  const { version, tenant } = signer;
  const key = await ticketKey(masterKeys, version, tenant);
  if (key === null) return refuse("token_invalid", "The header's `kid` names no master key of this deployment.");
  const payload = await signedPayload(ticket, key);
  if (payload === null) return refuse("token_invalid", "The signature was not made with the key that `kid` names.");
  const parsed = TicketClaims.safeParse(parseJsonObject(payload));
  if (!parsed.success) return refuse("token_invalid", "The claims are not those of a ticket.");
  const { aud: _, ...said } = parsed.data;
  // No leeway: the clock that wrote it is ours too.
  if (nowMs >= said.expiresAtMs) return refuse("token_expired", "The ticket has expired.");
  return { ok: true, ticket: { tenant, ...said } };
}

/** It is read before the signature, so nothing in it is believed; it only picks the key to try. */
function readSigner(
  encoded: string,
): { readonly ok: true; readonly version: number; readonly tenant: string } | Refusal {
  const header = parsePart(encoded);
  if (header === null) return refuse("token_invalid", "The header is not a JSON object, or says a name twice.");
  const parsed = TicketHeader.safeParse(header);
  if (!parsed.success) return refuse("token_invalid", brokenRule(parsed.error.issues[0]?.path[0]));
  const { kid } = parsed.data;
  const dot = kid.indexOf(".");
  return { ok: true, version: Number(kid.slice(0, dot)), tenant: kid.slice(dot + 1) };
}

function brokenRule(field: PropertyKey | undefined): string {
  const rule = Object.entries(headerRules).find(([name]) => name === field);
  return rule?.[1] ?? "The header is not that of a ticket.";
}

/** A key of its own by its label, so that no token and no API key can pass for a ticket. Derived anew each time: what is read once is not worth keeping a key for. */
async function ticketKey(masterKeys: MasterKeys, version: number, tenant: string): Promise<CryptoKey | null> {
  const bytes = await masterKeys.derive(version, `parley/ticket/1\n${tenant}`);
  return bytes && crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
}
