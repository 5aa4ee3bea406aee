/** The Worker under test, called as a stranger would: through its HTTP surface, with a tenant of its own. */
import { exports } from "cloudflare:workers";
import { roomCapabilities } from "../../src/protocol/capabilities.ts";

const base = "http://parley.test";
const operatorKey = "test-operator-key-0123456789";

export interface Call {
  readonly method?: string;
  readonly credential?: string | undefined;
  readonly user?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export function call(path: string, { method = "GET", credential, user, body, headers }: Call = {}): Promise<Response> {
  return exports.default.fetch(`${base}${path}`, {
    method,
    headers: {
      ...(credential === undefined ? {} : { Authorization: `Bearer ${credential}` }),
      ...(user === undefined ? {} : { "Parley-User": user }),
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
}

export function asOperator(path: string, options: Call = {}): Promise<Response> {
  return call(path, { ...options, credential: operatorKey });
}

export interface TestTenant {
  readonly id: string;
  readonly key: string;
  readonly keyId: string;
}

let tenants = 0;

/** A tenant of its own for each test, so that none can meet another. */
export async function newTenant(
  limits: Readonly<Record<string, number>> = {},
  settings: Readonly<Record<string, unknown>> = {},
): Promise<TestTenant> {
  const id = `t${Date.now().toString(36)}-${++tenants}`;
  const created = await asOperator("/v1/tenants", { method: "POST", body: { id, name: "Test", limits, settings } });
  if (created.status !== 201) throw new Error(`no tenant: ${await created.text()}`);
  const { key } = await created.json<{ key: { id: string; secret: string } }>();
  return { id, key: key.secret, keyId: key.id };
}

export const everything: readonly string[] = roomCapabilities;
export const ordinary = ["read", "publish", "react", "edit:own", "delete:own"];

export async function newToken(
  tenant: TestTenant,
  user: string,
  rooms: Readonly<Record<string, readonly string[]>> = { "*": ordinary },
): Promise<string> {
  const made = await call("/v1/tokens", {
    method: "POST",
    credential: tenant.key,
    body: { user, name: user.toUpperCase(), rooms },
  });
  if (made.status !== 201) throw new Error(`no token: ${await made.text()}`);
  return (await made.json<{ token: string }>()).token;
}
