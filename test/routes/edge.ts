/**
 * The Worker, called without a loopback. The pool wraps the Worker's class anew for each call through `exports.default`, so
 * that the thousandth costs fifty times the first, and after some 3,000 the stack is full; these files make more.
 */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import worker from "../../src/index.ts";
import { type Call, tenancyBy } from "../support/api.ts";
import { connected, openingOf, type SocketOptions, type TestSocket } from "../support/socket.ts";

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

export const { asOperator, newTenant, newToken } = tenancyBy(call, "e");

/** What is answered to an upgrade with just these headers. */
export function askUpgrade(room: string, headers: Readonly<Record<string, string>>, query = ""): Promise<Response> {
  return call(`/v1/rooms/${room}/socket${query}`, { headers: { Upgrade: "websocket", ...headers } });
}

export async function connect(room: string, options: SocketOptions): Promise<TestSocket> {
  const { query, headers } = openingOf(options);
  return connected(await askUpgrade(room, headers, query));
}
