/** A client of one tenant for one user: rooms that share one connection. */
import type { LimitLevel } from "../protocol/serverFrames.ts";
import { Connection, type ConnectionState } from "./connection.ts";
import { Emitter, type ListenOptions } from "./emitter.ts";
import { fromFrame, ParleyError } from "./error.ts";
import type { Http } from "./http.ts";
import { LiveRoom } from "./liveRoom.ts";
import type { Addressed, Link, LinkEvents, Transport } from "./link.ts";
import type { Room, RoomOptions } from "./room.ts";
import { Socket } from "./socket.ts";
import { type GetToken, Tokens } from "./token.ts";
import { listenForWakes } from "./wake.ts";

export type { ConnectionState } from "./connection.ts";
export type { ErrorCode } from "./error.ts";
export { ParleyError } from "./error.ts";
export type { Ack, OutboxState } from "./outbox.ts";
export type * from "./room.ts";
export type { StandardSchema } from "./schema.ts";
export type { Message, Pending, RoomSnapshot } from "./snapshot.ts";
export type { RoomStatus } from "./attendance.ts";
export type { MessageStream } from "./stream.ts";
export type { UploadOptions } from "./upload.ts";
export type { Transport } from "./link.ts";
export type { GetToken } from "./token.ts";

export interface ClientOptions {
  /** Of the server, `https://…`. */
  readonly url: string;
  /** Asks the page's own server for a token. Called before every attempt to connect, and when a token ends. */
  readonly getToken: GetToken;
  /** `auto` by default: WebSocket, and Server-Sent Events where a proxy lets no WebSocket through. */
  readonly transport?: Transport | "auto";
  /** What may wait to be sent in each room: 2,000 messages and 4 MB by default. 20 at a time are on their way. */
  readonly outbox?: { readonly messages?: number; readonly bytes?: number; readonly inFlight?: number };
  /** Where the platform has none of its own: Node 20 needs the package `ws`. */
  readonly WebSocket?: unknown;
  readonly fetch?: typeof fetch;
}

export interface ClientEvents {
  readonly state: ConnectionState;
  /** What concerns no room. */
  readonly error: ParleyError;
  /** A limit of the connection is nearly used up. */
  readonly limit: Omit<LimitLevel, "type">;
}

export interface Client {
  readonly state: ConnectionState;
  on<Name extends keyof ClientEvents>(
    name: Name,
    listener: (event: ClientEvents[Name]) => void,
    options?: ListenOptions,
  ): () => void;
  /** The same one for the same name. Options count the first time. */
  room<Data = unknown>(name: string, options?: RoomOptions<Data>): Room<Data>;
  /** Tries again at once, after `failed` and while it waits. Else the connection comes with the first subscription, and goes with the last. */
  connect(): void;
  /** Ends everything, for good. What was not sent is rejected with `closed`. */
  close(): void;
}

const outboxDefault = { messages: 2_000, bytes: 4_194_304, inFlight: 20 };

/** Nothing is opened before a room is subscribed to. */
export function createClient(options: ClientOptions): Client {
  return new RoomsClient(options);
}

class RoomsClient extends Emitter<ClientEvents> implements Client {
  readonly #options: ClientOptions;
  readonly #url: string;
  readonly #tokens: Tokens;
  readonly #fetch: typeof fetch;
  readonly #WebSocket: typeof WebSocket;
  readonly #connection: Connection;
  readonly #rooms = new Map<string, LiveRoom<never>>();
  readonly #ending = new AbortController();

  constructor(options: ClientOptions) {
    super();
    const { signal } = this.#ending;
    this.#options = options;
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
    this.#url = options.url.replace(/\/+$/, "");
    this.#tokens = new Tokens(options.getToken, signal);
    const socket = options.WebSocket ?? globalThis.WebSocket;
    this.#WebSocket = socket as typeof WebSocket;
    this.#connection = new Connection({
      tokens: this.#tokens,
      transport: typeof socket === "function" ? (options.transport ?? "auto") : "sse",
      chance: Math.random,
      open: (...how) => this.#open(...how),
      probe: async () => (await this.#load()).call("GET", "/v1/limits", { signal }),
      onState: (state) => this.#onState(state),
      onFrame: (frame) => this.#receive(frame),
    });
    listenForWakes(() => this.#connection.wake(), signal);
  }

  get state(): ConnectionState {
    return this.#connection.state;
  }

  room<Data = unknown>(name: string, room: RoomOptions<Data> = {}): Room<Data> {
    const known = this.#rooms.get(name);
    if (known !== undefined) return known;
    const made = new LiveRoom<Data>({
      name,
      room,
      http: () => this.#load(),
      limits: { ...outboxDefault, ...this.#options.outbox },
      link: () => this.#connection.link,
      chance: Math.random,
      onNeed: () => this.#need(made.isNeeded),
      signal: this.#ending.signal,
    });
    this.#rooms.set(name, made as unknown as LiveRoom<never>);
    return made;
  }

  connect(): void {
    this.#need(true);
    this.#connection.wake();
  }

  close(): void {
    this.#connection.close();
    this.#ending.abort(new ParleyError("closed", "The client was closed."));
    for (const room of this.#rooms.values()) room.close();
  }

  /** `isMore`: by one who comes. Who goes does not have tried again what has failed. */
  #need(isMore: boolean): void {
    if (![...this.#rooms.values()].some((room) => room.isNeeded)) this.#connection.disconnect();
    else if (isMore) this.#connection.connect();
  }

  async #open(token: string, transport: Transport, events: LinkEvents): Promise<Link> {
    const options = { url: this.#url, token, WebSocket: this.#WebSocket, fetch: this.#fetch };
    if (transport === "websocket") return new Socket(options, events);
    // Not of the core: who has WebSockets does not load it.
    const { EventLink } = await import("./eventLink.ts");
    return new EventLink(options, events);
  }

  /** Not of the core: with a WebSocket it is needed for what is asked besides. Offline it cannot be loaded, and is the next time. */
  async #load(): Promise<Http> {
    const { Http } = await import("./http.ts");
    return new Http(this.#url, this.#tokens, this.#fetch);
  }

  #onState(state: ConnectionState): void {
    for (const room of this.#rooms.values()) {
      if (state.name === "connected") room.connected();
      else if (state.name === "failed") room.failed(state.error);
      else room.disconnected();
    }
    this.emit("state", state);
  }

  #receive(frame: Addressed): void {
    if (frame.room !== undefined) return this.#rooms.get(frame.room)?.receive(frame);
    if (frame.type === "error") this.emit("error", fromFrame(frame));
    if (frame.type === "limit") this.emit("limit", frame);
  }
}
