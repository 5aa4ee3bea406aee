/** A WebSocket client that may break every rule of RFC 6455: frames are sent as told and received one by one. */
import { createHash, randomBytes } from "node:crypto";
import { request, type IncomingHttpHeaders } from "node:http";
import type { Socket } from "node:net";

// Bytes are plain Uint8Arrays: in the tests' project Cloudflare's types and Node's spoil each other's Buffer.
type Bytes = Uint8Array;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface Frame {
  opcode: number;
  fin: boolean;
  /** The three reserved bits, 0 to 7. */
  rsv: number;
  payload: Bytes;
}

export interface OutgoingFrame {
  opcode: number;
  payload?: string | Bytes;
  fin?: boolean;
  rsv?: number;
  masked?: boolean;
}

/** How the connection ended: with TCP's farewell, or without. `code` is that of a close frame, if one came. */
export interface Ending {
  by: "fin" | "reset" | "us";
  code?: number;
  reason?: string;
}

export interface HandshakeOptions {
  headers?: Record<string, string>;
  subprotocols?: string[];
}

export type Handshake =
  | { ok: true; socket: RawSocket }
  | { ok: false; status: number; headers: IncomingHttpHeaders; body: string };

/** Asks for an upgrade; an answer other than 101 is a value. Takes `http:` and `ws:` addresses. */
export function shakeHands(
  url: string | URL,
  { headers = {}, subprotocols = [] }: HandshakeOptions = {},
): Promise<Handshake> {
  const key = btoa(String.fromCharCode(...randomBytes(16)));
  const handshake = Promise.withResolvers<Handshake>();
  const asked = request(String(url).replace(/^ws/, "http"), {
    agent: false,
    headers: {
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": key,
      ...(subprotocols.length > 0 && { "Sec-WebSocket-Protocol": subprotocols.join(", ") }),
      ...headers,
    },
  });
  asked.on("upgrade", (response, socket, head) => {
    if (response.headers["sec-websocket-accept"] !== acceptOf(key))
      handshake.reject(new Error("Sec-WebSocket-Accept does not fit the key"));
    else handshake.resolve({ ok: true, socket: new RawSocket(socket as Socket, head, response.headers) });
  });
  asked.on("response", (response) => {
    const refused = async (): Promise<Handshake> => {
      const body = decoder.decode(joined(await response.toArray()));
      return { ok: false, status: response.statusCode ?? 0, headers: response.headers, body };
    };
    handshake.resolve(refused());
  });
  asked.on("error", handshake.reject);
  asked.end();
  return handshake.promise;
}

/** Throws when the upgrade is refused. */
export async function openSocket(url: string | URL, options?: HandshakeOptions): Promise<RawSocket> {
  const handshake = await shakeHands(url, options);
  if (!handshake.ok) throw new Error(`the upgrade was refused: ${handshake.status} ${handshake.body}`);
  return handshake.socket;
}

interface Waiter {
  resolve: (frame: Frame) => void;
  reject: (error: Error) => void;
}

export class RawSocket {
  readonly headers: IncomingHttpHeaders;
  /** Settles once, never rejects. Not before `resume()` while reading is paused. */
  readonly ended: Promise<Ending>;
  /** What came and nobody has asked for yet. */
  readonly frames: Frame[] = [];
  readonly #socket: Socket;
  readonly #waiters: Waiter[] = [];
  #unread: Bytes = new Uint8Array(0);
  #ending: Ending | undefined;
  #farewell: Omit<Ending, "by"> = {};

  constructor(socket: Socket, head: Bytes, headers: IncomingHttpHeaders) {
    this.#socket = socket;
    this.headers = headers;
    this.ended = this.#watchEnd();
    socket.setNoDelay(true);
    socket.on("data", (bytes) => this.#read(bytes));
    if (head.byteLength > 0) this.#read(head);
  }

  get subprotocol(): string | undefined {
    return this.headers["sec-websocket-protocol"];
  }

  sendText(text: string): void {
    this.sendFrame({ opcode: opcodes.text, payload: text });
  }

  sendBinary(payload: Bytes): void {
    this.sendFrame({ opcode: opcodes.binary, payload });
  }

  /** A code of undefined sends a close frame without a body. */
  sendClose(code?: number, reason = ""): void {
    this.sendFrame({
      opcode: opcodes.close,
      payload: code === undefined ? "" : joined([uint16(code), encoder.encode(reason)]),
    });
  }

  sendFrame(frame: OutgoingFrame): void {
    this.sendRaw(encodeFrame(frame));
  }

  sendRaw(bytes: Bytes): void {
    this.#socket.write(bytes);
  }

  /** The next frame of any kind. Rejects when none comes in time or the connection has ended. */
  next(withinMs = 5_000): Promise<Frame> {
    const frame = this.frames.shift();
    if (frame) return Promise.resolve(frame);
    if (this.#ending) return Promise.reject(new Error(`the connection has ended: ${JSON.stringify(this.#ending)}`));
    const { promise, ...waiter } = Promise.withResolvers<Frame>();
    this.#waiters.push(waiter);
    const timer = setTimeout(() => {
      this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
      waiter.reject(new Error(`no frame within ${withinMs} ms`));
    }, withinMs);
    return promise.finally(() => clearTimeout(timer));
  }

  /** The next whole text message; control frames before it are passed over. */
  async nextText(withinMs = 5_000): Promise<string> {
    const deadlineMs = Date.now() + withinMs;
    const parts: Bytes[] = [];
    for (;;) {
      const { opcode, fin, payload } = await this.next(Math.max(1, deadlineMs - Date.now()));
      if (opcode === opcodes.text || opcode === opcodes.continuation) parts.push(payload);
      else if (opcode === opcodes.binary) throw new Error("a binary message came where a text was expected");
      if (fin && parts.length > 0 && opcode <= opcodes.binary) return decoder.decode(joined(parts));
    }
  }

  /** Lets the kernel's buffers fill, as a slow reader does. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Sends TCP's FIN without a close frame; still reads. */
  endTcp(): void {
    this.#socket.end();
  }

  /** Sends TCP's RST, as a crashed client or a cut network does. */
  resetTcp(): void {
    this.#socket.resetAndDestroy();
  }

  async #watchEnd(): Promise<Ending> {
    const { promise, resolve } = Promise.withResolvers<Ending["by"]>();
    this.#socket.once("end", () => resolve("fin"));
    this.#socket.on("error", () => resolve("reset"));
    this.#socket.once("close", () => resolve("us"));
    this.#ending = { by: await promise, ...this.#farewell };
    for (const waiter of this.#waiters.splice(0))
      waiter.reject(new Error(`the connection ended: ${JSON.stringify(this.#ending)}`));
    return this.#ending;
  }

  #read(bytes: Bytes): void {
    this.#unread = joined([this.#unread, bytes]);
    for (let taken = decodeFrame(this.#unread); taken; taken = decodeFrame(this.#unread)) {
      this.#unread = this.#unread.subarray(taken.byteLength);
      this.#receive(taken.frame);
    }
  }

  #receive(frame: Frame): void {
    if (frame.opcode === opcodes.close) this.#farewell = farewellOf(frame.payload);
    const waiter = this.#waiters.shift();
    if (waiter) waiter.resolve(frame);
    else this.frames.push(frame);
  }
}

export function encodeFrame({ opcode, payload = "", fin = true, rsv = 0, masked = true }: OutgoingFrame): Bytes {
  const body = typeof payload === "string" ? encoder.encode(payload) : payload;
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const head = joined([Uint8Array.of(first), encodeLength(body.byteLength, masked)]);
  if (!masked) return joined([head, body]);
  const mask: Bytes = randomBytes(4);
  return joined([head, mask, body.map((byte, index) => byte ^ (mask[index % 4] ?? 0))]);
}

function encodeLength(length: number, masked: boolean): Bytes {
  const flag = masked ? 0x80 : 0;
  if (length < 126) return Uint8Array.of(flag | length);
  if (length < 65_536) return joined([Uint8Array.of(flag | 126), uint16(length)]);
  const long = new Uint8Array(9);
  long[0] = flag | 127;
  viewOf(long).setBigUint64(1, BigInt(length));
  return long;
}

/** Undefined until the whole frame has come. */
function decodeFrame(bytes: Bytes): { frame: Frame; byteLength: number } | undefined {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return undefined;
  const short = second & 0x7f;
  const start = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.byteLength < start) return undefined;
  const length =
    short === 126 ? viewOf(bytes).getUint16(2) : short === 127 ? Number(viewOf(bytes).getBigUint64(2)) : short;
  if (bytes.byteLength < start + length) return undefined;
  const payload = bytes.slice(start, start + length);
  return {
    frame: { opcode: first & 0x0f, fin: first >= 0x80, rsv: (first >> 4) & 7, payload },
    byteLength: start + length,
  };
}

function farewellOf(payload: Bytes): Omit<Ending, "by"> {
  return payload.byteLength < 2
    ? {}
    : { code: viewOf(payload).getUint16(0), reason: decoder.decode(payload.subarray(2)) };
}

function uint16(value: number): Bytes {
  return Uint8Array.of(value >> 8, value & 0xff);
}

function viewOf(bytes: Bytes): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function joined(parts: Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

function acceptOf(key: string): string {
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}
