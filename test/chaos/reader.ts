/** An ordinary client of a real server: a WebSocket, the reader's copy of the room, and the answers by `ref`. */
import { WebSocket } from "ws";
import type { AckFrame, ErrorFrame, ServerFrame } from "../../src/protocol/serverFrames.ts";
import { Copy } from "./copy.ts";
import type { LiveTenant } from "./tenant.ts";

const openMs = 20_000;

export interface ReaderOptions {
  readonly tenant: LiveTenant;
  readonly room: string;
  readonly token: string;
  /** What it holds from an earlier connection, perhaps another client's. */
  readonly copy?: Copy;
}

export class Reader {
  readonly copy: Copy;
  readonly acks = new Map<string, AckFrame>();
  readonly errors: ErrorFrame[] = [];
  readonly room: string;
  closedWith: number | null = null;
  onAck: (ack: AckFrame, ref: string) => void = () => undefined;
  readonly #options: ReaderOptions;
  readonly #received = new Map<ServerFrame["type"], number>();
  #socket: WebSocket | undefined;
  #wake: (() => void)[] = [];

  constructor(options: ReaderOptions) {
    this.room = options.room;
    this.copy = options.copy ?? new Copy();
    this.#options = options;
  }

  /** Opens the socket, with the cursor where it has one, and waits until the copy has caught up. */
  async open(): Promise<void> {
    const welcomes = this.received("welcome");
    this.#connect();
    const caughtUp = (): boolean => this.received("welcome") > welcomes && this.copy.seq >= this.copy.head;
    await this.until(() => this.closedWith !== null || caughtUp(), openMs);
    if (this.closedWith !== null) throw new Error(`${this.room}: the socket closed with ${this.closedWith}`);
  }

  /** How many frames of this type have come. */
  received(type: ServerFrame["type"]): number {
    return this.#received.get(type) ?? 0;
  }

  send(frame: unknown): void {
    this.#socket?.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  /** Ends the connection at once, as a cut network does. */
  cut(): void {
    this.#socket?.terminate();
  }

  close(): void {
    this.#socket?.close();
  }

  /** Waits until it holds. Fails after `withinMs`, saying where the reader stands. */
  async until(condition: () => boolean, withinMs = 10_000): Promise<void> {
    const deadlineMs = Date.now() + withinMs;
    while (!condition()) {
      const leftMs = deadlineMs - Date.now();
      if (leftMs <= 0) throw new Error(`waited ${withinMs} ms in vain: ${this.#standing()}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  #connect(): void {
    const { tenant, room, token } = this.#options;
    const query = this.copy.cursor === null ? "" : `?cursor=${this.copy.cursor}`;
    const address = `${tenant.url.replace("http", "ws")}/v1/rooms/${room}/socket${query}`;
    const socket = new WebSocket(address, ["parley.v1", `bearer.${token}`], { perMessageDeflate: false });
    this.#socket = socket;
    this.closedWith = null;
    socket.addEventListener("message", ({ data }) => {
      if (typeof data === "string") this.#receive(data);
    });
    // A refused or broken connection closes too, and that is what is looked at.
    socket.addEventListener("error", () => undefined);
    socket.addEventListener("close", ({ code }) => {
      if (this.#socket === socket) this.closedWith = code;
      this.#notify();
    });
  }

  #receive(text: string): void {
    const parsed: ServerFrame | ServerFrame[] = JSON.parse(text);
    for (const frame of Array.isArray(parsed) ? parsed : [parsed]) {
      this.copy.take(frame);
      for (const id of this.copy.takeTorn()) this.send({ type: "snapshot", id });
      this.#received.set(frame.type, this.received(frame.type) + 1);
      if (frame.type === "error") this.errors.push(frame);
      if (frame.type !== "ack" || frame.ref === undefined) continue;
      this.acks.set(frame.ref, frame);
      this.onAck(frame, frame.ref);
    }
    this.#notify();
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  #standing(): string {
    const { copy, room, closedWith, acks, errors } = this;
    return JSON.stringify({ room, seq: copy.seq, head: copy.head, closedWith, acks: acks.size, error: errors.at(-1) });
  }
}
