/** Which rooms are told of what the tenant decides: those that it may concern, and never one too few. */
import { env } from "cloudflare:workers";
import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { everybody, mayConcern, namesOf } from "../../src/core/concern.ts";
import { Door } from "../../src/objects/room/door.ts";
import { Room } from "../../src/objects/room/room.ts";
import { tenantStub } from "../../src/objects/stubs.ts";
import type { NewRevocation } from "../../src/objects/tenant/revocations.ts";
import { Tenant } from "../../src/objects/tenant/tenant.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { asOperator, call, connect, newTenant, newToken } from "../routes/edge.ts";
import { everything, type TestTenant } from "../support/api.ts";
import { inDatabase } from "../support/audit.ts";
import { eventually, pass, startClock, stopClock } from "../support/clock.ts";
import { resetIn } from "../support/failing.ts";
import { evict, query, roomObject } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import type { TestSocket } from "../support/socket.ts";

const limits = { ...roomy, socketsPerTenant: 10_000 };
const all = { "*": everything };
const actor = { kind: "key" as const, id: null, requestId: "test" };

/** Whom the tenant has told. */
let told: string[] = [];

beforeEach(() => {
  stopClock();
  told = [];
  const { heed } = Room.prototype;
  vi.spyOn(Room.prototype, "heed").mockImplementation(function heeding(this: Room, ...given) {
    told.push(this.name.slice(this.name.indexOf("/") + 1));
    return heed.apply(this, given);
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  startClock();
});

/** The rooms' last job is done: each has said who is within. */
async function rest(tenant: TestTenant, ...rooms: string[]): Promise<void> {
  pass(10_000);
  for (const room of rooms) await runDurableObjectAlarm(roomObject(tenant, room));
}

async function asleep(tenant: TestTenant, ...rooms: string[]): Promise<void> {
  await rest(tenant, ...rooms);
  for (const room of rooms) await evict(tenant, room);
}

const evictTenant = ({ id }: TestTenant): Promise<void> => evictDurableObject(env.TENANT.getByName(id));
const ringTenant = ({ id }: TestTenant): Promise<boolean> => runDurableObjectAlarm(env.TENANT.getByName(id));

/** By another edge: the one that the sockets come by goes by what it has heard before. */
async function revoke(tenant: TestTenant, named: Partial<NewRevocation>): Promise<void> {
  pass(1);
  const wanted = { ...everybody, issuedBeforeMs: null, reason: null, ...named };
  expect(await tenantStub(env, tenant.id).revoke(wanted, actor)).toMatchObject({ ok: true });
}

function take(): string[] {
  return told.splice(0).toSorted();
}

async function closed(...sockets: TestSocket[]): Promise<void> {
  for (const socket of sockets)
    await eventually(
      () => socket.closed?.code === 4502,
      () => [socket.closed, socket.frames.slice(-3)],
    );
}

let sent = 0;
async function goesOn(...sockets: TestSocket[]): Promise<void> {
  for (const socket of sockets) {
    const ref = `still-${++sent}`;
    socket.send({ type: "history", ref, limit: 1 });
    expect(await socket.answer(ref)).not.toMatchObject({ type: "error" });
  }
}

function tokenIdOf(token: string): string {
  const [, claims = ""] = token.split(".");
  return z.object({ jti: z.string() }).parse(JSON.parse(atob(claims.replaceAll("-", "+").replaceAll("_", "/")))).jti;
}

async function addKey(tenant: TestTenant): Promise<TestTenant> {
  const body = { capabilities: ["admin", ...everything] };
  const made = await call("/v1/keys", { method: "POST", credential: tenant.key, body });
  const { key } = z.object({ key: z.object({ id: z.string(), secret: z.string() }) }).parse(await made.json());
  return { ...tenant, key: key.secret, keyId: key.id };
}

describe("a decision wakes", () => {
  test("[A27] only the rooms in which it may concern somebody: of a user, a token, a key, a ban; of everybody all", async () => {
    const tenant = await newTenant(limits);
    const other = await addKey(tenant);
    const [ada, again] = [await newToken(tenant, "ada", all), await newToken(tenant, "ada", all)];
    const [bo, cy] = [await newToken(tenant, "bo", all), await newToken(other, "cy", all)];
    const rooms = ["one", "two", "three", "four", "five"];
    const [first, second] = [await connect("one", { token: ada }), await connect("one", { token: again })];
    const [two, three] = [await connect("two", { token: bo }), await connect("three", { token: bo })];
    const [four, five] = [await connect("four", { token: cy }), await connect("five", { token: tenant.key })];
    await asleep(tenant, ...rooms);
    await revoke(tenant, { token: tokenIdOf(ada) });
    expect(take()).toEqual(["one"]);
    await closed(first);
    await goesOn(second);
    pass(6_000);
    await ringTenant(tenant);
    expect(take()).toEqual(["one"]);
    await revoke(tenant, { user: "ada", key: other.keyId });
    await revoke(tenant, { user: "nobody" });
    expect(take()).toEqual([]);
    await revoke(tenant, { user: "ada" });
    expect(take()).toEqual(["one"]);
    await closed(second);
    await call("/v1/bans/bo", { method: "PUT", credential: tenant.key, body: { shadow: true } });
    expect(take()).toEqual(["three", "two"]);
    await addKey(tenant);
    expect(take()).toEqual([]);
    expect((await call(`/v1/keys/${other.keyId}`, { method: "DELETE", credential: tenant.key })).status).toBe(204);
    expect(take()).toEqual(["four"]);
    await closed(four);
    await goesOn(two, three, five);
    await asOperator(`/v1/tenants/${tenant.id}`, { method: "PATCH", body: { limits: { textLength: 99 } } });
    expect(take()).toEqual(rooms.toSorted());
    await revoke(tenant, { issuedBeforeMs: Date.now() });
    expect(take()).toEqual(rooms.toSorted());
    await closed(two, three, five);
  });

  test("[A27] the same rooms after the tenant has lost its memory, and all if that was between its two rounds", async () => {
    const tenant = await newTenant(limits);
    const [ada, bo] = await Promise.all(["ada", "bo"].map((user) => newToken(tenant, user, all)));
    const sockets = [await connect("one", { token: ada! }), await connect("two", { token: bo! })];
    await asleep(tenant, "one", "two");
    await evictTenant(tenant);
    await revoke(tenant, { user: "bo" });
    expect(take()).toEqual(["two"]);
    await closed(sockets[1]!);
    await evictTenant(tenant);
    pass(6_000);
    await ringTenant(tenant);
    expect(take()).toEqual(["one", "two"]);
    await goesOn(sockets[0]!);
  });

  test("[A27] a room for somebody of the same name as who is meant, and closes nobody in it", async () => {
    const tenant = await newTenant(limits);
    const socket = await connect("one", { token: await newToken(tenant, "user-28648", all) });
    await asleep(tenant, "one");
    await revoke(tenant, { user: "user-178220" });
    expect(take()).toEqual(["one"]);
    await goesOn(socket);
  });
});

describe("none is missed", () => {
  test("[A28] a room that anybody has entered since it said who is there is told of all, whatever it has forgotten", async () => {
    const tenant = await newTenant(limits);
    const [ada, bo] = await Promise.all(["ada", "bo"].map((user) => newToken(tenant, user, all)));
    // So many that the next place was taken in advance.
    const others = await Promise.all(Array.from({ length: 9 }, () => connect("one", { token: bo! })));
    await rest(tenant, "one");
    const awake = await connect("one", { token: ada! });
    await revoke(tenant, { user: "ada" });
    expect(take()).toEqual(["one"]);
    await closed(awake);
    const key = await connect("one", { token: tenant.key });
    await evict(tenant, "one");
    await revoke(tenant, { key: tenant.keyId });
    expect(take()).toEqual(["one"]);
    await closed(key, ...others);
  });

  test("[A28] whoever comes in while the room shuts, sleeps or is revoked meanwhile does not stay, in whatever order", async () => {
    const tenant = await newTenant(limits);
    const bo = await newToken(tenant, "bo", all);
    const others = await Promise.all(Array.from({ length: 9 }, () => connect("one", { token: bo })));
    const after = async <T>(turns: number, what: () => Promise<T>): Promise<T> => {
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
      return what();
    };
    let came = 0;
    let refused = 0;
    for (const [coming, revoking, sleeping] of moments()) {
      const user = `user-${coming}-${revoking}-${sleeping}`;
      pass(10_000);
      // Its edge goes by what it hears of now.
      const token = await newToken(tenant, user, all);
      const entering = after(coming, () => connect("one", { token })).catch(() => null);
      await Promise.all([
        after(3, () => runDurableObjectAlarm(roomObject(tenant, "one"))),
        after(revoking, () => revoke(tenant, { user })),
        sleeping === null ? null : after(sleeping, () => evict(tenant, "one")),
      ]);
      const socket = await entering;
      if (socket === null) refused += 1;
      else {
        came += 1;
        await closed(socket);
      }
    }
    await goesOn(...others);
    expect(Math.min(came, refused)).toBeGreaterThan(0);
  });

  test("[A28] a socket that has a new token is closed by what concerns the new one, and not by the old one's", async () => {
    const tenant = await newTenant(limits);
    const other = await addKey(tenant);
    const renewed = async (room: string): Promise<[TestSocket, string]> => {
      const [first, second] = [await newToken(tenant, "ada", all), await newToken(other, "ada", all)];
      const socket = await connect(room, { token: first });
      await asleep(tenant, room);
      const ref = `token-${++sent}`;
      socket.send({ type: "token", ref, token: second });
      expect(await socket.answer(ref)).toMatchObject({ type: "token" });
      return [socket, tokenIdOf(first)];
    };
    const [[one, token], [two]] = [await renewed("one"), await renewed("two")];
    await asleep(tenant, "one");
    await revoke(tenant, { token });
    expect(take()).toEqual(["two"]);
    await goesOn(one, two);
    await evict(tenant, "two");
    await call(`/v1/keys/${other.keyId}`, { method: "DELETE", credential: tenant.key });
    expect(take()).toEqual(["one", "two"]);
    await closed(one, two);
  });

  test("[A28] what a room has said is forgotten by no loss of the tenant's, and what is lost leaves it told of all", async () => {
    const tenant = await newTenant(limits);
    const [ada, bo] = await Promise.all(["ada", "bo"].map((user) => newToken(tenant, user, all)));
    const beside = await connect("one", { token: bo! });
    await asleep(tenant, "one");
    // The tenant has taken it in and its answer is lost: the room asks again, and the tenant knows that it is open.
    vi.spyOn(console, "error").mockReturnValue();
    const failing = resetIn(Tenant, "account", { times: 1, afterwards: true });
    await expect(connect("one", { token: ada! })).rejects.toThrow();
    expect(failing.calls()).toBe(1);
    const socket = await connect("one", { token: ada! });
    await evictTenant(tenant);
    await revoke(tenant, { user: "ada" });
    await closed(socket);
    await goesOn(beside);
  });

  test("[A28] what a room said before it opened its door, and what comes late, shuts nothing", async () => {
    const tenant = await newTenant(limits);
    const stub = tenantStub(env, tenant.id);
    await stub.registerRoom("one", false);
    const names = namesOf([{ user: "bo", token: null, key: tenant.keyId }], 10) ?? Uint32Array.of();
    const statement = { room: "one", policyVersion: 1, places: 1, sockets: 1, credits: 0, returned: 0, counts: null };
    const isShut = async (): Promise<boolean> =>
      (await inDatabase(tenant.id, (sql) => sql.exec("SELECT 1 FROM door").toArray())).length > 0;
    await stub.account({ ...statement, door: names, saidAtMs: 5 });
    expect(await isShut()).toBe(true);
    await stub.account({ ...statement, door: "same", saidAtMs: 6 });
    expect(await isShut()).toBe(true);
    await stub.account({ ...statement, door: "open", saidAtMs: 8 });
    await stub.account({ ...statement, door: names, saidAtMs: 7 });
    expect(await isShut()).toBe(false);
    await stub.account({ ...statement, door: names, saidAtMs: 9 });
    expect(await isShut()).toBe(true);
    await stub.account({ ...statement, places: 0, sockets: 0, door: names, saidAtMs: 10 });
    expect(await isShut()).toBe(false);
  });

  test("[A22] [A28] who is revoked and is in no room is refused where a room was not told: to write and to read", async () => {
    const tenant = await newTenant(limits);
    const messages = "/v1/rooms/one/messages";
    await connect("one", { token: await newToken(tenant, "bo", all) });
    for (const [user, settle] of [
      ["ada", rest],
      ["cy", asleep],
    ] as const) {
      const credential = await newToken(tenant, user, all);
      await settle(tenant, "one");
      // From now on its edge goes by what it has just heard.
      expect((await call("/v1/limits", { credential })).status).toBe(200);
      await revoke(tenant, { user });
      expect(take()).toEqual([]);
      pass(250);
      expect((await call(messages, { credential })).status).toBe(401);
      await evict(tenant, "one");
      expect((await call(messages, { method: "POST", credential, body: { text: "x" } })).status).toBe(401);
    }
    expect(await query(tenant, "one", "SELECT id FROM message")).toEqual([]);
  });

  test("[A28] reading in a room that is shut costs its tenant one question in a quarter of a second", async () => {
    const tenant = await newTenant(limits);
    const [ada, bo] = await Promise.all(["ada", "bo"].map((user) => newToken(tenant, user, all)));
    await connect("one", { token: bo! });
    await asleep(tenant, "one");
    const { calls } = resetIn(Tenant, "account", { times: 0 });
    const read = async (): Promise<void> => {
      expect((await call("/v1/rooms/one/messages", { credential: ada! })).status).toBe(200);
    };
    for (let count = 0; count < 5; count++) await read();
    pass(249);
    await read();
    expect(calls()).toBe(1);
    pass(1);
    await read();
    expect(calls()).toBe(2);
    await revoke(tenant, { user: "ada" });
    expect(take()).toEqual([]);
  });
});

test("[A28] [W7] a room of more names than it may say stays open", () => {
  const sessions = (count: number) =>
    Array.from({ length: count - 1 }, (_, index) => ({ user: `user-${index}`, token: null, key: "1kaaaaaaaaaaaa" }));
  const said = (count: number) =>
    new Door(
      () => sessions(count),
      () => undefined,
    ).say("shut", 1).door;
  expect(said(fixedLimits.namesTold)).toHaveLength(fixedLimits.namesTold);
  expect(said(fixedLimits.namesTold + 1)).toBe("open");
});

test("[A28] while somebody is on the threshold the door stays open", () => {
  const door = new Door(
    () => [{ user: "bo", token: null, key: "1kaaaaaaaaaaaa" }],
    () => undefined,
  );
  door.enter("a");
  expect(door.say("shut", 1).door).toBe("open");
  door.entered("a");
  const shut = door.say("shut", 1).door;
  expect(shut instanceof Uint32Array && mayConcern(shut, [{ ...everybody, user: "bo" }])).toBe(true);
});

/** Who comes, is revoked and when the room loses its memory, in turns of the event loop beside the third, in which it shuts. */
function* moments(): Generator<[coming: number, revoking: number, sleeping: number | null]> {
  for (const coming of [0, 3, 20])
    for (const revoking of [2, 8, 15, 25, 40, 60, 90, 120, 160, 200])
      yield [coming, revoking, (coming + revoking) % 4 === 0 ? 6 : null];
}
