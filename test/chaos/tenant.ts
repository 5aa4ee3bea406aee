/** A tenant of a real server, with limits that a storm of messages does not reach. */
import type { RoomCapability } from "../../src/protocol/capabilities.ts";
import type { Message } from "../../src/protocol/message.ts";
import type { Server } from "../support/process.ts";
import { roomy } from "../support/roomy.ts";

const everything: RoomCapability[] = ["read", "publish", "react", "edit:own", "delete:own"];
const answerMs = 20_000;

export interface LiveTenant {
  readonly url: string;
  /** The whole API key. */
  readonly key: string;
}

export interface LiveCall {
  readonly method?: string;
  readonly credential: string;
  readonly user?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function makeTenant(
  { url, operatorKey }: Pick<Server, "url" | "operatorKey">,
  id: string,
  limits: Partial<typeof roomy> = {},
): Promise<LiveTenant> {
  const body = { id, name: id, limits: { ...roomy, ...limits } };
  const made = await ask<{ key: { secret: string } }>(`${url}/v1/tenants`, {
    method: "POST",
    credential: operatorKey,
    body,
  });
  return { url, key: made.key.secret };
}

/** For every room of the tenant. */
export async function newToken({ url, key }: LiveTenant, user: string, capabilities = everything): Promise<string> {
  const body = { user, rooms: { "*": capabilities } };
  return (await ask<{ token: string }>(`${url}/v1/tokens`, { method: "POST", credential: key, body })).token;
}

/** Announces a file of this user's and puts its bytes. Answers its id. */
export async function upload(
  { url, key: credential }: LiveTenant,
  room: string,
  user: string,
  { name, said, bytes }: { readonly name: string; readonly said: string; readonly bytes: Buffer },
): Promise<string> {
  const body = { name, type: said, size: bytes.length };
  const announcing = { method: "POST", credential, user, body };
  const way = await ask<{ upload: string; put: { url: string } }>(`${url}/v1/rooms/${room}/uploads`, announcing);
  const put = await fetch(url + way.put.url, {
    method: "PUT",
    headers: { Authorization: `Bearer ${credential}`, "Parley-User": user, "Content-Type": "application/octet-stream" },
    body: new Uint8Array(bytes),
    signal: AbortSignal.timeout(answerMs),
  });
  if (!put.ok) throw new Error(`${name}: ${put.status} ${await put.text()}`);
  return way.upload;
}

/** The room's messages from the first to the last, page by page. */
export async function wholeHistory({ url, key }: LiveTenant, room: string): Promise<Message[]> {
  const history: Message[] = [];
  for (;;) {
    const address = `${url}/v1/rooms/${room}/messages?after=${history.at(-1)?.id ?? 0}&limit=200`;
    const page = await ask<{ messages: Message[]; hasMore: boolean }>(address, { credential: key });
    history.push(...page.messages);
    if (!page.hasMore) return history;
  }
}

export function call(
  address: string,
  { method = "GET", credential, user, body, headers }: LiveCall,
): Promise<Response> {
  return fetch(address, {
    method,
    headers: {
      Authorization: `Bearer ${credential}`,
      ...(user === undefined ? {} : { "Parley-User": user }),
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(answerMs),
  });
}

/** Throws on any answer but a success. */
export async function ask<Answer>(address: string, options: LiveCall): Promise<Answer> {
  const response = await call(address, options);
  if (!response.ok) throw new Error(`${address}: ${response.status} ${await response.text()}`);
  return await response.json<Answer>();
}
