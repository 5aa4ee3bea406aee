/** The way into a room's object: an upgrade that the edge makes itself, for a client or to hold the socket. */
import { joinHeader, type JoinRequest } from "../objects/room/join.ts";
import { roomStub } from "../objects/stubs.ts";
import type { Refusal } from "../protocol/refusals.ts";
import type { Bindings } from "../env.ts";

/**
 * A fresh request: nothing of the client's reaches the room. partyserver takes the connection's id from `_pk`, keeps the URL
 * on the socket and trusts `x-partykit-*` headers, so none of these may be the client's.
 */
export async function enterRoom(
  env: Bindings,
  { tenant, room }: { readonly tenant: string; readonly room: string },
  request: JoinRequest,
): Promise<{ readonly ok: true; readonly socket: WebSocket } | Refusal> {
  const headers = { Upgrade: "websocket", [joinHeader]: encodeURIComponent(JSON.stringify(request)) };
  const url = `https://room/?_pk=${request.session.connection}`;
  const response = await roomStub(env, tenant, room).fetch(url, { headers });
  const socket = response.webSocket;
  return socket === null || socket === undefined ? await response.json<Refusal>() : { ok: true, socket };
}
