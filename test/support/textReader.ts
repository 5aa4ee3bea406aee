/** Readers of one message that is being streamed, as clients are: whatever cuts them, they come back to where they were. */
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { type EventStream, openEventStream, type StreamedEvent } from "./eventStream.ts";

export interface TextReaderOptions {
  /** Of the server, without a trailing slash. */
  readonly url: string;
  readonly room: string;
  readonly message: number;
  readonly token: string;
}

const comeBackMs = 100;

export abstract class TextReader {
  text = "";
  /** What the message has become; null until its end was told. */
  status: string | null = null;
  /** Of text: deltas, snapshots and the end, through all connections. */
  frames = 0;
  comebacks = 0;
  /** What no server may send. Must stay empty. */
  readonly faults: string[] = [];
  protected readonly options: TextReaderOptions;
  #isLeaving = false;

  constructor(options: TextReaderOptions) {
    this.options = options;
  }

  /** Reads until the end was told, or until it leaves. */
  async read(): Promise<void> {
    while (this.status === null && !this.#isLeaving) {
      await this.connect().catch(() => undefined);
      if (this.status !== null || this.#isLeaving) break;
      this.comebacks += 1;
      await delay(comeBackMs);
    }
  }

  leave(): void {
    this.#isLeaving = true;
    this.cut();
  }

  /** Ends the connection at once, as a cut network does. */
  abstract cut(): void;

  /** One connection, to its end. */
  protected abstract connect(): Promise<void>;

  protected grow(at: number, text: string): void {
    this.frames += 1;
    if (at > this.text.length) this.faults.push(`a delta at ${at} came to a text of ${this.text.length}`);
    this.text = this.text.slice(0, at) + text;
  }

  protected replace(text: string): void {
    this.frames += 1;
    this.text = text;
  }
}

interface Told {
  readonly id?: number;
  readonly text?: string | null;
  readonly status?: string;
}

interface Frame extends Told {
  readonly type: string;
  readonly epoch?: string;
  readonly at?: number;
  readonly from?: number;
  readonly to?: number;
  readonly reset?: boolean;
  readonly changes?: readonly { readonly message?: Told }[];
}

/** Of the room's WebSocket. */
export class SocketTextReader extends TextReader {
  #socket: WebSocket | undefined;
  #epoch = "";
  #seq: number | null = null;

  cut(): void {
    this.#socket?.terminate();
  }

  protected connect(): Promise<void> {
    const { url, room, token } = this.options;
    const query = this.#seq === null ? "" : `&cursor=${this.#epoch}:${this.#seq}`;
    const address = `${url.replace("http", "ws")}/v1/rooms/${room}/socket?presence=none${query}`;
    const socket = new WebSocket(address, ["parley.v1", `bearer.${token}`], { perMessageDeflate: false });
    this.#socket = socket;
    socket.on("error", () => undefined);
    socket.on("open", () => socket.send('{"type":"ping"}'));
    socket.on("message", (data) => {
      const said: Frame | Frame[] = JSON.parse(String(data));
      for (const frame of Array.isArray(said) ? said : [said]) this.#take(frame);
      if (this.status !== null) socket.close();
    });
    return new Promise((resolve) => socket.once("close", () => resolve()));
  }

  #take({ type, id, ...frame }: Frame): void {
    if (type === "welcome") this.#epoch = frame.epoch ?? "";
    if (type === "changes") this.#change(frame);
    if (id !== this.options.message || this.status !== null) return;
    if (type === "delta") this.grow(frame.at ?? 0, frame.text ?? "");
    if (type === "snapshot") this.replace(frame.text ?? "");
  }

  #change({ from = 0, to = 0, reset, changes = [] }: Omit<Frame, "type" | "id">): void {
    if (reset !== true && from > (this.#seq ?? 0)) this.faults.push(`changes from ${from} came at ${this.#seq}`);
    for (const { message } of changes) {
      if (message?.id !== this.options.message) continue;
      if (message.text !== undefined) this.replace(message.text ?? "");
      if (message.status !== undefined && message.status !== "streaming") this.status = message.status;
    }
    this.#seq = to;
  }
}

/** Of the message's own stream of events. */
export class EventTextReader extends TextReader {
  /** As a browser keeps it. */
  lastEventId: string | undefined;
  #stream: EventStream | undefined;

  cut(): void {
    this.#stream?.cut();
  }

  protected async connect(): Promise<void> {
    const { url, room, message, token } = this.options;
    const headers = { Authorization: `Bearer ${token}` };
    const address = `${url}/v1/rooms/${room}/messages/${message}/stream`;
    const opened = await openEventStream(address, { headers, lastEventId: this.lastEventId });
    if (!opened.ok) return;
    const { stream } = opened;
    this.#stream = stream;
    stream.onEvent = (event) => this.#take(event);
    await stream.ended;
    this.faults.push(...stream.faults);
  }

  #take({ type, id, data }: StreamedEvent): void {
    const told: { at?: number; text?: string; status?: string; length?: number } = JSON.parse(data);
    // Who follows the events needs no offsets: each begins where the one before it ended.
    if (type === "delta" && told.at !== this.text.length)
      this.faults.push(`a delta at ${told.at} came to a text of ${this.text.length}`);
    if (type === "delta") this.grow(told.at ?? 0, told.text ?? "");
    if (type === "snapshot") this.replace(told.text ?? "");
    if (type === "end") this.#end(told);
    if (type === "closing") return;
    const expected = `${this.options.message}:${type === "end" ? type : this.text.length}`;
    if (id !== expected) this.faults.push(`${type} came with the id ${id}, not ${expected}`);
    this.lastEventId = id;
  }

  #end({ status, length }: { status?: string; length?: number }): void {
    this.frames += 1;
    this.status = status ?? "?";
    if (length !== this.text.length) this.faults.push(`the text has ${this.text.length} units, not ${length}`);
  }
}
