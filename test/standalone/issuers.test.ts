import { once } from "node:events";
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call, type LiveTenant, makeTenant, newToken } from "../chaos/tenant.ts";
import { type Server, startServer } from "../support/process.ts";
import { newProviderKey, type ProviderKey, signWith } from "../support/provider.ts";

/** Identity providers of every kind at one address, each under a path of its own. */
class Providers {
  readonly #server: HttpServer;
  readonly #waiting = new Set<ServerResponse>();
  readonly asked = new Map<string, number>();
  /** What the good ones answer. */
  set: unknown;

  constructor(set: unknown) {
    this.set = set;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  async start(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${path}`;
  }

  /** Those who wait are answered now. */
  letGo(): void {
    for (const response of this.#waiting) this.#json(response, JSON.stringify(this.set));
    this.#waiting.clear();
  }

  #answer({ url = "/" }: IncomingMessage, response: ServerResponse): void {
    // The runtime asks again by itself when a connection that it used before turns out to be closed.
    response.shouldKeepAlive = false;
    const [, path = "", kind = path] = /^\/(([a-z]+)[^?]*)/.exec(url) ?? [];
    this.asked.set(path, (this.asked.get(path) ?? 0) + 1);
    const good = JSON.stringify(this.set);
    if (kind === "good") this.#json(response, good);
    else if (kind === "silent") this.#waiting.add(response);
    else if (kind === "down") response.destroy();
    else if (kind === "half") breakOff(response, good.slice(0, 10));
    else if (kind === "redirecting") response.writeHead(302, { Location: this.url("good/elsewhere") }).end();
    else if (kind === "failing") response.writeHead(500, { "Content-Type": "application/json" }).end(good);
    else if (kind === "page") response.writeHead(200, { "Content-Type": "text/html" }).end("<html></html>");
    else if (kind === "empty") this.#json(response, "");
    else if (kind === "garbage") this.#json(response, '{"keys":[{]}');
    else if (kind === "huge") this.#json(response, good.replace("{", `{"pad":"${"x".repeat(1_048_576)}",`));
    else drip(response);
  }

  #json(response: ServerResponse, text: string): void {
    response.writeHead(200, { "Content-Type": "application/json" }).end(text);
  }
}

/** Announces more than it sends. */
function breakOff(response: ServerResponse, text: string): void {
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": 4_096 });
  response.write(text, () => response.destroy());
}

/** A byte now and then, without end. */
function drip(response: ServerResponse): void {
  response.writeHead(200, { "Content-Type": "application/json" });
  const timer = setInterval(() => response.write(" "), 200);
  response.once("close", () => clearInterval(timer));
}

let server: Server;
let key: ProviderKey;
let providers: Providers;
beforeAll(async () => {
  key = await newProviderKey("k1", "RS256");
  providers = new Providers({ keys: [key.jwk] });
  await providers.start();
  server = await startServer({ env: { PRIVATE_ENDPOINTS: "allow" } });
});
afterAll(async () => {
  await server.remove();
  providers.close();
});

interface Tenant extends LiveTenant {
  readonly id: string;
}

async function newTenant(id: string): Promise<Tenant> {
  return { ...(await makeTenant(server, id)), id };
}

const issuerOf = (path: string): string => `https://idp.example.com/${path}`;

async function register({ url, key: credential }: LiveTenant, path: string): Promise<string> {
  const body = { issuer: issuerOf(path), jwksUrl: providers.url(path), algorithms: ["RS256"] };
  const registered = await call(`${url}/v1/issuers`, { method: "POST", credential, body });
  if (registered.status !== 201) throw new Error(await registered.text());
  return ((await registered.json()) as { id: string }).id;
}

function tokenOf({ id }: Tenant, path: string, by = key): Promise<string> {
  const iat = Math.floor(Date.now() / 1_000);
  const rooms = { "*": ["read", "publish"] };
  return signWith(by, { iss: issuerOf(path), aud: `parley/${id}`, sub: "ada", iat, exp: iat + 600, rooms });
}

interface Said {
  readonly status: number;
  readonly code: string | undefined;
  readonly retryAfter: string | null;
  readonly tookMs: number;
}

async function publish({ url }: LiveTenant, credential: string, signal?: AbortSignal): Promise<Said> {
  const sinceMs = performance.now();
  const answer = await fetch(`${url}/v1/rooms/general/messages`, {
    method: "POST",
    headers: { Authorization: `Bearer ${credential}`, "Content-Type": "application/json" },
    body: JSON.stringify({ text: "hi" }),
    ...(signal === undefined ? {} : { signal }),
  });
  const { code } = (await answer.json()) as { code?: string };
  const retryAfter = answer.headers.get("retry-after");
  return { status: answer.status, code, retryAfter, tookMs: performance.now() - sinceMs };
}

describe("a provider that answers", () => {
  test("[A13] its users come in, and 200 of them at once ask it once", async () => {
    const tenant = await newTenant("good");
    await register(tenant, "good");
    const token = await tokenOf(tenant, "good");
    const all = await Promise.all(Array.from({ length: 200 }, () => publish(tenant, token)));
    // Whoever wrote too much was let in before that.
    expect(all.filter(({ status }) => status !== 201 && status !== 429)).toEqual([]);
    expect(providers.asked.get("good")).toBe(1);
  });

  test("[A14] whoever goes while it is asked takes nobody along", async () => {
    const tenant = await newTenant("leaving");
    await register(tenant, "silent/leaving");
    const token = await tokenOf(tenant, "silent/leaving");
    const leaving = new AbortController();
    const first = publish(tenant, token, leaving.signal).catch((error: Error) => error.name);
    await expect.poll(() => providers.asked.get("silent/leaving")).toBe(1);
    const others = Array.from({ length: 10 }, () => publish(tenant, token));
    leaving.abort();
    expect(await first).toBe("AbortError");
    providers.letGo();
    expect((await Promise.all(others)).map(({ status }) => status)).toEqual(Array(10).fill(201));
    expect(providers.asked.get("silent/leaving")).toBe(1);
  });
});

test("[A14] providers that misbehave: 503 with a time to come again, and everybody else is served meanwhile", async () => {
  const kinds = ["down", "half", "redirecting", "failing", "page", "empty", "garbage", "huge", "silent", "drip"];
  // Each tenant may have four asked at a time.
  const tenants = await Promise.all(["bad-1", "bad-2", "bad-3"].map(newTenant));
  const bad = kinds.map((kind, index) => ({ path: `${kind}/bad`, tenant: tenants[index % 3] as Tenant }));
  for (const { path, tenant } of bad) await register(tenant, path);
  for (const tenant of tenants) await register(tenant, `good/${tenant.id}`);
  // The same tenants have users of a provider that is known, and of their own keys.
  const well = await Promise.all(
    tenants.map(async (tenant) => {
      const tokens = [tenant.key, await newToken(tenant, "bo"), await tokenOf(tenant, `good/${tenant.id}`)];
      for (const token of tokens) expect(await publish(tenant, token)).toMatchObject({ status: 201 });
      return { tenant, tokens };
    }),
  );

  const asked = { isOver: false };
  const asking = Promise.all(
    bad.map(async ({ path, tenant }) => {
      const token = await tokenOf(tenant, path);
      const first = await publish(tenant, token);
      // Whoever comes right behind does not make us ask again.
      return { path, first, second: await publish(tenant, token) };
    }),
  ).finally(() => (asked.isOver = true));
  const meanwhile: Said[] = [];
  while (!asked.isOver) {
    for (const { tenant, tokens } of well) for (const token of tokens) meanwhile.push(await publish(tenant, token));
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  const refused = await asking;
  const busy = { status: 503, code: "overloaded", retryAfter: expect.stringMatching(/^[1-5]$/) };
  expect(refused).toMatchObject(bad.map(({ path }) => ({ path, first: busy, second: busy })));
  expect(Math.max(...refused.map(({ first }) => first.tookMs))).toBeLessThan(8_000);
  expect(Math.max(...refused.map(({ second }) => second.tookMs))).toBeLessThan(2_000);
  expect(bad.map(({ path }) => [path, providers.asked.get(path)])).toEqual(bad.map(({ path }) => [path, 1]));
  expect(providers.asked.get("good/elsewhere")).toBeUndefined();
  expect(meanwhile.length).toBeGreaterThan(50);
  expect(meanwhile.filter(({ status }) => status !== 201 && status !== 429)).toEqual([]);
  expect(Math.max(...meanwhile.map(({ tookMs }) => tookMs))).toBeLessThan(2_000);
  providers.letGo();
});

test("[A14] a provider that is gone leaves its keys, and no token or stack is in the server's log", async () => {
  const tenant = await newTenant("gone");
  await register(tenant, "good/gone");
  const token = await tokenOf(tenant, "good/gone");
  expect(await publish(tenant, token)).toMatchObject({ status: 201 });
  providers.close();
  expect(await publish(tenant, token)).toMatchObject({ status: 201 });
  expect(server.log.filter((line) => line.includes("eyJ") || /\bat .*:\d+:\d+/.test(line))).toEqual([]);
});
