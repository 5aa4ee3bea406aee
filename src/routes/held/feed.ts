/** What a room sends on a socket that the Worker holds. The room sleeps meanwhile; the Worker does not. */
import { typeOf } from "./line.ts";

export interface FeedEvents {
  /** Frames that came together, in their order. */
  readonly onLines: (lines: readonly string[]) => void;
  /** The room has closed it, or is gone. Not after `close`. */
  readonly onEnd: () => void;
  /** Nobody holds an end of it any more, or the room does not answer. */
  readonly onClosed?: () => void;
}

/** How long a close may take that a room does not answer. */
const closingMs = 2_000;

/** Ends a room's socket that is not wanted any more. */
export function dismiss(socket: WebSocket): void {
  socket.accept();
  socket.close(1000);
}

export class Feed {
  readonly #socket: WebSocket;
  readonly #onClosed: () => void;
  #open = true;

  constructor(socket: WebSocket, { onLines, onEnd, onClosed = () => undefined }: FeedEvents) {
    this.#socket = socket;
    this.#onClosed = onClosed;
    socket.addEventListener("message", ({ data }) => {
      if (!this.#open) return;
      const lines = String(data)
        .split("\n")
        .filter((line) => typeOf(line) !== "pong");
      if (lines.length > 0) onLines(lines);
    });
    const end = (): void => {
      if (this.#open) {
        this.close();
        onEnd();
      }
      onClosed();
    };
    socket.addEventListener("close", end);
    socket.addEventListener("error", end);
    socket.accept();
    // A room's socket that never sent a text frame is torn down late when the room closes it.
    this.ping();
  }

  /** Answered by the platform without waking the room. Without it the room would take the reader for gone. */
  ping(): void {
    this.send('{"type":"ping"}');
  }

  send(text: string): void {
    if (this.#open) this.#socket.send(text);
  }

  /** Nothing of what is still on its way arrives any more. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    setTimeout(this.#onClosed, closingMs);
    try {
      this.#socket.close(1000);
    } catch {
      // The other end was faster.
    }
  }
}
