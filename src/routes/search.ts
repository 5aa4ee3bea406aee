/** Searching a room over HTTP. */
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { fixedLimits } from "../protocol/limits.ts";
import { Text } from "../protocol/message.ts";
import { UserId } from "../protocol/names.ts";
import { SearchAnswer, SearchNext, SearchOrder } from "../protocol/search.ts";
import { router } from "./app.ts";
import { clientSecurity, inRoom, PageBound, PageLimit } from "./declared.ts";
import { client } from "./middleware/authenticate.ts";
import { problem, problems } from "./problem.ts";
import { calling } from "./rooms.ts";

const query = z.strictObject({
  q: Text.max(fixedLimits.searchQueryLength).min(1).openapi({
    description: 'Words that must all be there, `"phrases"`, `begin*` and `-without`, in any case and accents.',
    example: '"next week" deploy* -draft',
  }),
  from: UserId.optional().openapi({ description: "Only what this user has said.", example: "ada" }),
  after: PageBound.openapi({ description: "Only what was published then or later, in milliseconds." }),
  before: PageBound.openapi({ description: "Only what was published before." }),
  order: SearchOrder.optional().openapi({ description: "By default the best answers first.", example: "newest" }),
  limit: PageLimit.openapi({ description: "20 by default, at most 100.", example: 20 }),
  next: SearchNext.optional().openapi({ type: "string", description: "From the answer before this one." }),
});

const example = {
  items: [
    {
      message: {
        id: 41,
        seq: 41,
        version: 1,
        sender: { id: "ada", name: "Ada" },
        nonce: null,
        text: "Deploy next Friday",
        data: null,
        replyTo: null,
        replies: 0,
        mentions: [],
        attachments: [],
        reactions: {},
        status: "sent" as const,
        createdAt: 1_800_000_000_000,
        editedAt: null,
        deletedAt: null,
        expiresAt: null,
      },
      highlights: [[0, 6]] as [number, number][],
      excerpt: [0, 18] as [number, number],
    },
  ],
  next: "40",
  cursor: "k3mmq2aa:97",
  complete: true,
};

const get = createRoute({
  tags: ["messages"],
  security: clientSecurity,
  middleware: client,
  method: "get",
  path: "/v1/rooms/{room}/search",
  summary: "Search what was said in a room, where its settings turn that on",
  request: { params: inRoom, query },
  responses: {
    200: { description: "What was found.", content: { "application/json": { schema: SearchAnswer, example } } },
    ...problems,
  },
});

export const search = router().openapi(get, async (c) => {
  const { room, caller } = calling(c, c.req.valid("param").room);
  const found = await room.search(caller, c.req.valid("query"));
  if (!found.ok) return problem(c, found);
  const { items, next, cursor, complete } = found;
  return c.json({ items, ...(next === undefined ? {} : { next }), cursor, complete }, 200);
});
