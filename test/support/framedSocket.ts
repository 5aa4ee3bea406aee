/** A client's end of a WebSocket: what it was sent, in order, batches taken apart, and whether it was closed. */
import type { ServerFrame } from "../../src/protocol/serverFrames.ts";

// Patience is measured by the real clock: a test may have stopped the other one.
const { setTimeout: inRealTime, clearTimeout: cancelInRealTime } = globalThis;

export class FramedSocket<Frame extends ServerFrame> {
  readonly frames: Frame[] = [];
  /** The longest text that arrived at once. */
  longestText = 0;
  closed: { readonly code: number; readonly reason: string } | null = null;
  readonly #socket: WebSocket;
  #wake: (() => void)[] = [];

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      this.longestText = Math.max(this.longestText, String(data).length);
      const parsed: Frame | Frame[] = JSON.parse(String(data));
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

  /** The answer to the frame with this `ref`. */
  async answer(ref: string): Promise<Frame> {
    const found = (): Frame | undefined => this.frames.find((frame) => "ref" in frame && frame.ref === ref);
    await this.until(() => found() !== undefined);
    const answer = found();
    if (answer === undefined) throw new Error("unreachable");
    return answer;
  }

  /** Waits until what has arrived satisfies the condition. Fails after `timeoutMs`, with what did arrive. */
  async until(condition: (socket: this) => boolean, timeoutMs = 30_000): Promise<void> {
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

  #notify(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}
