/** A client's end of the WebSocket of many rooms: what it was sent, in order, batches taken apart. */
import { exports } from "cloudflare:workers";
import { parseCursor } from "../../src/protocol/cursor.ts";
import type { ServerFrame, WelcomeFrame } from "../../src/protocol/serverFrames.ts";

/** On this connection a room's frame names the room; one of the connection itself names none. */
export type AddressedFrame = ServerFrame & { readonly room?: string };
type FrameOf<Type> = Extract<ServerFrame, { type: Type }> & { readonly room?: string };

interface JoinOptions {
  readonly cursor?: string | undefined;
  readonly backlog?: number;
  /** None unless a test is about it. */
  readonly presence?: "full" | "count" | "none";
}

/** Joins wait for each other. */
const joinMs = 20_000;

// Patience is measured by the real clock: a test may have stopped the other one.
const { setTimeout: inRealTime, clearTimeout: cancelInRealTime } = globalThis;

export class ManySocket {
  readonly frames: AddressedFrame[] = [];
  closed: { readonly code: number; readonly reason: string } | null = null;
  readonly #socket: WebSocket;
  #joins = 0;
  #wake: (() => void)[] = [];

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const parsed: AddressedFrame | AddressedFrame[] = JSON.parse(String(data));
      this.frames.push(...(Array.isArray(parsed) ? parsed : [parsed]));
      this.#notify();
    });
    socket.addEventListener("close", ({ code, reason }) => {
      this.closed = { code, reason };
      this.#notify();
    });
    socket.accept();
  }

  /** Each by itself; an array is a batch, a text goes as it is. */
  send(...frames: unknown[]): void {
    for (const frame of frames)
      this.#socket.send(typeof frame === "string" || frame instanceof ArrayBuffer ? frame : JSON.stringify(frame));
  }

  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason);
  }

  /** Those of a room, or with null those of the connection itself. */
  of<Type extends ServerFrame["type"]>(room: string | null, type: Type): FrameOf<Type>[] {
    return this.in(room).filter((frame): frame is FrameOf<Type> => frame.type === type);
  }

  in(room: string | null, from = 0): AddressedFrame[] {
    return this.frames.slice(from).filter((frame) => (frame.room ?? null) === room);
  }

  /** The newest one of the room. */
  welcome(room: string): WelcomeFrame {
    const welcome = this.of(room, "welcome").at(-1);
    if (welcome === undefined) throw new Error(`no welcome of ${room} yet`);
    return welcome;
  }

  /** Joins, and waits until the room has brought it to its head. A refusal throws. */
  async join(room: string, { presence = "none", ...options }: JoinOptions = {}): Promise<WelcomeFrame> {
    const ref = `join-${++this.#joins}`;
    this.send({ type: "join", ref, room, presence, ...options });
    const answer = await this.answer(ref, joinMs);
    if (answer.type !== "ack") throw new Error(JSON.stringify(answer));
    const from = this.frames.indexOf(answer);
    await this.until(() => isCaughtUp(this.in(room, from), options.cursor), joinMs);
    return this.welcome(room);
  }

  async leave(room: string): Promise<void> {
    const ref = `leave-${++this.#joins}`;
    this.send({ type: "leave", ref, room });
    const answer = await this.answer(ref);
    if (answer.type !== "ack") throw new Error(JSON.stringify(answer));
  }

  /** The answer to the frame with this `ref`. */
  async answer(ref: string, timeoutMs?: number): Promise<AddressedFrame> {
    const found = (): AddressedFrame | undefined => this.frames.find((frame) => "ref" in frame && frame.ref === ref);
    await this.until(() => found() !== undefined, timeoutMs);
    const answer = found();
    if (answer === undefined) throw new Error("unreachable");
    return answer;
  }

  /** Waits until what has arrived satisfies the condition. Fails after `timeoutMs`, with what did arrive. */
  async until(condition: (socket: this) => boolean, timeoutMs = 5_000): Promise<void> {
    let late = false;
    const timer = inRealTime(() => {
      late = true;
      this.#notify();
    }, timeoutMs);
    while (!condition(this)) {
      if (late)
        throw new Error(
          `waited in vain; closed: ${JSON.stringify(this.closed)}; the last frames: ${JSON.stringify(this.frames.slice(-5)).slice(0, 2_000)}`,
        );
      await new Promise<void>((resolve) => void this.#wake.push(resolve));
    }
    cancelInRealTime(timer);
  }

  /** Waits for the other side's farewell. */
  async untilClosed(timeoutMs = 5_000): Promise<void> {
    await this.until(({ closed }) => closed !== null, timeoutMs);
  }

  #notify(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}

export async function upgradeMany(token: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return exports.default.fetch("http://parley.test/v1/socket", {
    headers: { Upgrade: "websocket", "Sec-WebSocket-Protocol": `parley.v1, bearer.${token}`, ...headers },
  });
}

/** Opens a connection and joins these rooms. */
export async function connectMany(token: string, rooms: readonly string[] = []): Promise<ManySocket> {
  const response = await upgradeMany(token);
  if (response.webSocket === null) throw new Error(`not upgraded: ${response.status} ${await response.text()}`);
  const socket = new ManySocket(response.webSocket);
  await Promise.all(rooms.map((room) => socket.join(room)));
  return socket;
}

/** Whether all that follows in these frames of one room is live. */
function isCaughtUp(frames: readonly AddressedFrame[], cursor: string | undefined): boolean {
  const welcome = frames.find((frame) => frame.type === "welcome");
  if (welcome?.type !== "welcome") return false;
  const to = frames.findLast((frame) => frame.type === "changes")?.to;
  const stands = to ?? (welcome.resumed ? parseCursor(cursor ?? "")?.seq : undefined);
  return stands !== undefined && stands >= welcome.head;
}
