/** The proxy that other tests trust to break connections: each trouble, seen from both of its ends. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setImmediate as afterOthers, setTimeout as after } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Proxy, startProxy } from "../support/proxy.ts";

const withinMs = 5_000;
/** Long enough for anything on this machine to arrive that is not held back. */
const silenceMs = 200;

let echo: Echo;
let proxy: Proxy;
const peers: Peer[] = [];

beforeEach(async () => {
  echo = await Echo.start();
  proxy = await startProxy(echo);
});
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.socket.destroy();
  await proxy.close();
  await echo.close();
});

test("what is said passes both ways, and so does a farewell", async () => {
  const { client, server } = await join();
  client.socket.end("bye");
  await server.until(({ ending }) => ending === "end");
  await client.until(({ ending }) => ending === "end");
  expect([server.heard, client.heard]).toEqual(["hi\nbye", "hi\nbye"]);
  await eventually(() => proxy.connections.length === 0 && proxy.lingering === 0);
});

test("megabytes pass whole", async () => {
  const { client } = await join();
  const text = "0123456789abcdef".repeat(500_000);
  client.socket.write(text);
  await client.until(({ heard }) => heard.length === text.length + 3);
  expect(client.heard === `hi\n${text}`).toBe(true);
});

test("a reset by either end is a reset for the other", async () => {
  const first = await join();
  first.client.socket.resetAndDestroy();
  await first.server.until(({ ending }) => ending === "ECONNRESET");
  const second = await join();
  second.server.socket.resetAndDestroy();
  await second.client.until(({ ending }) => ending === "ECONNRESET");
});

test("cut: both ends get a reset", async () => {
  const { client, server } = await join();
  expect(proxy.trouble("cut")).toBe(1);
  await client.until(({ ending }) => ending === "ECONNRESET");
  await server.until(({ ending }) => ending === "ECONNRESET");
  expect(proxy.connections).toEqual([]);
});

test("cut: only those that were chosen", async () => {
  const [first, second] = [await join(), await join()];
  expect(proxy.connections.map(({ nth, firstLine }) => [nth, firstLine])).toEqual([
    [1, ""],
    [2, ""],
  ]);
  first.client.socket.write("GET /first HTTP/1.1\r\nAuthorization: secret\r\n");
  await first.client.until(({ heard }) => heard.endsWith("secret\r\n"));
  expect(proxy.connections[0]?.firstLine).toBe("hi\nGET /first HTTP/1.1");
  expect(proxy.trouble("cut", ({ nth }) => nth === 2)).toBe(1);
  await second.client.until(({ ending }) => ending === "ECONNRESET");
  await answers(first.client);
});

test("fin: both ends get an end, and neither is heard any more", async () => {
  const { client, server } = await join({ allowHalfOpen: true });
  expect(proxy.trouble("fin")).toBe(1);
  await client.until(({ ending }) => ending === "end");
  await server.until(({ ending }) => ending === "end");
  client.socket.write("too late");
  server.socket.write("too late");
  await after(silenceMs);
  expect([client.heard, server.heard, client.ending, server.ending]).toEqual(["hi\n", "hi\n", "end", "end"]);
  expect([proxy.connections.length, proxy.lingering]).toEqual([0, 1]);
  client.socket.end();
  server.socket.end();
  await eventually(() => proxy.lingering === 0);
});

test("stall: nothing arrives at either end until heal, and everything after it", async () => {
  const { client, server } = await join();
  expect(proxy.trouble("stall")).toBe(1);
  client.socket.write("up");
  server.socket.write("down");
  await after(silenceMs);
  expect([client.heard, server.heard, client.ending, server.ending]).toEqual(["hi\n", "hi\n", null, null]);
  const other = await join();
  await answers(other.client);
  proxy.heal();
  await client.until(({ heard }) => heard === "hi\ndownup");
  expect(server.heard).toBe("hi\nup");
});

test.for(["end", "ECONNRESET"])("stall: the client's %s is hidden from the server until heal", async (ending) => {
  const { client, server } = await join();
  proxy.trouble("stall");
  if (ending === "end") client.socket.end("last words");
  else client.socket.resetAndDestroy();
  await after(silenceMs);
  expect([server.heard, server.ending]).toEqual(["hi\n", null]);
  proxy.heal();
  await server.until((peer) => peer.ending === ending);
  expect(server.heard).toBe(ending === "end" ? "hi\nlast words" : "hi\n");
});

test("stall: a cut ends it", async () => {
  const { client, server } = await join();
  proxy.trouble("stall");
  proxy.trouble("cut");
  await client.until(({ ending }) => ending === "ECONNRESET");
  await server.until(({ ending }) => ending === "ECONNRESET");
});

test("halfClose: the server gets the client's end, and the client goes on to receive", async () => {
  const { client, server } = await join({ allowHalfOpen: true });
  expect(proxy.trouble("halfClose")).toBe(1);
  await server.until(({ ending }) => ending === "end");
  client.socket.write("unheard");
  server.socket.write("still here");
  await client.until(({ heard }) => heard === "hi\nstill here");
  expect([server.heard, client.ending]).toEqual(["hi\n", null]);
  expect(proxy.connections).toHaveLength(1);
  server.socket.end();
  await client.until(({ ending }) => ending === "end");
});

test("halfClose: the client's reset is still one for the server", async () => {
  const { client, server } = await join({ allowHalfOpen: true });
  proxy.trouble("halfClose");
  await server.until(({ ending }) => ending === "end");
  client.socket.resetAndDestroy();
  await eventually(() => proxy.lingering === 0 && proxy.connections.length === 0);
  server.socket.write("anybody?");
  await eventually(() => server.socket.destroyed);
});

test("halfOpen: the server is not told that the client is gone, and talks to nobody", async () => {
  const { client, server } = await join();
  expect(proxy.trouble("halfOpen")).toBe(1);
  await client.until(({ ending }) => ending === "ECONNRESET");
  server.socket.write("x".repeat(20_000_000));
  // All of it is taken from the server, as if somebody read it.
  await eventually(() => server.socket.writableLength === 0);
  await after(silenceMs);
  expect([server.ending, client.heard]).toEqual([null, "hi\n"]);
  expect([proxy.connections.length, proxy.lingering]).toEqual([0, 1]);
  server.socket.end();
  await eventually(() => proxy.lingering === 0);
});

test("slow: the client gets so many bytes in a second, and the rest at once when it is over", async () => {
  const { client, server } = await join();
  proxy.slow(2_000);
  const text = "0123456789".repeat(10_000);
  const sinceMs = Date.now();
  server.socket.write(text);
  await client.until(({ heard }) => heard.length >= 1_000);
  expect(Date.now() - sinceMs).toBeGreaterThan(400);
  expect(client.heard.length).toBeLessThan(2_000);
  proxy.slow(null);
  await client.until(({ heard }) => heard === `hi\n${text}`, 1_000);
});

test("slow: it is the same for who comes later, and the client's own words are not slowed", async () => {
  proxy.slow(100);
  const { client, server } = await join();
  client.socket.write("x".repeat(100_000));
  await server.until(({ heard }) => heard.length === 100_003, 1_000);
  await after(silenceMs);
  expect(client.heard.length).toBeLessThan(100);
});

test("refuse: who connects gets a reset, and who is there stays", async () => {
  const { client } = await join();
  proxy.refuse(true);
  const refused = dial();
  await refused.until(({ ending }) => ending === "ECONNRESET");
  await answers(client);
  proxy.refuse(false);
  await join();
});

test("while the server is down, who connects gets a reset", async () => {
  await echo.close();
  const refused = dial();
  await refused.until(({ ending }) => ending === "ECONNRESET");
  expect([proxy.connections.length, proxy.lingering]).toEqual([0, 0]);
});

test("closing it leaves nothing behind, whatever troubles there were", async () => {
  const joined = [];
  for (const kind of ["cut", "fin", "stall", "halfClose", "halfOpen", null] as const) {
    const { client, server } = await join({ allowHalfOpen: true });
    joined.push(client, server);
    if (kind !== null) proxy.trouble(kind, ({ nth }) => nth === joined.length / 2);
  }
  // A byte, and then a rest of 20 seconds.
  proxy.slow(0.05);
  for (const { socket } of joined) if (socket.writable) socket.write("more than passes in time");
  const [last] = joined.slice(-2);
  await last?.until(({ heard }) => heard.length > 3);
  await proxy.close();
  for (const { socket } of joined) socket.destroy();
  const handles = (): string[] => process.getActiveResourcesInfo().filter((kind) => /^(TCP|Timeout)/.test(kind));
  // That of the echo.
  await eventually(() => handles().join() === "TCPServerWrap");
});

/** Either end of a connection: what it heard, and how it ended for it. */
class Peer {
  readonly socket: Socket;
  heard = "";
  ending: string | null = null;
  echoes = false;
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    peers.push(this);
    socket.setEncoding("utf8");
    socket.on("data", (text) => {
      this.heard += String(text);
      if (this.echoes) socket.write(String(text));
      this.#wake?.();
    });
    socket.on("end", () => this.#end("end"));
    socket.on("error", (error: NodeJS.ErrnoException) => this.#end(error.code ?? error.message));
  }

  async until(condition: (peer: Peer) => boolean, timeoutMs = withinMs): Promise<void> {
    const deadlineMs = Date.now() + timeoutMs;
    while (!condition(this)) {
      if (Date.now() >= deadlineMs)
        throw new Error(`in vain: ${JSON.stringify({ heard: this.heard.slice(0, 100), ending: this.ending })}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, deadlineMs - Date.now());
      this.#wake = resolve;
      await promise.finally(() => clearTimeout(timer));
    }
  }

  #end(how: string): void {
    this.ending = how;
    this.#wake?.();
  }
}

/** Says back what it hears, and ends when it is told so. */
class Echo {
  readonly port: number;
  readonly #listener: Server;
  readonly #joined: Peer[] = [];

  static async start(): Promise<Echo> {
    const listener = createServer({ allowHalfOpen: true });
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    return new Echo(listener);
  }

  constructor(listener: Server) {
    this.#listener = listener;
    this.port = (listener.address() as AddressInfo).port;
    listener.on("connection", (socket) => {
      const peer = new Peer(socket);
      peer.echoes = true;
      this.#joined.push(peer);
      socket.on("end", () => peer.echoes && socket.end());
    });
  }

  /** The server's end of the connection that came last. */
  get latest(): Peer {
    const peer = this.#joined.at(-1);
    if (peer === undefined) throw new Error("nobody has come");
    return peer;
  }

  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#listener.close(() => resolve());
    for (const { socket } of this.#joined) socket.destroy();
    await promise;
  }
}

function dial({ allowHalfOpen = false } = {}): Peer {
  return new Peer(connect({ port: proxy.port, host: "127.0.0.1", allowHalfOpen }));
}

/** A client that was answered once. With `allowHalfOpen` neither end answers an end with its own. */
async function join(options: { allowHalfOpen?: boolean } = {}): Promise<{ client: Peer; server: Peer }> {
  const client = dial(options);
  client.socket.write("hi\n");
  await client.until(({ heard }) => heard === "hi\n");
  const server = echo.latest;
  if (options.allowHalfOpen === true) server.echoes = false;
  return { client, server };
}

async function answers(client: Peer): Promise<void> {
  const { heard } = client;
  client.socket.write("still?");
  await client.until((peer) => peer.heard === `${heard}still?`);
}

async function eventually(condition: () => boolean): Promise<void> {
  const deadlineMs = Date.now() + withinMs;
  // Without a timer: one of the conditions counts them.
  while (!condition() && Date.now() < deadlineMs) await afterOthers();
  expect(condition()).toBe(true);
}
