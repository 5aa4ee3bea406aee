/** The way into a stream of events: a place for it, a credential or a ticket, and an answer that an EventSource understands. */
import type { Context } from "hono";
import * as z from "zod";
import type { Identity } from "../auth/identity.ts";
import { leavePlace } from "../objects/room/connections.ts";
import { tenantStub } from "../objects/stubs.ts";
import type { TicketUse } from "../objects/tickets.ts";
import { type Refusal, refusals, refuse } from "../protocol/refusals.ts";
import type { AppEnv } from "./app.ts";
import { identify, identifyTicket } from "./credentials.ts";
import type { TenureOptions } from "./held/tenure.ts";
import { lifeOf } from "./middleware/written.ts";
import { overKeyRate, refusedCredential } from "./middleware/rates.ts";
import { claim, newPlace } from "./places.ts";
import { problem, problems } from "./problem.ts";

/** What a route that answers with a stream declares. */
export const ticketQuery = z.string().optional();
export function streamOf(
  description: string,
  example?: string,
): typeof problems & {
  200: { description: string; content: { "text/event-stream": { example?: string } } };
  204: { description: string };
} {
  return {
    200: { description, content: { "text/event-stream": example === undefined ? {} : { example } } },
    204: { description: "Do not come back." },
    ...problems,
  };
}

export interface StreamWish {
  readonly ticket?: string | undefined;
  /** The one that the ticket must be for; null for a stream of many. */
  readonly room: string | null;
  /** Whether the page said where it stood. */
  readonly hasCursor: boolean;
}

export type Credential = { readonly identity: Identity; readonly use: TicketUse | null };
/** Of the stream, which gives its place back when it ends. */
export type Holding = Pick<TenureOptions, "connection" | "life" | "expiresAtMs" | "nowMs" | "chance">;
/** `over`: the reader has heard the end already. */
export type Opened = { readonly ok: true; readonly response: Response | "over" } | Refusal;

export async function openStream(
  c: Context<AppEnv>,
  wish: StreamWish,
  open: (credential: Credential, holding: Holding) => Promise<Opened>,
): Promise<Response> {
  const place = newPlace(c);
  if (!place.ok) return problem(c, place);
  const { connection } = place;
  let isHeld = false;
  try {
    const identified = await credentialOf(c, wish);
    if (!identified.ok) return stop(c, await refusedCredential(c, identified), wish);
    const { identity } = identified;
    c.set("identity", identity);
    const over = (await overKeyRate(c, identity)) ?? claim(connection, identity);
    if (over !== null) return stop(c, over, wish);
    const expiresAtMs = identity.token?.expiresAtMs ?? null;
    const life = lifeOf(c, connection, "events");
    const holding = { connection, life, expiresAtMs, nowMs: Date.now(), chance: Math.random() };
    const opened = await open(identified, holding);
    if (!opened.ok) return stop(c, opened, wish);
    if (opened.response === "over") return c.body(null, 204);
    opened.response.headers.set("X-Request-Id", c.get("requestId"));
    isHeld = true;
    return opened.response;
  } finally {
    if (!isHeld) leavePlace(connection);
  }
}

async function credentialOf(
  c: Context<AppEnv>,
  { room, ticket: given }: StreamWish,
): Promise<({ readonly ok: true } & Credential) | Refusal> {
  const { headers } = c.req.raw;
  const nowMs = Date.now();
  if (given === undefined) {
    const identified = await identify(c.env, headers, nowMs);
    return identified.ok ? { ...identified, use: null } : identified;
  }
  const identified = await identifyTicket(c.env, { ticket: given, room, origin: headers.get("origin") }, nowMs);
  // The room remembers that a ticket for it was used; of one for many, the tenant.
  if (!identified.ok || room !== null) return identified;
  const unused = await tenantStub(c.env, identified.identity.tenant).useTicket(identified.use);
  return unused ? { ...identified, use: null } : refuse("token_invalid", "The ticket has been used.");
}

/**
 * A browser's EventSource comes back by itself until it is answered 204 (HTML, 9.2.5), and it can tell its page no reason. So
 * who comes back and must not is answered that; whoever comes for the first time is told why.
 */
function stop(c: Context<AppEnv>, refusal: Refusal, { ticket: given, hasCursor }: StreamWish): Response {
  c.set("refusal", refusal.error);
  const comesBack = c.req.header("last-event-id") !== undefined;
  const { close } = refusals[refusal.error];
  const mustNot = comesBack && close !== null && close >= 4500;
  // A stream that was cut before its first change has no id, but the page said where it stood.
  const usedUp = given !== undefined && (refusal.error === "token_invalid" || refusal.error === "token_expired");
  return mustNot || (usedUp && (comesBack || hasCursor)) ? c.body(null, 204) : problem(c, refusal);
}
