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

  /** `project`: another copy of it to start. */
  static async open({ project = root }: { readonly project?: string } = {}): Promise<House> {
    const folder = mkdtempSync(join(tmpdir(), "parley-load-"));
    const operatorKey = randomBytes(32).toString("hex");
    const secrets = { OPERATOR_KEY: operatorKey, MASTER_KEY: `1:${randomBytes(24).toString("hex")}` };
    const env = { ...secrets, PORT: String(await freePort()), HOST: "127.0.0.1", DATA_DIR: folder };
    const args = [join(project, "standalone", "start.ts")];
    const ready = (line: string): string | undefined => /^ready (http:\/\/\S+?)\/?$/.exec(line)?.[1];
    const start = (): Promise<Server> => Server.start({ command: process.execPath, args, cwd: project, env, ready });
    return new House(start, await start(), operatorKey, folder);
  }

  /** For what is done to its data folder. */
  async whileStopped(work: (folder: string) => void): Promise<void> {
    await this.#server.stop();
    work(this.#folder);
    this.#server = await this.#start();
  }

  /** Without an end of its own choosing, or as it is asked to; over the same data. */
  async restart(how: "killed" | "stopped"): Promise<void> {
    await (how === "killed" ? this.#server.kill() : this.#server.stop());
    this.#server = await this.#start();
  }

  /** Without a trailing slash; the same after a restart. */
  get url(): string {
    return this.#server.base;
  }

  /** The address for sockets of a room. */
  socketUrl(room: string): string {
    return `${this.#server.base.replace("http", "ws")}/v1/rooms/${room}/socket?backlog=0&presence=none`;
  }

  /** Of the server: workerd, and the launcher that hosts it. */
  get processes(): { readonly workerd: number; readonly node: number } {
    const [workerd] = this.#server.pids("workerd");
    const node = this.#server.pids("all").find((pid) => pid !== workerd);
    if (workerd === undefined || node === undefined) throw new Error("the server has no such process");
    return { workerd, node };
  }

  get complaints(): readonly string[] {
    return this.#server.complaints;
  }

  async newTenant(id: string, limits: Readonly<Record<string, number>>): Promise<Tenant> {
    const made = (await this.#call("/v1/tenants", this.#operatorKey, { id, name: id, limits })) as {
      key: { secret: string };
    };
    return new Tenant(made.key.secret, (path, body, method) => this.#ask(path, made.key.secret, body, method));
  }

  async close(): Promise<void> {
    await this.#server.stop();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #call(path: string, key: string, body: unknown): Promise<unknown> {
    return (await this.#ask(path, key, body)).json();
  }

  /** With bytes, or with JSON. */
  async #ask(path: string, key: string, body?: unknown, method = "POST"): Promise<Response> {
    const isBytes = body instanceof Uint8Array;
    const type = isBytes ? "application/octet-stream" : "application/json";
    const response = await fetch(`${this.#server.base}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": type },
      ...(body === undefined ? {} : { body: isBytes ? new Uint8Array(body) : JSON.stringify(body) }),
      signal: AbortSignal.timeout(60_000),
    });
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
    return response;
  }
}

type Ask = (path: string, body?: unknown, method?: string) => Promise<Response>;

export class Tenant {
  /** The whole API key. */
  readonly key: string;
  readonly ask: Ask;

  constructor(key: string, ask: Ask) {
    this.key = key;
    this.ask = ask;
  }

  async #call(...asked: Parameters<Ask>): Promise<unknown> {
    return (await this.ask(...asked)).json();
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
