/** Pages of other origins, on every way in, as they come over a real connection. A browser sends `Origin` and nobody can keep it from that. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Server, startServer } from "../support/process.ts";
import { shakeHands } from "../support/rawSocket.ts";

const listed = "https://app.example.com";
const alsoListed = "http://localhost:3000";

/** None of them is listed, and each has something of one that is. */
const foreign = [
  "https://evil.example",
  "null",
  "*",
  "https://app.example.com.evil.example",
  "https://evil-app.example.com",
  "https://evil.app.example.com",
  "https://example.com",
  "https://app.example.co",
  "https://app.example.com:8443",
  "https://app.example.com:443",
  "http://app.example.com",
  "wss://app.example.com",
  "http://localhost",
  "http://localhost:30000",
  "http://127.0.0.1:3000",
  "HTTPS://APP.EXAMPLE.COM",
  "https://app.example.com.",
  "https://app.example.com/",
  "https://app.example.com/path",
  "https://app.example.com@evil.example",
  "https://user:password@app.example.com",
  "https://xn--pp-example-com.evil.example",
  "https://\u0430pp.example.com",
  "https://app.example.com, https://evil.example",
  "https://evil.example https://app.example.com",
  "file://",
  "chrome-extension://app.example.com",
];

let server: Server;
let key: string;
let token: string;
beforeAll(async () => {
  server = await startServer();
  const settings = { origins: [listed, alsoListed] };
  const made = await send("/v1/tenants", {
    method: "POST",
    credential: server.operatorKey,
    body: { name: "Pages", settings },
  });
  key = made.json["key"].secret;
  token = await newToken(key);
  await send("/v1/rooms/general/messages", { method: "POST", credential: token, body: { text: "hi" } });
});
afterAll(() => server?.remove());

interface Asked {
  readonly method?: string;
  readonly credential?: string;
  readonly origin?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

interface Answer {
  readonly status: number;
  readonly allowed: string | undefined;
  // oxlint-disable-next-line no-explicit-any
  readonly json: any;
}

/** Over a connection of its own, because `fetch` lets nobody choose the `Origin`. An answer that has no end is not read. */
async function send(
  path: string,
  { method = "GET", credential, origin, body, headers = {} }: Asked = {},
): Promise<Answer> {
  const { request } = await import("node:http");
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const text = body === undefined ? undefined : JSON.stringify(body);
  const asked = request(server.url + path, {
    method,
    agent: false,
    headers: {
      ...(credential === undefined ? {} : { Authorization: `Bearer ${credential}` }),
      ...(origin === undefined ? {} : { Origin: latin1(origin) }),
      ...(text === undefined
        ? {}
        : { "Content-Type": "application/json", "Content-Length": String(new TextEncoder().encode(text).length) }),
      ...headers,
    },
  });
  asked.on("error", reject);
  asked.on("response", (response) => {
    const answer = { status: response.statusCode ?? 0, allowed: response.headers["access-control-allow-origin"] };
    if (response.headers["content-type"]?.startsWith("text/event-stream") === true) {
      response.destroy();
      return resolve({ ...answer, json: null });
    }
    let said = "";
    response.setEncoding("utf8");
    response.on("data", (chunk) => (said += String(chunk)));
    return response.on("end", () => resolve({ ...answer, json: said === "" ? null : JSON.parse(said) }));
  });
  asked.end(text);
  return promise;
}

/** The bytes of its UTF-8, as they go over the wire. */
function latin1(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

async function newToken(credential: string): Promise<string> {
  const body = { user: "ada", rooms: { "*": ["read", "publish", "presence"] } };
  return (await send("/v1/tokens", { method: "POST", credential, body })).json["token"];
}

async function newTicket(body: object): Promise<string> {
  return (await send("/v1/tickets", { method: "POST", credential: token, body })).json["ticket"];
}

const sockets = ["/v1/rooms/general/socket", "/v1/socket", "/v1/rooms/general/socket?backlog=nonsense"];
const others: [string, Asked][] = [
  ["/v1/rooms/general/events", {}],
  ["/v1/events?rooms=general", {}],
  ["/v1/rooms/general/changes?after=0", {}],
  ["/v1/rooms/general/messages", {}],
  ["/v1/rooms/general/messages", { method: "POST", body: { text: "from elsewhere" } }],
  ["/v1/tickets", { method: "POST", body: { room: "general" } }],
  ["/v1/unread?rooms=general", {}],
];

test("[H11] a WebSocket is refused with 403 before it opens to a page of any other origin, however like a listed one it looks", async () => {
  for (const origin of foreign) {
    for (const path of sockets) {
      for (const subprotocols of [
        ["parley.v1", `bearer.${token}`],
        ["parley.v1", `bearer.${key}`],
      ]) {
        const shaken = await shakeHands(server.url + path, { subprotocols, headers: { Origin: latin1(origin) } });
        if (shaken.ok) shaken.socket.resetTcp();
        expect([origin, path, shaken.ok || shaken.status]).toEqual([origin, path, 403]);
        if (!shaken.ok) expect(JSON.parse(shaken.body)).toMatchObject({ code: "origin_forbidden" });
      }
    }
  }
});

test("[H11] so is a stream, a call and a ticket, and the page may not read why", async () => {
  for (const origin of foreign) {
    for (const [path, asked] of others) {
      const { status, json, allowed } = await send(path, { ...asked, credential: token, origin });
      expect([origin, path, status, json?.code, allowed]).toEqual([origin, path, 403, "origin_forbidden", undefined]);
    }
  }
  const { json } = await send("/v1/rooms/general/messages", { credential: token });
  expect(json.messages.map(({ text }: { text: string }) => text)).toEqual(["hi"]);
});

test("[H11] a ticket opens nothing for a page of another origin, which does not use it up either", async () => {
  for (const [path, body] of [
    ["/v1/rooms/general/events?ticket=", { room: "general" }],
    ["/v1/events?rooms=general&ticket=", {}],
  ] as const) {
    const ticket = await newTicket(body);
    for (const origin of foreign) expect((await send(path + ticket, { origin })).status).toBe(403);
    expect((await send(path + ticket, { origin: listed })).status).toBe(200);
    expect((await send(path + ticket, { origin: listed })).status).toBe(401);
  }
});

test("[H11] pages of listed origins and callers that are no page come in", async () => {
  for (const headers of [{ Origin: listed }, { Origin: alsoListed }, {}]) {
    for (const path of sockets.slice(0, 2)) {
      const shaken = await shakeHands(server.url + path, { subprotocols: ["parley.v1", `bearer.${token}`], headers });
      expect(shaken.ok).toBe(true);
      if (shaken.ok) shaken.socket.resetTcp();
    }
  }
  const { status, allowed } = await send("/v1/rooms/general/messages", { credential: token, origin: alsoListed });
  expect([status, allowed]).toEqual([200, alsoListed]);
});

test("[H11] only what a browser would send can be listed; `*` lets every page in, also one without an origin of its own", async () => {
  const list = (origins: string[]): Promise<Answer> =>
    send("/v1/tenant", { method: "PATCH", credential: key, body: { settings: { origins } } });
  const noOrigins = foreign.filter((origin) => !/^(null|\*|https?:\/\/[a-z0-9.-]+(:\d+)?)$/.test(origin));
  const unsent = [
    "https://a.test:443",
    "http://a.test:80",
    "https://a.test:0443",
    "https://a.test:99999",
    "https://*.a.test",
  ];
  for (const origin of [...noOrigins, ...unsent])
    expect([origin, (await list([origin])).status]).toEqual([origin, 400]);
  expect((await list(["*"])).status).toBe(200);
  await expect
    .poll(async () => (await send("/v1/tenant", { credential: key, origin: "null" })).status, { timeout: 7_000 })
    .toBe(200);
  for (const origin of ["https://evil.example", "null"]) {
    const headers = { Origin: origin };
    const shaken = await shakeHands(`${server.url}/v1/socket`, {
      subprotocols: ["parley.v1", `bearer.${token}`],
      headers,
    });
    expect(shaken.ok).toBe(true);
    if (shaken.ok) shaken.socket.resetTcp();
  }
});
