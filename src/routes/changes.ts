/** What changed in a room since a cursor: at once, or as soon as something does. */
import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import { nanoid } from "nanoid";
import * as z from "zod";
import type { ChangesPage } from "../objects/room/catchUp.ts";
import { leavePlace } from "../objects/room/connections.ts";
import { parseCursor } from "../protocol/cursor.ts";
import { ChangesAnswer } from "../protocol/http.ts";
import { fixedLimits } from "../protocol/limits.ts";
import type { Refusal } from "../protocol/refusals.ts";
import { type AppEnv, router } from "./app.ts";
import { identify } from "./credentials.ts";
import { clientSecurity, From, inRoom, json, Whole } from "./declared.ts";
import { enterRoom } from "./entrance.ts";
import { Feed } from "./held/feed.ts";
import { positionAfter, typeOf } from "./held/line.ts";
import { callerOf } from "./identity.ts";
import { client } from "./middleware/authenticate.ts";
import { claim, newPlace } from "./places.ts";
import { problem, problems } from "./problem.ts";
import { calling } from "./rooms.ts";

const read = createRoute({
  method: "get",
  path: "/v1/rooms/{room}/changes",
  tags: ["connections"],
  security: clientSecurity,
  middleware: client,
  summary: "What changed since a cursor, page by page; after=0 for everything, wait=20 to wait for something",
  request: {
    params: inRoom,
    query: z.strictObject({
      after: From.optional(),
      wait: Whole.pipe(z.int().max(fixedLimits.waitSecondsMax)).optional(),
    }),
  },
  responses: { 200: json(ChangesAnswer, "The changes in order of seq; none if nothing came in time."), ...problems },
});

export const changes = router().openapi(read, async (c) => {
  const { room } = c.req.valid("param");
  const { after, wait = 0 } = c.req.valid("query");
  const found = await page(c, room, after);
  if (!found.ok) return problem(c, found);
  if (wait === 0 || after === undefined || !isEmpty(found)) return c.json(answerOf(found), 200);
  const refused = await untilSomething(c, { room, after: found.cursor, waitMs: wait * 1_000 });
  if (refused !== null) return problem(c, refused);
  // Much may have been decided meanwhile.
  const identified = await identify(c.env, c.req.raw.headers, Date.now());
  if (!identified.ok) return problem(c, identified);
  c.set("identity", identified.identity);
  const later = await page(c, room, after);
  return later.ok ? c.json(answerOf(later), 200) : problem(c, later);
});

function page(c: Context<AppEnv>, name: string, after: string | undefined): Promise<ChangesPage | Refusal> {
  const { room, caller } = calling(c, name);
  return room.changes(caller, { cursor: after ?? null, backlog: fixedLimits.backlogDefault });
}

/**
 * Waits on a socket of the room's, so that the room can sleep meanwhile: an open call would keep it awake. Null when there is
 * something, or the time is over.
 */
async function untilSomething(
  c: Context<AppEnv>,
  { room, after, waitMs }: { readonly room: string; readonly after: string; readonly waitMs: number },
): Promise<Refusal | null> {
  const identity = c.get("identity");
  const place = newPlace(c);
  if (!place.ok) return place;
  const { connection } = place;
  try {
    const over = claim(connection, identity);
    if (over !== null) return over;
    const wish = { cursor: after, backlog: 0, presence: "none" as const, relayed: true, ticket: null };
    const { tenant } = identity;
    const entered = await enterRoom(c.env, { tenant, room }, { ...callerOf(identity, room, nanoid()), ...wish });
    if (!entered.ok) return entered;
    await firstChange(entered.socket, after, waitMs);
    return null;
  } finally {
    leavePlace(connection);
  }
}

/** Or the end of the socket, after which the room is asked anyway. */
function firstChange(socket: WebSocket, after: string, waitMs: number): Promise<void> {
  const seq = parseCursor(after)?.seq;
  // The mark of a room that woke says that there is nothing yet; a reset ends at the head, wherever that is.
  const isNews = (line: string): boolean =>
    typeOf(line) === "changes" && (positionAfter(line) !== seq || line.includes('"reset":true'));
  return new Promise((resolve) => {
    const feed = new Feed(socket, {
      onLines: (lines) => (lines.some(isNews) ? done() : undefined),
      onEnd: () => done(),
    });
    const timer = setTimeout(() => done(), waitMs);
    const done = (): void => {
      clearTimeout(timer);
      feed.close();
      resolve();
    };
  });
}

function isEmpty({ frame, gap, hasMore }: ChangesPage): boolean {
  const { from, to, reset } = positions.parse(JSON.parse(frame));
  return from === to && reset === undefined && gap === undefined && !hasMore;
}

const positions = ChangesAnswer.pick({ from: true, to: true, changes: true, reset: true });

function answerOf({ frame, cursor, hasMore, gap, start, oldest }: ChangesPage): z.infer<typeof ChangesAnswer> {
  return {
    ...positions.parse(JSON.parse(frame)),
    cursor,
    hasMore,
    oldest,
    ...(gap === undefined ? {} : { gap: { reason: gap } }),
    ...(start === undefined ? {} : { start }),
  };
}
