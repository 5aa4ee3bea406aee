/** Asking a room's assistant: the question is published like any message, and the answer is told as a stream of events. */
import { createRoute } from "@hono/zod-openapi";
import { nanoid } from "nanoid";
import type { Caller } from "../objects/room/existence.ts";
import { type RoomStub, roomStub } from "../objects/stubs.ts";
import { AssistantQuestion } from "../protocol/http.ts";
import { fixedLimits } from "../protocol/limits.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import { router } from "./app.ts";
import { body, clientSecurity, inRoom } from "./declared.ts";
import { enterOneOfMany } from "./entrance.ts";
import { openStream, streamOf } from "./eventEntrance.ts";
import { MessageStream } from "./held/messageStream.ts";
import { callerOf } from "./identity.ts";
import { nonceOf } from "./nonce.ts";
import { problem } from "./problem.ts";

const ask = createRoute({
  method: "post",
  path: "/v1/rooms/{room}/assistant",
  tags: ["assistants"],
  security: clientSecurity,
  summary: "Ask the room's assistant, and read its answer as it comes; who stops reading ends nothing",
  request: { params: inRoom, body: body(AssistantQuestion) },
  responses: streamOf("Events: `question`, and of the answer `snapshot`, `delta`s, `end`."),
});

export const assistant = router().openapi(ask, (c) => {
  const { room: name } = c.req.valid("param");
  const { nonce: inBody, ...content } = c.req.valid("json");
  const nonce = nonceOf(c.req.header("idempotency-key"), inBody);
  if (!nonce.ok) return problem(c, nonce);
  return openStream(c, { room: name, hasCursor: false }, async ({ identity }, holding) => {
    const { tenant } = identity;
    const room = roomStub(c.env, tenant, name);
    const caller = callerOf(identity, name, nanoid());
    // Whoever may not read the answer asks nothing.
    const readable = await room.admits(caller);
    if (!readable.ok) return readable;
    const asked = await room.publish(caller, { type: "publish", nonce: nonce.nonce, ...content, asks: true });
    if (!asked.ok) return asked;
    const { message, cursor } = asked;
    if (message === null) return refuse("not_found", "The question is gone.");
    const begun = await begin(room, caller, message.id);
    if (!begun.ok) return begun;
    const wish = { cursor: null, backlog: 0, presence: "none" as const, relayed: true, ticket: null };
    const listening = { ...caller, ...wish, message: { id: begun.answer, at: null } };
    const entered = await enterOneOfMany(c.env, { tenant, room: name }, listening);
    if (!entered.ok) return entered;
    const preface = [{ name: "question", data: JSON.stringify({ message, cursor }) }];
    return {
      ok: true,
      response: new MessageStream(entered.socket, { message: begun.answer, at: 0, preface, ...holding }).response,
    };
  });
});

/** Waits for the answer to begin: a moment, but where others wait before it. */
async function begin(
  room: Pick<RoomStub, "answerTo">,
  caller: Caller,
  question: number,
): Promise<{ readonly ok: true; readonly answer: number } | Refusal> {
  const untilMs = Date.now() + fixedLimits.assistantBeginMs;
  for (let pauseMs = 20; ; pauseMs = Math.min(500, pauseMs * 2)) {
    const found = await room.answerTo(caller, question);
    if (!found.ok) return found;
    if (found.answer !== null) return { ok: true, answer: found.answer };
    if (Date.now() + pauseMs > untilMs)
      return refuse(
        "overloaded",
        "The question is in the room. Its answer has not begun yet: ask with the same nonce.",
      );
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
