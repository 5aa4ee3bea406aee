/** A response of Server-Sent Events (HTML Living Standard, 9.2), with a bound on what waits for a reader that does not read. */
import { type Ended, endedBy, type Traffic } from "../../objects/journal.ts";
import { fixedLimits } from "../../protocol/limits.ts";

export interface ServerSentEvent {
  /** Neither it nor the id can hold a line break: both are ours. */
  readonly name: string;
  /** One line of JSON. */
  readonly data: string;
  /** Where the reader stands after it. Kept by browsers and sent back as `Last-Event-ID`. */
  readonly id?: string | undefined;
}

export interface EventStreamOptions {
  readonly retryMs: number;
  readonly onGone: (why: "left" | "slow") => void;
  readonly traffic: Traffic;
  readonly onDrained: () => void;
}

const headers = {
  "Content-Type": "text/event-stream; charset=utf-8",
  "Cache-Control": "no-store, no-transform",
  // nginx would gather the events in its buffer.
  "X-Accel-Buffering": "no",
};

const drainedBytes = 65_536;

const encoder = new TextEncoder();

export class EventStream {
  readonly response: Response;
  readonly #onGone: EventStreamOptions["onGone"];
  readonly #traffic: Traffic;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  #sentBytes = 0;
  #takenBytes = 0;
  #takenAtMs = Date.now();

  /**
   * `onGone`: the reader went, or does not read. Called once, and not after `end`.
   * `onDrained`: the reader has taken nearly all that was sent.
   */
  constructor({ retryMs, traffic, onGone, onDrained }: EventStreamOptions) {
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: (controller) => {
          if (waitingIn(controller) <= drainedBytes) onDrained();
        },
        cancel: () => {
          if (this.#controller === null) return;
          this.#controller = null;
          onGone("left");
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: fixedLimits.streamBufferBytesMax }),
    );
    this.#onGone = onGone;
    this.#traffic = traffic;
    this.response = new Response(body, { headers });
    this.#write(`retry: ${retryMs}\n\n`);
  }

  send(events: readonly ServerSentEvent[]): void {
    this.#write(
      events
        .map(({ name, data, id }) => `${id === undefined ? "" : `id: ${id}\n`}event: ${name}\ndata: ${data}\n\n`)
        .join(""),
      events.length,
    );
  }

  /** A comment, without which a reader that vanished is never noticed. */
  beat(): void {
    this.#write(": hb\n\n");
  }

  end(): void {
    const controller = this.#controller;
    this.#controller = null;
    controller?.close();
  }

  #write(text: string, events = 0): void {
    const controller = this.#controller;
    if (controller === null) return;
    this.#traffic.say(text.length, events);
    const bytes = encoder.encode(text);
    controller.enqueue(bytes);
    const waiting = waitingIn(controller);
    this.#sentBytes += bytes.byteLength;
    if (this.#sentBytes - waiting > this.#takenBytes) {
      this.#takenBytes = this.#sentBytes - waiting;
      this.#takenAtMs = Date.now();
    }
    const patient = Date.now() - this.#takenAtMs < fixedLimits.streamPatienceMs;
    if (waiting <= (patient ? fixedLimits.streamBufferBytesMax : fixedLimits.streamBufferBytes)) return;
    // What waits is lost with the response, and the reader comes back to where it stands.
    this.#controller = null;
    controller.error(new DOMException("The reader does not read.", "AbortError"));
    this.#onGone("slow");
  }
}

/** Bytes that were sent and not taken. */
function waitingIn({ desiredSize }: ReadableStreamDefaultController<Uint8Array>): number {
  return fixedLimits.streamBufferBytesMax - (desiredSize ?? 0);
}

/** Why its reader has gone, for the log. */
export function goneBy(why: "left" | "slow"): Ended {
  return why === "slow" ? endedBy("slow_consumer") : { by: "client", close: 1001 };
}
