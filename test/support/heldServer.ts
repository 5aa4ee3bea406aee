/** A real HTTP server of a test, which can keep those waiting who ask it. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export abstract class HeldServer {
  /** Answers that wait for `letGo`. */
  #waiting: (() => void)[] = [];
  readonly #server: Server = createServer((request, response) => void this.answer(request, response));

  protected abstract answer(request: IncomingMessage, response: ServerResponse): Promise<void>;

  async start(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return this;
  }

  protected get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  protected hold(go: () => void): void {
    this.#waiting.push(go);
  }

  letGo(): void {
    for (const go of this.#waiting.splice(0)) go();
  }

  close(): void {
    this.letGo();
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
