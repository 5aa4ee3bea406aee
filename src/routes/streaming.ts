/** Streaming a message over HTTP, for producers that hold no socket. A message is begun by publishing it with `streaming`. */
import { createRoute } from "@hono/zod-openapi";
import { AppendAnswer, AppendBody, CancelBody, FinishBody, MessageAnswer } from "../protocol/http.ts";
import { router } from "./app.ts";
import { body, clientSecurity, json, onMessage, optionalBody } from "./declared.ts";
import { client } from "./middleware/authenticate.ts";
import { problem, problems, tellLevels } from "./problem.ts";
import { calling } from "./rooms.ts";

const common = { method: "post" as const, tags: ["streaming"], security: clientSecurity, middleware: client };
const ofMessage = { params: onMessage };

const append = createRoute({
  ...common,
  path: "/v1/rooms/{room}/messages/{id}/append",
  summary: "Add to a message that is being streamed: `at` is where, in UTF-16 units",
  description:
    "A piece that is there already is answered as the first time, so it may be sent again. 409 `stream_offset`: something before it is missing, go on from `want`; hold your text until then. 409 `stream_cancelled`: somebody has stopped it. 409 `stream_closed`: it is over.",
  request: { ...ofMessage, body: body(AppendBody, { at: 12, text: " and so" }) },
  responses: {
    200: json(AppendAnswer, "How long the text is now: told within a moment, stored within a second.", { at: 19 }),
    ...problems,
  },
});
const finish = createRoute({
  ...common,
  path: "/v1/rooms/{room}/messages/{id}/finish",
  summary: "End a message that is being streamed; with `text` in place of all that was appended",
  request: { ...ofMessage, body: body(FinishBody, { status: "sent" }) },
  responses: { 200: json(MessageAnswer, "The message."), ...problems },
});
const cancel = createRoute({
  ...common,
  path: "/v1/rooms/{room}/messages/{id}/cancel",
  summary:
    "Stop a message that is being streamed: one's own, or as a moderator; its producer is told at its next append",
  request: { ...ofMessage, body: optionalBody(CancelBody, { reason: "the user has pressed stop" }) },
  responses: { 200: json(MessageAnswer, "What had come of it."), ...problems },
});

export const streaming = router()
  .openapi(append, async (c) => {
    const { room: name, id } = c.req.valid("param");
    const { room, caller } = calling(c, name);
    const appended = await room.append(caller, Number(id), c.req.valid("json"));
    return appended.ok ? c.json({ at: appended.at }, 200) : problem(c, appended);
  })
  .openapi(finish, async (c) => {
    const { room: name, id } = c.req.valid("param");
    const { room, caller } = calling(c, name);
    const finished = await room.finish(caller, Number(id), c.req.valid("json"));
    if (!finished.ok) return problem(c, finished);
    tellLevels(c, finished.levels);
    return c.json({ message: finished.message, cursor: finished.cursor }, 200);
  })
  .openapi(cancel, async (c) => {
    const { room: name, id } = c.req.valid("param");
    const { room, caller } = calling(c, name);
    const cancelled = await room.cancel(caller, Number(id), c.req.valid("json"));
    if (!cancelled.ok) return problem(c, cancelled);
    tellLevels(c, cancelled.levels);
    return c.json({ message: cancelled.message, cursor: cancelled.cursor }, 200);
  });
