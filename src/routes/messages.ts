/** Messages over HTTP. */
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { MessageAnswer, MessageEdit, NewMessage, Reaction } from "../protocol/http.ts";
import { Emoji, Message } from "../protocol/message.ts";
import { UserId } from "../protocol/names.ts";
import { Page } from "../protocol/serverFrames.ts";
import { router } from "./app.ts";
import { body, clientSecurity, inRoom, json, onMessage, PageBound, PageLimit } from "./declared.ts";
import { client } from "./middleware/authenticate.ts";
import { nonceOf } from "./nonce.ts";
import { problem, problems, tellLevels } from "./problem.ts";
import { calling } from "./rooms.ts";

const common = { tags: ["messages"], security: clientSecurity, middleware: client };
const ofMessage = { params: onMessage };
const ofReaction = { params: onMessage.extend({ emoji: Emoji }) };

const publish = createRoute({
  ...common,
  method: "post",
  path: "/v1/rooms/{room}/messages",
  summary: "Publish a message: once for an Idempotency-Key",
  request: { params: inRoom, body: body(NewMessage) },
  responses: {
    200: json(MessageAnswer, "It was stored before, under this nonce."),
    201: json(MessageAnswer, "It is stored."),
    ...problems,
  },
});
const list = createRoute({
  ...common,
  method: "get",
  path: "/v1/rooms/{room}/messages",
  summary: "A page of messages in ascending order: the newest, or before, after or around one",
  request: {
    params: inRoom,
    query: z.strictObject({
      before: PageBound,
      after: PageBound,
      around: PageBound,
      limit: PageLimit,
      replyTo: PageBound,
      mentions: UserId.optional(),
    }),
  },
  responses: { 200: json(Page, "The page."), ...problems },
});
const get = createRoute({
  ...common,
  method: "get",
  path: "/v1/rooms/{room}/messages/{id}",
  summary: "Read a message",
  request: ofMessage,
  responses: { 200: json(z.object({ message: Message, cursor: z.string() }), "The message."), ...problems },
});
const edit = createRoute({
  ...common,
  method: "patch",
  path: "/v1/rooms/{room}/messages/{id}",
  summary: "Edit a message; with `ifVersion` only if nobody did meanwhile",
  request: { ...ofMessage, body: body(MessageEdit) },
  responses: { 200: json(MessageAnswer, "The message."), ...problems },
});
const remove = createRoute({
  ...common,
  method: "delete",
  path: "/v1/rooms/{room}/messages/{id}",
  summary: "Delete a message; with `redact` every version and file of it",
  request: { ...ofMessage, query: z.strictObject({ redact: z.enum(["true", "false"]).optional() }) },
  responses: { 200: json(MessageAnswer, "What is left of it."), ...problems },
});
const react = createRoute({
  ...common,
  method: "put",
  path: "/v1/rooms/{room}/messages/{id}/reactions/{emoji}",
  summary: "React",
  request: ofReaction,
  responses: { 200: json(MessageAnswer, "The message."), ...problems },
});
const unreact = createRoute({
  ...common,
  method: "delete",
  path: "/v1/rooms/{room}/messages/{id}/reactions/{emoji}",
  summary: "Take a reaction back",
  request: ofReaction,
  responses: { 200: json(MessageAnswer, "The message."), ...problems },
});
const reactions = createRoute({
  ...common,
  method: "get",
  path: "/v1/rooms/{room}/messages/{id}/reactions",
  summary: "Who reacted with what, the first 1,000",
  request: ofMessage,
  responses: { 200: json(z.object({ items: z.array(Reaction) }), "Reactions by time."), ...problems },
});

export const messages = router()
  .openapi(publish, async (c) => {
    const { room, caller } = calling(c, c.req.valid("param").room);
    const { nonce: inBody, ...content } = c.req.valid("json");
    const nonce = nonceOf(c.req.header("idempotency-key"), inBody);
    if (!nonce.ok) return problem(c, nonce);
    const published = await room.publish(caller, { type: "publish", nonce: nonce.nonce, ...content });
    if (!published.ok) return problem(c, published);
    const { message, cursor, levels } = published;
    tellLevels(c, levels);
    if (!published.duplicate) return c.json({ message, cursor }, 201);
    c.header("Idempotent-Replayed", "true");
    return c.json({ message, cursor }, 200);
  })
  .openapi(list, async (c) => {
    const { room, caller } = calling(c, c.req.valid("param").room);
    const found = await room.messages(caller, c.req.valid("query"));
    if (!found.ok) return problem(c, found);
    const { messages: items, hasMore, cursor, start } = found;
    return c.json({ messages: items, hasMore, cursor, start }, 200);
  })
  .openapi(get, async (c) => {
    const { room: name, id } = c.req.valid("param");
    const { room, caller } = calling(c, name);
    const found = await room.message(caller, Number(id));
    return found.ok ? c.json({ message: found.message, cursor: found.cursor }, 200) : problem(c, found);
  })
  .openapi(edit, async (c) => {
    const { room: name, id } = c.req.valid("param");
    const { room, caller } = calling(c, name);
    const edited = await room.edit(caller, { type: "edit", id: Number(id), ...c.req.valid("json") });
    if (!edited.ok) return problem(c, edited);
    tellLevels(c, edited.levels);
    return c.json({ message: edited.message, cursor: edited.cursor }, 200);
  })
  .openapi(remove, async (c) => {
    const { room: name, id } = c.req.valid("param");
    const { room, caller } = calling(c, name);
    const removed = await room.remove(caller, {
      type: "delete",
      id: Number(id),
      redact: c.req.valid("query").redact === "true",
    });
    if (!removed.ok) return problem(c, removed);
    tellLevels(c, removed.levels);
    return c.json({ message: removed.message, cursor: removed.cursor }, 200);
  })
  .openapi(react, async (c) => {
    const { room: name, id, emoji } = c.req.valid("param");
    const { room, caller } = calling(c, name);
    const reacted = await room.react(caller, { type: "react", id: Number(id), emoji });
    if (!reacted.ok) return problem(c, reacted);
    tellLevels(c, reacted.levels);
    return c.json({ message: reacted.message, cursor: reacted.cursor }, 200);
  })
  .openapi(unreact, async (c) => {
    const { room: name, id, emoji } = c.req.valid("param");
    const { room, caller } = calling(c, name);
    const reacted = await room.react(caller, { type: "react", id: Number(id), emoji, remove: true });
    if (!reacted.ok) return problem(c, reacted);
    tellLevels(c, reacted.levels);
    return c.json({ message: reacted.message, cursor: reacted.cursor }, 200);
  })
  .openapi(reactions, async (c) => {
    const { room: name, id } = c.req.valid("param");
    const { room, caller } = calling(c, name);
    const found = await room.reactions(caller, Number(id), 1_000);
    return found.ok ? c.json({ items: found.reactions }, 200) : problem(c, found);
  });
