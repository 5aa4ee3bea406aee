/** Pinned messages over HTTP. */
import { createRoute } from "@hono/zod-openapi";
import { MessageAnswer, PinsPage } from "../protocol/http.ts";
import * as z from "zod";
import { router } from "./app.ts";
import { clientSecurity, inRoom, json, onMessage, PageBound, PageLimit, pageLimit } from "./declared.ts";
import { client } from "./middleware/authenticate.ts";
import { problem, problems, tellLevels } from "./problem.ts";
import { calling } from "./rooms.ts";

const common = { tags: ["messages"], security: clientSecurity, middleware: client };
const change = { request: { params: onMessage }, responses: { 200: json(MessageAnswer, "The message."), ...problems } };

const add = createRoute({
  ...common,
  ...change,
  method: "put",
  path: "/v1/rooms/{room}/messages/{id}/pin",
  summary: "Pin a message",
});
const remove = createRoute({
  ...common,
  ...change,
  method: "delete",
  path: "/v1/rooms/{room}/messages/{id}/pin",
  summary: "Pin a message no more",
});
const list = createRoute({
  ...common,
  method: "get",
  path: "/v1/rooms/{room}/pins",
  summary: "List pinned messages",
  request: { params: inRoom, query: z.strictObject({ after: PageBound, limit: PageLimit }) },
  responses: { 200: json(PinsPage, "Messages by id."), ...problems },
});

export const pins = router()
  .openapi(add, async (c) => {
    const { room: name, id } = c.req.valid("param");
    const { room, caller } = calling(c, name);
    const pinned = await room.pin(caller, { id: Number(id), remove: false });
    if (!pinned.ok) return problem(c, pinned);
    tellLevels(c, pinned.levels);
    return c.json({ message: pinned.message, cursor: pinned.cursor }, 200);
  })
  .openapi(remove, async (c) => {
    const { room: name, id } = c.req.valid("param");
    const { room, caller } = calling(c, name);
    const unpinned = await room.pin(caller, { id: Number(id), remove: true });
    if (!unpinned.ok) return problem(c, unpinned);
    tellLevels(c, unpinned.levels);
    return c.json({ message: unpinned.message, cursor: unpinned.cursor }, 200);
  })
  .openapi(list, async (c) => {
    const { room, caller } = calling(c, c.req.valid("param").room);
    const { after = 0, limit } = c.req.valid("query");
    const found = await room.pins(caller, { after, limit: pageLimit(limit) });
    if (!found.ok) return problem(c, found);
    const { messages: items, hasMore, cursor } = found;
    const last = items.at(-1);
    return c.json({ items, ...(hasMore && last !== undefined ? { next: String(last.id) } : {}), cursor }, 200);
  });
