/** A socket of a room that only counts what it is told. */
import { once } from "node:events";
import type { WebSocket } from "ws";
import { bytes, newSocket } from "../bench/socket.ts";

export class Listener {
  frames = 0;
  heardBytes = 0;
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data) => {
      this.frames += 1;
      this.heardBytes += bytes(data).length;
    });
    socket.on("error", () => undefined);
  }

  static async enter(url: string, token: string): Promise<Listener> {
    const socket = newSocket(url, ["parley.v1", `bearer.${token}`]);
    const listener = new Listener(socket);
    await once(socket, "open", { signal: AbortSignal.timeout(15_000) });
    socket.send('{"type":"ping"}');
    return listener;
  }

  leave(): void {
    this.#socket.terminate();
  }
}
