/** Server-Sent Events of many rooms, read by fetch: for where no WebSocket gets through. What is said goes over HTTP then. */
import { createParser } from "eventsource-parser";
import type { ParleyError } from "./error.ts";
import { problemOf } from "./http.ts";
import type { ErrorFrame } from "../protocol/serverFrames.ts";
import type { Addressed, Link, LinkEvents, Wish } from "./link.ts";

export interface EventLinkOptions {
  readonly url: string;
  readonly token: string;
  readonly fetch: typeof fetch;
}

/** A room that does not let one in: an event `error` would be the browser's own. */
type Refused = Omit<ErrorFrame, "type"> & { readonly type: "refused"; readonly room: string };

/** A comment comes every 15 s. */
const silentMs = 40_000;
const checkEveryMs = 5_000;
/** Rooms that are joined together are asked for together. */
const gatherMs = 20;
export const roomsMax = 20;

export class EventLink implements Link {
  readonly transport = "sse";
  readonly #options: EventLinkOptions;
  readonly #events: LinkEvents;
  readonly #wishes = new Map<string, () => Wish>();
  /** Of what a refusal answers: the stream does not say it. */
  readonly #refs = new Map<string, string>();
  #token: string;
  #reading = new AbortController();
  #gathering: ReturnType<typeof setTimeout> | undefined;
  readonly #watching: ReturnType<typeof setInterval>;
  #heardAtMs = Infinity;
  #over = false;

  constructor(options: EventLinkOptions, events: LinkEvents) {
    this.#options = options;
    this.#events = events;
    this.#token = options.token;
    this.#watching = setInterval(() => this.#watch(), checkEveryMs);
    // There is nothing to open before a room is wanted.
    this.#gathering = setTimeout(() => {
      this.#gathering = undefined;
      events.onOpen();
    });
  }

  join(room: string, wish: () => Wish, ref: string): void {
    if (!this.#wishes.has(room) && this.#wishes.size >= roomsMax) {
      const message = `At most ${roomsMax} rooms where there is no WebSocket.`;
      const refused = { type: "error", ref, room, code: "connection_limit", status: 429, message, retryable: false };
      queueMicrotask(() => this.#events.onFrame(refused as ErrorFrame & { room: string }));
      return;
    }
    this.#wishes.set(room, wish);
    this.#refs.set(room, ref);
    this.#reopen();
  }

  leave(room: string, ref: string): void {
    this.#wishes.delete(room);
    this.#reopen();
    queueMicrotask(() => this.#events.onFrame({ type: "ack", ref, room }));
  }

  send(): boolean {
    return false;
  }

  renew(token: string): void {
    this.#token = token;
    this.#reopen();
  }

  check(): void {
    this.#watch();
  }

  close(): void {
    this.#over = true;
    clearInterval(this.#watching);
    clearTimeout(this.#gathering);
    this.#reading.abort();
  }

  /** The rooms of a stream are those it was opened with. */
  #reopen(): void {
    if (this.#over || this.#gathering !== undefined) return;
    this.#gathering = setTimeout(() => {
      this.#gathering = undefined;
      this.#reading.abort();
      this.#reading = new AbortController();
      this.#heardAtMs = Infinity;
      if (this.#wishes.size > 0) void this.#read(this.#reading.signal);
    }, gatherMs);
  }

  async #read(signal: AbortSignal): Promise<void> {
    try {
      const response = await this.#ask(signal);
      if (response.status !== 200 || response.body === null) return this.#refused(await problemOf(response), signal);
      this.#heardAtMs = Date.now();
      const parser = createParser({ onEvent: ({ event, data }) => this.#receive(event, data, signal) });
      const decoder = new TextDecoder();
      const reader = response.body.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        this.#heardAtMs = Date.now();
        parser.feed(decoder.decode(value, { stream: true }));
      }
    } catch {
      // The network has gone, or we have.
    }
    this.#end({ code: 1006 }, signal);
  }

  #ask(signal: AbortSignal): Promise<Response> {
    const wishes = [...this.#wishes.values()].map((wish) => wish());
    const query = new URLSearchParams({ rooms: wishes.map(({ room }) => room).join(",") });
    if (wishes.some(({ cursor }) => cursor !== null)) query.set("cursor", wishes.map((wish) => wish.cursor).join(","));
    // One for all of them: the first that says anything.
    for (const name of ["backlog", "presence"] as const) {
      const value = wishes.find((wish) => wish[name] !== undefined)?.[name];
      if (value !== undefined) query.set(name, `${value}`);
    }
    return this.#options.fetch(`${this.#options.url}/v1/events?${query}`, {
      headers: { Authorization: `Bearer ${this.#token}`, Accept: "text/event-stream" },
      cache: "no-store",
      signal,
    });
  }

  #receive(event: string | undefined, data: string, signal: AbortSignal): void {
    if (signal.aborted) return;
    // `error` would be the browser's own event.
    const told = { type: event, ...JSON.parse(data) } as Addressed | Refused;
    if (told.type === "closing" && told.room === undefined)
      return this.#end({ code: told.code, closing: told }, signal);
    // Not to be asked for again with the others.
    if (told.type === "refused" || told.type === "closing") this.#wishes.delete(told.room ?? "");
    if (told.type !== "refused") return this.#events.onFrame(told);
    this.#events.onFrame({ ...told, type: "error", ref: this.#refs.get(told.room) });
  }

  #refused(error: ParleyError, signal: AbortSignal): void {
    const { code, message, status, retryable, retryAfterMs } = error;
    const refused = { type: "error", code, message, status, retryable, retryAfterMs } as ErrorFrame;
    // As a socket would have been closed: 45xx is for good.
    this.#end({ code: retryable ? (status === 401 ? 4401 : 4413) : 4503, error: refused }, signal);
  }

  #watch(): void {
    if (Date.now() - this.#heardAtMs > silentMs) this.#end({ code: 1006 }, this.#reading.signal);
  }

  #end(
    ending: Parameters<LinkEvents["onEnd"]>[0] | Omit<Parameters<LinkEvents["onEnd"]>[0], "opened">,
    signal: AbortSignal,
  ): void {
    if (this.#over || signal.aborted) return;
    this.close();
    this.#events.onEnd({ opened: true, ...ending });
  }
}
