import { once } from "node:events";
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import type { ServerFrame } from "../../src/protocol/serverFrames.ts";
import { ask, type LiveTenant, makeTenant } from "../chaos/tenant.ts";
import { type Server, startServer } from "../support/process.ts";
import { newProviderKey, type ProviderKey, signWith } from "../support/provider.ts";

const rooms = { "*": ["read", "publish"] };
const within = { timeout: 30_000, interval: 20 };

let server: Server;
let tenant: LiveTenant;
let key: ProviderKey;
let provider: HttpServer;
let isAway = false;
beforeAll(async () => {
  key = await newProviderKey("k1", "ES256");
  provider = createServer((_, response) => {
    response.shouldKeepAlive = false;
    response.writeHead(isAway ? 500 : 200, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ keys: [key.jwk] }));
  }).listen(0, "127.0.0.1");
  await once(provider, "listening");
  server = await startServer({ env: { PRIVATE_ENDPOINTS: "allow" } });
  tenant = await makeTenant(server, "acme");
});
afterAll(async () => {
  await server.remove();
  provider.close();
});

class Client {
  readonly frames: (ServerFrame & { room?: string })[] = [];
  readonly #socket: WebSocket;

  constructor(path: string, token: string) {
    this.#socket = new WebSocket(`${tenant.url.replace("http", "ws")}${path}`, ["parley.v1", `bearer.${token}`]);
    this.#socket.on("message", (data) => {
      const parsed: ServerFrame | ServerFrame[] = JSON.parse(String(data));
      this.frames.push(...(Array.isArray(parsed) ? parsed : [parsed]));
    });
    this.#socket.on("error", () => undefined);
  }

  async open(): Promise<this> {
    await once(this.#socket, "open");
    return this;
  }

  async ask(frame: { readonly ref: string; readonly [field: string]: unknown }): Promise<ServerFrame> {
    this.#socket.send(JSON.stringify(frame));
    const found = (): ServerFrame | undefined => this.frames.find((told) => "ref" in told && told.ref === frame.ref);
    await vi.waitUntil(() => found() !== undefined, within);
    return found() ?? { type: "pong" };
  }

  close(): void {
    this.#socket.close();
  }
}

async function newToken(user: string, expiresInSeconds: number): Promise<string> {
  const options = { method: "POST", credential: tenant.key, body: { user, rooms, expiresInSeconds } };
  return (await ask<{ token: string }>(`${tenant.url}/v1/tokens`, options)).token;
}

async function register(name: string): Promise<string> {
  const jwksUrl = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/${name}`;
  const issuer = `https://${name}.example.com`;
  const body = { issuer, jwksUrl, algorithms: ["ES256"] };
  await ask(`${tenant.url}/v1/issuers`, { method: "POST", credential: tenant.key, body });
  return issuer;
}

function providerToken(iss: string, sub: string): Promise<string> {
  const iat = Math.floor(Date.now() / 1_000);
  return signWith(key, { iss, aud: "parley/acme", sub, iat, exp: iat + 3_000, rooms });
}

test("[A17] the alarm tells a socket that says nothing, by the platform's own clock", async () => {
  const client = await new Client("/v1/rooms/general/socket", await newToken("ada", 3)).open();
  await vi.waitUntil(() => client.frames.some(({ type }) => type === "token"), within);
  const [welcome] = client.frames;
  const expiresAt = welcome?.type === "welcome" ? welcome.expiresAt : 0;
  expect(client.frames.filter(({ type }) => type === "token")).toEqual([{ type: "token", expiresAt, expiring: true }]);
  client.close();
});

test("[A18] [A19] a token of the tenant's identity provider carries a socket on, the room's own and one of many rooms", async () => {
  const issuer = await register("idp");
  const one = await new Client("/v1/rooms/general/socket", await newToken("ada", 600)).open();
  const many = await new Client("/v1/socket", await newToken("ada", 600)).open();
  expect(await many.ask({ type: "join", ref: "j", room: "general" })).toMatchObject({ type: "ack" });
  const token = await providerToken(issuer, "ada");
  for (const client of [one, many]) {
    const answer = await client.ask({ type: "token", ref: "t", token });
    expect(answer).toEqual({ type: "token", ref: "t", expiresAt: expect.any(Number) });
    expect(answer.type === "token" && answer.expiresAt > Date.now() + 2_000_000).toBe(true);
    const others = await providerToken(issuer, "bo");
    expect(await client.ask({ type: "token", ref: "b", token: others })).toMatchObject({ code: "forbidden" });
    const address = client === many ? { room: "general" } : {};
    const publish = { type: "publish", ref: "p", nonce: `nonce-${client === many}-x`, text: "x", ...address };
    expect(await client.ask(publish)).toMatchObject({ type: "ack" });
    client.close();
  }
});

test("[A18] an identity provider that is away is said to be, and the socket goes on by the token that it has", async () => {
  const issuer = await register("away");
  isAway = true;
  const client = await new Client("/v1/rooms/general/socket", await newToken("ada", 600)).open();
  const token = await providerToken(issuer, "ada");
  const refused = await client.ask({ type: "token", ref: "t", token });
  expect(refused).toMatchObject({ type: "error", code: "overloaded", retryable: true });
  expect(JSON.stringify(refused)).not.toContain(token.slice(-12));
  const publish = { type: "publish", ref: "p", nonce: "nonce-away-x", text: "x" };
  expect(await client.ask(publish)).toMatchObject({ type: "ack" });
  expect(server.log.join("\n")).not.toContain(token.slice(-12));
  client.close();
});
