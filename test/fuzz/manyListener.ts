/** Readers of several rooms on one connection. What has arrived waits until the test says that it is delivered. */
import type { Member } from "../../src/protocol/message.ts";
import type { ClosingFrame } from "../../src/protocol/serverFrames.ts";
import { connectMany, type ManySocket } from "../support/manySocket.ts";
import { Reader } from "../support/reader.ts";

interface ManyListenerOptions {
  readonly token: string;
  readonly rooms: readonly string[];
  readonly backlog: number;
  readonly pageSize: number;
}

interface Following {
  readonly reader: Reader;
  /** Of the join whose frames the reader takes: `asked` until its ack was delivered. What comes before that is of an earlier one. */
  join: { readonly ref: string; asked: boolean } | null;
}

export interface MembersAnswer {
  readonly items: readonly Member[];
  readonly next?: string;
  readonly cursor: string;
}

export class ManyListener {
  /** What no server that keeps the protocol would have done. */
  readonly complaints: string[] = [];
  readonly #options: ManyListenerOptions;
  readonly #following: ReadonlyMap<string, Following>;
  #socket: ManySocket | null = null;
  #delivered = 0;
  #refs = 0;

  constructor(options: ManyListenerOptions) {
    this.#options = options;
    this.#following = new Map(options.rooms.map((room) => [room, { reader: new Reader(), join: null }]));
  }

  readerOf(room: string): Reader {
    return this.#of(room).reader;
  }

  /** Opens a connection where there is none, and asks for every room from where its reader stands. */
  async open(): Promise<void> {
    if (this.#socket !== null && this.#socket.closed === null) return;
    this.cut();
    this.#socket = await connectMany(this.#options.token);
    this.#delivered = 0;
    this.#socket.send(this.#options.rooms.map((room) => this.#joinFrame(room)));
  }

  /** The connection ends, and what was not delivered is lost. */
  cut(): void {
    if (this.#socket === null) return;
    if (this.#socket.closed === null) this.#socket.close(1000);
    this.#socket = null;
    for (const following of this.#following.values()) {
      if (following.join !== null) following.reader.closed();
      following.join = null;
    }
  }

  /** Leaves the room, and joins it again in the same batch. What was not delivered of it is lost. */
  hop(room: string): void {
    const following = this.#of(room);
    if (this.#socket === null || this.#socket.closed !== null) return;
    const leave = following.join === null ? [] : [{ type: "leave", room }];
    if (following.join !== null) following.reader.closed();
    this.#socket.send([...leave, this.#joinFrame(room)]);
  }

  leave(room: string): void {
    const following = this.#of(room);
    if (this.#socket === null || following.join === null) return;
    this.#socket.send({ type: "leave", room });
    following.reader.closed();
    following.join = null;
  }

  /** Asks for older messages through the connection. */
  askPage(room: string): void {
    const { reader, join } = this.#of(room);
    const request = this.#socket === null || join === null || join.asked ? null : reader.askPage({ overSocket: true });
    if (request === null) return;
    const { ref, before } = request;
    this.#socket?.send({ type: "history", room, ref, before, limit: this.#options.pageSize });
  }

  /** Hands the next frames to their readers, and does what a reader does by itself. */
  deliver(count = Infinity): void {
    for (let left = count; left > 0 && this.#socket !== null; left--) {
      const frame = this.#socket.frames[this.#delivered];
      if (frame === undefined) {
        if (this.#socket.closed !== null) this.cut();
        return;
      }
      this.#delivered++;
      if (frame.room === undefined) this.complaints.push(`without a room: ${JSON.stringify(frame)}`);
      else this.#take(frame.room, frame);
    }
  }

  /** Everything is delivered, and whoever is absent comes back, until the reader stands at the cursor. */
  async settle(room: string, cursor: string, get: (path: string) => Promise<MembersAnswer | null>): Promise<void> {
    for (let rounds = 0; rounds < 200; rounds++) {
      if (this.#socket === null || this.#socket.closed !== null) await this.open();
      const following = this.#of(room);
      this.deliver();
      if (following.join === null) this.hop(room);
      const { reader, join } = following;
      if (join?.asked === false && reader.cursor === cursor) {
        if (!reader.wantsMembers) return;
        const request = reader.askMembers();
        for (let after: string | undefined = ""; after !== undefined;) {
          const page: MembersAnswer | null = await get(`/members?limit=200&after=${encodeURIComponent(after)}`);
          if (page === null) throw new Error(`no members of ${room}`);
          reader.mergeMembers(request, { members: page.items, cursor: page.cursor });
          after = page.next;
        }
        continue;
      }
      await this.#socket?.until(({ frames, closed }) => closed !== null || frames.length > this.#delivered, 10_000);
    }
    throw new Error("never settles");
  }

  #take(room: string, frame: ManySocket["frames"][number]): void {
    const following = this.#of(room);
    const { join, reader } = following;
    // Of a join that was left: still on its way, or its leave's refusal.
    if (join === null) return;
    if (join.asked) {
      if (!("ref" in frame) || frame.ref !== join.ref) return;
      if (frame.type === "ack") {
        join.asked = false;
        reader.opened();
      } else this.complaints.push(JSON.stringify(frame));
      return;
    }
    if (frame.type === "closing") return this.#closed(following, frame);
    if (frame.type === "error") this.complaints.push(JSON.stringify(frame));
    reader.receive(frame);
    if (reader.mustReconnect) this.hop(room);
  }

  #closed(following: Following, { code, reconnect }: ClosingFrame): void {
    if (code !== 4412 || reconnect !== "now") this.complaints.push(`closing ${code}, ${reconnect}`);
    following.reader.closed();
    following.join = null;
  }

  #joinFrame(room: string): object {
    const following = this.#of(room);
    const ref = `j${++this.#refs}`;
    following.join = { ref, asked: true };
    const { cursor } = following.reader;
    const { backlog } = this.#options;
    return { type: "join", room, ref, backlog, presence: "none", ...(cursor === null ? {} : { cursor }) };
  }

  #of(room: string): Following {
    const following = this.#following.get(room);
    if (following === undefined) throw new Error(`nobody follows ${room}`);
    return following;
  }
}
