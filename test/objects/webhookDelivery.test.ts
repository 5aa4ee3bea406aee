/** How a webhook endpoint's queue empties, under a clock that a test moves. What is outside is a function here; test/standalone/webhooks.test.ts has real servers. */
import { env } from "cloudflare:workers";
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { pausesMs } from "../../src/core/retries.ts";
import { webhookObjectName, webhookStub, type WebhookStub } from "../../src/objects/stubs.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { replay } from "../../src/objects/webhook/replay.ts";
import { WebhookEndpoint } from "../../src/objects/webhook/webhookEndpoint.ts";
import type { Delivery, QueueState, WebhookEndpoint as Shown, WebhookEvent } from "../../src/protocol/webhook.ts";
import { asOperator, call, newTenant, type TestTenant } from "../support/api.ts";
import { auditOf } from "../support/audit.ts";
import { asAsked } from "../support/failing.ts";
import { eventually, goTo, pass, startClock, stopClock } from "../support/clock.ts";

interface Sent {
  readonly url: string;
  readonly body: string;
  readonly headers: Record<string, string>;
}
let sent: Sent[];
/** What is answered outside. */
let answer: (sent: Sent) => Response | Promise<Response>;
const well = (): Response => new Response(null, { status: 204 });
const ill = (): Response => new Response("no", { status: 500 });

beforeEach(() => {
  stopClock();
  sent = [];
  answer = well;
  vi.stubGlobal("fetch", async (url: string, { body, headers }: { body: string; headers: Record<string, string> }) => {
    const request = { url, body, headers };
    sent.push(request);
    return answer(request);
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  startClock();
});

class Place {
  readonly tenant: TestTenant;
  readonly id: string;
  readonly secret: string;
  readonly stub: WebhookStub;

  constructor(tenant: TestTenant, id: string, secret: string) {
    this.tenant = tenant;
    this.id = id;
    this.secret = secret;
    this.stub = webhookStub(env, tenant.id, id);
  }

  static async make(settings: object = {}): Promise<Place> {
    const tenant = await newTenant();
    const body = { url: "https://hooks.example.com/", events: ["*"], ...settings };
    const made = await call("/v1/webhooks", { method: "POST", credential: tenant.key, body });
    const { webhook, secret } = await made.json<{ webhook: Shown; secret: string }>();
    return new Place(tenant, webhook.id, secret);
  }

  accept(...seqs: readonly (number | [number, string])[]): Promise<boolean> {
    const type = "message.created";
    return this.stub.accept(
      seqs.map((given): WebhookEvent => {
        const [seq, room] = typeof given === "number" ? [given, "general"] : given;
        return { id: `e:${seq}:${type}`, type, atMs: 0, tenant: this.tenant.id, room, seq, data: {} };
      }),
    );
  }

  ring(): Promise<boolean> {
    return runDurableObjectAlarm(env.WEBHOOK_ENDPOINT.getByName(webhookObjectName(this.tenant.id, this.id)));
  }

  async first(): Promise<Delivery> {
    const [delivery] = (await this.stub.deliveries({ state: null, before: 9_999, limit: 100 })).toReversed();
    if (delivery === undefined) throw new Error("nothing was accepted");
    return delivery;
  }

  /** When an attempt has ended so often. */
  async attempted(times: number): Promise<Delivery> {
    await expect
      .poll(async () => {
        const { attempts, status, error } = await this.first();
        return attempts === times && (status !== null || error !== null);
      })
      .toBe(true);
    return this.first();
  }

  async shown(): Promise<Shown> {
    return (await call(`/v1/webhooks/${this.id}`, { credential: this.tenant.key })).json();
  }

  change(path: string, method: string, body?: object): Promise<Response> {
    return call(`/v1/webhooks/${this.id}${path}`, { method, credential: this.tenant.key, body });
  }
}

const until = (condition: () => boolean): Promise<void> => eventually(condition, () => sent.map(({ body }) => body));

test("[N19] a delivery that fails is attempted ten times by the clock, the same each time, and by hand once more", async () => {
  answer = ill;
  const place = await Place.make();
  await place.accept(1);
  for (const [index, pauseMs] of pausesMs.entries()) {
    const { nextAttemptAt, state } = await place.attempted(index + 1);
    expect(state).toBe("pending");
    const waitMs = (nextAttemptAt ?? 0) - Date.now();
    expect(waitMs).toBeGreaterThanOrEqual(pauseMs);
    expect(waitMs).toBeLessThanOrEqual(1.1 * pauseMs);
    goTo((nextAttemptAt ?? 0) - 1);
    await place.ring();
    expect(sent).toHaveLength(index + 1);
    pass(1);
    await place.ring();
    await until(() => sent.length === index + 2);
  }
  await expect.poll(async () => (await place.first()).state).toBe("failed");
  expect(await place.first()).toMatchObject({ attempts: 10, status: 500, nextAttemptAt: null });
  expect(sent.map(({ headers }) => headers["webhook-attempt"])).toEqual(
    Array.from({ length: 10 }, (_, n) => `${n + 1}`),
  );
  expect(new Set(sent.map(({ headers, body }) => `${headers["webhook-id"]} ${body}`)).size).toBe(1);
  expect(await place.stub.waiting()).toMatchObject({ waiting: 0, failed: 1 });

  answer = well;
  const retry = (): Promise<Response> => place.change("/deliveries/1/retry", "POST");
  expect((await retry()).status).toBe(202);
  await expect.poll(async () => (await place.first()).state).toBe("delivered");
  expect(await place.first()).toMatchObject({ attempts: 11, status: 204, error: null });
  expect((await retry()).status).toBe(409);
  expect((await place.change("/deliveries/2/retry", "POST")).status).toBe(404);
  const retried = (await auditOf(place.tenant)).filter(({ action }) => action === "webhook.delivery_retried");
  expect(retried).toMatchObject([{ target: { webhook: place.id }, after: { delivery: 1 } }]);
});

/** Holds what is outside until the test lets it go, one by one, in the order in which it was sent. It waits where it was asked. */
function holding(): { readonly letGo: (index: number) => void } {
  const gone = new Set<number>();
  const first = sent.length;
  answer = async () => {
    const index = sent.length - 1 - first;
    while (!gone.has(index)) await new Promise((resolve) => setTimeout(resolve, 2));
    return well();
  };
  return { letGo: (index) => void gone.add(index) };
}

test("[N12] an attempt whose end nobody learnt of is made again", async () => {
  const { letGo } = holding();
  const place = await Place.make();
  await place.accept(1);
  await until(() => sent.length === 1);
  const { nextAttemptAt } = await place.first();
  expect((nextAttemptAt ?? 0) - Date.now()).toBe(fixedLimits.webhookLeaseMs);
  const object = env.WEBHOOK_ENDPOINT.getByName(webhookObjectName(place.tenant.id, place.id));
  await runInDurableObject(object, (_, state) => state.abort(asAsked)).catch(() => undefined);
  answer = well;
  letGo(0);
  pass(fixedLimits.webhookLeaseMs);
  await place.ring();
  await until(() => sent.length === 2);
  expect(sent.map(({ headers }) => headers["webhook-attempt"])).toEqual(["1", "2"]);
  expect(sent[1]?.headers["webhook-id"]).toBe(sent[0]?.headers["webhook-id"]);
});

test("[N12] [W7] five deliveries are under way at once, of each room one and in order", async () => {
  const { letGo } = holding();
  const place = await Place.make();
  await place.accept([1, "a"], [2, "a"], [3, "b"], [4, "c"], [5, "d"], [6, "e"], [7, "f"]);
  const seqsSent = (): number[] => sent.map(({ body }) => JSON.parse(body).seq);
  await until(() => sent.length === fixedLimits.webhooksAtOnce);
  expect(seqsSent()).toEqual([1, 3, 4, 5, 6]);
  letGo(1);
  await until(() => sent.length === 6);
  expect(seqsSent().at(-1)).toBe(7);
  letGo(0);
  await until(() => sent.length === 7);
  expect(seqsSent().at(-1)).toBe(2);
  for (const index of [2, 3, 4, 5, 6]) letGo(index);
  await expect.poll(async () => (await place.stub.waiting()).waiting).toBe(0);
});

test("[N12] one that did not take the last thing is sent one thing at a time, until it takes one", async () => {
  answer = ill;
  const place = await Place.make();
  await place.accept(1);
  await place.attempted(1);
  sent = [];
  const { letGo } = holding();
  await place.accept([2, "a"], [3, "b"], [4, "c"]);
  await until(() => sent.length === 1);
  await place.ring();
  expect(sent).toHaveLength(1);
  letGo(0);
  await until(() => sent.length === 3);
  letGo(1);
  letGo(2);
  await expect.poll(async () => (await place.stub.waiting()).waiting).toBe(1);
});

test("[N19] [W7] a receiver says in seconds or by a date when to come again, and what is neither is not heard", async () => {
  const hour = 3_600_000;
  const pauseAfter = async (header: string): Promise<number> => {
    answer = () => new Response(null, { status: 503, headers: { "Retry-After": header } });
    const place = await Place.make();
    await place.accept(1);
    return ((await place.attempted(1)).nextAttemptAt ?? 0) - Date.now();
  };
  for (const [header, ms] of [
    ["3600", hour],
    [new Date(Math.floor(Date.now() / 1_000) * 1_000 + hour).toUTCString(), hour - 1_000],
    [String(7 * 86_400), 24 * hour],
    ["soon", 5_000],
    ["-5", 5_000],
    ["Thu, 01 Jan 1970 00:00:00 GMT", 5_000],
  ] as const) {
    const pauseMs = await pauseAfter(header);
    expect([header, pauseMs >= ms, pauseMs <= 1.1 * (ms + 1_000)]).toEqual([header, true, true]);
  }
});

test("[N21] [O3] whatever came of an attempt, no timer of it is left", async () => {
  const set = vi.spyOn(globalThis, "setTimeout");
  const cleared = vi.spyOn(globalThis, "clearTimeout");
  try {
    for (const each of [well, ill, () => Promise.reject(new Error("cut off"))]) {
      answer = each;
      const place = await Place.make();
      await place.accept(1);
      await place.attempted(1);
    }
    const timers = set.mock.calls.flatMap(([, ms], index) =>
      ms === fixedLimits.webhookMsMax ? [set.mock.results[index]?.value] : [],
    );
    expect(timers).toHaveLength(3);
    const over = cleared.mock.calls.map(([timer]) => timer);
    for (const timer of timers) expect(over).toContain(timer);
  } finally {
    vi.restoreAllMocks();
  }
});

test("[N11] an endpoint that names no rooms hears what the tenant decides, and one that names some does not", async () => {
  const place = await Place.make();
  const { tenant } = place;
  const ofRooms = { url: "https://rooms.example.com/", events: ["*"], rooms: ["*"] };
  await call("/v1/webhooks", { method: "POST", credential: tenant.key, body: ofRooms });
  const ask = async (method: string, path: string, body?: object): Promise<Response> => {
    const answered = await call(path, { method, credential: tenant.key, body });
    expect([path, answered.ok]).toEqual([path, true]);
    return answered;
  };
  await ask("PUT", "/v1/bans/ada", { reason: "loud", shadow: true });
  await ask("PUT", "/v1/bans/ada", { reason: "loud", shadow: true });
  await ask("DELETE", "/v1/bans/ada");
  await ask("POST", "/v1/revocations", { user: "bo", reason: "left" });
  await until(() => sent.length === 3);
  const bodies = sent.map(({ body }) => JSON.parse(body));
  const by = { kind: "key", id: tenant.keyId };
  expect(bodies).toMatchObject([
    { type: "moderation.banned", room: null, data: { user: "ada", until: null, reason: "loud", shadow: true, by } },
    { type: "moderation.unbanned", data: { user: "ada", by } },
    { type: "moderation.revoked", data: { user: "bo", token: null, key: null, reason: "left", by } },
  ]);
  expect(new Set(sent.map(({ url }) => url))).toEqual(new Set(["https://hooks.example.com/"]));
});

test("[N11] what the tenant has decided is handed on when the endpoint is there again", async () => {
  const place = await Place.make();
  const accept = vi.spyOn(WebhookEndpoint.prototype, "accept").mockRejectedValue(new Error(asAsked));
  try {
    await call("/v1/bans/ada", { method: "PUT", credential: place.tenant.key, body: {} });
    await expect.poll(() => accept.mock.calls.length).toBeGreaterThan(0);
  } finally {
    accept.mockRestore();
  }
  expect(sent).toEqual([]);
  pass(10_001);
  await runDurableObjectAlarm(env.TENANT.getByName(place.tenant.id));
  await until(() => sent.length === 1);
});

test("[N13] [W7] 10,000 of what the tenant has decided wait for an endpoint that takes nothing, and what comes beyond is counted", async () => {
  const place = await Place.make();
  const accept = vi.spyOn(WebhookEndpoint.prototype, "accept").mockRejectedValue(new Error(asAsked));
  try {
    const ban = (user: string) => call(`/v1/bans/${user}`, { method: "PUT", credential: place.tenant.key, body: {} });
    const rows = (sql: string) =>
      runInDurableObject(env.TENANT.getByName(place.tenant.id), (_, { storage }) =>
        storage.sql.exec<{ rows: number }>(sql).toArray(),
      );
    await ban("ada");
    await rows(
      `WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ${fixedLimits.outboxEvents - 1})
       INSERT INTO outbox (endpoint, position, event) SELECT '${place.id}', i, '{}' FROM n`,
    );
    await ban("bo");
    expect(await rows("SELECT count(*) AS rows FROM outbox")).toEqual([{ rows: fixedLimits.outboxEvents }]);
    const dropped = async (): Promise<unknown> => {
      const path = `/v1/webhooks/${place.id}`;
      const { queue } = await (await call(path, { credential: place.tenant.key })).json<{ queue: QueueState }>();
      return [queue.dropped, queue.droppedAt];
    };
    expect(await dropped()).toEqual([0, null]);
    await ban("eve");
    await ban("mo");
    expect(await rows("SELECT count(*) AS rows FROM outbox")).toEqual([{ rows: fixedLimits.outboxEvents }]);
    expect(await dropped()).toEqual([2, expect.any(Number)]);
    await rows("DELETE FROM outbox");
    await ban("eve");
    expect(await dropped()).toEqual([2, expect.any(Number)]);
    await call(`/v1/webhooks/${place.id}`, { method: "DELETE", credential: place.tenant.key });
    expect(await rows("SELECT count(*) AS rows FROM outbox_lost")).toEqual([{ rows: 0 }]);
  } finally {
    accept.mockRestore();
  }
});

test("[N15] [W7] one call brings back about a thousand events, or as many as there is place for, and says where to go on", async () => {
  const taken: number[] = [];
  const room = {
    replay: ({ to, after = 0, limit }: { from: number; to: number; after?: number; limit: number }) => {
      const events = Array.from({ length: Math.min(limit, to - after) }, (_, index): WebhookEvent => {
        const seq = after + index + 1;
        const type = seq % 2 === 0 ? "message.created" : "member.updated";
        return { id: `e:${seq}:${type}`, type, atMs: 0, tenant: "acme", room: "general", seq, data: {} };
      });
      const last = events.at(-1)?.seq ?? to;
      return Promise.resolve({ ok: true as const, events, next: last >= to ? null : last, epoch: "e" });
    },
  };
  const replayed = (to: number, places: number, events: string[]): ReturnType<typeof replay> => {
    taken.length = 0;
    const wanted = { id: "waaaaaaaaaaaa", events, rooms: ["general"] };
    const take = (given: readonly WebhookEvent[]) => taken.push(...given.map(({ seq = 0 }) => seq)) > -1;
    return replay({ room, wanted, places: () => places - taken.length, take }, { room: "general", from: 1, to });
  };
  const most = fixedLimits.webhookReplayEvents;
  expect(await replayed(most, 10_000, ["*"])).toEqual({ ok: true, events: most, next: null });
  expect(await replayed(most + 1, 10_000, ["*"])).toEqual({ ok: true, events: most, next: most + 1 });
  expect(taken).toHaveLength(most);
  expect(await replayed(most, 10_000, ["message.*"])).toEqual({ ok: true, events: most / 2, next: null });
  expect(await replayed(most, 450, ["*"])).toEqual({ ok: true, events: 400, next: 401 });
  expect(await replayed(most, 0, ["*"])).toEqual({ ok: true, events: 0, next: 1 });
});

test("[N23] an endpoint at which nothing arrives for five days is disabled, and says why", async () => {
  answer = ill;
  const place = await Place.make();
  await place.accept(1);
  await place.attempted(1);
  const day = 86_400_000;
  const beganMs = Date.now();
  goTo(beganMs + 5 * day - 1);
  await place.accept(2);
  await until(() => sent.length >= 2);
  await place.ring();
  expect(await place.shown()).toMatchObject({ isEnabled: true, disabledReason: null });
  goTo(beganMs + 5 * day);
  await place.accept(3);
  await expect.poll(async () => (await place.ring(), (await place.shown()).isEnabled)).toBe(false);
  expect((await place.shown()).disabledReason).toContain("five days");
  const disabled = (await auditOf(place.tenant)).filter(({ action }) => action === "webhook.disabled");
  expect(disabled).toMatchObject([{ target: { webhook: place.id }, actor: { kind: "system" } }]);

  sent = [];
  answer = well;
  await place.accept(4);
  pass(3_600_001);
  await place.ring();
  expect(sent).toEqual([]);
  expect((await place.change("", "PATCH", { isEnabled: true })).status).toBe(200);
  await until(() => sent.length === 4);
  expect(await place.shown()).toMatchObject({ isEnabled: true, disabledReason: null });
});

test("[N23] what arrives in between ends the count of days", async () => {
  answer = ill;
  const place = await Place.make();
  await place.accept(1);
  await place.attempted(1);
  const day = 86_400_000;
  pass(3 * day);
  answer = well;
  await place.accept(2);
  await until(() => sent.length >= 2);
  await expect.poll(async () => (await place.ring(), (await place.stub.waiting()).waiting)).toBe(0);
  pass(3 * day);
  answer = ill;
  await place.accept(3);
  await expect.poll(async () => (await place.stub.waiting()).waiting).toBe(1);
  await place.ring();
  expect((await place.shown()).isEnabled).toBe(true);
});

test("[N23] while a tenant is suspended nothing is sent, and what waits is sent after", async () => {
  const place = await Place.make();
  const decide = (what: string): Promise<Response> =>
    asOperator(`/v1/tenants/${place.tenant.id}/${what}`, { method: "POST" });
  expect((await decide("suspend")).status).toBe(200);
  await place.accept(1);
  pass(10_000);
  await place.ring();
  expect(sent).toEqual([]);
  expect((await decide("resume")).status).toBe(200);
  await until(() => sent.length === 3);
  expect(sent.map(({ body }) => JSON.parse(body).type).sort()).toEqual([
    "message.created",
    "tenant.resumed",
    "tenant.suspended",
  ]);
});

test("[N24] for 24 hours after a rotation both secrets prove a delivery, then only the new one", async () => {
  const place = await Place.make();
  const day = fixedLimits.webhookOverlapMs;
  const provenBy = async (seq: number, ...secrets: string[]): Promise<boolean[]> => {
    sent = [];
    await place.accept(seq);
    await until(() => sent.length === 1);
    const [{ body, headers } = { body: "", headers: {} }] = sent;
    return secrets.map((secret) => {
      try {
        return new Webhook(secret).verify(body, headers) !== undefined;
      } catch {
        return false;
      }
    });
  };
  const rotate = async (): Promise<string> =>
    (await (await place.change("/rotate-secret", "POST")).json<{ secret: string }>()).secret;
  expect(await provenBy(1, place.secret)).toEqual([true]);
  const second = await rotate();
  expect(await place.shown()).toMatchObject({ secretVersion: 2, previousSecretUntil: Date.now() + day });
  pass(day - 1);
  expect(await provenBy(2, place.secret, second)).toEqual([true, true]);
  pass(1);
  expect(await provenBy(3, place.secret, second)).toEqual([false, true]);
  expect(await place.shown()).toMatchObject({ secretVersion: 2, previousSecretUntil: null });
  // Rotated twice, there is one before the newest.
  const third = await rotate();
  const fourth = await rotate();
  expect(await provenBy(4, second, third, fourth)).toEqual([false, true, true]);
});

test("[N21] [W7] of an endpoint one test at a time is made, and no more than 256 characters of an answer are shown", async () => {
  const { letGo } = holding();
  const place = await Place.make();
  const probe = (): Promise<Response> => place.change("/test", "POST");
  const first = probe();
  await until(() => sent.length === 1);
  const second = await probe();
  expect([second.status, second.headers.get("Retry-After")]).toEqual([429, "15"]);
  letGo(0);
  expect((await first).status).toBe(200);
  answer = () => new Response("é".repeat(fixedLimits.webhookExcerpt + 1), { status: 400 });
  const { excerpt, status } = await (await probe()).json<{ excerpt: string; status: number }>();
  expect([status, excerpt]).toEqual([400, "é".repeat(fixedLimits.webhookExcerpt)]);
});

test("[N22] an address that may be called no more is not called, also where it was taken", async () => {
  const place = await Place.make();
  for (const url of [
    "http://hooks.example.com/",
    "https://127.0.0.1/",
    "https://2852039166/",
    "https://hooks.example.com:25/",
  ]) {
    sent = [];
    await runInDurableObject(env.TENANT.getByName(place.tenant.id), (_, { storage }) =>
      storage.sql.exec("UPDATE webhook SET settings = json_set(settings, '$.url', ?)", url).toArray(),
    );
    await place.stub.heed();
    await place.change("/test", "POST");
    expect(await (await place.change("/test", "POST")).json()).toMatchObject({
      ok: false,
      status: null,
      error: "its address is not a public one",
    });
    expect(sent).toEqual([]);
  }
});

test("[A16] [N24] who still has a secret of a master key's version is listed with it, and one whose key is gone says so", async () => {
  const place = await Place.make();
  const tenant = env.TENANT.getByName(place.tenant.id);
  expect(await runInDurableObject(tenant, (object) => object.hasKeysOf(7))).toBe(false);
  await runInDurableObject(tenant, (_, { storage }) => storage.sql.exec("UPDATE webhook SET master_key = 7").toArray());
  expect(await runInDurableObject(tenant, (object) => object.hasKeysOf(7))).toBe(true);
  await place.accept(1);
  expect((await place.attempted(1)).error).toContain("rotate the secret");
  expect(sent).toEqual([]);
  await place.change("/rotate-secret", "POST");
  await place.change("/deliveries/1/retry", "POST");
  await until(() => sent.length === 1);
});

test("[N15] a replay sends a room's events again, those that the endpoint wants, with the ids that they had", async () => {
  const place = await Place.make({ events: ["message.*"] });
  const say = async (room: string, text: string): Promise<Response> =>
    call(`/v1/rooms/${room}/messages`, { method: "POST", credential: place.tenant.key, user: "ada", body: { text } });
  for (const text of ["one", "two", "three"]) expect((await say("general", text)).status).toBe(201);
  await until(() => sent.length === 3);
  const told = sent.map(({ headers }) => headers["webhook-id"]);
  sent = [];
  const replaying = (body: object): Promise<Response> => place.change("/replay", "POST", body);
  const replayed = await replaying({ room: "general", from: 2, to: 3 });
  expect([replayed.status, await replayed.json()]).toEqual([202, { events: 2, next: null }]);
  await until(() => sent.length === 2);
  expect(sent.map(({ headers }) => headers["webhook-id"]).sort()).toEqual(told.slice(1).sort());
  expect(sent.map(({ body }) => JSON.parse(body).data.message.text).sort()).toEqual(["three", "two"]);
  expect((await replaying({ room: "never:was", from: 1, to: 3 })).status).toBe(404);
  expect((await replaying({ room: "general", from: 3, to: 2 })).status).toBe(400);
  const entries = (await auditOf(place.tenant)).filter(({ action }) => action === "webhook.replayed");
  expect(entries[0]).toMatchObject({ target: { webhook: place.id, room: "general" }, after: { from: 2, to: 3 } });
});
