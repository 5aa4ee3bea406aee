/** A connection of Parley that has joined many rooms and keeps itself alive. */
import type { WebSocket } from "ws";
import { nowUs } from "./clock.ts";
import { dialects, PING, PING_EVERY_MS } from "./dialects.ts";
import { bytes, newSocket, withinLimit } from "./socket.ts";
import type { Target } from "./target.ts";

const JOIN_WITHIN_MS = 60_000;

export class JoinedSocket {
  readonly rooms: readonly string[];
  closedWith: number | null = null;
  readonly #socket: WebSocket;
  readonly #pings: ReturnType<typeof setInterval>;

  private constructor(socket: WebSocket, rooms: readonly string[]) {
    this.rooms = rooms;
    this.#socket = socket;
    this.#pings = setInterval(() => socket.send(PING), PING_EVERY_MS);
  }

  /** Resolves once it has heard of the state of every room. `take` gets what comes after that. */
  static async open(
    target: Target,
    token: string,
    rooms: readonly string[],
    take: (frame: Buffer, readUs: number) => void,
  ): Promise<JoinedSocket> {
    const url = `${target.base.replace("http", "ws")}/v1/socket`;
    const socket = newSocket(url, dialects.parley.protocols(token));
    const joined = new JoinedSocket(socket, rooms);
    let waiting = rooms.length;
    const open = new Promise<void>((resolve, reject) => {
      socket.on("error", reject);
      socket.on("close", (code) => {
        joined.closedWith = code;
        clearInterval(joined.#pings);
        reject(new Error(`a connection of ${rooms.length} rooms was closed with ${code}`));
      });
      socket.on("open", () => {
        socket.send(PING);
        for (const room of rooms) socket.send(JSON.stringify({ type: "join", room, presence: "none" }));
      });
      socket.on("message", (data) => {
        const frame = bytes(data);
        if (waiting === 0) return take(frame, nowUs());
        if (frame.includes('"type":"error"')) reject(new Error(`not joined: ${frame.toString("utf8", 0, 300)}`));
        if (frame.includes('"reset":true') && --waiting === 0) resolve();
      });
    });
    await withinLimit(open, JOIN_WITHIN_MS, `a connection did not join its ${rooms.length} rooms`);
    return joined;
  }

  say(room: string, frame: string): void {
    this.#socket.send(`{"room":"${room}",${frame.slice(1)}`);
  }

  end(): void {
    clearInterval(this.#pings);
    this.closedWith = null;
    this.#socket.removeAllListeners("close");
    this.#socket.terminate();
  }
}
