/** A client's end of a room's WebSocket: what it was sent, in order, batches taken apart. */
import { exports } from "cloudflare:workers";
import type { ServerFrame, WelcomeFrame } from "../../src/protocol/serverFrames.ts";

export interface SocketOptions {
  readonly token: string;
  readonly cursor?: string | undefined;
  readonly backlog?: number;
  /** None unless a test is about it. */
  readonly presence?: "full" | "count" | "none";
  readonly headers?: Readonly<Record<string, string>>;
}

type FrameOf<Type> = Extract<ServerFrame, { type: Type }>;

export class TestSocket {
  readonly frames: ServerFrame[] = [];
  /** The longest text that arrived at once. */
  longestText = 0;
  closed: { readonly code: number; readonly reason: string } | null = null;
  readonly #socket: WebSocket;
  #wake: (() => void)[] = [];

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      this.longestText = Math.max(this.longestText, String(data).length);
      const parsed: ServerFrame | ServerFrame[] = JSON.parse(String(data));
      this.frames.push(...(Array.isArray(parsed) ? parsed : [parsed]));
      this.#notify();
    });
    socket.addEventListener("close", ({ code, reason }) => {
      this.closed = { code, reason };
      this.#notify();
    });
    socket.accept();
  }

  send(...frames: unknown[]): void {
    for (const frame of frames)
      this.#socket.send(typeof frame === "string" || frame instanceof ArrayBuffer ? frame : JSON.stringify(frame));
  }

  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason);
  }

  of<Type extends ServerFrame["type"]>(type: Type): FrameOf<Type>[] {
    return this.frames.filter((frame): frame is FrameOf<Type> => frame.type === type);
  }

  get welcome(): WelcomeFrame {
    const [welcome] = this.of("welcome");
    if (welcome === undefined) throw new Error("no welcome yet");
    return welcome;
  }

  /** Waits until what has arrived satisfies the condition. Fails after `timeoutMs`, with what did arrive. */
  async until(condition: (socket: this) => boolean, timeoutMs = 5_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!condition(this)) {
      const left = deadline - Date.now();
      if (left <= 0)
        throw new Error(
          `waited in vain; closed: ${JSON.stringify(this.closed)}; the last frames: ${JSON.stringify(this.frames.slice(-5)).slice(0, 2_000)}`,
        );
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** The answer to the frame with this `ref`. */
  async answer(ref: string): Promise<ServerFrame> {
    const found = (): ServerFrame | undefined => this.frames.find((frame) => "ref" in frame && frame.ref === ref);
    await this.until(() => found() !== undefined);
    const answer = found();
    if (answer === undefined) throw new Error("unreachable");
    return answer;
  }

  #notify(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}

export async function upgrade(
  room: string,
  { token, cursor, backlog, presence = "none", headers }: SocketOptions,
): Promise<Response> {
  const query = new URLSearchParams({
    presence,
    ...(cursor === undefined ? {} : { cursor }),
    ...(backlog === undefined ? {} : { backlog: String(backlog) }),
  });
  return exports.default.fetch(`http://parley.test/v1/rooms/${room}/socket?${query}`, {
    headers: { Upgrade: "websocket", "Sec-WebSocket-Protocol": `parley.v1, bearer.${token}`, ...headers },
  });
}

/** Opens a socket and waits until it has caught up: `welcome`, and the frames that bring it to head. */
export async function connect(room: string, options: SocketOptions): Promise<TestSocket> {
  const response = await upgrade(room, options);
  if (response.webSocket === null) throw new Error(`not upgraded: ${response.status} ${await response.text()}`);
  const socket = new TestSocket(response.webSocket);
  await socket.until(({ frames, closed }) => closed !== null || (frames.length > 0 && caughtUp(socket)));
  return socket;
}

function caughtUp(socket: TestSocket): boolean {
  const [welcome] = socket.of("welcome");
  if (welcome === undefined) return false;
  const to = socket.of("changes").at(-1)?.to;
  if (welcome.resumed && to === undefined) return true;
  return to !== undefined && to >= welcome.head;
}
