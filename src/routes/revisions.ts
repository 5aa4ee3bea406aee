/** Earlier versions of a message over HTTP. */
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { Revision } from "../protocol/http.ts";
import { router } from "./app.ts";
import { clientSecurity, json, onMessage, PageBound, PageLimit, pageLimit } from "./declared.ts";
import { client } from "./middleware/authenticate.ts";
import { problem, problems } from "./problem.ts";
import { calling } from "./rooms.ts";

const list = createRoute({
  tags: ["messages"],
  security: clientSecurity,
  middleware: client,
  method: "get",
  path: "/v1/rooms/{room}/messages/{id}/revisions",
  summary: "List what a message of one's own said before, or with `moderate` any, as far as the room keeps it",
  request: { params: onMessage, query: z.strictObject({ after: PageBound, limit: PageLimit }) },
  responses: {
    200: json(z.object({ items: z.array(Revision), next: z.string().optional() }), "Versions, the oldest first."),
    ...problems,
  },
});

export const revisions = router().openapi(list, async (c) => {
  const { room: name, id } = c.req.valid("param");
  const { room, caller } = calling(c, name);
  const { after = 0, limit } = c.req.valid("query");
  const found = await room.revisions(caller, { id: Number(id), after, limit: pageLimit(limit) });
  if (!found.ok) return problem(c, found);
  const { revisions: items, next } = found;
  return c.json(next === null ? { items } : { items, next: String(next) }, 200);
});
