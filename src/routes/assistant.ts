/** Asking a room's assistant: the question is published like any message, and the answer is told as a stream of events. */
import { createRoute } from "@hono/zod-openapi";
import { nanoid } from "nanoid";
import type { Caller } from "../objects/room/existence.ts";
import type { JoinRequest } from "../objects/room/join.ts";
import { type RoomStub, roomStub } from "../objects/stubs.ts";
import { AssistantQuestion } from "../protocol/http.ts";
import { fixedLimits } from "../protocol/limits.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import { failureOf, refusalOf } from "../objects/failures.ts";
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
  responses: streamOf(
    "Events: `question` at once, and of the answer, when it begins, `snapshot`, `delta`s, `end`; `closing` 4413 where it has not begun within 20 seconds: ask with the same nonce.",
  ),
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
    const preface = [{ name: "question", data: JSON.stringify({ message, cursor }) }];
    const stream = new MessageStream({ preface, ...holding });
    void tellAnswer(stream, {
      room,
      caller,
      question: message.id,
      enter: (listening) => enterOneOfMany(c.env, { tenant, room: name }, listening),
    });
    return { ok: true, response: stream.response };
  });
});

interface Asked {
  readonly room: Pick<RoomStub, "answerTo">;
  readonly caller: Caller;
  readonly question: number;
  readonly enter: (listening: JoinRequest) => ReturnType<typeof enterOneOfMany>;
}

/** Never throws: whoever asked has been answered already, and hears what is wrong as an event. */
async function tellAnswer(stream: MessageStream, asked: Asked): Promise<void> {
  try {
    const begun = await begin(stream, asked);
    if (!begun.ok) return stream.refuse(begun);
    const { answer } = begun;
    const wish = { cursor: null, backlog: 0, presence: "none" as const, relayed: true, ticket: null };
    const entered = await asked.enter({ ...asked.caller, ...wish, message: { id: answer, at: null } });
    if (!entered.ok) return stream.refuse(entered);
    stream.follow(entered.socket, { message: answer, at: 0 });
  } catch (error) {
    if (failureOf(error) === "bug") console.error("an answer could not be told", error);
    stream.refuse(refusalOf(error));
  }
}

/**
 * Waits for the answer to begin: a moment, but where others wait before it. Where nobody will answer it is as if others waited: who is
 * shadow-banned is not to notice it.
 */
async function begin(
  stream: MessageStream,
  { room, caller, question }: Asked,
): Promise<{ readonly ok: true; readonly answer: number } | Refusal> {
  const untilMs = Date.now() + fixedLimits.assistantBeginMs;
  let isComing = true;
  for (let pauseMs = 20; Date.now() <= untilMs && !stream.isOver; pauseMs = Math.min(500, pauseMs * 2)) {
    const found: Awaited<ReturnType<typeof room.answerTo>> = isComing ? await room.answerTo(caller, question) : notYet;
    if (!found.ok) return found;
    if (found.answer !== null) return { ok: true, answer: found.answer };
    ({ isComing } = found);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return refuse("overloaded", "The question is in the room. Its answer has not begun yet: ask with the same nonce.");
}

const notYet = { ok: true, answer: null, isComing: false } as const;
