/** Many sockets in one room, opened a few at a time, that speak a server's dialect. */
import { setTimeout as delay } from "node:timers/promises";
import type { WebSocket } from "ws";
import { nowUs } from "./clock.ts";
import { type Dialect, dialects } from "./dialects.ts";
import type { Target } from "./target.ts";
import { bytes, inGroups, newSocket, withinLimit } from "./socket.ts";
import { stampedText } from "./stamp.ts";

const OPENING_AT_ONCE = 20;
const OPEN_WITHIN_MS = 15_000;
const CLOSE_WITHIN_MS = 1_000;
const SOCKETS_PER_USER = 20;

export class Crowd {
  readonly dialect: Dialect;
  readonly room: string;
  readonly sockets: WebSocket[] = [];
  /** Close codes of sockets that went before the crowd was dismissed. */
  readonly closed: number[] = [];
  #listener: (frame: Buffer, socket: number, readUs: number) => void = () => {};
  #dismissed = false;

  private constructor(dialect: Dialect, room: string) {
    this.dialect = dialect;
    this.room = room;
  }

  /** Resolves once every socket has joined the room. */
  static async gather(target: Target, room: string, count: number): Promise<Crowd> {
    const crowd = new Crowd(dialects[target.dialect], room);
    await inGroups(count, OPENING_AT_ONCE, (index) => crowd.#open(target, index));
    return crowd;
  }

  listen(listener: (frame: Buffer, socket: number, readUs: number) => void): void {
    this.#listener = listener;
  }

  /** Message n is sent by socket n modulo the number of sockets, stamped with the time at which it really left. */
  publish(number: number): void {
    const text = stampedText({ number, sentUs: nowUs() });
    this.sockets[number % this.sockets.length]?.send(this.dialect.publish({ room: this.room, number, text }));
  }

  async dismiss(): Promise<void> {
    this.#dismissed = true;
    const gone = Promise.all(
      this.sockets.map((socket) => new Promise<void>((resolve) => socket.once("close", () => resolve()))),
    );
    for (const socket of this.sockets) socket.close(1000);
    await Promise.race([gone, delay(CLOSE_WITHIN_MS)]);
    for (const socket of this.sockets) socket.terminate();
  }

  async #open(target: Target, index: number): Promise<void> {
    // Users take turns again where there are more sockets.
    const token = target.tokens[Math.floor(index / SOCKETS_PER_USER) % target.tokens.length] ?? "";
    const url = target.base.replace("http", "ws") + this.dialect.socketPath(this.room);
    const socket = newSocket(url, this.dialect.protocols(token));
    this.sockets[index] = socket;
    socket.on("close", (code) => {
      if (!this.#dismissed) this.closed.push(code);
    });
    await withinLimit(this.#join(socket, index), OPEN_WITHIN_MS, `socket ${index} of ${url} did not join`);
  }

  #join(socket: WebSocket, index: number): Promise<void> {
    const { opening, isReady, answer } = this.dialect;
    return new Promise((resolve, reject) => {
      socket.on("error", reject);
      socket.on("close", (code, reason) => reject(new Error(`closed ${code} ${reason.toString()} while joining`)));
      let joined = false;
      socket.on("open", () => {
        for (const frame of opening(this.room)) socket.send(frame);
        joined = isReady === null;
        if (joined) resolve();
      });
      socket.on("message", (data) => {
        const frame = bytes(data);
        const reply = answer?.(frame);
        if (reply !== undefined) socket.send(reply);
        if (joined) return this.#listener(frame, index, nowUs());
        joined = isReady?.(frame) ?? false;
        if (joined) resolve();
      });
    });
  }
}
