/** A room as it is now: who is here, how far everybody has read, and what one has not read yet. */
import { createRoute } from "@hono/zod-openapi";
import pLimit from "p-limit";
import * as z from "zod";
import { refusalOf } from "../objects/failures.ts";
import { PresenceAnswer, ReadBody, ReadPosition, UnreadAnswer } from "../protocol/http.ts";
import { fixedLimits } from "../protocol/limits.ts";
import { UserId } from "../protocol/names.ts";
import { refusals } from "../protocol/refusals.ts";
import { router } from "./app.ts";
import { body, clientSecurity, inRoom, json, PageLimit, pageLimit, roomList } from "./declared.ts";
import { client } from "./middleware/authenticate.ts";
import { problem, problems } from "./problem.ts";
import { calling } from "./rooms.ts";

const common = { tags: ["live"], security: clientSecurity, middleware: client };
const ofRoom = { params: inRoom };
const noContent = { 204: { description: "Done." }, ...problems };

const presence = createRoute({
  ...common,
  method: "get",
  path: "/v1/rooms/{room}/presence",
  summary: "Who is here",
  request: { ...ofRoom, query: z.strictObject({ after: UserId.optional(), limit: PageLimit }) },
  responses: { 200: json(PresenceAnswer, "Users by id, as of `version`."), ...problems },
});
const putRead = createRoute({
  ...common,
  method: "put",
  path: "/v1/rooms/{room}/read",
  summary: "Say how far one has read",
  request: { ...ofRoom, body: body(ReadBody) },
  responses: noContent,
});
const getRead = createRoute({
  ...common,
  method: "get",
  path: "/v1/rooms/{room}/read",
  summary: "How far everybody has read, the newest first",
  request: ofRoom,
  responses: { 200: json(z.object({ items: z.array(ReadPosition) }), "Read positions."), ...problems },
});

const unread = createRoute({
  ...common,
  method: "get",
  path: "/v1/unread",
  summary: "Count what a user has not read in these rooms, up to 100 in each",
  request: { query: z.strictObject({ rooms: roomList(fixedLimits.unreadRooms) }) },
  responses: { 200: json(UnreadAnswer, "By room; a room that cannot be read says why."), ...problems },
});

export const live = router()
  .openapi(presence, async (c) => {
    const { room, caller } = calling(c, c.req.valid("param").room);
    const { after, limit } = c.req.valid("query");
    const found = await room.presence(caller, { ...(after === undefined ? {} : { after }), limit: pageLimit(limit) });
    if (!found.ok) return problem(c, found);
    const { version, count, members: items, next } = found;
    return c.json({ version, count, items, ...(next === undefined ? {} : { next }) }, 200);
  })
  .openapi(putRead, async (c) => {
    const { room, caller } = calling(c, c.req.valid("param").room);
    const moved = await room.read(caller, c.req.valid("json"));
    return moved.ok ? c.body(null, 204) : problem(c, moved);
  })
  .openapi(getRead, async (c) => {
    const { room, caller } = calling(c, c.req.valid("param").room);
    const found = await room.readPositions(caller, 200);
    return found.ok ? c.json({ items: found.positions }, 200) : problem(c, found);
  })
  .openapi(unread, async (c) => {
    const { rooms: names } = c.req.valid("query");
    const count = async (name: string): Promise<[string, z.infer<typeof UnreadAnswer>["rooms"][string]]> => {
      const { room, caller } = calling(c, name);
      // One room that is broken must not keep the others from being told.
      const found = await room.unread(caller).catch(refusalOf);
      if (found.ok) return [name, { unread: found.unread, mentions: found.mentions, upTo: found.upTo }];
      const { status, text } = refusals[found.error];
      return [name, { code: found.error, status, detail: found.detail ?? text }];
    };
    return c.json({ rooms: Object.fromEntries(await pLimit(fixedLimits.joinsAtOnce).map(names, count)) }, 200);
  });
