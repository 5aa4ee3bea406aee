/** One message as Server-Sent Events: its text so far, how it goes on, and its end. */
import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import { nanoid } from "nanoid";
import * as z from "zod";
import { parseTextPosition, type TextPosition } from "../protocol/messageStream.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import { type AppEnv, router } from "./app.ts";
import { clientSecurity, onMessage } from "./declared.ts";
import { enterOneOfMany } from "./entrance.ts";
import { openStream, streamOf, ticketQuery } from "./eventEntrance.ts";
import { MessageStream } from "./held/messageStream.ts";
import { callerOf } from "./identity.ts";
import { problem } from "./problem.ts";

const example = [
  'id: 7:12\nevent: snapshot\ndata: {"id":7,"text":"Once upon a "}\n',
  'id: 7:16\nevent: delta\ndata: {"id":7,"at":12,"text":"time"}\n',
  'id: 7:end\nevent: end\ndata: {"id":7,"status":"sent","length":16,"cursor":"k3v9x2ab:9"}\n\n',
].join("\n");

const read = createRoute({
  method: "get",
  path: "/v1/rooms/{room}/messages/{id}/stream",
  tags: ["streaming"],
  security: clientSecurity,
  summary: "Read one message as a stream of events: its text so far, what is added, and its end",
  request: { params: onMessage, query: z.strictObject({ ticket: ticketQuery }) },
  responses: streamOf(
    "Events: `snapshot`, `delta`s, `end`; each has an id, by which `Last-Event-ID` resumes. A `delta` begins where the text so far ends.",
    example,
  ),
});

export const messageStream = router().openapi(read, (c) => {
  const { room, id } = c.req.valid("param");
  const { ticket } = c.req.valid("query");
  const message = Number(id);
  if (!Number.isSafeInteger(message)) return problem(c, refuse("not_found", "There is no such message."));
  const position = positionOf(c, message);
  if (!position.ok) return problem(c, position);
  const { at } = position;
  return openStream(c, { ticket, room, hasCursor: false }, async ({ identity, use }, holding) => {
    if (at === "end") return { ok: true, response: "over" };
    const wish = { cursor: null, backlog: 0, presence: "none" as const, relayed: true, ticket: use };
    const caller = callerOf(identity, room, nanoid());
    const { tenant } = identity;
    const entered = await enterOneOfMany(c.env, { tenant, room }, { ...caller, ...wish, message: { id: message, at } });
    if (!entered.ok) return entered;
    const stream = new MessageStream(holding);
    stream.follow(entered.socket, { message, at: at ?? 0 });
    return { ok: true, response: stream.response };
  });
});

/** How much of the text the reader has; null for nothing. */
function positionOf(
  c: Context<AppEnv>,
  message: number,
): { readonly ok: true; readonly at: TextPosition | null } | Refusal {
  const id = c.req.header("last-event-id") ?? "";
  const at = id === "" ? null : parseTextPosition(message, id);
  return id !== "" && at === null
    ? refuse("invalid_field", "`Last-Event-ID` is none that a stream of this message gave.")
    : { ok: true, at };
}
