/** The proxies of docs/self-host.md, by its own words, before a real server: all that goes through them comes out as it went in. */
import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { type Front, type FrontKind, programOf, startFront } from "../support/frontProxy.ts";
import { type Server, startServer } from "../support/process.ts";

const kinds: readonly FrontKind[] = ["nginx", "caddy"];
const installed = kinds.filter((kind) => programOf(kind) !== null);
const maxConnections = 3;
const patience = { timeout: 20_000, interval: 20 };

let server: Server;
beforeAll(async () => {
  if (installed.length === 0) return;
  const env = { CLIENT_ADDRESS_HEADER: "Client-Address", MAX_CONNECTIONS: String(maxConnections) };
  server = await startServer({ env });
});
afterAll(() => server?.remove());

// Caddy is tried where somebody has it.
if (!installed.includes("nginx"))
  test("[H19] skipped: no nginx", (context) => {
    if (process.env["CI"] === "true") expect.fail("there is no nginx: .ci/run installs it");
    context.skip("skipped: no nginx");
  });

describe.each(installed)("behind %s", (kind) => {
  let front: Front;
  let session: ClientHttp2Session;
  beforeAll(async () => {
    front = await startFront(programOf(kind) ?? "", kind, server.port);
    session = connect(`https://localhost:${front.port}`, { rejectUnauthorized: false });
    await once(session, "connect");
  });
  const sockets: WebSocket[] = [];
  afterAll(async () => {
    for (const socket of sockets) socket.terminate();
    session?.destroy();
    await front?.stop();
  });

  const room = `general-${kind}`;
  const path = `/v1/rooms/${room}`;
  const asAda = (): Record<string, string> => ({ authorization: `Bearer ${server.demoKey}`, "parley-user": "ada" });

  async function ask(method: string, to: string, more: Record<string, string>, body?: unknown): Promise<Answer> {
    const isBytes = Buffer.isBuffer(body);
    const type = body === undefined || isBytes ? {} : { "content-type": "application/json" };
    const stream = session.request({ ":method": method, ":path": to, ...type, ...more });
    stream.end(isBytes ? body : body === undefined ? undefined : JSON.stringify(body));
    return answerOf(stream);
  }

  /** An event stream, when it is open, and what has come on it. */
  async function listen(): Promise<Listening> {
    const stream = session.request({ ":path": `${path}/events`, ...asAda() });
    const listening = { stream, status: 0, said: "" };
    stream.setEncoding("utf8").on("data", (text: string) => (listening.said += text));
    const [headers] = await once(stream, "response");
    listening.status = headers[":status"];
    return listening;
  }

  test("[H19] HTTP/2: an event arrives while its stream is open, and a reader that goes away makes room for another", async () => {
    const readers = [await listen(), await listen(), await listen()];
    expect(readers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await ask("POST", `${path}/messages`, asAda(), { text: "at once" })).status).toBe(201);
    await expect.poll(() => readers.every(({ said }) => said.includes("at once")), patience).toBe(true);
    const beyond = await listen();
    expect(beyond.status).toBeGreaterThanOrEqual(429);
    for (const { stream } of readers) stream.close();
    // Whoever has gone is noticed with the next that is said: here, or with the next comment.
    const places = async (): Promise<number> => {
      await ask("POST", `${path}/messages`, asAda(), { text: "who is there?" });
      const reader = await listen();
      reader.stream.close();
      return reader.status;
    };
    await expect.poll(places, patience).toBe(200);
  });

  test("[H19] WebSockets open and are answered, and one that breaks makes room for another", async () => {
    const rights = { user: "bo", rooms: { [room]: ["read", "publish"] } };
    const { token } = JSON.parse((await ask("POST", "/v1/tokens", asAda(), rights)).text);
    const address = `wss://localhost:${front.port}${path}/socket`;
    const open = (): Promise<WebSocket | null> =>
      opened(new WebSocket(address, ["parley.v1", `bearer.${token}`], { rejectUnauthorized: false }));
    let said = "";
    for (let nth = 0; nth < maxConnections; nth++) {
      // The readers of before may not all be gone yet.
      const socket = await vi.waitUntil(open, patience);
      socket.on("message", (data) => (said += String(data)));
      socket.send(JSON.stringify({ type: "publish", ref: String(nth), nonce: `a-nonce-of-bo-${nth}`, text: "hi" }));
      sockets.push(socket);
    }
    for (let nth = 0; nth < maxConnections; nth++)
      await expect.poll(() => said, patience).toContain(`{"type":"ack","ref":"${nth}"`);
    expect(await open()).toBeNull();
    sockets.pop()?.terminate();
    sockets.push(await vi.waitUntil(open, patience));
  });

  test("[H19] a file of 10 MB goes in and comes out", async () => {
    const content = Buffer.alloc(10_000_000, `${kind} carries bytes. `);
    const file = { name: "large.bin", type: "application/octet-stream", size: content.length };
    const { upload } = JSON.parse((await ask("POST", `${path}/uploads`, asAda(), file)).text);
    const put = await ask("PUT", `/v1/uploads/${upload}/content`, asAda(), content);
    expect([put.status, JSON.parse(put.text).state]).toEqual([200, "ready"]);
    const { message } = JSON.parse(
      (await ask("POST", `${path}/messages`, asAda(), { text: "see", attachments: [upload] })).text,
    );
    expect(message.attachments[0].size).toBe(content.length);
    const back = await ask("GET", `/v1/uploads/${upload}/content`, asAda());
    expect(back.text === content.toString("latin1")).toBe(true);
  });

  test("[H19] the client's address is the proxy's word, whatever the client says", async () => {
    const statuses: number[] = [];
    // Twenty refused credentials of an address in a minute: so many calls do not fit into two of them.
    while (statuses.at(-1) !== 429 && statuses.length <= 40) {
      const lie = { authorization: "Bearer nonsense", "client-address": `192.0.2.${statuses.length}` };
      statuses.push((await ask("GET", `${path}/messages`, lie)).status);
    }
    expect(statuses.at(-1)).toBe(429);
  });
});

interface Answer {
  readonly status: number;
  /** Each character a byte. */
  readonly text: string;
}

interface Listening {
  readonly stream: ClientHttp2Stream;
  readonly status: number;
  readonly said: string;
}

async function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  const pieces: Buffer[] = [];
  let status = 0;
  stream.on("response", (headers) => (status = headers[":status"] ?? 0));
  stream.on("data", (piece: Buffer) => pieces.push(piece));
  await once(stream, "end");
  return { status, text: Buffer.concat(pieces).toString("latin1") };
}

/** Null where it is refused. */
async function opened(socket: WebSocket): Promise<WebSocket | null> {
  const isRefused = once(socket, "error").then(() => null);
  return Promise.race([isRefused, once(socket, "open").then(() => socket)]);
}
