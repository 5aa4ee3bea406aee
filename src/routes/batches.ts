/** Several messages in one room, over HTTP. */
import { createRoute } from "@hono/zod-openapi";
import { BatchAnswer, NewBatch } from "../protocol/batch.ts";
import { refusedAt } from "../protocol/refusals.ts";
import { router, unfit } from "./app.ts";
import { body, clientSecurity, inRoom, json } from "./declared.ts";
import { client } from "./middleware/authenticate.ts";
import { nonceAt, nonceOf } from "./nonce.ts";
import { problem, problems, tellLevels } from "./problem.ts";
import { calling } from "./rooms.ts";

const publish = createRoute({
  method: "post",
  path: "/v1/rooms/{room}/messages:batch",
  tags: ["messages"],
  security: clientSecurity,
  middleware: client,
  summary: "Publish up to 100 messages: all of them, one after the other, or none",
  request: { params: inRoom, body: body(NewBatch) },
  responses: {
    200: json(BatchAnswer, "All of them were stored before, under these nonces."),
    201: json(BatchAnswer, "They are stored."),
    ...problems,
  },
});

export const batches = router().openapi(
  publish,
  async (c) => {
    const { room, caller } = calling(c, c.req.valid("param").room);
    const key = nonceOf(c.req.header("idempotency-key"), undefined);
    if (!key.ok) return problem(c, key);
    const requests = c.req.valid("json").messages.map(({ nonce, ...content }, index) => {
      const derived = key.nonce === null ? null : nonceAt(key.nonce, index);
      return { type: "publish" as const, nonce: nonce ?? derived, ...content };
    });
    const published = await room.publishBatch(caller, requests);
    if (!published.ok) return problem(c, published);
    const { messages, cursor, levels, duplicate } = published;
    tellLevels(c, levels);
    if (!duplicate) return c.json({ messages, cursor }, 201);
    c.header("Idempotent-Replayed", "true");
    return c.json({ messages, cursor }, 200);
  },
  (result, c) => {
    if (result.success) return undefined;
    const [list, index] = result.error.issues[0]?.path ?? [];
    return problem(c, refusedAt(list === "messages" && typeof index === "number" ? index : undefined, unfit(result)));
  },
);
