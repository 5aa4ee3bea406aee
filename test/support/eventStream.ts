/** A client of Server-Sent Events for tests, which can break its connection at once and stop reading. */
import { request, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { createParser } from "eventsource-parser";

const openMs = 20_000;

export interface StreamedEvent {
  /** "message" where the stream names none. */
  readonly type: string;
  /** The id line of this very event, not of an earlier one. */
  readonly id: string | undefined;
  readonly data: string;
}

export interface EventStreamOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as `Last-Event-ID`, unless it is empty: a browser sends none then. */
  readonly lastEventId?: string | undefined;
}

/** How it ended: with a whole answer or TCP's FIN, with a RST, or by `cut` or `close`. */
export type StreamEnding = "end" | "reset" | "us";

export type OpenedStream =
  | { ok: true; stream: EventStream }
  | { ok: false; status: number; headers: IncomingHttpHeaders; body: string };

/**
 * What a browser would not read as a stream, another status than 200 or another type, is a value. Rejects when there is no
 * answer within 20 s, or the connection breaks before it.
 */
export function openEventStream(
  url: string | URL,
  { headers = {}, lastEventId }: EventStreamOptions = {},
): Promise<OpenedStream> {
  const opened = Promise.withResolvers<OpenedStream>();
  const asked = request(String(url), {
    agent: false,
    headers: {
      Accept: "text/event-stream",
      "Cache-Control": "no-cache",
      ...(lastEventId !== undefined && lastEventId !== "" && { "Last-Event-ID": lastEventId }),
      ...headers,
    },
  });
  const timer = setTimeout(() => asked.destroy(new Error(`no answer within ${openMs} ms`)), openMs);
  asked.on("response", (response) => {
    const isStream = /^text\/event-stream\s*(;|$)/i.test(response.headers["content-type"] ?? "");
    if (response.statusCode === 200 && isStream)
      opened.resolve({ ok: true, stream: new EventStream(response, lastEventId) });
    else opened.resolve(refusalOf(response));
  });
  // After the answer it is the stream that tells.
  asked.on("error", opened.reject);
  asked.end();
  return opened.promise.finally(() => clearTimeout(timer));
}

async function refusalOf(response: IncomingMessage): Promise<OpenedStream> {
  response.setEncoding("utf8");
  const body = (await response.toArray()).join("");
  return { ok: false, status: response.statusCode ?? 0, headers: response.headers, body };
}

/**
 * What arrives is shown one by one, and whoever waits for an event goes on before the next one is shown, also when both came
 * in one packet. So a test can cut it after any of them: what came later was never there.
 */
export class EventStream {
  readonly headers: IncomingHttpHeaders;
  /** All that were shown. */
  readonly events: StreamedEvent[] = [];
  /** What is no event stream in it: unknown fields, a `retry` that is no number. */
  readonly faults: string[] = [];
  /** What it told last, or null. */
  retryMs: number | null = null;
  comments = 0;
  /** As a browser keeps it: the last id that came, or what it was opened with. */
  lastEventId: string | undefined;
  ending: StreamEnding | null = null;
  /** Settles once, after the last event was shown; never rejects. Not before `resume()` while it is paused. */
  readonly ended: Promise<StreamEnding>;
  /** Told of each event in the instant in which it is shown. */
  onEvent: (event: StreamedEvent) => void = () => undefined;
  onComment: () => void = () => undefined;
  readonly #response: IncomingMessage;
  readonly #socket: Socket;
  readonly #settle: (ending: StreamEnding) => void;
  /** What has arrived and is not shown. */
  #arrived: (() => void)[] = [];
  #isShowing = false;
  #isPaused = false;
  /** How many events `next()` has handed out. */
  #handed = 0;
  #waiters: (() => void)[] = [];

  constructor(response: IncomingMessage, lastEventId: string | undefined) {
    this.headers = response.headers;
    this.lastEventId = lastEventId;
    this.#response = response;
    this.#socket = response.socket;
    const { promise, resolve } = Promise.withResolvers<StreamEnding>();
    this.ended = promise;
    this.#settle = resolve;
    this.#read();
    this.#watchEnd();
  }

  /** The first event that was not handed out before. Rejects when none comes in time or the stream has ended. */
  async next(withinMs = 5_000): Promise<StreamedEvent> {
    await this.until(() => this.#handed < this.events.length, withinMs);
    const event = this.events[this.#handed++];
    if (event === undefined) throw new Error("two waited for the same event");
    return event;
  }

  /** Looks again after each event, id, comment and `retry`. Rejects when it does not hold in time or the stream has ended. */
  async until(condition: () => boolean, withinMs = 10_000): Promise<void> {
    const deadlineMs = Date.now() + withinMs;
    while (!condition()) {
      const leftMs = deadlineMs - Date.now();
      if (this.ending !== null) throw new Error(`the stream has ended: ${this.#standing()}`);
      if (leftMs <= 0) throw new Error(`waited ${withinMs} ms in vain: ${this.#standing()}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, leftMs);
      this.#waiters.push(resolve);
      await promise.finally(() => clearTimeout(timer));
    }
  }

  /** Sends TCP's RST now, as a crashed client or a cut network does. */
  cut(): void {
    this.#finish("us");
    this.#socket.resetAndDestroy();
  }

  /** Sends TCP's FIN and reads no more, as a browser does. */
  close(): void {
    this.#finish("us");
    this.#socket.destroySoon();
  }

  /** Shows nothing more and lets the kernel's buffers fill, as a slow reader does. */
  pause(): void {
    this.#isPaused = true;
    this.#response.pause();
    this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#response.resume();
    this.#socket.resume();
    this.#show();
  }

  #read(): void {
    const decoder = new TextDecoder();
    const parser = createParser({
      onId: (id) => this.#arrive(() => (this.lastEventId = id)),
      onEvent: ({ event: type = "message", id, data }) => {
        // The id came just before: both are shown in the same instant, or a cut between them would lose the event.
        if (id !== undefined) this.#arrived.pop();
        this.#arrive(() => this.#take({ type, id, data }));
      },
      onRetry: (retryMs) => this.#arrive(() => (this.retryMs = retryMs)),
      onComment: () =>
        this.#arrive(() => {
          this.comments += 1;
          this.onComment();
        }),
      onError: ({ message }) => this.#arrive(() => this.faults.push(message)),
    });
    this.#response.on("data", (bytes) => parser.feed(decoder.decode(bytes, { stream: true })));
  }

  #watchEnd(): void {
    let ending: StreamEnding = "end";
    this.#socket.on("error", () => (ending = "reset"));
    // That the answer is not whole: what counts is what TCP said.
    this.#response.on("error", () => undefined);
    this.#response.once("close", () => {
      this.#socket.destroy();
      this.#arrive(() => this.#finish(ending));
    });
  }

  #arrive(show: () => void): void {
    if (this.ending !== null) return;
    this.#arrived.push(show);
    this.#show();
  }

  /** Shows the next one, and those after it each in a turn of its own. */
  #show(): void {
    if (this.#isShowing || this.#isPaused || this.#arrived.length === 0) return;
    this.#isShowing = true;
    setImmediate(() => {
      this.#isShowing = false;
      if (this.#isPaused) return;
      this.#arrived.shift()?.();
      this.#notify();
      this.#show();
    });
  }

  #take(event: StreamedEvent): void {
    this.events.push(event);
    this.lastEventId = event.id ?? this.lastEventId;
    this.onEvent(event);
  }

  #finish(ending: StreamEnding): void {
    if (this.ending !== null) return;
    this.ending = ending;
    this.#arrived = [];
    this.#settle(ending);
    this.#notify();
  }

  #notify(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }

  #standing(): string {
    const { events, ending, lastEventId, comments } = this;
    return JSON.stringify({ events: events.length, last: events.at(-1)?.type, ending, lastEventId, comments });
  }
}
