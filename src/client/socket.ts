/** The WebSocket of many rooms, opened once. When to come back is the connection's to say (docs/decisions/0049). */
import { BEARER_SUBPROTOCOL_PREFIX, SUBPROTOCOL } from "../protocol/version.ts";
import type { ErrorFrame, ClosingFrame } from "../protocol/serverFrames.ts";
import type { Addressed, Link, LinkEvents, Wish } from "./link.ts";

export interface SocketOptions {
  /** http(s), without a trailing slash. */
  readonly url: string;
  readonly token: string;
  readonly WebSocket: typeof WebSocket;
}

const openMs = 10_000;
const pingMs = 25_000;
/** Woken up, a device wants to know at once. */
const checkMs = 5_000;
/** The Close frame follows `closing` at once, unless the network went meanwhile. */
const farewellMs = 1_000;

export class Socket implements Link {
  readonly transport = "websocket";
  readonly #socket: WebSocket;
  readonly #events: LinkEvents;
  #opened = false;
  #over = false;
  /** A ping was sent and nothing has been heard since. */
  #isAsked = false;
  #pinging: ReturnType<typeof setInterval> | undefined;
  #waiting: ReturnType<typeof setTimeout> | undefined;
  #closing: ClosingFrame | undefined;
  #error: ErrorFrame | undefined;

  constructor({ url, token, WebSocket }: SocketOptions, events: LinkEvents) {
    this.#events = events;
    const protocols = [SUBPROTOCOL, BEARER_SUBPROTOCOL_PREFIX + token];
    const socket = new WebSocket(`${url.replace(/^http/, "ws")}/v1/socket`, protocols);
    this.#socket = socket;
    this.#waiting = setTimeout(() => this.#end(1006), openMs);
    socket.addEventListener("open", () => this.#open());
    socket.addEventListener("message", ({ data }) => this.#receive(String(data)));
    socket.addEventListener("close", ({ code, reason }) => this.#end(code, reason));
    // A close comes after it, or at the latest the end of our patience: without a listener Node would end the process.
    socket.addEventListener("error", () => undefined);
  }

  join(room: string, wish: () => Wish, ref: string): void {
    const { cursor, backlog, presence } = wish();
    this.send({ type: "join", ref, room, ...(cursor === null ? {} : { cursor }), backlog, presence });
  }

  leave(room: string, ref: string): void {
    this.send({ type: "leave", ref, room });
  }

  send(frame: object): boolean {
    if (this.#socket.readyState !== 1) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  renew(token: string, ref: string): void {
    this.send({ type: "token", ref, token });
  }

  check(): void {
    if (!this.#opened || this.#waiting !== undefined) return;
    this.#ping();
    this.#waiting = setTimeout(() => {
      this.#waiting = undefined;
      if (this.#isAsked) this.#end(1006);
    }, checkMs);
  }

  close(): void {
    this.#over = true;
    clearInterval(this.#pinging);
    clearTimeout(this.#waiting);
    this.#socket.close(1000);
  }

  #open(): void {
    if (this.#over) return;
    this.#opened = true;
    clearTimeout(this.#waiting);
    this.#waiting = undefined;
    // A socket that never sent anything is torn down late when the server closes it.
    this.#ping();
    this.#pinging = setInterval(() => (this.#isAsked ? this.#end(1006) : this.#ping()), pingMs);
    this.#events.onOpen();
  }

  #ping(): void {
    this.#isAsked = true;
    this.send({ type: "ping" });
  }

  #receive(text: string): void {
    this.#isAsked = false;
    try {
      for (const frame of [JSON.parse(text) as Addressed | Addressed[]].flat()) {
        if (this.#over) return;
        this.#note(frame);
        if (frame.type !== "pong") this.#events.onFrame(frame);
      }
    } catch {
      // No frame of ours. Thrown here it would end a program of Node's.
      this.#end(1006);
    }
  }

  #note(frame: Addressed): void {
    if (frame.type !== "closing" || frame.room !== undefined) {
      // Right before the farewell it says why.
      this.#error = frame.type === "error" && frame.room === undefined ? frame : undefined;
      return;
    }
    this.#closing = frame;
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(() => this.#end(frame.code), farewellMs);
  }

  #end(code: number, reason?: string): void {
    if (this.#over) return;
    this.close();
    this.#events.onEnd({ code, reason, closing: this.#closing, error: this.#error, opened: this.#opened });
  }
}
