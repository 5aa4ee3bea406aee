import { Webhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AuditEntry } from "../../src/protocol/audit.ts";
import type { Delivery, TestResult, WebhookEndpoint } from "../../src/protocol/webhook.ts";
import { ask, call, type LiveTenant, makeTenant } from "../chaos/tenant.ts";
import { type Server, startServer } from "../support/process.ts";
import { Receiver } from "../support/receiver.ts";

let server: Server;
let receiver: Receiver;
/** One that is not there at first. */
let absent: Receiver;
/** With an endpoint of each kind, all of which are sent one event at the beginning. */
let tenant: LiveTenant;
let sentAtMs: number;
const secrets = new Map<string, string>();
const ids = new Map<string, string>();
const kinds = ["fine", "broken", "resets", "redirects", "elsewhere", "gone", "later", "drips", "huge", "slow"];

beforeAll(async () => {
  [server, receiver, absent] = await Promise.all([
    startServer({ env: { PRIVATE_ENDPOINTS: "allow" } }),
    new Receiver().start(),
    new Receiver().start(),
  ]);
  absent.stop();
  tenant = await makeTenant(server, "receiving");
  await Promise.all([
    ...kinds.map((kind) => endpoint(kind, receiver.url(kind))),
    endpoint("absent", absent.url("absent")),
  ]);
  sentAtMs = Date.now();
  await ban("ada");
});
afterAll(async () => {
  receiver.stop();
  absent.stop();
  await server.remove();
});

const as = (method: string, body?: object) => {
  return { method, credential: tenant.key, ...(body === undefined ? {} : { body }) };
};

async function endpoint(name: string, url: string, more: object = {}): Promise<void> {
  const body = { url, events: ["moderation.*"], description: name, ...more };
  const made = await ask<{ webhook: WebhookEndpoint; secret: string }>(`${server.url}/v1/webhooks`, as("POST", body));
  ids.set(name, made.webhook.id);
  secrets.set(name, made.secret);
}

const pathOf = (name: string): string => `${server.url}/v1/webhooks/${ids.get(name)}`;
const ban = (user: string) =>
  call(`${server.url}/v1/bans/${user}`, as("PUT", { reason: "loud" })).then((answer) =>
    expect(answer.status).toBe(204),
  );
const deliveriesTo = async (name: string): Promise<Delivery[]> =>
  (await ask<{ items: Delivery[] }>(`${pathOf(name)}/deliveries`, as("GET"))).items;
const firstOf = async (name: string): Promise<Delivery | undefined> => (await deliveriesTo(name)).at(-1);
const until = (read: () => unknown, timeout = 10_000) => expect.poll(read, { timeout, interval: 20 });

test("[N20] an event arrives at once, as Standard Webhooks say, and both libraries take it for what it is", async () => {
  await until(() => receiver.at("fine").length).toBe(1);
  const [received] = receiver.at("fine");
  if (received === undefined) throw new Error("unreachable");
  const { headers, body, atMs } = received;
  expect(atMs - sentAtMs).toBeLessThan(5_000);
  const [event] = receiver.eventsAt("fine");
  expect(event).toMatchObject({ type: "moderation.banned", tenant: "receiving", room: null });
  expect(event?.data).toMatchObject({ user: "ada", reason: "loud", by: { kind: "key" } });
  expect(Math.abs(Date.parse(event?.timestamp ?? "") - sentAtMs)).toBeLessThan(5_000);
  expect(headers).toMatchObject({
    "webhook-id": event?.id,
    "webhook-attempt": "1",
    "user-agent": "Parley-Webhooks",
    "content-type": "application/json",
  });
  const secret = secrets.get("fine") ?? "";
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  for (const verifier of [new Webhook(secret), new SvixWebhook(secret)]) {
    expect(verifier.verify(body, headers)).toEqual(event);
    expect(() => verifier.verify(body.replace("ada", "bob"), headers)).toThrow("signature");
    expect(() => verifier.verify(body, { ...headers, "webhook-id": "other" })).toThrow("signature");
    const seconds = Math.floor(Date.now() / 1_000);
    expect(() => verifier.verify(body, { ...headers, "webhook-timestamp": String(seconds - 301) })).toThrow("too old");
  }
  for (const other of [secrets.get("slow") ?? "", "whsec_c29tZXRoaW5nIGVsc2UgYWx0b2dldGhlcg=="])
    expect(() => new Webhook(other).verify(body, headers)).toThrow("signature");
});

test("[N21] what receivers do to themselves delays no other: slow ones, dripping ones and those without end", async () => {
  const others = ["fine", "broken", "resets", "redirects", "elsewhere", "gone", "later", "huge", "slow", "drips"];
  for (const name of others) await until(() => receiver.at(name).length).toBeGreaterThan(0);
  for (const name of others) expect((receiver.at(name)[0]?.atMs ?? Infinity) - sentAtMs).toBeLessThan(5_000);
  await until(async () => (await firstOf("absent"))?.error).toBe("it cannot be reached");
  await absent.start();
  // Whoever is still held up by them, it is nobody else.
  const beforeMs = Date.now();
  await ban("bob");
  await until(() => receiver.at("fine").length).toBe(2);
  expect((receiver.at("fine")[1]?.atMs ?? Infinity) - beforeMs).toBeLessThan(5_000);
});

test("[N21] of an answer of 100 MB only the beginning is taken, and its status counts", async () => {
  await until(async () => (await firstOf("huge"))?.state).toBe("delivered");
  expect(receiver.megabytesSent).toBeLessThan(30);
});

test("[N22] a redirect is not followed, wherever it leads, and counts as a failure", async () => {
  for (const name of ["redirects", "elsewhere"]) {
    await until(async () => (await firstOf(name))?.error).toBe("it answered with a redirect");
    expect(await firstOf(name)).toMatchObject({ state: "pending", attempts: 1 });
  }
  expect(receiver.at("fine/elsewhere")).toEqual([]);
});

test("[N19] a receiver that asks for time is given it", async () => {
  await until(async () => (await firstOf("later"))?.status).toBe(429);
  const { nextAttemptAt } = (await firstOf("later")) ?? {};
  const pauseMs = (nextAttemptAt ?? 0) - sentAtMs;
  expect(pauseMs).toBeGreaterThanOrEqual(3_600_000);
  expect(pauseMs).toBeLessThan(1.2 * 3_600_000);
});

test("[N23] a receiver that answers 410 is not called again, until somebody enables it, and the reason is shown and audited", async () => {
  const shown = () => ask<WebhookEndpoint>(pathOf("gone"), as("GET"));
  await until(async () => (await shown()).isEnabled).toBe(false);
  expect((await shown()).disabledReason).toContain("410");
  const log = await ask<{ items: AuditEntry[] }>(
    `${server.url}/v1/audit?action=webhook.disabled&target=${ids.get("gone")}`,
    as("GET"),
  );
  expect(log.items).toMatchObject([{ actor: { kind: "system" }, after: { reason: (await shown()).disabledReason } }]);
  await ban("cy");
  await until(() => receiver.at("fine").length).toBe(3);
  expect(receiver.at("gone")).toHaveLength(1);
  const url = receiver.url("fine/again");
  await ask(pathOf("gone"), as("PATCH", { url, isEnabled: true }));
  expect(await shown()).toMatchObject({ isEnabled: true, disabledReason: null });
  await until(() => receiver.eventsAt("fine/again").map(({ data }) => data["user"])).toContain("ada");
});

test("[N12] [N19] what failed comes again after 5 seconds, with the same id, from those that broke, cut the line or were down", async () => {
  for (const [name, from] of [
    ["broken", receiver],
    ["resets", receiver],
    ["absent", absent],
  ] as const) {
    await until(async () => (await firstOf(name))?.state).toBe("delivered");
    expect(await firstOf(name)).toMatchObject({ attempts: 2, status: 200, error: null });
    const ofFirst = from.at(name).filter(({ body }) => body.includes('"ada"'));
    expect(new Set(ofFirst.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
    const last = ofFirst.at(-1);
    expect(last?.headers["webhook-attempt"]).toBe("2");
    expect((last?.atMs ?? 0) - sentAtMs).toBeGreaterThanOrEqual(5_000);
    expect(new Webhook(secrets.get(name) ?? "").verify(last?.body ?? "", last?.headers ?? {})).toBeDefined();
  }
});

test("[N14] [N20] an endpoint that takes batches is sent them as one event with the others in it", async () => {
  await endpoint("batched", receiver.url("fine/batched"), { batch: { maxEvents: 3, waitMs: 500 } });
  for (const user of ["dan", "eve", "fay", "gil"]) await ban(user);
  await until(() => receiver.at("fine/batched").length).toBe(2);
  const [first, second] = receiver.at("fine/batched").map(({ body, headers }) => {
    return new SvixWebhook(secrets.get("batched") ?? "").verify(body, headers) as {
      type: string;
      data: { events: { data: { user: string } }[] };
    };
  });
  expect([first?.type, second?.type]).toEqual(["batch", "batch"]);
  const users = [first, second].map((batch) => batch?.data.events.map(({ data }) => data.user));
  expect(users).toEqual([["dan", "eve", "fay"], ["gil"]]);
});

test("[N24] a test says what the receiver answered, and when the secret was rotated, both secrets prove it", async () => {
  const probe = (name: string) => ask<TestResult>(`${pathOf(name)}/test`, as("POST"));
  expect(await probe("fine")).toMatchObject({ ok: true, status: 200, error: null, excerpt: "thanks" });
  expect(await probe("later")).toMatchObject({ ok: false, status: 429, excerpt: "" });
  expect(await probe("redirects")).toMatchObject({ ok: false, status: 307, error: "it answered with a redirect" });
  const old = secrets.get("fine") ?? "";
  const { secret } = await ask<{ secret: string }>(`${pathOf("fine")}/rotate-secret`, as("POST"));
  expect(secret).not.toBe(old);
  await probe("fine");
  const last = receiver.at("fine").at(-1);
  expect(receiver.eventsAt("fine").at(-1)).toMatchObject({ type: "webhook.test", data: { endpoint: ids.get("fine") } });
  expect(last?.headers["webhook-signature"]?.split(" ")).toHaveLength(2);
  for (const one of [old, secret]) {
    expect(() => new Webhook(one).verify(last?.body ?? "", last?.headers ?? {})).not.toThrow();
    expect(() => new SvixWebhook(one).verify(last?.body ?? "", last?.headers ?? {})).not.toThrow();
  }
});

test("[N21] one that does not answer, or not to the end, has 15 seconds, and is tried again", async () => {
  for (const name of ["slow", "drips"]) {
    await until(async () => (await firstOf(name))?.error, 20_000).toBe("it did not answer in time");
    expect(await firstOf(name)).toMatchObject({ state: "pending", status: null });
  }
  const tookMs = Date.now() - sentAtMs;
  expect(tookMs).toBeGreaterThanOrEqual(15_000);
});
