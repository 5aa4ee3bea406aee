/**
 * The Worker, called without a loopback. The pool wraps the Worker's class anew for each call through `exports.default`, so
 * that the thousandth costs fifty times the first, and after some 3,000 the stack is full; these files make more.
 */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import worker from "../../src/index.ts";
import type { Call, TestTenant } from "../support/api.ts";
import { type SocketOptions, TestSocket } from "../support/socket.ts";

export const operatorKey = "test-operator-key-0123456789";

export async function call(
  path: string,
  { method = "GET", credential, user, body, headers }: Call = {},
): Promise<Response> {
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const request = new Request(`http://parley.test${path}`, {
    method,
    headers: {
      ...(credential === undefined ? {} : { Authorization: `Bearer ${credential}` }),
      ...(user === undefined ? {} : { "Parley-User": user }),
      // As a client on the wire says it.
      ...(text === undefined
        ? {}
        : { "Content-Type": "application/json", "Content-Length": String(new TextEncoder().encode(text).length) }),
      ...headers,
    },
    ...(text === undefined ? {} : { body: text }),
  });
  return worker.fetch(request, env, createExecutionContext());
}

export function asOperator(path: string, options: Call = {}): Promise<Response> {
  return call(path, { ...options, credential: operatorKey });
}

let tenants = 0;

/** A tenant of its own for each test, so that none can meet another. */
export async function newTenant(
  limits: Readonly<Record<string, number>> = {},
  settings: Readonly<Record<string, unknown>> = {},
): Promise<TestTenant> {
  const id = `e${Date.now().toString(36)}-${++tenants}`;
  const created = await asOperator("/v1/tenants", { method: "POST", body: { id, name: "Test", limits, settings } });
  if (created.status !== 201) throw new Error(`no tenant: ${await created.text()}`);
  const { key } = await created.json<{ key: { id: string; secret: string } }>();
  return { id, key: key.secret, keyId: key.id };
}

export async function newToken(
  tenant: TestTenant,
  user: string,
  rooms: Readonly<Record<string, readonly string[]>>,
  expiresInSeconds?: number,
): Promise<string> {
  const body = {
    user,
    name: user.toUpperCase(),
    rooms,
    ...(expiresInSeconds === undefined ? {} : { expiresInSeconds }),
  };
  const made = await call("/v1/tokens", { method: "POST", credential: tenant.key, body });
  if (made.status !== 201) throw new Error(`no token: ${await made.text()}`);
  return (await made.json<{ token: string }>()).token;
}

/** What is answered to an upgrade with just these headers. */
export function askUpgrade(room: string, headers: Readonly<Record<string, string>>, query = ""): Promise<Response> {
  return call(`/v1/rooms/${room}/socket${query}`, { headers: { Upgrade: "websocket", ...headers } });
}

export async function connect(
  room: string,
  { token, cursor, backlog, presence = "none", headers }: SocketOptions,
): Promise<TestSocket> {
  const query = new URLSearchParams({
    presence,
    ...(cursor === undefined ? {} : { cursor }),
    ...(backlog === undefined ? {} : { backlog: String(backlog) }),
  });
  const response = await askUpgrade(
    room,
    { "Sec-WebSocket-Protocol": `parley.v1, bearer.${token}`, ...headers },
    `?${query.toString()}`,
  );
  if (response.webSocket === null) throw new Error(`not upgraded: ${response.status} ${await response.text()}`);
  const socket = new TestSocket(response.webSocket);
  await socket.until(() => socket.closed !== null || caughtUp(socket));
  return socket;
}

/** Whether all that follows is live. */
function caughtUp(socket: TestSocket): boolean {
  const [welcome] = socket.of("welcome");
  const to = socket.of("changes").at(-1)?.to;
  if (welcome === undefined) return false;
  return to === undefined ? welcome.resumed : to >= welcome.head;
}
