/** Server-Sent Events: a room, or several, as a stream that a browser's EventSource reads and resumes. */
import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import { nanoid } from "nanoid";
import pLimit from "p-limit";
import * as z from "zod";
import type { Identity } from "../auth/identity.ts";
import { leavePlace } from "../objects/room/connections.ts";
import { tenantStub } from "../objects/stubs.ts";
import type { TicketUse } from "../objects/tickets.ts";
import { fixedLimits } from "../protocol/limits.ts";
import { type Refusal, refusals, refuse } from "../protocol/refusals.ts";
import { type AppEnv, router } from "./app.ts";
import { identify, identifyTicket } from "./credentials.ts";
import { beginning, clientSecurity, From, inRoom, roomList } from "./declared.ts";
import { enterOneOfMany } from "./entrance.ts";
import { RoomStream, type Source } from "./held/roomStream.ts";
import { callerOf } from "./identity.ts";
import { overKeyRate, refusedCredential } from "./middleware/rates.ts";
import { claim, newPlace } from "./places.ts";
import { problem, problems } from "./problem.ts";

const ticket = z.string().optional();
const stream = {
  200: { description: "Events: `welcome`, `changes` with an id, and live ones.", content: { "text/event-stream": {} } },
  204: { description: "Do not come back." },
  ...problems,
};
const common = { method: "get" as const, tags: ["connections"], security: clientSecurity, responses: stream };

/** Joined by commas, in the order of the rooms; an empty one is of a room of which nothing is known. */
const Cursors = z
  .string()
  .transform((text) => text.split(","))
  .pipe(z.array(From.or(z.literal(""))));

const ofRoom = createRoute({
  ...common,
  path: "/v1/rooms/{room}/events",
  summary: "Read a room as a stream of events; `Last-Event-ID` resumes",
  request: { params: inRoom, query: z.strictObject({ cursor: From.optional(), ticket, ...beginning }) },
});
const ofMany = createRoute({
  ...common,
  path: "/v1/events",
  summary: "Read up to 20 rooms as one stream of events; each event names its room",
  request: {
    query: z.strictObject({
      rooms: roomList(fixedLimits.roomsPerStream),
      cursor: Cursors.optional(),
      ticket,
      ...beginning,
    }),
  },
});

export const events = router()
  .openapi(ofRoom, (c) => {
    const { room } = c.req.valid("param");
    const { cursor, ...query } = c.req.valid("query");
    return open(c, { ...query, names: [room], named: false, cursors: cursor === undefined ? undefined : [cursor] });
  })
  .openapi(ofMany, (c) => {
    const { rooms, cursor, ...query } = c.req.valid("query");
    return open(c, { ...query, names: rooms, named: true, cursors: cursor });
  });

interface Wish {
  readonly names: readonly string[];
  /** Whether it is a stream of many rooms, in which each event names its own. */
  readonly named: boolean;
  readonly cursors: readonly string[] | undefined;
  readonly ticket?: string | undefined;
  readonly backlog?: number | undefined;
  readonly presence?: "full" | "count" | "none" | undefined;
}

async function open(c: Context<AppEnv>, wish: Wish): Promise<Response> {
  const cursors = cursorsOf(c, wish);
  if (!cursors.ok) return problem(c, cursors);
  const place = newPlace(c);
  if (!place.ok) return problem(c, place);
  const { connection } = place;
  let opened = false;
  try {
    const identified = await credentialOf(c, wish);
    if (!identified.ok) return stop(c, await refusedCredential(c, identified), wish);
    c.set("identity", identified.identity);
    const over = (await overKeyRate(c, identified.identity)) ?? claim(connection, identified.identity);
    if (over !== null) return stop(c, over, wish);
    const sources = await enterAll(c, wish, identified, cursors.cursors);
    const refused = sources.map(({ entered }) => entered).filter((entered) => !entered.ok);
    if (refused[0] !== undefined && refused.length === sources.length) return stop(c, refused[0], wish);
    const expiresAtMs = identified.identity.token?.expiresAtMs ?? null;
    const { named } = wish;
    const nowMs = Date.now();
    const { response } = new RoomStream(sources, { named, connection, expiresAtMs, nowMs, chance: Math.random() });
    response.headers.set("X-Request-Id", c.get("requestId"));
    opened = true;
    return response;
  } finally {
    if (!opened) leavePlace(connection);
  }
}

/** Where the reader stands, room by room. What the browser remembers is newer than what the page began with. */
function cursorsOf(
  c: Context<AppEnv>,
  { names, cursors }: Wish,
): { readonly ok: true; readonly cursors: readonly (string | null)[] } | Refusal {
  const lastEventId = c.req.header("last-event-id") ?? "";
  const remembered = lastEventId === "" ? undefined : Cursors.safeParse(lastEventId);
  if (remembered?.success === false) return refuse("invalid_field", "`Last-Event-ID` is none that this server gave.");
  const given = remembered?.data ?? cursors ?? names.map(() => "");
  if (given.length !== names.length) return refuse("invalid_field", "`cursor`: as many as there are rooms.");
  return { ok: true, cursors: given.map((cursor) => (cursor === "" ? null : cursor)) };
}

type Credential = { readonly ok: true; readonly identity: Identity; readonly use: TicketUse | null } | Refusal;

async function credentialOf(c: Context<AppEnv>, { names, named, ticket: given }: Wish): Promise<Credential> {
  const { headers } = c.req.raw;
  const nowMs = Date.now();
  if (given === undefined) {
    const identified = await identify(c.env, headers, nowMs);
    return identified.ok ? { ...identified, use: null } : identified;
  }
  const room = named ? null : (names[0] ?? null);
  const identified = await identifyTicket(c.env, { ticket: given, room, origin: headers.get("origin") }, nowMs);
  // The room remembers that a ticket for it was used; of one for many, the tenant.
  if (!identified.ok || room !== null) return identified;
  const unused = await tenantStub(c.env, identified.identity.tenant).useTicket(identified.use);
  return unused ? { ...identified, use: null } : refuse("token_invalid", "The ticket has been used.");
}

async function enterAll(
  c: Context<AppEnv>,
  { names, backlog = fixedLimits.backlogDefault, presence = "full" }: Wish,
  { identity, use }: Credential & { ok: true },
  cursors: readonly (string | null)[],
): Promise<Source[]> {
  const { tenant } = identity;
  const enter = async (room: string, index: number): Promise<Source> => {
    const cursor = cursors[index] ?? null;
    const wish = { cursor, backlog, presence, relayed: true, ticket: use };
    const caller = callerOf(identity, room, nanoid());
    return { room, cursor, entered: await enterOneOfMany(c.env, { tenant, room }, { ...caller, ...wish }) };
  };
  return pLimit(fixedLimits.joinsAtOnce).map(names, enter);
}

/**
 * A browser's EventSource comes back by itself until it is answered 204 (HTML, 9.2.5), and it can tell its page no reason. So
 * who comes back and must not is answered that; whoever comes for the first time is told why.
 */
function stop(c: Context<AppEnv>, refusal: Refusal, { ticket: given, cursors }: Wish): Response {
  const comesBack = c.req.header("last-event-id") !== undefined;
  const { close } = refusals[refusal.error];
  const mustNot = comesBack && close !== null && close >= 4500;
  // A stream that was cut before its first change has no id, but the page said where it stood.
  const usedUp = given !== undefined && (refusal.error === "token_invalid" || refusal.error === "token_expired");
  return mustNot || (usedUp && (comesBack || cursors !== undefined)) ? c.body(null, 204) : problem(c, refusal);
}
