/** WebSockets: of one room, handed to the room's object; and of many rooms, held here. Verified once, at the upgrade. */
import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import { nanoid } from "nanoid";
import * as z from "zod";
import type { Identity } from "../auth/identity.ts";
import { closingFrame, errorFrame } from "../protocol/farewell.ts";
import { refusedBy } from "../objects/failures.ts";
import { leavePlace } from "../objects/room/connections.ts";
import { fixedLimits } from "../protocol/limits.ts";
import { type Refusal, refusals, refuse } from "../protocol/refusals.ts";
import { SUBPROTOCOL } from "../protocol/version.ts";
import { type AppEnv, router, unfit } from "./app.ts";
import { identify, presentedBy, subprotocols } from "./credentials.ts";
import { beginning, clientSecurity, From, inRoom } from "./declared.ts";
import { enterOneOfMany, enterRoom } from "./entrance.ts";
import { HeldCredential } from "./held/credential.ts";
import { ManyRooms } from "./held/manyRooms.ts";
import { callerOf } from "./identity.ts";
import { lifeOf } from "./middleware/written.ts";
import { overKeyRate, refusedCredential } from "./middleware/rates.ts";
import { claim, newPlace } from "./places.ts";
import { problem, problems } from "./problem.ts";

const common = { method: "get" as const, tags: ["connections"], security: clientSecurity };

const ofRoom = createRoute({
  ...common,
  path: "/v1/rooms/{room}/socket",
  summary: "Open the room's WebSocket; see the protocol parley.v1",
  request: { params: inRoom, query: z.strictObject({ cursor: From.optional(), ...beginning }) },
  responses: { 101: { description: "The socket is open; the first frame is `welcome`." }, ...problems },
});
const ofMany = createRoute({
  ...common,
  path: "/v1/socket",
  summary: "Open a WebSocket for many rooms: `join` and `leave` them; each frame names its room",
  request: { query: z.strictObject({}) },
  responses: { 101: { description: "The socket is open; send `join`." }, ...problems },
});

export const socket = router()
  .openapi(
    ofRoom,
    (c) =>
      upgrade(c, async (identity, connection) => {
        const { room } = c.req.valid("param");
        const { cursor = null, backlog = fixedLimits.backlogDefault, presence = "full" } = c.req.valid("query");
        const wish = { request: c.get("requestId"), cursor, backlog, presence, relayed: false, ticket: null };
        const { tenant } = identity;
        const entered = await enterRoom(c.env, { tenant, room }, { ...callerOf(identity, room, connection), ...wish });
        // The room counts it from here on.
        leavePlace(connection);
        return entered;
      }),
    (result, c) => (result.success ? undefined : refuseUnfit(c, unfit(result))),
  )
  .openapi(
    ofMany,
    (c) =>
      upgrade(c, async (identity, connection) => {
        const { 0: theirs, 1: ours } = new WebSocketPair();
        const { env } = c;
        const { limits } = identity.policy;
        const credential = new HeldCredential(env, presentedBy(c.req.raw.headers), identity);
        void new ManyRooms(ours, {
          connection,
          life: lifeOf(c, connection, "websocket"),
          expiresAtMs: identity.token?.expiresAtMs ?? null,
          nowMs: Date.now(),
          chance: Math.random(),
          rate: {
            perSecond: limits.framesPerSocketPerSecond,
            burst: limits.framesPerSocketBurst + fixedLimits.roomsPerConnection,
          },
          recheck: (when) => credential.recheck(when),
          hasNews: () => credential.hasNews(),
          replace: (token) => credential.replace(token),
          async enter({ room, cursor = null, backlog = fixedLimits.backlogDefault, presence = "full" }) {
            // The credential may have been revoked since, and what it grants is asked anew for each room.
            const identified = await credential.identify();
            if (!identified.ok) return identified;
            const wish = { cursor, backlog, presence, relayed: true, ticket: null };
            const caller = callerOf(identified.identity, room, nanoid());
            return enterOneOfMany(env, { tenant: identified.identity.tenant, room }, { ...caller, ...wish });
          },
        });
        return { ok: true, socket: theirs };
      }),
    (result, c) => (result.success ? undefined : refuseUnfit(c, unfit(result))),
  );

/** What `open` took is its own to give back; whatever else happens, the place is given back here. */
async function upgrade(
  c: Context<AppEnv>,
  open: (
    identity: Identity,
    connection: string,
  ) => Promise<{ readonly ok: true; readonly socket: WebSocket } | Refusal>,
): Promise<Response> {
  const { headers } = c.req.raw;
  if (headers.get("upgrade")?.toLowerCase() !== "websocket")
    return problem(c, refuse("bad_request", "This is the address of a WebSocket."));
  const offered = subprotocols(headers);
  if (offered.length > 0 && !offered.includes(SUBPROTOCOL))
    return refuseUpgrade(c, refuse("bad_request", `Offer the subprotocol ${SUBPROTOCOL}.`));
  const place = newPlace(c);
  if (!place.ok) return problem(c, place);
  const { connection } = place;
  let opened = false;
  try {
    const identified = await identify(c.env, headers, Date.now()).catch(refusedBy);
    if (!identified.ok) return refuseCredential(c, identified);
    c.set("tenant", identified.identity.tenant);
    const over = (await overKeyRate(c, identified.identity)) ?? claim(connection, identified.identity);
    if (over !== null) return refuseUpgrade(c, over);
    const entered = await open(identified.identity, connection);
    opened = entered.ok;
    return entered.ok ? accepted(c, entered.socket) : refuseUpgrade(c, entered);
  } finally {
    if (!opened) leavePlace(connection);
  }
}

/** Who may not come in at all is told so before anything else. */
async function refuseUnfit(c: Context<AppEnv>, refusal: Refusal): Promise<Response> {
  const identified = await identify(c.env, c.req.raw.headers, Date.now()).catch(refusedBy);
  return identified.ok ? refuseUpgrade(c, refusal) : refuseCredential(c, identified);
}

async function refuseCredential(c: Context<AppEnv>, refusal: Refusal): Promise<Response> {
  if (refusal.error === "origin_forbidden") return problem(c, refusal);
  return refuseUpgrade(c, await refusedCredential(c, refusal));
}

/** A browser cannot read the body of a failed upgrade: for it the socket is opened, told why, and closed. */
function refuseUpgrade(c: Context<AppEnv>, refusal: Refusal): Response {
  const isUpgrade = c.req.header("upgrade")?.toLowerCase() === "websocket";
  if (!isUpgrade || c.req.header("origin") === undefined || refusals[refusal.error].close === null)
    return problem(c, refusal);
  const { 0: theirs, 1: ours } = new WebSocketPair();
  ours.accept();
  c.set("refusal", refusal.error);
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
