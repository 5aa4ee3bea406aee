/** A reader with its socket. What has arrived waits until the test says that it is delivered. */
import type { Member } from "../../src/protocol/message.ts";
import { parseCursor } from "../../src/protocol/cursor.ts";
import type { Page, ServerFrame } from "../../src/protocol/serverFrames.ts";
import { type PageRequest, Reader, type Rules } from "./reader.ts";
import { connect, type TestSocket } from "./socket.ts";
import { ask } from "./truth.ts";

export interface ListenerOptions {
  readonly room: string;
  readonly token: string;
  readonly backlog?: number;
  readonly pageSize?: number;
  readonly rules?: Rules;
}

export class Listener {
  readonly reader: Reader;
  readonly #options: ListenerOptions;
  #socket: TestSocket | null = null;
  #delivered = 0;
  /** How many frames the socket was sent on joining. */
  #joined = 0;
  /** Answers over HTTP that have arrived and are not delivered. */
  readonly #late: (() => void)[] = [];

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.reader = new Reader(options.rules);
  }

  get socket(): TestSocket | null {
    return this.#socket;
  }

  /** Whether frames, or the end of the connection, have arrived and wait to be delivered. */
  get hasFrames(): boolean {
    return this.#socket !== null && (this.#delivered < this.#socket.frames.length || this.#socket.closed !== null);
  }

  /** Opens a socket, with the reader's cursor if no other is given, and waits until all that it replays has arrived. */
  async open(cursor: string | null = this.reader.cursor): Promise<TestSocket> {
    const { room, token, backlog } = this.#options;
    const socket = await within(
      connect(room, { token, cursor: cursor ?? undefined, ...(backlog === undefined ? {} : { backlog }) }),
    );
    this.reader.opened();
    this.#socket = socket;
    this.#delivered = 0;
    const { resumed, head } = socket.welcome;
    // A reader that stands at head already is sent nothing more.
    if (!resumed || parseCursor(cursor ?? "")?.seq !== head)
      await this.until((frames) => lastTo(frames.slice(1)) >= head);
    this.#joined = socket.frames.length;
    return socket;
  }

  /** Waits until what has arrived satisfies the condition, or the socket was closed. At once where there is none. */
  async until(condition: (frames: readonly ServerFrame[]) => boolean): Promise<void> {
    if (this.#socket !== null)
      await within(this.#socket.until(({ closed, frames }) => closed !== null || condition(frames)));
  }

  /** Waits until the socket was closed by the other side. */
  async untilClosed(): Promise<void> {
    if (this.#socket !== null) await within(this.#socket.until(({ closed }) => closed !== null));
  }

  /** Waits until every change up to `head` has arrived, or the socket was closed. Says nothing of what is delivered. */
  async arrived(head: number): Promise<void> {
    await this.until((frames) => lastTo(frames) >= head);
  }

  /** Sends frames as one batch and waits until each was answered. */
  async ask(...frames: readonly { readonly ref: string }[]): Promise<ServerFrame[]> {
    const socket = this.#socket;
    if (socket === null) throw new Error("not connected");
    this.#send(frames);
    const answers = (): ServerFrame[] =>
      frames.flatMap(({ ref }) => socket.frames.findLast((frame) => "ref" in frame && frame.ref === ref) ?? []);
    await this.until(() => answers().length === frames.length);
    return answers();
  }

  /** As a browser does: what is sent on a connection that has ended goes nowhere, whether its end was delivered or not. */
  #send(frames: unknown): void {
    if (this.#socket?.closed === null) this.#socket.send(frames);
  }

  /** Hands the next frames to the reader, and does what a reader does by itself. */
  async deliver(count = Infinity): Promise<void> {
    for (let left = count; left > 0 && this.#socket !== null; left--) {
      const frame = this.#socket.frames[this.#delivered];
      if (frame === undefined) {
        if (this.#socket.closed !== null) this.cut();
        break;
      }
      this.#delivered++;
      this.reader.receive(frame);
      if (this.reader.mustReconnect) this.cut();
    }
    for (const id of this.reader.takeTorn()) this.#send({ type: "snapshot", id });
    if (this.#socket !== null && this.reader.wantsMembers) await this.#askMembers();
  }

  /** Delivers one of the answers over HTTP, not always the first. Answers whether there was one. */
  deliverLate(index: number): boolean {
    const [answer] = this.#late.splice(index % Math.max(1, this.#late.length), 1);
    answer?.();
    return answer !== undefined;
  }

  /** The connection ends, and what was not delivered is lost. */
  cut(): void {
    if (this.#socket === null) return;
    if (this.#socket.closed === null) this.#socket.close(1000);
    this.#socket = null;
    this.reader.closed();
  }

  /**
   * What was on its way is lost, but the connection stays: as when the object dies with frames in hand. Not what it was
   * sent on joining: that leaves in one instant, and a connection of which it is lost is no connection.
   */
  lose(): void {
    this.#socket?.frames.splice(Math.max(this.#delivered, this.#joined));
  }

  /** Asks for older messages. The server reads them now; they are delivered in the socket's order, or late over HTTP. */
  async askPage({ overSocket }: { readonly overSocket: boolean }): Promise<boolean> {
    const request = this.#socket === null ? null : this.reader.askPage({ overSocket });
    if (request === null) return false;
    const { ref, before } = request;
    const limit = this.#options.pageSize;
    if (overSocket)
      await this.ask({ type: "history", ref, before, ...(limit === undefined ? {} : { limit }) } as never);
    else await this.#askPageOverHttp(request);
    return true;
  }

  async #askPageOverHttp(request: PageRequest): Promise<void> {
    const { pageSize } = this.#options;
    const limit = pageSize === undefined ? "" : `&limit=${pageSize}`;
    const page = await this.#get<Page>(`/messages?before=${request.before}${limit}`);
    this.#late.push(() => this.reader.mergePage(request, page));
  }

  async #askMembers(): Promise<void> {
    const request = this.reader.askMembers();
    const pages: { members: Member[]; cursor: string }[] = [];
    for (let after: string | undefined = ""; after !== undefined;) {
      const page: { items: Member[]; next?: string; cursor: string } = await this.#get(
        `/members?limit=200&after=${encodeURIComponent(after)}`,
      );
      pages.push({ members: page.items, cursor: page.cursor });
      after = page.next;
    }
    this.#late.push(() => {
      for (const page of pages) this.reader.mergeMembers(request, page);
    });
  }

  /** Everything is delivered, and whoever is absent comes back, until nothing is left to do. */
  async settle(): Promise<void> {
    for (let rounds = 0; rounds < 100; rounds++) {
      if (this.#socket === null) await this.open();
      await this.deliver();
      const answers = this.#late.splice(0);
      for (const answer of answers) answer();
      if (answers.length === 0 && this.#socket !== null && !this.reader.wantsMembers) return;
    }
    throw new Error("never settles");
  }

  #get<T>(path: string): Promise<T> {
    return ask<T>(`/v1/rooms/${this.#options.room}${path}`, { credential: this.#options.token });
  }
}

/** How far what has arrived goes. A reader that resumes at head is told so by `welcome` alone. */
export function lastTo(frames: readonly ServerFrame[]): number {
  const last = frames.findLast((frame) => frame.type === "changes" || frame.type === "welcome");
  if (last?.type === "changes") return last.to;
  return last?.type === "welcome" && last.resumed ? last.head : -1;
}

/** `TestSocket` measures its patience by the clock, which a test may have stopped. */
async function within<T>(waiting: Promise<T>, timeoutMs = 10_000): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const patience = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([waiting, patience]);
  } finally {
    clearTimeout(timer);
  }
}
