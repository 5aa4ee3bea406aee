/** A reader of an event stream, as a browser's EventSource reads it: from the Worker's own response, event by event. */
import { createParser } from "eventsource-parser";
import { expect } from "vitest";
import { leavePlace, takePlace } from "../../src/objects/room/connections.ts";
import type { Message } from "../../src/protocol/message.ts";
import { ServerFrame } from "../../src/protocol/serverFrames.ts";
import type { Call } from "../support/api.ts";
import { call } from "./edge.ts";

/** The platform's, also while a test turns the clock by hand. */
const { setTimeout, clearTimeout } = globalThis;

export interface StreamEvent {
  readonly name: string;
  /** The line of this very event, not of an earlier one. */
  readonly id: string | undefined;
  readonly data: Readonly<Record<string, unknown>>;
}

export class TestStream {
  readonly response: Response;
  readonly events: StreamEvent[] = [];
  readonly comments: string[] = [];
  readonly retries: number[] = [];
  /** What is no event stream in it. */
  readonly faults: string[] = [];
  /** All that came, as it came. */
  text = "";
  /** How it ended: by the server, by an error of the body, or by `cancel`. */
  ended: "end" | "error" | "us" | null = null;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #wake: (() => void)[] = [];

  constructor(response: Response) {
    if (response.body === null) throw new Error("no body");
    this.response = response;
    this.#reader = response.body.getReader();
    void this.#read();
  }

  /** As a browser keeps it, and sends it as `Last-Event-ID`. */
  get lastEventId(): string {
    return this.events.findLast(({ id }) => id !== undefined)?.id ?? "";
  }

  of(name: string): StreamEvent["data"][] {
    return this.events.filter((event) => event.name === name).map(({ data }) => data);
  }

  /** The room's, or the first one's. */
  async welcome(room?: unknown): Promise<StreamEvent["data"]> {
    const found = (): StreamEvent["data"] | undefined =>
      this.of("welcome").find((data) => room === undefined || data["room"] === room);
    await this.until(() => found() !== undefined);
    return found() ?? {};
  }

  /** Waits until it holds. Fails after a time, or when the stream has ended, with what did arrive. */
  async until(condition: () => boolean, timeoutMs = 5_000): Promise<void> {
    const standing = (): string => JSON.stringify([this.ended, this.events.slice(-5)]).slice(0, 2_000);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#notify();
    }, timeoutMs);
    try {
      while (!condition()) {
        if (isLate || this.ended !== null) throw new Error(`waited in vain: ${standing()}`);
        await new Promise<void>((resolve) => this.#wake.push(resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async end(timeoutMs = 5_000): Promise<NonNullable<TestStream["ended"]>> {
    await this.until(() => this.ended !== null, timeoutMs);
    return this.ended ?? "us";
  }

  /** As a browser leaves. */
  async cancel(): Promise<void> {
    this.ended ??= "us";
    await this.#reader.cancel();
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    const parser = createParser({
      onEvent: ({ event = "message", id, data }) => this.events.push({ name: event, id, data: JSON.parse(data) }),
      onRetry: (ms) => this.retries.push(ms),
      onComment: (comment) => this.comments.push(comment),
      onError: ({ message }) => this.faults.push(message),
    });
    try {
      for (let read = await this.#reader.read(); !read.done; read = await this.#reader.read()) {
        const text = decoder.decode(read.value, { stream: true });
        this.text += text;
        parser.feed(text);
        this.#notify();
      }
      this.ended ??= "end";
    } catch {
      this.ended ??= "error";
    }
    this.#notify();
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

/** Opens a stream and reads it from now on. Throws when it is refused. */
export async function openEvents(path: string, options: Call = {}): Promise<TestStream> {
  const response = await call(path, options);
  if (response.status !== 200) throw new Error(`no stream: ${response.status} ${await response.text()}`);
  return new TestStream(response);
}

/** How many connections this process counts. */
export function heldPlaces(): number {
  const probe = "probe";
  for (let places = 1; ; places++) {
    if (!takePlace(probe, { connections: places, files: Infinity })) continue;
    leavePlace(probe);
    return places - 1;
  }
}

/** The event as the frame that a socket would be sent. */
export function frameOf({ name, data }: StreamEvent): ServerFrame {
  expect(Object.hasOwn(data, "type")).toBe(false);
  return ServerFrame.parse({ type: name, ...data });
}

/** The text of each message, of one room or of all. */
export function textsOf(stream: TestStream, name?: string): unknown[] {
  return stream
    .of("changes")
    .filter((data) => name === undefined || data["room"] === name)
    .flatMap(({ changes }) => changes as { message?: Message }[])
    .map(({ message }) => message?.text);
}

/** Where each `changes` leads to. */
export const heads = (stream: TestStream): unknown[] => stream.of("changes").map(({ to }) => to);
