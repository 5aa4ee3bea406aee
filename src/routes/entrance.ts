/** The way into a room's object: an upgrade that the edge makes itself, for a client or to hold the socket. */
import { waitUntil } from "cloudflare:workers";
import { failureOf, refusalOf } from "../objects/failures.ts";
import { joinHeader, type JoinRequest } from "../objects/room/join.ts";
import { roomStub } from "../objects/stubs.ts";
import { fixedLimits } from "../protocol/limits.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import type { Bindings } from "../env.ts";
import { dismiss } from "./held/feed.ts";

export type Entered = { readonly ok: true; readonly socket: WebSocket } | Refusal;

/**
 * A fresh request: nothing of the client's reaches the room. partyserver takes the connection's id from `_pk`, keeps the URL
 * on the socket and trusts `x-partykit-*` headers, so none of these may be the client's. Never throws.
 */
export function enterRoom(
  env: Bindings,
  { tenant, room }: { readonly tenant: string; readonly room: string },
  request: JoinRequest,
): Promise<Entered> {
  const entering = async (): Promise<Entered> => {
    const headers = { Upgrade: "websocket", [joinHeader]: encodeURIComponent(JSON.stringify(request)) };
    const url = `https://room/?_pk=${request.session.connection}`;
    const response = await roomStub(env, tenant, room).fetch(url, { headers });
    const socket = response.webSocket;
    return socket === null || socket === undefined ? await response.json<Refusal>() : { ok: true, socket };
  };
  const entered = entering().catch(notEntered);
  // A client that goes meanwhile ends its request, and a socket that arrived for nobody would stay in the room as a ghost.
  waitUntil(entered.then(() => undefined));
  return entered;
}

/** For one of many: a room that is broken or does not answer refuses, and takes no other along. */
export async function enterOneOfMany(...way: Parameters<typeof enterRoom>): Promise<Entered> {
  const { promise: timeout, resolve } = Promise.withResolvers<"timeout">();
  const timer = setTimeout(() => resolve("timeout"), fixedLimits.enterMsMax);
  const entering = enterRoom(...way);
  try {
    const first = await Promise.race([entering, timeout]);
    if (first !== "timeout") return first;
    void entering.then((late) => (late.ok ? dismiss(late.socket) : undefined));
    return refuse("overloaded", "The room did not answer in time.");
  } finally {
    clearTimeout(timer);
  }
}

/** A room that is broken or was reset refuses like any other: whoever waits for a socket is told what to do next. */
function notEntered(error: unknown): Refusal {
  if (failureOf(error) === "bug") console.error("a room could not be entered", error);
  return refusalOf(error);
}
