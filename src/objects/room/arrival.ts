/** A socket on its way in: what is asked before it is upgraded, and what follows when it has its seat. */
import type { Connection } from "partyserver";
import { needs } from "../../core/rights.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { type Refusal, refusals } from "../../protocol/refusals.ts";
import type { Assembled } from "./assemble.ts";
import { noteExceeded } from "./exceeded.ts";
import { open, openOrMake, renew } from "./existence.ts";
import { admitSocket, join, joinHeader, JoinRequest } from "./join.ts";
import type { RoomParts } from "./parts.ts";
import { lacks } from "./standing.ts";

/** Asks all that can be refused, and then for `upgrade`. */
export async function arrive(engine: Assembled, request: Request, upgrade: () => Promise<Response>): Promise<Response> {
  const { parts } = engine;
  const joining = joinRequestOf(request);
  const mayMake = joining.message === undefined;
  // Nobody's room comes to be by a socket that is then refused, or by one that wants to hear a message.
  const unfit = mayMake && parts.store.room === null ? needs(joining.session, null, "read") : null;
  const enter = mayMake ? openOrMake : open;
  const refused = unfit ?? (await renew(parts, joining)) ?? (await enter(parts, joining));
  return refused === null ? takePlace(engine, joining, upgrade) : refusalOf(refused);
}

async function takePlace(
  { parts, turn }: Assembled,
  joining: JoinRequest,
  upgrade: () => Promise<Response>,
): Promise<Response> {
  const { account } = parts;
  const { connection } = joining.session;
  // Whoever may not read takes no place.
  const full = lacks(parts, joining.session, "read") ?? (await account.enter(connection));
  if (full !== null) return turnedAway(parts, joining, full);
  try {
    // Much may have been decided while the tenant was asked.
    const refused = open(parts, joining) ?? admitSocket(parts, joining, Date.now());
    return refused === null ? await upgrade() : turnedAway(parts, joining, refused);
  } finally {
    account.entered(connection);
    // Where it was refused after all, its place is the tenant's again.
    turn.scheduleReport();
  }
}

/** It is upgraded. */
export function takeSeat({ parts, alarms, turn }: Assembled, connection: Connection, request: Request): void {
  const joining = joinRequestOf(request);
  const nowMs = Date.now();
  // partyserver waits for this and that before it comes here.
  const refused = open(parts, joining);
  if (refused !== null) return parts.roster.reject(connection, refused.error, refused.detail);
  join(parts, connection, joining, nowMs);
  alarms.schedule("sweep", nowMs + fixedLimits.silentMs);
  if (joining.ticket !== null) alarms.schedule("tickets", parts.tickets.dueMs ?? nowMs);
  turn.scheduleReport();
  turn.settle(nowMs);
}

function turnedAway(parts: RoomParts, { session }: JoinRequest, refused: Refusal): Response {
  noteExceeded(parts, session, refused, Date.now());
  return refusalOf(refused);
}

function refusalOf(refused: Refusal): Response {
  return Response.json(refused, { status: refusals[refused.error].status });
}

function joinRequestOf(request: Request): JoinRequest {
  return JoinRequest.parse(JSON.parse(decodeURIComponent(request.headers.get(joinHeader) ?? "null")));
}
