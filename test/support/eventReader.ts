/** A reader over Server-Sent Events: the stream, and the reader's copy of the room that it keeps through all of them. */
import type { ClosingFrame, ErrorFrame, ServerFrame, WelcomeFrame } from "../../src/protocol/serverFrames.ts";
import { Copy } from "../chaos/copy.ts";
import { type EventStream, openEventStream, type StreamedEvent, type StreamEnding } from "./eventStream.ts";

type ChangesFrame = Extract<ServerFrame, { type: "changes" }>;

const openMs = 20_000;

export interface EventReaderOptions {
  /** The server's or a proxy's, without a trailing slash. */
  readonly url: string;
  readonly room: string;
  readonly token: string;
  /** For example `presence=none`. */
  readonly query?: string;
  /** What it holds from an earlier connection, perhaps another client's, with the last id that came on it. */
  readonly copy?: Copy;
  readonly lastEventId?: string;
}

export class EventReader {
  readonly copy: Copy;
  readonly room: string;
  /** Every id in the order in which it came, through all streams. */
  readonly ids: string[] = [];
  readonly changes: ChangesFrame[] = [];
  readonly errors: ErrorFrame[] = [];
  /** Those of the newest stream. */
  welcome: WelcomeFrame | null = null;
  closing: ClosingFrame | null = null;
  /** The last id line, as it came. */
  lastEventId: string | undefined;
  /** Told of each frame once the copy has it. A cut in here is one after exactly this frame. */
  onFrame: (frame: ServerFrame) => void = () => undefined;
  readonly #options: EventReaderOptions;
  readonly #received = new Map<ServerFrame["type"], number>();
  /** A welcome to begin anew, until the first changes of its stream have come. */
  #beginning: WelcomeFrame | null = null;
  #stream: EventStream | undefined;
  #wake: (() => void)[] = [];

  constructor(options: EventReaderOptions) {
    this.room = options.room;
    this.copy = options.copy ?? new Copy();
    this.lastEventId = options.lastEventId;
    this.#options = options;
  }

  /** The newest one. */
  get stream(): EventStream {
    if (this.#stream === undefined) throw new Error(`${this.room}: not opened`);
    return this.#stream;
  }

  /** How the newest stream ended; null while it is open. */
  get endedBy(): StreamEnding | null {
    return this.#stream?.ending ?? null;
  }

  /** Opens a stream, with the last id where it has one, and waits until the copy has caught up. Throws when it is refused. */
  async open(): Promise<void> {
    await this.connect();
    await this.until(() => this.endedBy !== null || this.#hasCaughtUp(), openMs);
    if (!this.#hasCaughtUp()) throw new Error(`${this.room}: the stream ended by ${this.endedBy}`);
  }

  /** Opens a stream and does not wait for what comes on it. Throws when it is refused. */
  async connect(): Promise<void> {
    const { url, room, token, query } = this.#options;
    this.#stream?.cut();
    const address = `${url}/v1/rooms/${room}/events${query === undefined ? "" : `?${query}`}`;
    const { lastEventId } = this;
    const opened = await openEventStream(address, { headers: { Authorization: `Bearer ${token}` }, lastEventId });
    if (!opened.ok) throw new Error(`${room}: the stream was refused: ${opened.status} ${opened.body}`);
    this.#follow(opened.stream);
  }

  /** How many frames of this type have come, through all streams. */
  received(type: ServerFrame["type"]): number {
    return this.#received.get(type) ?? 0;
  }

  /** Ends the connection at once, as a cut network does. */
  cut(): void {
    this.stream.cut();
  }

  close(): void {
    this.stream.close();
  }

  /** Waits until it holds. Fails after `withinMs`, saying where the reader stands. */
  async until(condition: () => boolean, withinMs = 10_000): Promise<void> {
    const deadlineMs = Date.now() + withinMs;
    while (!condition()) {
      const leftMs = deadlineMs - Date.now();
      if (leftMs <= 0) throw new Error(`waited ${withinMs} ms in vain: ${this.#standing()}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, leftMs);
      this.#wake.push(resolve);
      await promise.finally(() => clearTimeout(timer));
    }
  }

  #follow(stream: EventStream): void {
    this.#stream = stream;
    this.welcome = null;
    this.closing = null;
    this.#beginning = null;
    stream.onEvent = (event) => this.#receive(event);
    void stream.ended.then(() => this.#notify());
  }

  #receive({ type, id, data }: StreamedEvent): void {
    const { type: stray, ...fields } = JSON.parse(data);
    if (stray !== undefined) this.copy.faults.push(`the data of ${type} has a type of its own`);
    const frame: ServerFrame = { ...fields, type };
    if (frame.type === "welcome") this.#welcome(frame);
    this.#inspectId(id, frame);
    if (frame.type === "changes") this.#take(frame);
    if (frame.type === "closing") this.closing = frame;
    if (frame.type === "error") this.errors.push(frame);
    this.#received.set(frame.type, this.received(frame.type) + 1);
    this.onFrame(frame);
    this.#notify();
  }

  /**
   * One that begins anew counts from the first changes on, which carry the id to go on from: cut off between the two, the
   * reader is where it was before.
   */
  #welcome(frame: WelcomeFrame): void {
    this.welcome = frame;
    if (frame.resumed) this.copy.take(frame);
    else this.#beginning = frame;
  }

  #take(frame: ChangesFrame): void {
    if (this.#beginning !== null) {
      this.copy.take(this.#beginning);
      this.#beginning = null;
      if (frame.reset !== true) this.copy.faults.push("a stream that begins anew did not begin with a reset");
    }
    this.changes.push(frame);
    this.copy.take(frame);
  }

  /** Only changes have an id, and it is where they lead to. The reader keeps what came, right or wrong. */
  #inspectId(id: string | undefined, frame: ServerFrame): void {
    const expected = frame.type === "changes" ? `${this.welcome?.epoch}:${frame.to}` : undefined;
    if (id !== expected) this.copy.faults.push(`${frame.type} came with the id ${id}, not ${expected}`);
    if (id === undefined) return;
    this.ids.push(id);
    this.lastEventId = id;
  }

  #hasCaughtUp(): boolean {
    return this.welcome !== null && this.#beginning === null && this.copy.seq >= this.copy.head;
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  #standing(): string {
    const { copy, room, endedBy, closing, lastEventId, errors } = this;
    const error = errors.at(-1);
    return JSON.stringify({ room, seq: copy.seq, head: copy.head, endedBy, closing, lastEventId, error });
  }
}
