/** A reader of a room's event stream. It comes back by `Last-Event-ID`, and checks that the server keeps to the protocol. */
import type { Ground, Stream, StreamedEvent } from "./ground.ts";
import { Watch } from "./watch.ts";

/** How late an event comes is a figure; that it comes at all is a promise. */
const patienceMs = 60_000;
/** A stream on which nothing happens says so often that it lives. */
const beatMs = 15_000;

interface Told {
  readonly epoch?: string;
  readonly head?: number;
  readonly resumed?: boolean;
  readonly from?: number;
  readonly to?: number;
  readonly changes?: readonly { readonly message?: { readonly seq: number; readonly text?: string | null } }[];
  readonly code?: number;
}

export interface EventReaderOptions {
  readonly room: string;
  readonly user: string;
  readonly token: string;
}

export class EventReader {
  /** It has all up to here. */
  at = 0;
  heard = 0;
  readonly user: string;
  readonly #ground: Ground;
  readonly #options: EventReaderOptions;
  readonly #watch: Watch;
  #stream: Stream | null = null;
  #lastId: string | null = null;
  #wasCut = false;
  /** Of the stream that is open. */
  #epoch: string | null = null;
  #head = 0;
  #farewell: number | null = null;
  #openedAtMs = 0;
  #beatAtMs = 0;
  #beats = 0;

  constructor(ground: Ground, options: EventReaderOptions) {
    this.#ground = ground;
    this.#options = options;
    this.user = options.user;
    this.#watch = new Watch(ground);
  }

  get isOpen(): boolean {
    return this.#stream !== null;
  }

  get isWelcome(): boolean {
    return this.isOpen && this.#epoch !== null;
  }

  open(): void {
    const { room, token } = this.#options;
    this.#epoch = this.#farewell = null;
    this.#beats = 0;
    this.#openedAtMs = Date.now();
    const path = `/v1/rooms/${room}/events?presence=none&backlog=50`;
    const headers: Record<string, string> = this.#lastId === null ? {} : { "last-event-id": this.#lastId };
    this.#stream = this.#ground.listen(
      { method: "GET", path, bearer: token, headers },
      {
        opened: ({ status, headers: { "content-type": type } }) =>
          this.#check("a stream is one of events", status === 200 && type === "text/event-stream; charset=utf-8"),
        event: (event) => this.#hear(event),
        beat: () => this.#beat(),
        closed: (faults) => this.#close(faults),
      },
    );
  }

  /** In the middle of whatever is being told. */
  cut(): void {
    this.#stream?.cut();
    this.#stream = null;
    this.#wasCut = true;
  }

  /** False when it has not come true in time. */
  until(condition: () => boolean): Promise<boolean> {
    return this.#watch.until(condition, patienceMs);
  }

  #check(promise: string, holds: boolean): void {
    this.#ground.check(promise, holds);
  }

  #hear({ name, id, data }: StreamedEvent): void {
    const told = JSON.parse(data) as Told;
    this.#check("a stream begins with a welcome", (name === "welcome") === (this.#epoch === null));
    this.#check("nothing comes after a farewell", this.#farewell === null);
    this.#check("only changes have an id", (name === "changes") === (id !== null));
    if (name === "welcome") this.#welcome(told);
    if (name === "changes") this.#changes(told, id);
    if (name === "closing") this.#farewell = told.code ?? 0;
    this.#watch.look();
  }

  #welcome({ epoch = "", head = 0, resumed = false }: Told): void {
    this.#epoch = epoch;
    this.#head = head;
    this.#beatAtMs = Date.now();
    if (this.#lastId === null) return;
    this.#check("Last-Event-ID is resumed", resumed);
    if (resumed) this.#ground.add("parley_resumed", 1);
    if (resumed && this.#wasCut) this.#ground.add("parley_resumed_after_cut", 1);
    this.#wasCut = false;
  }

  #changes({ from = 0, to = 0, changes = [] }: Told, id: string | null): void {
    this.#check("events follow one another", from <= this.at && to >= this.at);
    this.#check("the id of an event is its cursor", id === `${this.#epoch}:${to}`);
    for (const { message } of changes) if (message !== undefined) this.#message(message);
    this.at = to;
    this.#lastId = id;
  }

  /** Nobody edits here, so every change is a new message, and each comes once. */
  #message({ seq, text }: { readonly seq: number; readonly text?: string | null }): void {
    if (seq <= this.at) return this.#ground.add("parley_twice", 1);
    this.at = seq;
    this.heard += 1;
    this.#ground.add("parley_heard", 1);
    // What lay there when it came, and what is read afterwards, says nothing of how late it is told.
    if (seq > this.#head && this.#ground.hearsAsItComes)
      this.#ground.add("parley_heard_ms", Math.max(0, Date.now() - Number.parseInt(text ?? "", 10)));
  }

  #beat(): void {
    this.#beats += 1;
    if (this.#ground.hearsAsItComes) this.#ground.add("parley_beat_ms", Date.now() - this.#beatAtMs);
    this.#beatAtMs = Date.now();
  }

  #close(faults: number): void {
    const due = Math.floor((Date.now() - this.#openedAtMs) / beatMs) - 1;
    this.#check("an open stream says every 15 seconds that it lives", this.#beats >= due);
    this.#check("a stream that is ended says why", this.#farewell === 4503);
    this.#check("a stream holds nothing but events", faults === 0);
    this.#stream = null;
    this.#watch.look();
  }
}
