/** Accepting a socket: welcome, what it missed, and from then on everything. */
import * as z from "zod";
import { rightsOf } from "../../core/rights.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { MessageId } from "../../protocol/message.ts";
import { Terms } from "../../protocol/policy.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { WelcomeFrame } from "../../protocol/serverFrames.ts";
import { PresenceMode, Session } from "../../protocol/session.ts";
import { PROTOCOL_VERSION } from "../../protocol/version.ts";
import { writeAttachment } from "./attachment.ts";
import { leavePlace } from "./connections.ts";
import { type CatchUp, catchUp, catchUpFrames } from "./catchUp.ts";
import { heardBy, unheard } from "./listen.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import { epochOf } from "./position.ts";
import type { Seat } from "./roster.ts";
import { lacks, standingOf } from "./standing.ts";
import { snapshotsFor } from "./streamView.ts";
import { viewerOf } from "./viewer.ts";
import { noticeOf, watchToken } from "./tokens.ts";

/** What the edge tells the room with an upgrade, in the header `joinHeader`: a fresh request, nothing of the client's own. */
export const JoinRequest = z.object({
  session: Session,
  /** The `X-Request-Id` of the upgrade, where it is a client's own socket. */
  request: z.string().optional(),
  policy: Terms,
  cursor: z.string().nullable(),
  backlog: z.int().min(0).max(fixedLimits.backlogMax),
  presence: PresenceMode,
  /** The other end is our own Worker: frames that go together come as lines, and whoever holds the client counts the connection. */
  relayed: z.boolean(),
  /** The ticket that stood for the credential. */
  ticket: z.object({ id: z.string(), expiresAtMs: z.int() }).nullable(),
  /** Wants to hear how one message goes on, and of nothing else; `at`: how much of its text it has, null for none. */
  message: z.object({ id: MessageId, at: z.int().min(0).nullable() }).optional(),
});
export type JoinRequest = z.infer<typeof JoinRequest>;

export const joinHeader = "x-parley-join";

/** Whether one more socket may come in. */
export function admitSocket(
  parts: RoomParts,
  { session, ticket, message }: JoinRequest,
  nowMs: number,
): Refusal | null {
  const forbidden =
    lacks(parts, session, "read") ?? (message === undefined ? null : unheard(parts, session, message, nowMs));
  if (forbidden !== null) return forbidden;
  const { limits } = stateOf(parts).policy;
  if (parts.roster.size >= limits.socketsPerRoom)
    return refuse("connection_limit", `At most ${limits.socketsPerRoom} connections in a room.`);
  if (session.user !== null && parts.roster.socketsOf(session.user) >= limits.socketsPerUser) {
    return refuse("connection_limit", `At most ${limits.socketsPerUser} connections of a user in a room.`);
  }
  // Last, so that a ticket is not used up by another refusal.
  if (ticket !== null && !parts.tickets.use(ticket)) return refuse("token_invalid", "The ticket has been used.");
  return null;
}

/** All in one synchronous instant, so that nothing can happen between what was read and what follows live. */
export function join(parts: RoomParts, socket: WebSocket, request: JoinRequest, nowMs: number): void {
  const { session, presence, relayed, message, request: requestId = "" } = request;
  const heard = message === undefined ? undefined : heardBy(parts, session, message, nowMs);
  if (heard === null) return parts.roster.reject(socket, "not_found");
  // Who is told all at once does not come in, and nobody hears of it.
  if (heard?.hasEnded === true) return parts.roster.part(socket, heard.frames);
  const listensTo = message?.id ?? null;
  const order = parts.presence.orderOf(session.user, nowMs);
  const noticeAtMs = noticeOf(session, relayed, nowMs);
  const memory = { state: null, told: false, noticeAtMs, seenAtMs: nowMs, order };
  const attachment = { session, request: requestId, presence, relayed, listensTo, ...memory };
  writeAttachment(socket, attachment);
  const seat = parts.roster.add(socket, attachment);
  watchToken(parts, seat);
  leavePlace(session.connection);
  parts.account.entered(session.connection);
  parts.roster.welcome(seat, heard?.frames ?? greeting(parts, seat, request, nowMs));
}

function greeting(parts: RoomParts, seat: Seat, request: JoinRequest, nowMs: number): string[] {
  const missed = catchUp(parts, viewerOf(parts, seat.session), request, nowMs);
  return [
    JSON.stringify(welcome(parts, seat, missed, nowMs)),
    ...catchUpFrames(parts, missed),
    ...snapshotsFor(parts, seat.session, missed.start ?? 0, nowMs),
  ];
}

function welcome(parts: RoomParts, seat: Seat, { resumed, gap, start }: CatchUp, nowMs: number): WelcomeFrame {
  const { session, hears } = seat;
  const {
    oldest,
    settings,
    policy: { limits },
  } = stateOf(parts);
  const { role } = standingOf(parts, session);
  return {
    type: "welcome",
    protocol: PROTOCOL_VERSION,
    connection: session.connection,
    room: parts.name,
    epoch: epochOf(parts),
    head: parts.store.head,
    oldest,
    start,
    resumed,
    ...(gap === undefined ? {} : { gap: { reason: gap } }),
    user: session.user === null ? null : { id: session.user, name: session.name, role },
    capabilities: rightsOf(session, role),
    expiresAt: session.expiresAt,
    pingMs: fixedLimits.pingMs,
    reconnectJitterMs: fixedLimits.reconnectJitterMs,
    limits: {
      publish: { perSecond: limits.publishPerUserPerSecond, burst: limits.publishPerUserBurst },
      frameBytes: limits.frameBytes,
      textLength: limits.textLength,
    },
    settings,
    presence: parts.presence.greeting(hears),
    receipts: receipts(parts, session.user),
    serverTime: nowMs,
  };
}

/** One's own and the newest of others, in an object made of entries: a user's name must never be a prototype's. */
function receipts({ store }: RoomParts, user: string | null): Record<string, number> {
  const own = user === null ? null : (store.members.get(user)?.read_up_to ?? null);
  const entries = store.members
    .newestReadPositions(fixedLimits.receiptsListed)
    .map(({ user: reader, upTo }): [string, number] => [reader, upTo]);
  return Object.fromEntries(user === null || own === null ? entries : [...entries, [user, own]]);
}
