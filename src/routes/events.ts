/** Server-Sent Events: a room, or several, as a stream that a browser's EventSource reads and resumes. */
import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import { nanoid } from "nanoid";
import pLimit from "p-limit";
import * as z from "zod";
import { fixedLimits } from "../protocol/limits.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import { type AppEnv, router } from "./app.ts";
import { beginning, clientSecurity, From, inRoom, roomList } from "./declared.ts";
import { enterOneOfMany } from "./entrance.ts";
import { type Credential, openStream, streamOf, ticketQuery } from "./eventEntrance.ts";
import { RoomStream, type Source } from "./held/roomStream.ts";
import { callerOf } from "./identity.ts";
import { problem } from "./problem.ts";

const stream = streamOf("Events: `welcome`, `changes` with an id, and live ones.");
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
  request: { params: inRoom, query: z.strictObject({ cursor: From.optional(), ticket: ticketQuery, ...beginning }) },
});
const ofMany = createRoute({
  ...common,
  path: "/v1/events",
  summary: "Read up to 20 rooms as one stream of events; each event names its room",
  request: {
    query: z.strictObject({
      rooms: roomList(fixedLimits.roomsPerStream),
      cursor: Cursors.optional(),
      ticket: ticketQuery,
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
  const { names, named, ticket } = wish;
  const room = named ? null : (names[0] ?? null);
  return openStream(c, { ticket, room, hasCursor: wish.cursors !== undefined }, async (credential, holding) => {
    const sources = await enterAll(c, wish, credential, cursors.cursors);
    const refused = sources.map(({ entered }) => entered).filter((entered) => !entered.ok);
    if (refused[0] !== undefined && refused.length === sources.length) return refused[0];
    return { ok: true, response: new RoomStream(sources, { named, ...holding }).response };
  });
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

async function enterAll(
  c: Context<AppEnv>,
  { names, backlog = fixedLimits.backlogDefault, presence = "full" }: Wish,
  { identity, use }: Credential,
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
