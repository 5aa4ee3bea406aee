/** Peer: a hibernating Durable Object that broadcasts and stores nothing, the least that a room on this platform can cost. */
import { DurableObject } from "cloudflare:workers";

export class Room extends DurableObject {
  #lastId = 0;

  override fetch(): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(_sender: WebSocket, message: string): void {
    const { text } = JSON.parse(message);
    const frame = JSON.stringify({ id: ++this.#lastId, text });
    for (const socket of this.ctx.getWebSockets()) socket.send(frame);
  }

  // A hibernating socket's close is not answered by the platform.
  override webSocketClose(socket: WebSocket): void {
    socket.close(1000);
  }
}

export default {
  fetch(request: Request, env: { Room: DurableObjectNamespace }): Promise<Response> {
    return env.Room.get(env.Room.idFromName(new URL(request.url).pathname)).fetch(request);
  },
};
