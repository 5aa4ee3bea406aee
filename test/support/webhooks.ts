/** Webhook endpoints behind the surface: one that a tenant has, and what its object was given. */
import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { expect, vi } from "vitest";
import { WebhookEndpoint } from "../../src/objects/webhook/webhookEndpoint.ts";
import { webhookObjectName } from "../../src/objects/stubs.ts";
import type { Subscription } from "../../src/protocol/webhook.ts";
import { call, type TestTenant } from "./api.ts";
import { asAsked } from "./failing.ts";

/** An event as it is sent. */
export interface Heard {
  readonly id: string;
  readonly type: string;
  readonly room: string;
  readonly seq?: number;
  readonly data: Record<string, unknown>;
}

/** Rooms that are made from now on know of it, and those with sockets when this returns. It sends nothing for a minute. */
export async function newWebhook(
  tenant: TestTenant,
  { events, rooms = null }: { readonly events: readonly string[]; readonly rooms?: readonly string[] | null },
): Promise<string> {
  const batch = { maxEvents: 100, waitMs: 60_000 };
  const body = { url: "https://hooks.example.com/", events, rooms, batch };
  const added = await call("/v1/webhooks", { method: "POST", credential: tenant.key, body });
  if (added.status !== 201) throw new Error(`no webhook: ${await added.text()}`);
  return (await added.json<{ webhook: { id: string } }>()).webhook.id;
}

export async function removeWebhook(tenant: TestTenant, id: string): Promise<void> {
  const removed = await call(`/v1/webhooks/${id}`, { method: "DELETE", credential: tenant.key });
  expect(removed.status).toBe(204);
}

/** What an endpoint has been given so far, in its order; without what was said, of what it has sent already. */
export async function heardBy(tenant: TestTenant, endpoint: string): Promise<Heard[]> {
  return runInDurableObject(endpointObject(tenant, endpoint), (_, { storage }) => {
    const found = storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'event'").toArray();
    if (found.length === 0) return [];
    return storage.sql
      .exec<{ id: string; type: string; room: string; body: string | null }>(
        "SELECT id, type, room, body FROM event ORDER BY delivery, place",
      )
      .toArray()
      .map(({ id, type, room, body }): Heard => (body === null ? { id, type, room, data: {} } : JSON.parse(body)));
  });
}

/** The same, when there are as many as that. */
export async function hears(tenant: TestTenant, endpoint: string, count: number): Promise<Heard[]> {
  let heard: Heard[] = [];
  const read = async (): Promise<number> => (heard = await heardBy(tenant, endpoint)).length;
  await expect.poll(read, { timeout: 30_000, interval: 10 }).toBeGreaterThanOrEqual(count);
  expect(heard.map(({ type }) => type)).toHaveLength(count);
  return heard;
}

export const everyEvent: Pick<Subscription, "events"> = { events: ["*"] };

export function endpointObject(tenant: TestTenant, endpoint: string): DurableObjectStub<WebhookEndpoint> {
  return env.WEBHOOK_ENDPOINT.getByName(webhookObjectName(tenant.id, endpoint));
}

const parcels = new Map<string, number[]>();
const troubled = new Map<string, "hangs" | "throws">();

/** Its object does not answer, or throws, until what this returns is called: as one that has too much to do. */
export function trouble(tenant: TestTenant, endpoint: string, how: "hangs" | "throws"): () => void {
  const id = endpointObject(tenant, endpoint).id.toString();
  troubled.set(id, how);
  const { prototype } = WebhookEndpoint;
  const original = prototype.accept;
  if (!vi.isMockFunction(original))
    vi.spyOn(prototype, "accept").mockImplementation(async function troubledAccept(this: WebhookEndpoint, events) {
      const own = Reflect.get(this, "ctx").id.toString();
      if (troubled.get(own) === "throws") throw overloaded();
      while (troubled.has(own)) await new Promise((resolve) => setTimeout(resolve, 5));
      parcels.set(own, [...(parcels.get(own) ?? []), events.length]);
      return original.call(this, events);
    });
  return () => troubled.delete(id);
}

/** How many events it was given at a time, since it was first in trouble. */
export function parcelsTo(tenant: TestTenant, endpoint: string): readonly number[] {
  return parcels.get(endpointObject(tenant, endpoint).id.toString()) ?? [];
}

function overloaded(): Error {
  const error = Object.assign(new Error(`overloaded ${asAsked}`), { overloaded: true });
  error.stack = error.message;
  return error;
}
