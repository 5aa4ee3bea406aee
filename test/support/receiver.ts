/** A tenant's server that webhooks are sent to, for tests: a real HTTP server, which answers as the path says. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  readonly body: string;
  readonly headers: Record<string, string>;
  readonly atMs: number;
}

export interface SentEvent {
  readonly id: string;
  readonly type: string;
  readonly timestamp: string;
  readonly tenant: string;
  readonly room: string | null;
  readonly seq?: number;
  readonly data: Record<string, unknown>;
}

const megabyte = Buffer.alloc(1_048_576, "x");

export class Receiver {
  /** By path. */
  readonly #received = new Map<string, Received[]>();
  /** Of an answer without end, how much was written. */
  megabytesSent = 0;
  #server: Server = this.#newServer();
  #port = 0;

  /** On the port that it had before, if it was started before. */
  async start(): Promise<this> {
    this.#server = this.#newServer();
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.#port}/${path}`;
  }

  at(path: string): readonly Received[] {
    return this.#received.get(`/${path}`) ?? [];
  }

  eventsAt(path: string): SentEvent[] {
    return this.at(path).map(({ body }): SentEvent => JSON.parse(body));
  }

  /** A request that is cut off was not received. */
  #newServer(): Server {
    return createServer((request, response) => void this.#answer(request, response).catch(() => undefined));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = (await request.setEncoding("utf8").toArray()).join("");
    const { url = "", headers } = request;
    const all = this.#received.get(url) ?? [];
    this.#received.set(url, all);
    const isFirst = all.length === 0;
    all.push({ body, headers: headers as Record<string, string>, atMs: Date.now() });
    const [kind] = url.slice(1).split("/");
    if (kind === "broken" && isFirst) response.writeHead(500).end("out of order");
    else if (kind === "resets" && isFirst) request.socket.resetAndDestroy();
    else if (kind === "redirects")
      response.writeHead(307, { Location: "http://169.254.169.254/latest/meta-data" }).end();
    else if (kind === "elsewhere") response.writeHead(302, { Location: this.url("fine/elsewhere") }).end();
    else if (kind === "gone") response.writeHead(410).end();
    else if (kind === "later") response.writeHead(429, { "Retry-After": "3600" }).end();
    else if (kind === "drips") drip(response);
    else if (kind === "huge") this.#flood(response);
    else if (kind !== "slow") response.writeHead(200).end("thanks");
  }

  /** As much of 100 MB as is taken. */
  #flood(response: ServerResponse): void {
    response.writeHead(200);
    const write = (): void => {
      while (this.megabytesSent < 100 && !response.destroyed) {
        this.megabytesSent++;
        if (!response.write(megabyte)) return void response.once("drain", write);
      }
      response.end();
    };
    write();
  }
}

/** A byte of its head now and then. */
function drip({ socket }: ServerResponse): void {
  const head = Buffer.from(`HTTP/1.1 200 OK\r\nX-Long: ${"x".repeat(1_000)}`);
  let sent = 0;
  const timer = setInterval(() => socket?.write(head.subarray(sent, ++sent)), 100);
  socket?.on("error", () => undefined).on("close", () => clearInterval(timer));
}
