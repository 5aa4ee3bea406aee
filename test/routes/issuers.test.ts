import { listDurableObjectIds } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { IssuerListing } from "../../src/protocol/http.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { identifyPresented } from "../../src/routes/credentials.ts";
import { HeldCredential } from "../../src/routes/held/credential.ts";
import type { TestTenant } from "../support/api.ts";
import { newProviderKey, type ProviderKey, signWith } from "../support/provider.ts";
import { answered, refused } from "./answers.ts";
import { call, connect, newTenant, newToken } from "./edge.ts";
import { openEvents } from "./events.ts";
import { ticketOf } from "./inRoom.ts";
import { askWith, opened, published } from "./many.ts";

const room = "general";
const iss = "https://idp.example.com/";

let key: ProviderKey;
let asked: number;
beforeAll(async () => {
  key = await newProviderKey("k1", "EdDSA");
});
beforeEach(() => {
  asked = 0;
  // The provider is no part of ours, and this is all that the Worker fetches.
  vi.stubGlobal("fetch", async () => {
    asked++;
    return Response.json({ keys: [key.jwk] });
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const provider = { issuer: iss, jwksUrl: "https://idp.example.com/jwks", algorithms: ["EdDSA"] };

function add(credential: string, more: object = {}): Promise<Response> {
  return call("/v1/issuers", { method: "POST", credential, body: { ...provider, ...more } });
}

async function newIssuer({ key: credential }: TestTenant, more: object = {}): Promise<string> {
  return (await answered(await add(credential, more), 201, IssuerListing)).id;
}

function tokenFor(tenant: { readonly id: string }, more: object = {}): Promise<string> {
  const iat = Math.floor(Date.now() / 1_000);
  const rooms = { "*": ["read", "publish"] };
  return signWith(key, {
    iss,
    aud: `parley/${tenant.id}`,
    sub: "ada",
    name: "Ada",
    iat,
    exp: iat + 600,
    rooms,
    ...more,
  });
}

function post(credential: string, name = room): Promise<Response> {
  return call(`/v1/rooms/${name}/messages`, { method: "POST", credential, body: { text: "hi" } });
}

describe("a user of the tenant's own identity provider", () => {
  test("[A13] comes in on every way: HTTP, a socket, one for many rooms, streams with and without a ticket", async () => {
    const tenant = await newTenant();
    await newIssuer(tenant);
    const token = await tokenFor(tenant);
    const posted = await (await post(token)).json<{ message: { sender: unknown } }>();
    expect(posted).toMatchObject({ message: { sender: { id: "ada", name: "Ada" } } });

    const socket = await connect(room, { token });
    expect(socket.of("welcome")[0]).toMatchObject({ user: { id: "ada", name: "Ada" } });
    socket.close();

    const many = opened(await askWith(env, token));
    many.send({ type: "join", room });
    await many.until(() => many.of(room, "welcome").length === 1);
    await published(many, room);
    many.close();

    const header = await openEvents(`/v1/rooms/${room}/events`, { credential: token });
    await header.welcome(room);
    await header.cancel();
    for (const [body, path] of [
      [{ room }, `/v1/rooms/${room}/events?`],
      [{}, `/v1/events?rooms=${room}&`],
    ] as const) {
      const { ticket } = await ticketOf(token, body);
      const stream = await openEvents(`${path}ticket=${ticket}`);
      expect(await stream.welcome(room)).toMatchObject({ user: { id: "ada", name: "Ada" } });
      await stream.cancel();
    }
    const unread = await call(`/v1/unread?rooms=${room}`, { credential: token });
    expect(await unread.json()).toEqual({ rooms: { [room]: { unread: 0, mentions: 0, upTo: 0 } } });
    expect(asked).toBe(1);
  });

  test("[A13] renews the token of an open socket with the provider's next one, and with no other tenant's", async () => {
    const [tenant, other] = await Promise.all([newTenant(), newTenant()]);
    await Promise.all([newIssuer(tenant), newIssuer(other)]);
    const socket = await connect(room, { token: await tokenFor(tenant) });
    const exp = Math.floor(Date.now() / 1_000) + 1_200;
    socket.send({ type: "token", ref: "next", token: await tokenFor(tenant, { exp }) });
    await socket.until(() => socket.of("token").length === 1);
    expect(socket.of("token")).toMatchObject([{ ref: "next", expiresAt: exp * 1_000 }]);
    vi.useFakeTimers({ now: Date.now() + 60_000, toFake: ["Date"] });
    socket.send({ type: "token", ref: "foreign", token: await tokenFor(other) });
    await socket.until(() => socket.of("error").length === 1);
    expect(socket.of("error")).toMatchObject([{ ref: "foreign", code: "forbidden" }]);
    expect(socket.closed).toBeNull();
    socket.close();
  });

  test("[A13] has no more than the tenant gives the provider, whatever the token or a role says", async () => {
    const tenant = await newTenant();
    await newIssuer(tenant, { capabilities: ["read"], rooms: { "lobby:*": ["read"] } });
    for (const name of [room, "lobby:1"]) expect((await post(tenant.key, name)).status).toBe(201);
    const greedy = await tokenFor(tenant, { rooms: { "*": ["read", "publish", "manage", "moderate"] } });
    await refused(await post(greedy), 403, "forbidden");
    const member = { method: "PUT", credential: tenant.key, body: { role: "owner" } };
    expect((await call(`/v1/rooms/${room}/members/ada`, member)).status).toBe(200);
    await refused(await call(`/v1/rooms/${room}`, { method: "DELETE", credential: greedy }), 403, "forbidden");
    expect((await call(`/v1/rooms/${room}`, { credential: greedy })).status).toBe(200);

    const plain = await tokenFor(tenant, { rooms: undefined });
    expect((await call("/v1/rooms/lobby:1", { credential: plain })).status).toBe(200);
    await refused(await call(`/v1/rooms/${room}`, { credential: plain }), 403, "forbidden");
  });

  test("[A13] is nobody at the tenant's own plane, and speaks for nobody else", async () => {
    const tenant = await newTenant();
    await newIssuer(tenant);
    const token = await tokenFor(tenant);
    for (const path of ["/v1/tenant", "/v1/keys", "/v1/issuers", "/v1/rooms"])
      await refused(await call(path, { credential: token }), 403, "forbidden");
    await refused(await call(`/v1/rooms/${room}`, { credential: token, user: "eve" }), 403, "forbidden");
  });

  test("[A13] who is registered a moment ago is let in at once, and a removed provider's tokens are refused within 5 seconds", async () => {
    const tenant = await newTenant();
    // The edge holds a policy in which the provider is missing.
    expect((await call("/v1/tenant", { credential: tenant.key })).status).toBe(200);
    await refused(await post(await tokenFor(tenant)), 401, "token_invalid");
    const id = await newIssuer(tenant);
    const token = await tokenFor(tenant);
    const { ticket } = await ticketAfter(token);
    const removed = await call(`/v1/issuers/${id}`, { method: "DELETE", credential: tenant.key });
    expect(removed.status).toBe(204);
    vi.useFakeTimers({ now: Date.now() + 5_000, toFake: ["Date"] });
    await refused(await post(token), 401, "token_invalid");
    await refused(await call(`/v1/rooms/${room}/events?ticket=${ticket}`), 401);
  });

  test("[A13] a removed provider's users are let go at once: sockets, streams and connections of many rooms; others stay", async () => {
    const tenant = await newTenant();
    const id = await newIssuer(tenant);
    const [token, own] = [await tokenFor(tenant), await newToken(tenant, "bo", { "*": ["read", "publish"] })];
    const [socket, other] = [await connect(room, { token }), await connect(room, { token: own })];
    const stream = await openEvents(`/v1/rooms/${room}/events`, { credential: token });
    await stream.welcome(room);
    const many = opened(await askWith(env, token));
    many.send({ type: "join", room });
    await many.until(() => many.of(room, "welcome").length === 1);
    const removed = await call(`/v1/issuers/${id}`, { method: "DELETE", credential: tenant.key });
    expect(removed.status).toBe(204);
    await socket.until(({ closed }) => closed !== null);
    expect(socket.closed?.code).toBe(4502);
    await stream.until(() => stream.ended !== null);
    expect(stream.ended).toBe("end");
    await many.until(() => many.closed !== null || many.of(room, "closing").length > 0);
    expect((await post(own)).status).toBe(201);
    expect(other.closed).toBeNull();
    other.close();
    many.close();
  });

  async function ticketAfter(token: string): Promise<{ ticket: string }> {
    await expect.poll(async () => (await post(token)).status, { timeout: 3_000 }).toBe(201);
    return ticketOf(token, { room });
  }
});

describe("one provider, two tenants", () => {
  let one: TestTenant;
  let other: TestTenant;
  beforeAll(async () => {
    [one, other] = await Promise.all([newTenant(), newTenant()]);
    await Promise.all([newIssuer(one), newIssuer(other)]);
  });

  test("[A13] each user comes into the tenant that the token names, and into no other", async () => {
    for (const tenant of [one, other]) expect((await post(await tokenFor(tenant), `of-${tenant.id}`)).status).toBe(201);
    for (const [tenant, foreign] of [
      [one, other],
      [other, one],
    ] as const) {
      const token = await tokenFor(tenant);
      await refused(await call(`/v1/rooms/of-${foreign.id}`, { credential: token }), 404, "not_found");
    }
  });

  test("[A13] a token for a tenant that has not registered the provider is refused like one for a tenant that never was", async () => {
    const third = await newTenant();
    const said = [];
    for (const id of [third.id, "never-was"]) {
      const { requestId: _, ...problem } = await refused(await post(await tokenFor({ id })), 401, "token_invalid");
      said.push(problem);
    }
    expect(said[0]).toEqual(said[1]);
  });

  test("[A13] a list of tenants is no audience", async () => {
    for (const aud of [[`parley/${one.id}`], [`parley/${one.id}`, `parley/${other.id}`]])
      await refused(await post(await tokenFor(one, { aud })), 401, "token_invalid");
  });
});

describe("tokens for tenants that never were", () => {
  test("[A14] no object comes to be for them, and no more than 200 names are looked up in a second", async () => {
    vi.useFakeTimers({ now: Date.now() + 60_000, toFake: ["Date"] });
    const { key: credential } = await newTenant();
    const bindings = { ...env, MASTER_KEY: String(Reflect.get(env, "MASTER_KEY")) };
    const identified = await identifyPresented(bindings, { credential, asUser: null, origin: null }, Date.now());
    if (!identified.ok) throw new Error("not identified");
    const before = (await listDurableObjectIds(env.TENANT)).length;
    const { strangersPerSecond } = fixedLimits;
    const ask = async (name: string): Promise<number> => (await post(await tokenFor({ id: name }))).status;
    const names = Array.from({ length: strangersPerSecond + 10 }, (_, index) => `nobody-${index}`);
    const statuses = await Promise.all(names.map(ask));
    expect(statuses.toSorted()).toEqual([...Array(strangersPerSecond).fill(401), ...Array(10).fill(503)]);
    const busy = await refused(await post(await tokenFor({ id: "nobody-more" })), 503, "overloaded");
    expect(busy.retryAfterMs).toBe(1_000);
    // Nor does a connection end whose credential cannot be looked at now.
    const presented = { credential: await tokenFor({ id: "nobody-more" }), asUser: null, origin: null };
    expect(await new HeldCredential(bindings, presented, identified.identity).recheck()).toBeNull();
    // One that is known not to be is not looked up again.
    expect(await ask("nobody-0")).toBe(401);

    // Nobody else is harmed: not who brings a key, and not who has been here before.
    const tenant = await newTenant();
    await newIssuer(tenant);
    expect((await post(await tokenFor(tenant))).status).toBe(201);
    expect((await post(await newToken(tenant, "bo", { "*": ["read", "publish"] }))).status).toBe(201);
    vi.setSystemTime(Date.now() + 1_000);
    expect(await ask("nobody-more")).toBe(401);
    expect((await listDurableObjectIds(env.TENANT)).length).toBe(before + 1);
    expect(asked).toBe(1);
  });
});

describe("registering a provider", () => {
  let tenant: TestTenant;
  beforeAll(async () => {
    tenant = await newTenant();
  });
  afterAll(() => vi.useRealTimers());

  test("[A6] a key gives a provider no more than it has itself", async () => {
    const made = await call("/v1/keys", {
      method: "POST",
      credential: tenant.key,
      body: { capabilities: ["admin", "read", "react"] },
    });
    const { secret } = (await made.json<{ key: { secret: string } }>()).key;
    const beyond = await refused(await add(secret, { capabilities: ["read", "publish"] }), 403, "forbidden");
    expect(beyond.detail).toBe("This key does not have publish itself.");
    const given = await answered(await add(secret, { issuer: "https://a.example/" }), 201, IssuerListing);
    expect(given.capabilities).toEqual(["read", "react"]);
    await refused(await add(secret, { capabilities: ["admin"] }), 400, "invalid_field");
    const template = { issuer: "https://b.example/", rooms: { "*": ["publish"] } };
    const unfit = await refused(await add(secret, template), 400, "invalid_field");
    expect(unfit.detail).toBe("`rooms`: `capabilities` lacks publish.");
  });

  test.each([
    ["an address inside", { jwksUrl: "https://169.254.169.254/jwks" }],
    ["an address by http", { jwksUrl: "http://idp.example.com/jwks" }],
    ["an address with a password", { jwksUrl: "https://a:b@idp.example.com/jwks" }],
    ["an address of 2,049 characters", { jwksUrl: "https://idp.example.com/".padEnd(2_049, "x") }],
    ["no algorithm", { algorithms: [] }],
    ["HS256", { algorithms: ["HS256"] }],
    ["none", { algorithms: ["none"] }],
    ["an empty name", { issuer: "" }],
    ["a name of 513 characters", { issuer: "x".repeat(513) }],
    ["21 patterns", { rooms: Object.fromEntries(Array.from({ length: 21 }, (_, at) => [`r${at}`, []])) }],
    ["no capability", { capabilities: [] }],
    ["a secret", { secret: "s" }],
  ])("[A13] with %s is refused", async (_, more) => {
    await refused(await add(tenant.key, more), 400, "invalid_field");
  });

  test("[A13] each name once, ten of them, and what is shown is what was asked for", async () => {
    const { key: credential } = await newTenant();
    const whole = {
      name: "Staff",
      rooms: Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`r${at}`, ["read"]])),
      capabilities: ["read", "publish"],
    };
    const first = await answered(await add(credential, whole), 201, IssuerListing);
    expect(first).toMatchObject({ ...provider, ...whole });
    await refused(await add(credential), 409, "conflict");
    for (let index = 1; index < fixedLimits.issuersPerTenant; index++)
      await answered(await add(credential, { issuer: `https://idp-${index}.example.com/` }), 201, IssuerListing);
    await refused(await add(credential, { issuer: "https://idp-11.example.com/" }), 429, "quota_exceeded");
    const { items } = await (await call("/v1/issuers", { credential })).json<{ items: unknown[] }>();
    expect([items.length, items[0]]).toEqual([10, first]);
    await refused(await call("/v1/issuers/iaaaaaaaaaaaa", { method: "DELETE", credential }), 404, "not_found");
  });
});
