/** Tickets: for pages whose EventSource cannot send a header. */
import { createRoute } from "@hono/zod-openapi";
import { nanoid } from "nanoid";
import { mintTicket } from "../auth/ticket.ts";
import { CreatedTicket, NewTicket } from "../protocol/http.ts";
import { refuse } from "../protocol/refusals.ts";
import { RoomPattern } from "../protocol/roomPattern.ts";
import { settingsOf } from "../env.ts";
import { router } from "./app.ts";
import { clientSecurity, json, optionalBody } from "./declared.ts";
import { callerOf } from "./identity.ts";
import { client } from "./middleware/authenticate.ts";
import { problem, problems } from "./problem.ts";
import { calling } from "./rooms.ts";

const create = createRoute({
  method: "post",
  path: "/v1/tickets",
  tags: ["connections"],
  security: clientSecurity,
  middleware: client,
  summary: "Get a ticket that opens one event stream within a minute: of one room, or of many",
  request: { body: optionalBody(NewTicket) },
  responses: { 201: json(CreatedTicket, "Put it into the stream's address as `ticket`."), ...problems },
});

export const tickets = router().openapi(create, async (c) => {
  const { room = null } = c.req.valid("json");
  const identity = c.get("identity");
  const { tenant, key: keyId, user, name, token, issuedAtMs } = identity;
  if (room !== null) {
    // An EventSource cannot read why it is refused, but whoever asks for a ticket can.
    const { room: asked, caller } = calling(c, room);
    const admitted = await asked.admits(caller);
    if (!admitted.ok) return problem(c, admitted);
  }
  const grant = { tenant, keyId, user, name, room, token: token === null ? null : narrowed(token, room), issuedAtMs };
  const nowMs = Date.now();
  const { ticket, expiresAtMs } = await mintTicket(settingsOf(c.env).masterKeys, grant, nanoid(), nowMs);
  if (expiresAtMs <= nowMs) return problem(c, refuse("token_expired"));
  return c.json({ ticket, expiresAt: expiresAtMs }, 201);

  /** A ticket stands in an address, and in the logs of proxies: it says no more of the token than its room needs. */
  function narrowed(whole: NonNullable<typeof token>, only: string | null): NonNullable<typeof token> {
    if (only === null || !RoomPattern.safeParse(only).success) return whole;
    const { capabilities } = callerOf(identity, only, "").session;
    return { ...whole, rooms: { [only]: capabilities.filter((capability) => capability !== "admin") } };
  }
});
