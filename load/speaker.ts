/** A socket of a room that publishes and counts what becomes of it. */
import { once } from "node:events";
import type { WebSocket } from "ws";
import { bytes, newSocket } from "../bench/socket.ts";

interface Told {
  readonly type: string;
  readonly text?: string | null;
  readonly changes?: readonly { readonly message?: { readonly text?: string | null } }[];
}

export class Speaker {
  acked = 0;
  refused = 0;
  /** Milliseconds from publishing to hearing, of messages of one's own room that say when they were published. */
  readonly heardMs: number[] = [];
  closedWith: number | null = null;
  readonly #socket: WebSocket;
  readonly #words: string;
  #sent = 0;

  private constructor(socket: WebSocket, words: string) {
    this.#socket = socket;
    this.#words = words;
    socket.on("message", (data) => {
      const said: Told | Told[] = JSON.parse(bytes(data).toString());
      for (const frame of Array.isArray(said) ? said : [said]) this.#hear(frame);
    });
    socket.on("close", (code) => (this.closedWith = code));
    socket.on("error", () => undefined);
  }

  /** `words` are said behind the time. */
  static async enter(url: string, token: string, words = ""): Promise<Speaker> {
    const socket = newSocket(url, ["parley.v1", `bearer.${token}`]);
    const speaker = new Speaker(socket, words);
    await once(socket, "open", { signal: AbortSignal.timeout(15_000) });
    socket.send('{"type":"ping"}');
    return speaker;
  }

  /** The text is the time, by which whoever hears it knows how long it took. */
  publish(count = 1): void {
    const frame = (): object => {
      const ref = `${++this.#sent}`;
      return {
        type: "publish",
        ref,
        nonce: `${process.pid}-${Math.random().toString(36).slice(2)}-${ref}`,
        text: `${performance.now()}${this.#words}`,
      };
    };
    this.#socket.send(JSON.stringify(count === 1 ? frame() : Array.from({ length: count }, frame)));
  }

  leave(): void {
    this.#socket.terminate();
  }

  #hear({ type, changes = [] }: Told): void {
    if (type === "ack") this.acked += 1;
    if (type === "error") this.refused += 1;
    for (const { message } of changes)
      if (message?.text) this.heardMs.push(performance.now() - Number.parseFloat(message.text));
  }
}

/** Publishes in a steady pace, not in the same instant as the others. Returns how to stop it. */
export function steadily(speaker: Speaker, { everyMs, afterMs }: { everyMs: number; afterMs: number }): () => void {
  let timer = setTimeout(() => {
    timer = setInterval(() => speaker.publish(), everyMs);
  }, afterMs);
  return () => clearInterval(timer);
}
