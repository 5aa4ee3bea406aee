/** The WebSocket of a room: verified here, once, and handed to the room's object. */
import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import { nanoid } from "nanoid";
import * as z from "zod";
import { closingFrame, errorFrame } from "../protocol/farewell.ts";
import { leavePlace, takePlace } from "../objects/room/connections.ts";
import { joinHeader, type JoinRequest } from "../objects/room/join.ts";
import { roomStub } from "../objects/stubs.ts";
import { Cursor } from "../protocol/cursor.ts";
import { fixedLimits } from "../protocol/limits.ts";
import { type Refusal, refusals, refuse } from "../protocol/refusals.ts";
import { SUBPROTOCOL } from "../protocol/version.ts";
import { settingsOf } from "../env.ts";
import { type AppEnv, router, unfit } from "./app.ts";
import { identify, subprotocols } from "./credentials.ts";
import { clientSecurity, inRoom } from "./declared.ts";
import { callerOf } from "./identity.ts";
import { problem, problems } from "./problem.ts";

const open = createRoute({
  method: "get",
  path: "/v1/rooms/{room}/socket",
  tags: ["rooms"],
  security: clientSecurity,
  summary: "Open the room's WebSocket; see the protocol parley.v1",
  request: {
    params: inRoom,
    query: z.strictObject({
      cursor: Cursor.or(z.literal("0")).optional(),
      backlog: z
        .string()
        .regex(/^[0-9]{1,3}$/, "a whole number")
        .transform(Number)
        .pipe(z.int().max(fixedLimits.backlogMax))
        .optional(),
      presence: z.literal("none").optional(),
    }),
  },
  responses: { 101: { description: "The socket is open; the first frame is `welcome`." }, ...problems },
});

export const socket = router().openapi(
  open,
  async (c) => {
    const { headers } = c.req.raw;
    if (headers.get("upgrade")?.toLowerCase() !== "websocket")
      return problem(c, refuse("bad_request", "This is the address of a WebSocket."));
    const offered = subprotocols(headers);
    if (offered.length > 0 && !offered.includes(SUBPROTOCOL))
      return refuseUpgrade(c, refuse("bad_request", `Offer the subprotocol ${SUBPROTOCOL}.`));
    const connection = nanoid();
    if (!takePlace(connection, settingsOf(c.env).maxConnections))
      return problem(c, refuse("overloaded", "This server holds as many connections as it can."));
    try {
      const identified = await identify(c.env, headers, Date.now());
      if (!identified.ok)
        return identified.error === "origin_forbidden" ? problem(c, identified) : refuseUpgrade(c, identified);
      const { room } = c.req.valid("param");
      const { cursor = null, backlog = fixedLimits.backlogDefault } = c.req.valid("query");
      const caller = callerOf(identified.identity, room, connection);
      const response = await askRoom(c, identified.identity.tenant, room, { ...caller, cursor, backlog });
      if (response.webSocket === null || response.webSocket === undefined)
        return refuseUpgrade(c, await response.json<Refusal>());
      return accepted(c, response.webSocket);
    } finally {
      leavePlace(connection);
    }
  },
  (result, c) => (result.success ? undefined : refuseUnfit(c, unfit(result))),
);

/**
 * A fresh request: nothing of the client's reaches the room. partyserver takes the connection's id from `_pk`, keeps the URL
 * on the socket and trusts `x-partykit-*` headers, so none of these may be the client's.
 */
function askRoom(c: Context<AppEnv>, tenant: string, room: string, request: JoinRequest): Promise<Response> {
  const headers = { Upgrade: "websocket", [joinHeader]: encodeURIComponent(JSON.stringify(request)) };
  return roomStub(c.env, tenant, room).fetch(`https://room/?_pk=${request.session.connection}`, { headers });
}

/** Who may not come in at all is told so before anything else. */
async function refuseUnfit(c: Context<AppEnv>, refusal: Refusal): Promise<Response> {
  const identified = await identify(c.env, c.req.raw.headers, Date.now());
  if (identified.ok) return refuseUpgrade(c, refusal);
  return identified.error === "origin_forbidden" ? problem(c, identified) : refuseUpgrade(c, identified);
}

/** A browser cannot read the body of a failed upgrade: for it the socket is opened, told why, and closed. */
function refuseUpgrade(c: Context<AppEnv>, refusal: Refusal): Response {
  const isUpgrade = c.req.header("upgrade")?.toLowerCase() === "websocket";
  if (!isUpgrade || c.req.header("origin") === undefined || refusals[refusal.error].close === null)
    return problem(c, refusal);
  const { 0: theirs, 1: ours } = new WebSocketPair();
  ours.accept();
  const { text } = refusals[refusal.error];
  const closing = closingFrame(refusal.error, refusal.detail ?? text);
  ours.send(JSON.stringify(errorFrame(refusal, undefined)));
  ours.send(JSON.stringify(closing));
  ours.close(closing.code, refusal.error);
  return accepted(c, theirs);
}

function accepted(c: Context<AppEnv>, webSocket: WebSocket): Response {
  const headers = new Headers({ "X-Request-Id": c.get("requestId") });
  if (subprotocols(c.req.raw.headers).includes(SUBPROTOCOL)) headers.set("Sec-WebSocket-Protocol", SUBPROTOCOL);
  return new Response(null, { status: 101, webSocket, headers });
}
