/** The tenant a newcomer tries things with, made through the HTTP API like any other. */
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";

const MadeTenant = z.object({ key: z.object({ secret: z.string() }) });
const MadeKey = z.union([MadeTenant, z.object({ secret: z.string() }).transform((key) => ({ key }))]);

export interface DemoAccess {
  server: URL;
  operatorKey: string;
  /** The key that worked last time. */
  known: string | undefined;
}

export type DemoKey = { ok: true; secret: string } | { ok: false; reason: string };

/** An API key of the tenant `demo` that works now: the known one, that of the tenant just made, or a new one. */
export async function demoKey({ server, operatorKey, known }: DemoAccess): Promise<DemoKey> {
  if (known !== undefined && (await works(server, known))) return { ok: true, secret: known };
  const made = await call(server, operatorKey, "POST", "/v1/tenants", { id: "demo", name: "Demo" });
  if (made.status === 201) return read(MadeTenant, made);
  // It was made before, and its key is lost or revoked.
  if (made.status !== 409) return refusal(made);
  const key = read(MadeKey, await call(server, operatorKey, "POST", "/v1/tenants/demo/keys", {}));
  // The edge asked for the tenant's keys a moment ago, about the known one, and does not ask again within a second.
  for (let tries = 0; key.ok && tries < 20 && !(await works(server, key.secret)); tries += 1) await sleep(100);
  return key;
}

async function works(server: URL, key: string): Promise<boolean> {
  return (await call(server, key, "GET", "/v1/tenant")).status === 200;
}

interface Answer {
  /** 0 when there was no answer. */
  status: number;
  body: unknown;
}

async function call(server: URL, key: string, method: string, path: string, body?: object): Promise<Answer> {
  const headers = { Authorization: `Bearer ${key}`, ...(body && { "Content-Type": "application/json" }) };
  try {
    const response = await fetch(new URL(path, server), {
      method,
      headers,
      body: body ? JSON.stringify(body) : null,
      signal: AbortSignal.timeout(10_000),
    });
    const isJson = response.headers.get("Content-Type")?.includes("json");
    return { status: response.status, body: isJson ? await response.json() : await response.text() };
  } catch (error) {
    return { status: 0, body: String(error) };
  }
}

function read(shape: z.ZodType<z.infer<typeof MadeTenant>>, answer: Answer): DemoKey {
  const parsed = shape.safeParse(answer.body);
  return parsed.success ? { ok: true, secret: parsed.data.key.secret } : refusal(answer);
}

function refusal({ status, body }: Answer): DemoKey {
  return { ok: false, reason: `${status} ${JSON.stringify(body).slice(0, 200)}` };
}
