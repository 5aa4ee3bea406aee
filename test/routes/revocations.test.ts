/** What a tenant revokes: which connections end, what is refused from then on, and how it is listed. */
import { env } from "cloudflare:workers";
import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { tenantStub } from "../../src/objects/stubs.ts";
import { Tenant } from "../../src/objects/tenant/tenant.ts";
import type { NewRevocation } from "../../src/objects/tenant/revocations.ts";
import { Revocation } from "../../src/protocol/http.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { everything, type TestTenant } from "../support/api.ts";
import { auditOf, inDatabase } from "../support/audit.ts";
import { eventually, pass, startClock, stopClock } from "../support/clock.ts";
import { ManySocket } from "../support/manySocket.ts";
import { evict, roomObject } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import type { TestSocket } from "../support/socket.ts";
import { answered, refused } from "./answers.ts";
import { askUpgrade, call, connect, newTenant, newToken } from "./edge.ts";
import { openEvents, type TestStream } from "./events.ts";

beforeEach(() => stopClock());
afterEach(() => startClock());

const all = { "*": everything };
const dayMs = 86_400_000;
const leewayMs = 30_000;
const actor = { kind: "key" as const, id: null, requestId: "test" };
const Answer = z.object({ revocation: Revocation });
const List = z.object({ items: z.array(Revocation), next: z.string().optional() });

const tenantOf = (): Promise<TestTenant> => newTenant(roomy);
const tokenOf = (tenant: TestTenant, user = "ada"): Promise<string> => newToken(tenant, user, all);

async function revoke(tenant: TestTenant, body: object): Promise<z.infer<typeof Revocation>> {
  const made = await call("/v1/revocations", { method: "POST", credential: tenant.key, body });
  return (await answered(made, 201, Answer)).revocation;
}

/** By another edge: this one goes by what it has heard before. */
async function revokeElsewhere(tenant: TestTenant, named: Partial<NewRevocation>): Promise<void> {
  const asked = { user: null, token: null, key: null, issuedBeforeMs: null, reason: "stolen", ...named };
  expect(await tenantStub(env, tenant.id).revoke(asked, actor)).toMatchObject({ ok: true });
}

function tokenIdOf(token: string): string {
  const [, claims = ""] = token.split(".");
  return z.object({ jti: z.string() }).parse(JSON.parse(atob(claims.replaceAll("-", "+").replaceAll("_", "/")))).jti;
}

function publish(credential: string, room: string, user?: string): Promise<Response> {
  const options = { method: "POST", credential, body: { text: "x" }, ...(user === undefined ? {} : { user }) };
  return call(`/v1/rooms/${room}/messages`, options);
}

async function openMany(credential: string, ...rooms: string[]): Promise<ManySocket> {
  const headers = { Upgrade: "websocket", Authorization: `Bearer ${credential}` };
  const { webSocket } = await call("/v1/socket", { headers });
  if (webSocket === null) throw new Error("not upgraded");
  const socket = new ManySocket(webSocket);
  for (const room of rooms) await socket.join(room);
  return socket;
}

const reasonOf = (reason: string): string => `The token or its key has been revoked: ${reason}`;
const farewell = (reason: string) => ({ code: 4502, reason: reasonOf(reason), reconnect: "never" });

async function ended(connection: TestSocket | ManySocket | TestStream, reason: string): Promise<void> {
  if ("ended" in connection) {
    await connection.end();
    expect(connection.of("closing")).toEqual([farewell(reason)]);
    return;
  }
  await eventually(
    () => connection.closed !== null,
    () => connection.frames,
  );
  expect(connection.closed).toEqual({ code: 4502, reason: "token_revoked" });
  const closings = connection.frames.filter(({ type }) => type === "closing");
  expect(closings).toEqual([{ type: "closing", ...farewell(reason) }]);
}

let sent = 0;
async function goesOn(socket: TestSocket): Promise<void> {
  const ref = `still-${++sent}`;
  socket.send({ type: "publish", ref, nonce: `nonce-${ref}`, text: "still here" });
  expect(await socket.answer(ref)).toMatchObject({ type: "ack" });
}

describe("open connections", () => {
  test("[A21] [A28] all of a user's close with the reason, whatever carries them, also where the room sleeps", async () => {
    const tenant = await tenantOf();
    const [ada, bo] = [await tokenOf(tenant), await tokenOf(tenant, "bo")];
    const [ticketed, ofMany] = await Promise.all(
      [{ room: "one" }, {}].map(async (body) => {
        const made = await call("/v1/tickets", { method: "POST", credential: ada, body });
        return made.json<{ ticket: string }>();
      }),
    );
    const beside = await connect("one", { token: bo });
    const sockets = [await connect("one", { token: ada }), await connect("two", { token: ada })];
    const many = [await openMany(ada, "one", "two", "three"), await openMany(ada, "three")];
    const streams = await Promise.all([
      openEvents("/v1/rooms/one/events", { credential: ada }),
      openEvents("/v1/events?rooms=one,two,three", { credential: ada }),
      openEvents(`/v1/rooms/one/events?ticket=${ticketed?.ticket}`),
      openEvents(`/v1/events?rooms=three,two&ticket=${ofMany?.ticket}`),
      openEvents("/v1/rooms/two/events", { credential: tenant.key, headers: { "Parley-User": "ada" } }),
    ]);
    for (const stream of streams) await stream.until(() => stream.lastEventId.split(",").every((id) => id !== ""));
    const { cursor } = await (await call("/v1/rooms/two", { credential: ada })).json<{ cursor: string }>();
    const polled = call(`/v1/rooms/two/changes?after=${cursor}&wait=30`, { credential: ada });
    // All is quiet, and each room says who is within.
    pass(10_000);
    for (const room of ["one", "two", "three"]) await runDurableObjectAlarm(roomObject(tenant, room));
    await evict(tenant, "two");
    pass(1);
    await revoke(tenant, { user: "ada", reason: "left the company" });
    for (const connection of [...sockets, ...many, ...streams]) await ended(connection, "left the company");
    await refused(await polled, 401, "token_revoked");
    await goesOn(beside);
  });

  test("[A21] a token's close, and the same user's others stay", async () => {
    const tenant = await tenantOf();
    const [one, other] = [await tokenOf(tenant), await tokenOf(tenant)];
    const [closed, open] = [await connect("one", { token: one }), await connect("one", { token: other })];
    pass(1);
    await revoke(tenant, { token: tokenIdOf(one), reason: "lost phone" });
    await ended(closed, "lost phone");
    await goesOn(open);
    await refused(await publish(one, "one"), 401, "token_revoked");
    expect((await publish(other, "one")).status).toBe(201);
  });

  test("[A21] a key's close, those of its tokens too; the key itself goes on", async () => {
    const tenant = await tenantOf();
    const made = await call("/v1/keys", { method: "POST", credential: tenant.key, body: {} });
    const { key } = await made.json<{ key: { id: string; secret: string } }>();
    const bySpare = { ...tenant, key: key.secret };
    const sockets = [
      await connect("one", { token: await tokenOf(bySpare) }),
      await connect("one", { token: key.secret }),
    ];
    const beside = await connect("one", { token: await tokenOf(tenant, "bo") });
    pass(1);
    await revoke(tenant, { key: key.id, reason: "rotated" });
    for (const socket of sockets) await ended(socket, "rotated");
    await goesOn(beside);
    await goesOn(await connect("one", { token: key.secret }));
  });

  test("[A21] [A10] those of a key that is removed close, with all that it signed", async () => {
    const tenant = await tenantOf();
    const made = await call("/v1/keys", { method: "POST", credential: tenant.key, body: {} });
    const { key } = await made.json<{ key: { id: string; secret: string } }>();
    const sockets = [
      await connect("one", { token: await tokenOf({ ...tenant, key: key.secret }) }),
      await connect("two", { token: key.secret }),
    ];
    const beside = await connect("one", { token: await tokenOf(tenant, "bo") });
    await evict(tenant, "two");
    expect((await call(`/v1/keys/${key.id}`, { method: "DELETE", credential: tenant.key })).status).toBe(204);
    for (const socket of sockets) {
      await eventually(
        () => socket.closed !== null,
        () => socket.frames,
      );
      expect(socket.closed).toEqual({ code: 4502, reason: "token_revoked" });
    }
    await goesOn(beside);
  });

  test("[A21] everything that was issued before a time closes, and what was issued after it stays", async () => {
    const tenant = await tenantOf();
    const early = await connect("one", { token: await tokenOf(tenant) });
    pass(10_000);
    const issuedBefore = Date.now() - 5_000;
    const late = await connect("one", { token: await tokenOf(tenant) });
    await revoke(tenant, { issuedBefore, reason: "a leak" });
    await ended(early, "a leak");
    await goesOn(late);
  });

  test("[A21] whoever is named must be meant: a user's token of another key stays", async () => {
    const tenant = await tenantOf();
    const made = await call("/v1/keys", { method: "POST", credential: tenant.key, body: {} });
    const { key } = await made.json<{ key: { id: string; secret: string } }>();
    const stays = await connect("one", { token: await tokenOf(tenant) });
    const closes = await connect("one", { token: await tokenOf({ ...tenant, key: key.secret }) });
    const bo = await connect("one", { token: await tokenOf({ ...tenant, key: key.secret }, "bo") });
    pass(1);
    await revoke(tenant, { user: "ada", key: key.id, reason: "both" });
    await ended(closes, "both");
    await goesOn(stays);
    await goesOn(bo);
  });

  test("[A24] a connection of many rooms that has joined none ends too, at the latest a second after its edge knows", async () => {
    const tenant = await tenantOf();
    const socket = await openMany(await tokenOf(tenant));
    pass(1);
    await revokeElsewhere(tenant, { user: "ada" });
    pass(5_000);
    await ended(socket, "stolen");
  });

  test("[A24] one that has a new token is not ended by what concerns the old one, and is by what concerns the new", async () => {
    const tenant = await tenantOf();
    const [first, second] = [await tokenOf(tenant), await newToken(tenant, "ada", { one: everything })];
    const socket = await openMany(first, "one", "two");
    socket.send({ type: "token", ref: "t", token: second });
    expect(await socket.answer("t")).toMatchObject({ type: "token" });
    // The new one grants nothing there, so that the room goes on by the old one.
    await socket.until(() => socket.of("two", "error").length > 0);
    pass(1);
    await revoke(tenant, { token: tokenIdOf(first), reason: "old" });
    await socket.until(() => socket.of("two", "closing").length > 0);
    expect(socket.of("two", "closing")).toMatchObject([{ code: 4502 }]);
    socket.send({ type: "publish", room: "one", ref: "p", nonce: "nonce-renewed", text: "still here" });
    expect(await socket.answer("p")).toMatchObject({ type: "ack" });
    await revoke(tenant, { token: tokenIdOf(second), reason: "new" });
    await eventually(
      () => socket.closed !== null,
      () => socket.frames,
    );
    expect(socket.closed).toEqual({ code: 4502, reason: "token_revoked" });
  });

  test("[A24] however many rooms close one that has a new token, its tenant is asked about it a few times", async () => {
    const tenant = await tenantOf();
    const rooms = Array.from({ length: 20 }, (_, at) => `room-${at}`);
    const [first, second] = [await tokenOf(tenant), await newToken(tenant, "ada", { elsewhere: everything })];
    const socket = await openMany(first, ...rooms);
    socket.send({ type: "token", ref: "t", token: second });
    expect(await socket.answer("t")).toMatchObject({ type: "token" });
    await socket.until(() => rooms.every((room) => socket.of(room, "error").length > 0));
    pass(1);
    const asked = vi.spyOn(Tenant.prototype, "policy");
    await revokeElsewhere(tenant, { token: tokenIdOf(first) });
    await socket.until(() => rooms.every((room) => socket.of(room, "closing").length > 0));
    expect(asked.mock.calls.length).toBeLessThan(rooms.length / 2);
    asked.mockRestore();
    expect(socket.closed).toBeNull();
    socket.close(1000);
  });

  test("[A24] a suspended tenant's connection of many rooms ends as one", async () => {
    const tenant = await tenantOf();
    const token = await tokenOf(tenant);
    const socket = await openMany(token, "one", "two");
    const stream = await openEvents("/v1/events?rooms=one,two", { credential: token });
    await stream.until(() => stream.lastEventId.split(",").every((id) => id !== ""));
    await tenantStub(env, tenant.id).setSuspended(true, actor);
    await socket.untilClosed();
    expect(socket.closed).toEqual({ code: 4510, reason: "tenant_suspended" });
    expect(socket.frames.filter(({ type }) => type === "closing")).toHaveLength(1);
    await stream.end();
    expect(stream.of("closing")).toMatchObject([{ code: 4510 }]);
  });
});

describe("new attempts", () => {
  test("[A22] however many come at once, their edge asks once what the tenant has decided", async () => {
    const tenant = await tenantOf();
    expect((await publish(tenant.key, "one")).status).toBe(201);
    pass(5_001);
    const asked = vi.spyOn(Tenant.prototype, "policy");
    const answers = await Promise.all(Array.from({ length: 20 }, () => publish(tenant.key, "one")));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
    expect(asked).toHaveBeenCalledOnce();
    asked.mockRestore();
  });

  test("[A22] are refused over every transport with the reason, and who has come before is told not to come back", async () => {
    const tenant = await tenantOf();
    const token = await tokenOf(tenant);
    expect((await publish(token, "one")).status).toBe(201);
    const made = await call("/v1/tickets", { method: "POST", credential: token, body: { room: "one" } });
    const { ticket } = await made.json<{ ticket: string }>();
    pass(1);
    await revoke(tenant, { user: "ada", reason: "gone" });
    const { detail } = await refused(await publish(token, "one"), 401, "token_revoked");
    expect(detail).toBe(reasonOf("gone"));
    const bearer = { "Sec-WebSocket-Protocol": `parley.v1, bearer.${token}` };
    await refused(await askUpgrade("one", bearer), 401, "token_revoked");
    const page = await askUpgrade("one", { ...bearer, Origin: "https://app.test" });
    expect(page.status).toBe(101);
    const socket = new ManySocket(page.webSocket!);
    await eventually(
      () => socket.closed !== null,
      () => socket.frames,
    );
    expect(socket.closed).toEqual({ code: 4502, reason: "token_revoked" });
    for (const path of [
      "/v1/rooms/one/events",
      "/v1/events?rooms=one",
      "/v1/rooms/one/messages",
      "/v1/unread?rooms=one",
    ])
      await refused(await call(path, { credential: token }), 401, "token_revoked");
    await refused(await call(`/v1/rooms/one/events?ticket=${ticket}`), 401, "token_revoked");
    const again = await call("/v1/rooms/one/events", { credential: token, headers: { "Last-Event-ID": "abcdefgh:1" } });
    expect(again.status).toBe(204);
  });

  test("[A22] of a token of the same second are refused, of the next second are not", async () => {
    const tenant = await tenantOf();
    pass(1_100 - (Date.now() % 1_000));
    await revoke(tenant, { user: "ada" });
    pass(800);
    await refused(await publish(await tokenOf(tenant), "one"), 401, "token_revoked");
    pass(100);
    expect((await publish(await tokenOf(tenant), "one")).status).toBe(201);
  });

  test("[A22] of an API key that speaks for the user are not: it is issued with each use", async () => {
    const tenant = await tenantOf();
    await revoke(tenant, { user: "ada" });
    expect((await publish(tenant.key, "one", "ada")).status).toBe(201);
  });

  test("[A22] at an edge that does not know yet: refused at once in rooms with sockets, anywhere after 5 s", async () => {
    const tenant = await tenantOf();
    const [ada, bo] = [await tokenOf(tenant), await tokenOf(tenant, "bo")];
    await connect("open", { token: bo });
    await connect("asleep", { token: bo });
    expect((await publish(ada, "quiet")).status).toBe(201);
    await evict(tenant, "asleep");
    pass(1);
    await revokeElsewhere(tenant, { user: "ada" });
    const { detail } = await refused(await publish(ada, "open"), 401, "token_revoked");
    expect(detail).toBe(reasonOf("stolen"));
    await refused(await publish(ada, "asleep"), 401, "token_revoked");
    for (const room of ["open", "asleep", "quiet", "new"])
      await expect(connect(room, { token: ada })).rejects.toThrow("token_revoked");
    pass(4_998);
    await evict(tenant, "open");
    await refused(await publish(ada, "open"), 401, "token_revoked");
    pass(1);
    for (const room of ["open", "asleep", "quiet", "other"])
      await refused(await publish(ada, room), 401, "token_revoked");
  });
});

describe("what is in force", () => {
  test("[A23] is listed with the newest first, for as long as a token could live, and then forgotten", async () => {
    const tenant = await tenantOf();
    const atMs = Date.now();
    const first = await revoke(tenant, { user: "ada", reason: "one" });
    expect(first).toMatchObject({ user: "ada", token: null, key: null, issuedBefore: atMs, reason: "one", at: atMs });
    expect(first.until).toBe(atMs + dayMs + leewayMs);
    pass(10);
    const second = await revoke(tenant, { key: tenant.keyId, issuedBefore: 5 });
    const third = await revoke(tenant, { token: "jti-1", issuedBefore: atMs + 10 + leewayMs });
    expect(third.until).toBe(third.issuedBefore + dayMs + leewayMs);
    const list = async (query = ""): Promise<z.infer<typeof List>> =>
      answered(await call(`/v1/revocations${query}`, { credential: tenant.key }), 200, List);
    expect(await list()).toEqual({ items: [third, second, first] });
    const page = await list("?limit=2");
    expect(page).toEqual({ items: [third, second], next: String(second.id) });
    expect(await list(`?after=${page.next}`)).toEqual({ items: [first] });
    pass(first.until - Date.now() - 1);
    expect((await list()).items).toHaveLength(3);
    pass(1);
    expect((await list()).items).toEqual([third, second]);
    await runDurableObjectAlarm(env.TENANT.getByName(tenant.id));
    const rows = await inDatabase(tenant.id, (sql) => sql.exec("SELECT version FROM revocation").toArray());
    expect(rows).toHaveLength(2);
  });

  test("[A23] one of the same takes the earlier one's place, and the later time holds", async () => {
    const tenant = await tenantOf();
    const { issuedBefore } = await revoke(tenant, { user: "ada", reason: "now" });
    pass(10);
    const again = await revoke(tenant, { user: "ada", issuedBefore: 5, reason: "again" });
    expect(again).toMatchObject({ issuedBefore, reason: "again", at: Date.now() });
    const listed = await call("/v1/revocations", { credential: tenant.key });
    expect((await answered(listed, 200, List)).items).toEqual([again]);
  });

  test("[A23] what cannot be meant is refused: nobody, an unknown key, a time far ahead", async () => {
    const tenant = await tenantOf();
    const ask = (body: object): Promise<Response> =>
      call("/v1/revocations", { method: "POST", credential: tenant.key, body });
    for (const body of [{}, { reason: "why" }, { token: "" }, { token: "a\u0000" }, { token: "x".repeat(65) }])
      await refused(await ask(body), 400, "invalid_field");
    await refused(await ask({ user: "ada", reason: "x".repeat(257) }), 400, "invalid_field");
    await refused(await ask({ issuedBefore: Date.now() + leewayMs + 1 }), 400, "invalid_field");
    for (const key of ["1kaaaaaaaaaaaa", "issuer:iaaaaaaaaaaaa"]) await refused(await ask({ key }), 404, "not_found");
    expect((await ask({ user: "ada", issuedBefore: Date.now() + leewayMs })).status).toBe(201);
  });

  test("[A23] is in the audit log, the user and the reason as what can be erased", async () => {
    const tenant = await tenantOf();
    const { issuedBefore } = await revoke(tenant, { user: "ada", token: "jti-1", key: tenant.keyId, reason: "fired" });
    const entry = (await auditOf(tenant)).at(-1);
    expect(entry).toMatchObject({
      action: "revocation.created",
      target: { user: { text: "ada" }, key: tenant.keyId },
      after: { token: "jti-1", issuedBefore, reason: { text: "fired" } },
    });
  });

  test("[A23] [W7] the last one that may be in force is made, one more is refused, and none is dropped for it", async () => {
    const tenant = await tenantOf();
    await fill(tenant, fixedLimits.revocationsPerTenant - 2);
    const ask = (user: string): Promise<Response> =>
      call("/v1/revocations", { method: "POST", credential: tenant.key, body: { user } });
    expect((await ask("ada")).status).toBe(201);
    expect((await ask("bo")).status).toBe(201);
    await refused(await ask("cy"), 429, "quota_exceeded");
    expect((await ask("ada")).status).toBe(201);
    const { items } = await answered(await call("/v1/revocations?limit=2", { credential: tenant.key }), 200, List);
    expect(items.map(({ user }) => user)).toEqual(["ada", "bo"]);
  });

  test("[A23] [W7] beyond what an edge is given it asks: the oldest one is obeyed as well as the newest", async () => {
    const tenant = await tenantOf();
    const [ada, bo] = [await tokenOf(tenant), await tokenOf(tenant, "bo")];
    pass(1);
    await revoke(tenant, { user: "ada", reason: "the first" });
    await fill(tenant, fixedLimits.revocationsListed - 1);
    const policy = async () => tenantStub(env, tenant.id).policy(null);
    expect(await policy()).toMatchObject({ moreRevocations: false });
    await fill(tenant, 1);
    const { revocations = [], moreRevocations } = (await policy()) ?? {};
    expect([revocations.length, moreRevocations]).toEqual([fixedLimits.revocationsListed, true]);
    expect(revocations.some(({ user }) => user === "ada")).toBe(false);
    pass(5_000);
    const { detail } = await refused(await publish(ada, "one"), 401, "token_revoked");
    expect(detail).toBe(reasonOf("the first"));
    expect((await publish(bo, "one")).status).toBe(201);
  });

  test("[A22] [A23] [W7] beyond what a room is given it asks, about those who are here and those who come", async () => {
    const tenant = await tenantOf();
    const [ada, bo, cy] = await Promise.all(["ada", "bo", "cy"].map((user) => tokenOf(tenant, user)));
    const sockets = [await connect("one", { token: ada! }), await connect("one", { token: bo! })];
    expect((await publish(cy!, "one")).status).toBe(201);
    pass(1);
    await fill(tenant, 1, "ada");
    await fill(tenant, 1, "cy");
    await fill(tenant, fixedLimits.revocationsPushed);
    await revokeElsewhere(tenant, { user: "dee" });
    await ended(sockets[0]!, "filled");
    await goesOn(sockets[1]!);
    await refused(await publish(cy!, "one"), 401, "token_revoked");
    await expect(connect("one", { token: cy! })).rejects.toThrow("token_revoked");
  });

  test("[A22] a room that has missed the pushes hears of all since then when it next asks", async () => {
    const tenant = await tenantOf();
    const stub = tenantStub(env, tenant.id);
    const { version = 0 } = (await stub.policy(null)) ?? {};
    await revoke(tenant, { user: "ada" });
    pass(fixedLimits.revocationPushMs);
    await revoke(tenant, { user: "bo" });
    const asked = { places: 0, sockets: 0, credits: 0, returned: 0, counts: null };
    const statement = { room: "one", ...asked, door: "same" as const, saidAtMs: 0 };
    const heard = async (policyVersion: number): Promise<(string | null)[]> => {
      const granted = await stub.account({ ...statement, policyVersion });
      return granted.ok ? (granted.policy?.revocations.map(({ user }) => user) ?? []) : [];
    };
    expect(await heard(version)).toEqual(["bo", "ada"]);
    expect(await heard(version + 1)).toEqual(["bo"]);
    expect(await heard(version + 2)).toEqual([]);
  });
});

/** So many revocations more, of nobody in particular, written where they lie. */
async function fill(tenant: TestTenant, count: number, user: string | null = null): Promise<void> {
  await inDatabase(tenant.id, (sql) =>
    sql.exec(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
       INSERT INTO revocation (version, user, token, key, issued_before, reason, at, until)
       SELECT (SELECT max(version) FROM (SELECT max(version) AS version FROM revocation UNION SELECT version FROM tenant)) + i,
         coalesce(?2, 'nobody-' || (SELECT count(*) FROM revocation) || '-' || i), '', '', ?3, 'filled', ?3, ?3 + 86430000 FROM n`,
      count,
      user,
      Date.now(),
    ),
  );
  await inDatabase(tenant.id, (sql) => sql.exec("UPDATE tenant SET version = (SELECT max(version) FROM revocation)"));
}
