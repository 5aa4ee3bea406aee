/** A server of its own for a scenario, and tenants with the limits that it is about. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../bench/port.ts";
import { Server } from "../bench/server.ts";

const root = join(import.meta.dirname, "..");

export class House {
  readonly #server: Server;
  readonly #operatorKey: string;
  readonly #folder: string;

  private constructor(server: Server, operatorKey: string, folder: string) {
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
    const server = await Server.start({ command: process.execPath, args, cwd: root, env, ready });
    return new House(server, operatorKey, folder);
  }

  /** The address for sockets of a room. */
  socketUrl(room: string): string {
    return `${this.#server.base.replace("http", "ws")}/v1/rooms/${room}/socket?backlog=0&presence=none`;
  }

  get complaints(): readonly string[] {
    return this.#server.complaints;
  }

  async newTenant(id: string, limits: Readonly<Record<string, number>>): Promise<Tenant> {
    const made = (await this.#post("/v1/tenants", this.#operatorKey, { id, name: id, limits })) as {
      key: { secret: string };
    };
    return new Tenant((path, body) => this.#post(path, made.key.secret, body));
  }

  async close(): Promise<void> {
    await this.#server.stop();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #post(path: string, key: string, body: unknown): Promise<unknown> {
    const response = await fetch(`${this.#server.base}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(15_000),
    });
    if (!response.ok) throw new Error(`POST ${path} answered ${response.status}: ${await response.text()}`);
    return response.json();
  }
}

export class Tenant {
  readonly #post: (path: string, body: unknown) => Promise<unknown>;

  constructor(post: (path: string, body: unknown) => Promise<unknown>) {
    this.#post = post;
  }

  async token(user: string): Promise<string> {
    const body = { user, rooms: { "*": ["read", "publish"] }, expiresInSeconds: 3_600 };
    return ((await this.#post("/v1/tokens", body)) as { token: string }).token;
  }
}
