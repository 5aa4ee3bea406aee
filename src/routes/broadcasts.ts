/** One message in many rooms, by the tenant's server. */
import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import { nanoid } from "nanoid";
import pLimit from "p-limit";
import type { PublishRequest } from "../objects/room/publish.ts";
import { BroadcastAnswer, NewBroadcast } from "../protocol/batch.ts";
import { fixedLimits } from "../protocol/limits.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import { type AppEnv, router } from "./app.ts";
import { adminSecurity, body, json } from "./declared.ts";
import { client } from "./middleware/authenticate.ts";
import { refusalOfCall } from "./middleware/errors.ts";
import { nonceOf } from "./nonce.ts";
import { explained, problem, problems } from "./problem.ts";
import { calling } from "./rooms.ts";

const send = createRoute({
  method: "post",
  path: "/v1/broadcasts",
  tags: ["messages"],
  security: adminSecurity,
  middleware: client,
  summary: "Publish a message in up to 100 rooms, each for itself: once for an Idempotency-Key",
  request: { body: body(NewBroadcast) },
  responses: { 200: json(BroadcastAnswer, "What each room has answered; some may have refused it."), ...problems },
});

export const broadcasts = router().openapi(send, async (c) => {
  const { token, capabilities } = c.get("identity");
  if (token !== null) return problem(c, refuse("forbidden", "This takes an API key, not a token."));
  if (!capabilities.includes("publish")) return problem(c, refuse("forbidden", "This needs the capability `publish`."));
  const { rooms, message } = c.req.valid("json");
  const { nonce: inBody, ...content } = message;
  const named = nonceOf(c.req.header("idempotency-key"), inBody);
  if (!named.ok) return problem(c, named);
  // With one, a call that was lost can be made again.
  const nonce = named.nonce ?? nanoid();
  const request = { type: "publish" as const, nonce, ...content };
  // As many as the platform opens connections for at a time.
  const items = await pLimit(fixedLimits.joinsAtOnce).map(rooms, (room) => publishIn(c, room, request));
  return c.json({ nonce, items, refused: items.filter(({ ok }) => !ok).length }, 200);
});

async function publishIn(
  c: Context<AppEnv>,
  name: string,
  request: PublishRequest,
): Promise<BroadcastAnswer["items"][number]> {
  const { room, caller } = calling(c, name);
  const asked = room.publishBatch(caller, [request]).catch((error: unknown) => refusalOfCall(c, error));
  const published = await within(asked);
  if (!published.ok) return { room: name, ok: false, error: explained(published) };
  const [stored] = published.messages;
  if (stored === undefined) throw new Error("one message has one answer");
  const { id, seq, duplicate } = stored;
  return { room: name, ok: true, id, seq, duplicate };
}

/** One room that hangs must not keep the answers of the others. Whether it has stored the message, a retry will say. */
async function within<Answer>(answer: Promise<Answer>): Promise<Answer | Refusal> {
  const late = Promise.withResolvers<Refusal>();
  const timer = setTimeout(
    () => late.resolve(refuse("overloaded", "The room has not answered in time.")),
    fixedLimits.broadcastMsMax,
  );
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
