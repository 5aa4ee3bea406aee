import { env } from "cloudflare:workers";
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { asOperator, call, everything, newTenant, newToken, ordinary, type TestTenant } from "../support/api.ts";
import { pass, startClock, stopClock } from "../support/clock.ts";
import { resetIn } from "../support/failing.ts";
import { roomObject } from "../support/room.ts";
import { connect, type TestSocket, upgrade } from "../support/socket.ts";
import { Room } from "../../src/objects/room/room.ts";
import { Tenant } from "../../src/objects/tenant/tenant.ts";
import { roomStub, tenantStub } from "../../src/objects/stubs.ts";
import { filesOf } from "../../src/objects/files.ts";

beforeEach(() => stopClock());
afterEach(() => {
  vi.restoreAllMocks();
  startClock();
});

const objectOf = ({ id }: TestTenant) => env.TENANT.getByName(id);
const ask = async ({ id }: TestTenant, method = "GET"): Promise<number> =>
  (await asOperator(`/v1/tenants/${id}`, { method })).status;
const rest = async ({ id }: TestTenant): Promise<number> =>
  (await asOperator("/v1/tenants", { method: "POST", body: { id, name: "Again" } })).status;

async function publish(tenant: TestTenant, room: string): Promise<void> {
  const sent = await call(`/v1/rooms/${room}/messages`, {
    method: "POST",
    credential: tenant.key,
    body: { text: "x" },
  });
  expect(sent.status).toBe(201);
}

/** Rings the tenant's alarm until it has nothing more to do, however often it must wait. Answers how often. */
async function erase(tenant: TestTenant): Promise<number> {
  for (let steps = 0; steps < 1_000; steps++) {
    pass(30_000);
    if (!(await runDurableObjectAlarm(objectOf(tenant)))) return steps;
  }
  throw new Error("it never ends");
}

function tablesIn(object: DurableObjectStub): Promise<string[]> {
  return runInDurableObject(object, async (_, { storage }) => {
    expect(await storage.getAlarm()).toBeNull();
    expect((await storage.list()).size).toBe(0);
    const tables = storage.sql.exec<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf\\_%' ESCAPE '\\'",
    );
    return tables.toArray().map(({ name }) => name);
  });
}

async function isErased(tenant: TestTenant, ...rooms: string[]): Promise<void> {
  expect(await ask(tenant)).toBe(404);
  expect(await tablesIn(objectOf(tenant))).toEqual(["tombstone"]);
  for (const room of rooms) expect([room, await tablesIn(roomObject(tenant, room))]).toEqual([room, []]);
}

async function closedWith(socket: TestSocket, code: number): Promise<void> {
  await socket.until(({ closed }) => closed !== null);
  expect(socket.closed?.code).toBe(code);
}

describe("the end of a tenant", () => {
  test("[T15] its sockets close with 4510 at once, and then nothing is left of any object of it", async () => {
    const tenant = await newTenant();
    const token = await newToken(tenant, "ada", { "*": everything });
    const sockets = await Promise.all(
      ["one", "two", "three"].map((room) => connect(room, { token, presence: "full" })),
    );
    await publish(tenant, "silent");
    await publish(tenant, "deleted");
    expect((await call("/v1/rooms/deleted", { method: "DELETE", credential: token })).status).toBe(204);
    await env.UPLOADS.put(`${filesOf(tenant.id)}file`, "content");
    await env.UPLOADS.put(`${filesOf(`${tenant.id}x`)}file`, "another's");

    const begun = await asOperator(`/v1/tenants/${tenant.id}`, { method: "DELETE" });
    expect(begun.status).toBe(202);
    expect(await begun.json()).toMatchObject({ id: tenant.id, suspended: true, deleting: true });
    for (const socket of sockets) await closedWith(socket, 4510);
    expect(await (await asOperator(`/v1/tenants/${tenant.id}`)).json()).toMatchObject({ deleting: true });

    await erase(tenant);
    await isErased(tenant, "one", "two", "three", "silent", "deleted");
    expect(await env.UPLOADS.get(`${filesOf(tenant.id)}file`)).toBeNull();
    expect(await (await env.UPLOADS.get(`${filesOf(`${tenant.id}x`)}file`))?.text()).toBe("another's");
  });

  test("[T15] it is done in bounded steps, and what fails is tried again and keeps nobody from its end", async () => {
    const tenant = await newTenant();
    const names = Array.from({ length: 230 }, (_, index) => `room-${String(index).padStart(3, "0")}`);
    const stub = tenantStub(env, tenant.id);
    for (const name of names) await stub.registerRoom(name, false);
    for (const name of ["room-000", "room-150", "room-229"]) await publish(tenant, name);
    expect(await ask(tenant, "DELETE")).toBe(202);
    const failing = resetIn(Room, "dissolve", { times: 7 });
    // Three steps of a hundred, the end of the round, perhaps another for those that failed, the files, the tenant.
    const steps = await erase(tenant);
    expect(steps).toBeGreaterThanOrEqual(4);
    expect(steps).toBeLessThanOrEqual(10);
    expect(failing.calls()).toBeGreaterThanOrEqual(names.length + 7);
    await isErased(tenant, "room-000", "room-150", "room-229");
  });

  test("[T15] asked for again it goes on, also after every object has lost its memory", async () => {
    const tenant = await newTenant();
    await publish(tenant, "general");
    expect(await ask(tenant, "DELETE")).toBe(202);
    await evictDurableObject(objectOf(tenant));
    expect(await ask(tenant, "DELETE")).toBe(202);
    pass(7_000);
    await runDurableObjectAlarm(objectOf(tenant));
    await evictDurableObject(objectOf(tenant));
    await evictDurableObject(roomObject(tenant, "general"));
    expect(await ask(tenant, "DELETE")).toBe(202);
    await erase(tenant);
    await isErased(tenant, "general");
    expect(await ask(tenant, "DELETE")).toBe(404);
  });

  test("[T15] once begun it cannot be taken back, and nothing of the tenant is changed any more", async () => {
    const tenant = await newTenant();
    expect(await ask(tenant, "DELETE")).toBe(202);
    const path = `/v1/tenants/${tenant.id}`;
    for (const [method, way, body] of [
      ["POST", "/resume", undefined],
      ["POST", "/suspend", undefined],
      ["POST", "/keys", {}],
      ["PATCH", "", { name: "Else" }],
    ] as const)
      expect([way, (await asOperator(path + way, { method, body })).status]).toEqual([way, 409]);
  });

  test("[T15] its keys and tokens open nothing: refused as suspended, and then as if they had never been", async () => {
    const tenant = await newTenant();
    const token = await newToken(tenant, "ada", { "*": ordinary });
    await publish(tenant, "general");
    const opens = async (credential: string): Promise<string> => {
      const answers = await Promise.all([
        call("/v1/rooms/general", { credential }),
        call("/v1/rooms/general/messages", { method: "POST", credential, body: { text: "x" } }),
        call("/v1/rooms/new", { method: "PUT", credential, body: {} }),
      ]);
      return answers.map(({ status }) => status).join();
    };
    expect(await ask(tenant, "DELETE")).toBe(202);
    pass(6_000);
    for (const credential of [tenant.key, token]) expect(await opens(credential)).toBe("403,403,403");
    await erase(tenant);
    for (const credential of [tenant.key, token]) expect(await opens(credential)).toBe("401,401,401");
    expect((await upgrade("general", { token })).status).toBe(401);
    await isErased(tenant, "general", "new");
  });
});

describe("its id", () => {
  test("[T16] is never given again: while it is erased, and for ever after", async () => {
    const tenant = await newTenant();
    await publish(tenant, "general");
    expect(await rest(tenant)).toBe(409);
    expect(await ask(tenant, "DELETE")).toBe(202);
    expect(await rest(tenant)).toBe(409);
    await erase(tenant);
    expect(await rest(tenant)).toBe(409);
    await evictDurableObject(objectOf(tenant));
    await evictDurableObject(env.DIRECTORY.getByName("directory"));
    pass(365 * 86_400_000);
    expect(await rest(tenant)).toBe(409);
    expect(await rest(tenant)).toBe(409);
    expect(await ask(tenant)).toBe(404);
    const { items } = await (await asOperator("/v1/tenants?limit=200")).json<{ items: { id: string }[] }>();
    expect(items.map(({ id }) => id)).not.toContain(tenant.id);
  });

  test("[T16] not even to a creation that had reserved it before", async () => {
    const id = `t16-${Date.now().toString(36)}`;
    const directory = env.DIRECTORY.getByName("directory");
    expect(await directory.reserve(id)).toBe(true);
    const made = await asOperator("/v1/tenants", { method: "POST", body: { id, name: "First" } });
    const { key } = await made.json<{ key: { id: string; secret: string } }>();
    const tenant = { id, key: key.secret, keyId: key.id };
    expect(await ask(tenant, "DELETE")).toBe(202);
    await erase(tenant);
    // The one that stalled between its reservation and its creation goes on only now.
    const listing = { id: "1kaaaaaaaaaaaa", name: null, capabilities: ["admin" as const] };
    const actor = { kind: "operator" as const, id: null, requestId: "late" };
    const late = await tenantStub(env, id).create({ name: "Late" }, listing, actor);
    expect(late).toMatchObject({ ok: false, error: "conflict" });
    await directory.confirm(id);
    expect(await rest(tenant)).toBe(409);
    await isErased(tenant);
  });
});

describe("a room of it is made again by nobody", () => {
  /** Of a caller whom an edge let in by what it had heard before. */
  async function stale(tenant: TestTenant): Promise<Parameters<Room["publish"]>[0]> {
    const policy = await tenantStub(env, tenant.id).policy(tenant.keyId);
    if (policy === null) throw new Error("no policy");
    const capabilities = [...everything] as Parameters<Room["publish"]>[0]["session"]["capabilities"];
    const session = {
      connection: "c",
      user: "ada",
      name: null,
      capabilities,
      ceiling: capabilities,
      key: tenant.keyId,
      token: null,
      issuedAt: 0,
      expiresAt: null,
    };
    return { session, policy: { version: policy.version, limits: policy.limits, autoCreate: true } } as Parameters<
      Room["publish"]
    >[0];
  }
  const message = { type: "publish", nonce: null, text: "late" } as const;

  test("[T15] not by a caller whom an edge lets in by an older policy", async () => {
    const tenant = await newTenant();
    await publish(tenant, "general");
    const caller = await stale(tenant);
    expect(await ask(tenant, "DELETE")).toBe(202);
    const [general, other] = ["general", "other"].map((room) => roomStub(env, tenant.id, room));
    expect(await other?.publish(caller, message)).toMatchObject({ ok: false, error: "tenant_suspended" });
    expect(await other?.create(caller, {})).toMatchObject({ ok: false, error: "tenant_suspended" });
    await erase(tenant);
    for (const room of [general, other]) {
      expect(await room?.publish(caller, message)).toMatchObject({ ok: false, error: "not_found" });
      expect(await room?.create(caller, {})).toMatchObject({ ok: false, error: "not_found" });
      expect(await room?.delete(caller)).toMatchObject({ ok: false, error: "not_found" });
    }
    await isErased(tenant, "general", "other");
  });

  test("[T15] not by one that was being made while its tenant ended", async () => {
    const tenant = await newTenant();
    const caller = await stale(tenant);
    // The tenant has registered it, and its answer is long on its way.
    const gate = { open: false };
    const original = Tenant.prototype.registerRoom;
    vi.spyOn(Tenant.prototype, "registerRoom").mockImplementation(async function slow(
      this: Tenant,
      ...given: Parameters<typeof original>
    ) {
      const answer = original.apply(this, given);
      while (!gate.open) await new Promise((resolve) => setTimeout(resolve, 2));
      return answer;
    } as unknown as typeof original);
    const made = roomStub(env, tenant.id, "slow").publish(caller, message);
    await expect.poll(() => tenantStub(env, tenant.id).rooms({ prefix: "", after: "", limit: 9 })).toHaveLength(1);
    expect(await ask(tenant, "DELETE")).toBe(202);
    await erase(tenant);
    gate.open = true;
    expect(await made).toMatchObject({ ok: false, error: "not_found" });
    await isErased(tenant, "slow");
  });

  test("[T15] not by a socket, an alarm or a report that is late", async () => {
    const tenant = await newTenant();
    const token = await newToken(tenant, "ada", { "*": everything });
    const socket = await connect("general", { token, presence: "full" });
    await publish(tenant, "general");
    expect(await ask(tenant, "DELETE")).toBe(202);
    await erase(tenant);
    await closedWith(socket, 4510);
    await runInDurableObject(roomObject(tenant, "general"), async (object: Room, { storage }) => {
      await object.webSocketMessage(new WebSocketPair()[0], JSON.stringify(message));
      await storage.setAlarm(Date.now() + 1_000);
      await object.alarm();
      await storage.deleteAlarm();
    });
    await runInDurableObject(objectOf(tenant), async (object: Tenant, { storage }) => {
      await storage.setAlarm(Date.now() + 1_000);
      await object.alarm();
      await storage.deleteAlarm();
    });
    await evictDurableObject(objectOf(tenant));
    await tenantStub(env, tenant.id).forgetRoom("general");
    await evictDurableObject(roomObject(tenant, "general"));
    await isErased(tenant, "general");
  });
});
