/** A server of the many-rooms socket that does what a test tells it, frame by frame. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";

export interface Said {
  readonly type: string;
  readonly ref: string;
  readonly room: string;
  readonly nonce: string;
  readonly cursor?: string;
  readonly token?: string;
  readonly upTo?: number;
}

export class Line {
  readonly frames: Said[] = [];
  readonly token: string;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket, token: string) {
    this.#socket = socket;
    this.token = token;
  }

  tell(...frames: object[]): void {
    for (const frame of frames) this.#socket.send(JSON.stringify(frame));
  }

  /** Whatever it is. */
  raw(text: string): void {
    this.#socket.send(text);
  }

  /** Without a farewell of the protocol. */
  close(code: number, reason = ""): void {
    this.#socket.close(code, reason);
  }

  cut(): void {
    this.#socket.terminate();
  }
}

export class ScriptedServer {
  readonly lines: Line[] = [];
  readonly calls: string[] = [];
  /** Sockets that are open now, and the most there were at once. */
  open = 0;
  openMax = 0;
  onLine: (line: Line) => void = () => undefined;
  onFrame: (line: Line, frame: Said) => void = () => undefined;
  onCall: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => response.end("{}");
  /** Whether an upgrade is refused, and how. */
  refusal: number | null = null;
  readonly #http: Server = createServer((request, response) => {
    this.calls.push(`${request.method} ${request.url}`);
    this.onCall(request, response);
  });
  readonly #sockets = new WebSocketServer({ noServer: true, handleProtocols: () => "parley.v1" });

  async listen(): Promise<this> {
    this.#http.on("upgrade", (request, socket, head) => {
      if (this.refusal !== null) return void socket.end(`HTTP/1.1 ${this.refusal} No\r\nConnection: close\r\n\r\n`);
      this.#sockets.handleUpgrade(request, socket, head, (opened) => this.#accept(opened, request));
    });
    this.#http.listen(0, "127.0.0.1");
    await once(this.#http, "listening");
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, "close");
  }

  #accept(socket: WebSocket, { headers }: IncomingMessage): void {
    const line = new Line(socket, headers["sec-websocket-protocol"]?.split("bearer.")[1] ?? "");
    this.open++;
    this.openMax = Math.max(this.openMax, this.open);
    socket.on("close", () => this.open--);
    socket.on("message", (data) => {
      const frame = JSON.parse(String(data)) as Said;
      line.frames.push(frame);
      if (frame.type === "ping") line.tell({ type: "pong" });
      this.onFrame(line, frame);
    });
    this.lines.push(line);
    this.onLine(line);
  }
}

/** A room on a scripted server: it lets everyone in, and keeps what is published. */
export class ScriptedRoom {
  readonly stored: { readonly nonce: string; readonly text: string }[] = [];
  /** What arrived, also more than once. */
  received = 0;
  head = 0;

  welcome(room: string, cursor: string | undefined): object[] {
    const resumed = cursor !== undefined;
    const settings = { frozen: false, slowModeMs: 0, access: "open", retentionDays: null, retentionMessages: null };
    const { head } = this;
    const about = { protocol: 1, connection: "c", room, epoch: "abcdefgh", head, oldest: 1, start: resumed ? null : 1 };
    const user = { user: { id: "ada", name: null, role: null }, capabilities: ["read", "publish"], expiresAt: null };
    const limits = { publish: { perSecond: 100_000, burst: 100_000 }, frameBytes: 65_536, textLength: 16_384 };
    const rest = { pingMs: 25_000, reconnectJitterMs: 1, limits, settings, receipts: {}, serverTime: Date.now() };
    const from = Number(cursor?.split(":")[1] ?? 0);
    const changes = this.stored.slice(from).map((_, index) => this.change(from + index + 1));
    return [
      { type: "welcome", ...about, resumed, ...user, ...rest },
      ...(resumed && changes.length === 0
        ? []
        : [{ type: "changes", room, from, to: head, changes, ...(resumed ? {} : { reset: true }) }]),
    ];
  }

  change(id: number): object {
    const { nonce, text } = this.stored[id - 1] ?? { nonce: "", text: "" };
    return { type: "message", message: message(id, { nonce, text }) };
  }

  /** Once for each nonce. Gives what is told, and the ack. */
  publish({ ref, room, nonce, ...frame }: Said & { readonly text?: string }): object[] {
    this.received++;
    const known = this.stored.findIndex((stored) => stored.nonce === nonce);
    if (known >= 0) return [{ type: "ack", room, ref, id: known + 1, seq: known + 1, duplicate: true }];
    this.stored.push({ nonce, text: frame.text ?? "" });
    const id = ++this.head;
    const told = { type: "changes", room, from: id - 1, to: id, changes: [this.change(id)] };
    return [told, { type: "ack", room, ref, id, seq: id }];
  }

  answer(line: Line, frame: Said): void {
    const { room, ref, cursor } = frame;
    if (frame.type === "join") line.tell({ type: "ack", room, ref }, ...this.welcome(room, cursor));
    if (frame.type === "leave") line.tell({ type: "ack", room, ref });
    if (frame.type === "publish") line.tell(...this.publish(frame));
  }
}

export function message(id: number, more: object = {}): { id: number; seq: number } {
  const sender = { id: "ada", name: null };
  const none = { data: null, replyTo: null, replies: 0, mentions: [], attachments: [], reactions: {} };
  const times = { createdAt: id, editedAt: null, deletedAt: null, expiresAt: null };
  return {
    id,
    seq: id,
    version: 1,
    sender,
    nonce: null,
    text: `${id}`,
    ...none,
    status: "sent",
    ...times,
    ...more,
  } as {
    id: number;
    seq: number;
  };
}
