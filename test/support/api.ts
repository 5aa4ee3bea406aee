/** The Worker under test, called as a stranger would: through its HTTP surface, with a tenant of its own. */
import { exports } from "cloudflare:workers";
import { roomCapabilities } from "../../src/protocol/capabilities.ts";

const base = "http://parley.test";
export const operatorKey = "test-operator-key-0123456789";

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

export interface TestTenant {
  readonly id: string;
  readonly key: string;
  readonly keyId: string;
}

export const everything: readonly string[] = roomCapabilities;
export const ordinary = ["read", "publish", "react", "edit:own", "delete:own"];

/** Tenants of their own for each test, so that none can meet another, by whatever way the Worker is called; `letter` begins their ids. */
export function tenancyBy(by: (path: string, options: Call) => Promise<Response>, letter: string) {
  let tenants = 0;
  const asOperator = (path: string, options: Call = {}): Promise<Response> =>
    by(path, { ...options, credential: operatorKey });
  const newTenant = async (
    limits: Readonly<Record<string, number>> = {},
    settings: Readonly<Record<string, unknown>> = {},
  ): Promise<TestTenant> => {
    const id = `${letter}${Date.now().toString(36)}-${++tenants}`;
    const created = await asOperator("/v1/tenants", { method: "POST", body: { id, name: "Test", limits, settings } });
    if (created.status !== 201) throw new Error(`no tenant: ${await created.text()}`);
    const { key } = await created.json<{ key: { id: string; secret: string } }>();
    return { id, key: key.secret, keyId: key.id };
  };
  const newToken = async (
    tenant: TestTenant,
    user: string,
    rooms: Readonly<Record<string, readonly string[]>> = { "*": ordinary },
    expiresInSeconds?: number,
  ): Promise<string> => {
    const lasting = expiresInSeconds === undefined ? {} : { expiresInSeconds };
    const body = { user, name: user.toUpperCase(), rooms, ...lasting };
    const made = await by("/v1/tokens", { method: "POST", credential: tenant.key, body });
    if (made.status !== 201) throw new Error(`no token: ${await made.text()}`);
    return (await made.json<{ token: string }>()).token;
  };
  return { asOperator, newTenant, newToken };
}

export const { asOperator, newTenant, newToken } = tenancyBy(call, "t");
