/** A TCP proxy for tests, between clients and a server, which breaks their connections on purpose. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

// As in rawSocket.ts: in the tests' project Cloudflare's types and Node's spoil each other's Buffer.
type Bytes = Uint8Array;

const closeMs = 30_000;
/** How often a slowed connection gets its next bytes. */
const stepMs = 25;
const firstLineLengthMax = 4_096;

/**
 * - `cut`: both ends get a RST at once, as from a router that restarted.
 * - `fin`: both ends get a FIN at once, perhaps in the midst of a frame, without any farewell of the protocol.
 * - `stall`: nothing passes any more, no bytes, no FIN and no RST, while TCP stays open; all of it does after `heal`.
 * - `halfClose`: the server gets the client's FIN, and the client goes on to receive.
 * - `halfOpen`: the client is gone (it gets a RST, so that it knows), and the server is told nothing: what it sends is swallowed.
 */
export type Trouble = "cut" | "fin" | "stall" | "halfClose" | "halfOpen";

export async function startProxy(target: { readonly port: number }): Promise<Proxy> {
  const listener = createServer({ allowHalfOpen: true, noDelay: true });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return new Proxy(listener, target.port);
}

export class Proxy {
  readonly port: number;
  readonly #listener: Server;
  readonly #targetPort: number;
  /** Until both of its sockets are closed. */
  readonly #connections = new Set<Connection>();
  #arrived = 0;
  #refuses = false;
  #bytesPerSecond: number | null = null;

  constructor(listener: Server, targetPort: number) {
    this.#listener = listener;
    this.#targetPort = targetPort;
    this.port = (listener.address() as AddressInfo).port;
    listener.on("connection", (client) => this.#accept(client));
  }

  /** Without a trailing slash. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Those whose client is still there, in the order in which they came. */
  get connections(): readonly Connection[] {
    return [...this.#connections].filter(({ isLive }) => isLive);
  }

  /** How many connections the server still has open although their client is gone. */
  get lingering(): number {
    return [...this.#connections].filter(({ lingers }) => lingers).length;
  }

  /** Troubles the connections that are live now, and says how many. Those that come later have none. */
  trouble(kind: Trouble, which: (connection: Connection) => boolean = () => true): number {
    const hit = this.connections.filter(which);
    for (const connection of hit) connection.suffer(kind);
    return hit.length;
  }

  /** Ends every stall: what was held passes, in its order. Nothing else can be healed. */
  heal(): void {
    for (const connection of this.#connections) connection.heal();
  }

  /**
   * From the server to each client, also to those that come later; null for full speed. The kernel's buffers still take some
   * megabytes from the server before it notices.
   */
  slow(bytesPerSecond: number | null): void {
    this.#bytesPerSecond = bytesPerSecond;
    for (const connection of this.#connections) connection.slow(bytesPerSecond);
  }

  /** While on, whoever connects gets a RST. The same happens, unasked, while the server is down. */
  refuse(on: boolean): void {
    this.#refuses = on;
  }

  /** Drops every connection and leaves nothing behind. */
  async close(): Promise<void> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error(`the proxy did not close within ${closeMs} ms`)), closeMs);
    const listenerClosed = new Promise<void>((resolve) => this.#listener.close(() => resolve()));
    const closed = [...this.#connections].map((connection) => connection.drop());
    await Promise.race([Promise.all([listenerClosed, ...closed]), late]).finally(() => clearTimeout(timer));
  }

  #accept(client: Socket): void {
    if (this.#refuses) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ port: this.#targetPort, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    const connection = new Connection(++this.#arrived, client, server);
    connection.slow(this.#bytesPerSecond);
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
  }
}

/** One client's connection, and the one to the server that was made for it. */
export class Connection {
  /** It was the first, the second… to come. */
  readonly nth: number;
  /** Settles when both of its sockets are closed. */
  readonly closed: Promise<unknown>;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #toServer: Direction;
  readonly #toClient: Direction;
  #opening = "";
  #isDoomed = false;

  constructor(nth: number, client: Socket, server: Socket) {
    this.nth = nth;
    this.#client = client;
    this.#server = server;
    this.#toServer = new Direction(client, server);
    this.#toClient = new Direction(server, client);
    this.closed = Promise.all(
      [client, server].map((socket) => new Promise<void>((resolve) => socket.once("close", () => resolve()))),
    );
    client.on("data", (bytes) => this.#note(bytes));
  }

  /** What the client asked for first: "GET /v1/rooms/general/events HTTP/1.1". Empty until it has come. */
  get firstLine(): string {
    const [line = "", rest] = this.#opening.split("\r\n", 2);
    return rest === undefined ? "" : line;
  }

  get isLive(): boolean {
    return !this.#isDoomed && !this.#client.destroyed && !this.#server.destroyed;
  }

  get lingers(): boolean {
    return !this.isLive && !this.#server.destroyed;
  }

  suffer(kind: Trouble): void {
    switch (kind) {
      case "cut":
        this.#isDoomed = true;
        reset(this.#client);
        reset(this.#server);
        return;
      case "fin":
        this.#isDoomed = true;
        this.#toServer.end();
        this.#toClient.end();
        return;
      case "stall":
        this.#toServer.hold();
        this.#toClient.hold();
        return;
      case "halfClose":
        this.#toServer.end();
        return;
      case "halfOpen":
        this.#isDoomed = true;
        this.#vanish();
    }
  }

  heal(): void {
    this.#toServer.release();
    this.#toClient.release();
  }

  slow(bytesPerSecond: number | null): void {
    this.#toClient.slow(bytesPerSecond);
  }

  drop(): Promise<unknown> {
    this.#toServer.silence();
    this.#toClient.silence();
    this.#client.destroy();
    this.#server.destroy();
    return this.closed;
  }

  #vanish(): void {
    this.#toServer.silence();
    this.#toClient.silence();
    reset(this.#client);
    // When the server gives up by itself, its side is closed, so that `lingering` shows it.
    if (this.#server.readableEnded) this.#server.destroy();
    else this.#server.once("end", () => this.#server.destroy());
  }

  /** Not a byte more than the first line: what follows may hold a credential. */
  #note(bytes: Bytes): void {
    if (this.#opening.includes("\r\n") || this.#opening.length >= firstLineLengthMax) return;
    const opening = this.#opening + String.fromCharCode(...bytes.subarray(0, firstLineLengthMax));
    const end = opening.indexOf("\r\n");
    this.#opening = end === -1 ? opening : opening.slice(0, end + 2);
  }
}

/** Node leaks the handle of a socket that is reset while its FIN is under way, and never tells that it is closed. */
function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}

/** What flows from one socket to the other: bytes, and at last how the source ended. */
class Direction {
  readonly #source: Socket;
  readonly #sink: Socket;
  #waiting: Bytes[] = [];
  /** How the source ended, until it is passed on. */
  #ending: "end" | "reset" | undefined;
  /** `resets`: the sink has got its FIN already. */
  #passes: "all" | "resets" | "nothing" = "all";
  #isHeld = false;
  /** One write at a time, so that little is under way inside Node when a stall begins. */
  #isWriting = false;
  #bytesPerSecond: number | null = null;
  #rest: NodeJS.Timeout | undefined;

  constructor(source: Socket, sink: Socket) {
    this.#source = source;
    this.#sink = sink;
    source.on("data", (bytes) => this.#take(bytes));
    source.on("end", () => this.#finish("end"));
    source.on("error", () => this.#finish("reset"));
  }

  hold(): void {
    this.#isHeld = true;
    if (this.#passes === "all") this.#source.pause();
  }

  release(): void {
    this.#isHeld = false;
    this.#pump();
  }

  slow(bytesPerSecond: number | null): void {
    this.#bytesPerSecond = bytesPerSecond;
    this.#wake();
  }

  /** The sink gets a FIN now and no more bytes. */
  end(): void {
    this.#dropBytes("resets");
    this.#sink.end();
  }

  /** The sink is told nothing any more. */
  silence(): void {
    this.#dropBytes("nothing");
  }

  /** The source is read on all the same: otherwise its end would not be seen. */
  #dropBytes(passes: "resets" | "nothing"): void {
    this.#passes = passes;
    this.#waiting = [];
    this.#wake();
    this.#source.resume();
  }

  #take(bytes: Bytes): void {
    if (this.#passes !== "all") return;
    this.#waiting.push(bytes);
    this.#pump();
  }

  #finish(ending: "end" | "reset"): void {
    this.#ending = ending;
    // A reset overtakes what was not delivered yet, as on any network.
    if (ending === "reset") this.#waiting = [];
    this.#pump();
  }

  /** Passes on what may be passed now, and reads on when there is no more of it. */
  #pump(): void {
    if (this.#isHeld) return;
    if (this.#waiting.length === 0) this.#passEnding();
    if (this.#isWriting || this.#rest !== undefined) return;
    const bytes = this.#waiting.shift();
    if (bytes === undefined) this.#source.resume();
    else this.#write(bytes);
  }

  #write(bytes: Bytes): void {
    const now = bytes.subarray(0, this.#portion());
    if (now.byteLength < bytes.byteLength) this.#waiting.unshift(bytes.subarray(now.byteLength));
    this.#source.pause();
    this.#isWriting = true;
    this.#sink.write(now, () => {
      this.#isWriting = false;
      this.#restAfter(now.byteLength);
      this.#pump();
    });
  }

  #passEnding(): void {
    const ending = this.#ending;
    this.#ending = undefined;
    if (ending === "end" && this.#passes === "all") this.#sink.end();
    if (ending !== "reset" || this.#passes === "nothing") return;
    reset(this.#sink);
  }

  #portion(): number {
    return this.#bytesPerSecond === null ? Infinity : Math.max(1, Math.round((this.#bytesPerSecond * stepMs) / 1_000));
  }

  #restAfter(byteLength: number): void {
    if (this.#bytesPerSecond === null || this.#passes !== "all") return;
    this.#rest = setTimeout(() => this.#wake(), (byteLength / this.#bytesPerSecond) * 1_000);
  }

  #wake(): void {
    clearTimeout(this.#rest);
    this.#rest = undefined;
    this.#pump();
  }
}
