/** A server of its own for a scenario, and tenants with the limits that it is about. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../bench/port.ts";
import { Server } from "../bench/server.ts";

const root = join(import.meta.dirname, "..");

export class House {
  readonly #start: () => Promise<Server>;
  #server: Server;
  readonly #operatorKey: string;
  readonly #folder: string;

  private constructor(start: () => Promise<Server>, server: Server, operatorKey: string, folder: string) {
    this.#start = start;
    this.#server = server;
    this.#operatorKey = operatorKey;
    this.#folder = folder;
  }

  static async open(): Promise<House> {
    const folder = mkdtempSync(join(tmpdir(), "parley-load-"));
    const operatorKey = randomBytes(32).toString("hex");
    const secrets = { OPERATOR_KEY: operatorKey, MASTER_KEY: `1:${randomBytes(24).toString("hex")}` };
    const env = { ...secrets, PORT: String(await freePort()), HOST: "127.0.0.1", DATA_DIR: folder };
    const args = [join(root, "standalone", "start.ts")];
    const ready = (line: string): string | undefined => /^ready (http:\/\/\S+?)\/?$/.exec(line)?.[1];
    const start = (): Promise<Server> => Server.start({ command: process.execPath, args, cwd: root, env, ready });
    return new House(start, await start(), operatorKey, folder);
  }

  /** For what is done to its data folder. */
  async whileStopped(work: (folder: string) => void): Promise<void> {
    await this.#server.stop();
    work(this.#folder);
    this.#server = await this.#start();
  }

  /** The address for sockets of a room. */
  socketUrl(room: string): string {
    return `${this.#server.base.replace("http", "ws")}/v1/rooms/${room}/socket?backlog=0&presence=none`;
  }

  get complaints(): readonly string[] {
    return this.#server.complaints;
  }

  async newTenant(id: string, limits: Readonly<Record<string, number>>): Promise<Tenant> {
    const made = (await this.#call("/v1/tenants", this.#operatorKey, { id, name: id, limits })) as {
      key: { secret: string };
    };
    return new Tenant((path, body, method) => this.#call(path, made.key.secret, body, method));
  }

  async close(): Promise<void> {
    await this.#server.stop();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #call(path: string, key: string, body?: unknown, method = "POST"): Promise<unknown> {
    const response = await fetch(`${this.#server.base}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(15_000),
    });
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
    return response.json();
  }
}

type Call = (path: string, body?: unknown, method?: string) => Promise<unknown>;

export class Tenant {
  readonly #call: Call;

  constructor(call: Call) {
    this.#call = call;
  }

  async token(user: string): Promise<string> {
    const body = { user, rooms: { "*": ["read", "publish"] }, expiresInSeconds: 3_600 };
    return ((await this.#call("/v1/tokens", body)) as { token: string }).token;
  }

  async publish(room: string, text: string): Promise<void> {
    await this.#call(`/v1/rooms/${room}/messages`, { text });
  }

  async configure(room: string, settings: object): Promise<void> {
    await this.#call(`/v1/rooms/${room}`, { settings }, "PATCH");
  }

  async oldest(room: string): Promise<number> {
    return ((await this.#call(`/v1/rooms/${room}`, undefined, "GET")) as { oldest: number }).oldest;
  }

  /** At least so many: ids that are neither removed nor to come. */
  async countOf(room: string): Promise<number> {
    const { head, oldest } = (await this.#call(`/v1/rooms/${room}`, undefined, "GET")) as {
      head: number;
      oldest: number;
    };
    return head - oldest;
  }
}
