import { env } from "cloudflare:workers";
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { expect, test, vi } from "vitest";
import { Deeds } from "../../src/objects/room/deeds.ts";
import { type TenantStub, tenantStub } from "../../src/objects/stubs.ts";
import type { Actor } from "../../src/protocol/actor.ts";
import type { AuditEntry } from "../../src/protocol/audit.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import type { Terms } from "../../src/protocol/policy.ts";
import type { Session } from "../../src/protocol/session.ts";
import { call, everything, newTenant, newToken, type TestTenant } from "../support/api.ts";
import { auditOf, firstBreach } from "../support/audit.ts";
import { evict, query, roomObject } from "../support/room.ts";
import { connect } from "../support/socket.ts";

const room = "team:lobby";
const path = `/v1/rooms/${room}`;

/** What rooms did, once there are as many entries as that. */
async function deedsOf(tenant: TestTenant, count: number): Promise<AuditEntry[]> {
  let entries: AuditEntry[] = [];
  const read = async (): Promise<number> => {
    entries = (await auditOf(tenant)).filter(({ target }) => target["room"] === room);
    return entries.length;
  };
  await expect.poll(read, { timeout: 30_000, interval: 20 }).toBeGreaterThanOrEqual(count);
  expect(entries).toHaveLength(count);
  expect(firstBreach(await auditOf(tenant))).toBeNull();
  return entries;
}

const waiting = (tenant: TestTenant): Promise<{ id: string }[]> => query(tenant, room, "SELECT id FROM deed");

const server: Actor = { kind: "key", id: "1kaaaaaaaaaaaa", requestId: "request-1" };
const policy: Terms = { version: 0, limits: defaultLimits, autoCreate: true };
const session: Session = {
  connection: "request-1",
  user: null,
  name: null,
  capabilities: ["moderate", "manage"],
  ceiling: ["moderate", "manage"],
  key: "",
  token: null,
  issuedAt: 0,
  expiresAt: null,
};

test("[T10] each deed in a room leaves one entry, also those of a moderator over a socket", async () => {
  const tenant = await newTenant();
  const token = await newToken(tenant, "mo", { "*": everything });
  const ada = await connect(room, { token: await newToken(tenant, "ada", { "*": [...everything] }) });
  const bo = { credential: await newToken(tenant, "bo") };
  const as = { credential: token };
  const member = { method: "PUT", ...as, body: { role: "moderator", name: "Bo" } };
  const mute = { method: "PUT", ...as, body: { until: 1, reason: "loud" } };
  const steps: (() => Promise<Response>)[] = [
    () => call(path, { method: "PATCH", ...as, body: { settings: { frozen: true } } }),
    () => call(path, { method: "PUT", ...as, body: { settings: { frozen: false } } }),
    () => call(`${path}/members/bo`, member),
    () => call(`${path}/members/bo`, { ...member, body: { role: "member" } }),
    () => call(`${path}/members/bo`, { method: "DELETE", ...as }),
    () => call(`${path}/mutes/bo`, mute),
    () => call(`${path}/mutes/bo`, { method: "DELETE", ...as }),
    // None of these is a deed: what changes nothing, and what is one's own.
    () => call(path, { method: "PATCH", ...as, body: { settings: { frozen: false } } }),
    () => call(`${path}/mutes/bo`, { method: "DELETE", ...as }),
    () => call(`${path}/messages`, { method: "POST", ...bo, body: { text: "secret words" } }),
    () => call(`${path}/messages/6`, { method: "PATCH", ...bo, body: { text: "secret words too" } }),
    () => call(`${path}/messages`, { method: "POST", ...bo, body: { text: "more of them" } }),
    () => call(`${path}/messages/8`, { method: "DELETE", ...bo }),
    () => call(`${path}/messages`, { method: "POST", credential: tenant.key, body: { text: "of the server" } }),
    () => call(`${path}/messages/10`, { method: "DELETE", credential: tenant.key }),
  ];
  for (const step of steps) expect((await step()).status).toBeLessThan(300);
  ada.send({ type: "edit", ref: "1", id: 6, text: "[removed]" }, { type: "delete", ref: "2", id: 6 });
  expect(await ada.answer("2")).toMatchObject({ type: "ack" });
  expect((await call(path, { method: "DELETE", credential: tenant.key })).status).toBe(204);
  expect((await call(path, { method: "PUT", credential: tenant.key, body: {} })).status).toBe(201);

  const text = (of: string | null): object => expect.objectContaining({ text: of });
  const mo = { kind: "user", id: text("mo") };
  const toBo = { room, user: text("bo") };
  const entries = await deedsOf(tenant, 11);
  expect(entries).toMatchObject([
    {
      action: "room.updated",
      actor: mo,
      before: { settings: { frozen: false } },
      after: { settings: { frozen: true } },
    },
    { action: "room.updated", actor: mo, after: { settings: { frozen: false } } },
    { action: "room.member_set", target: toBo, before: { role: null }, after: { role: "moderator", name: text("Bo") } },
    { action: "room.member_set", target: toBo, before: { role: "moderator" }, after: { role: "member" } },
    { action: "room.member_removed", target: toBo, before: { role: "member" }, after: { role: null } },
    { action: "room.user_muted", target: toBo, after: { until: 1, reason: text("loud") } },
    { action: "room.user_unmuted", target: toBo, before: { until: 1, reason: text("loud") } },
    {
      action: "message.edited",
      actor: { kind: "user", id: text("ada") },
      target: { ...toBo, message: 6 },
      after: null,
    },
    { action: "message.deleted", target: { ...toBo, message: 6 }, before: null, after: null },
    { action: "room.deleted", actor: { kind: "key", id: tenant.keyId }, target: { room } },
    { action: "room.created", actor: { kind: "key", id: tenant.keyId }, target: { room } },
  ]);
  expect(JSON.stringify(entries)).not.toMatch(/secret words|\[removed\]/);
  expect(await waiting(tenant)).toEqual([]);
});

test("[T10] a deed that the tenant has not heard of survives the room's sleep, and is written once however often it is told", async () => {
  const tenant = await newTenant();
  expect((await call(path, { method: "PUT", credential: tenant.key, body: {} })).status).toBe(201);
  await deedsOf(tenant, 1);
  const tell = (breaks: "on its way" | "on its way back", add: boolean): Promise<void> =>
    runInDurableObject(roomObject(tenant, room), async (_, { storage }) => {
      const recordDeeds: TenantStub["recordDeeds"] = async (...told) => {
        if (breaks === "on its way back") await tenantStub(env, tenant.id).recordDeeds(...told);
        throw new Error(`broken ${breaks}`);
      };
      const deeds = new Deeds(storage, room, { recordDeeds }, () => undefined);
      if (add) deeds.add(server, "room.user_muted", { target: { user: "bo" }, after: { until: 5 } }, 7);
      await expect(deeds.tell()).rejects.toThrow("broken");
    });
  await tell("on its way", true);
  await tell("on its way back", false);
  expect(await waiting(tenant)).toHaveLength(1);
  await query(tenant, room, "INSERT OR REPLACE INTO job (name, at) VALUES ('deeds', 1)");
  await evict(tenant, room);
  await runDurableObjectAlarm(roomObject(tenant, room));
  expect(await waiting(tenant)).toEqual([]);
  const [, muted] = await deedsOf(tenant, 2);
  expect(muted).toMatchObject({
    at: 7,
    action: "room.user_muted",
    actor: { kind: "key" },
    requestId: "request-1",
    target: { user: { text: "bo" } },
  });
});

test("[T10] a change whose entry cannot be written does not happen", async () => {
  const complaints = vi.spyOn(console, "error").mockImplementation(() => {});
  const tenant = await newTenant();
  const as = { credential: tenant.key };
  await call(`${path}/messages`, { method: "POST", credential: await newToken(tenant, "bo"), body: { text: "stays" } });
  const broken = "BEGIN SELECT raise(ABORT, 'no room for an entry'); END";
  await query(tenant, room, `CREATE TRIGGER broken BEFORE INSERT ON deed ${broken}`);
  expect((await call(`${path}/messages/1`, { method: "DELETE", ...as })).status).toBe(500);
  expect((await call(path, { method: "PATCH", ...as, body: { settings: { frozen: true } } })).status).toBe(500);
  await runInDurableObject(roomObject(tenant, room), async (object) => {
    const caller = { session: { ...session, key: tenant.keyId }, policy };
    await expect(object.mute(caller, { user: "bo", untilMs: 5, reason: null })).rejects.toThrow("no room for an entry");
    await expect(object.delete(caller)).rejects.toThrow("no room for an entry");
  });
  expect(await (await call(path, as)).json()).toMatchObject({ head: 1, settings: { frozen: false } });
  expect(await (await call(`${path}/messages/1`, as)).json()).toMatchObject({ message: { text: "stays" } });
  expect(await query(tenant, room, "SELECT * FROM member WHERE muted_until IS NOT NULL")).toEqual([]);

  await runInDurableObject(env.TENANT.getByName(tenant.id), async (object, { storage }) => {
    storage.sql.exec(`CREATE TRIGGER broken BEFORE INSERT ON audit ${broken}`);
    const before = [object.describe(), object.keys()];
    const [spare] = object.keys();
    if (spare === undefined) throw new Error("no key");
    await expect(object.update({ name: "Never" }, server)).rejects.toThrow("no room for an entry");
    await expect(object.addKey({ ...spare, id: "1kaaaaaaaaaaaa" }, server)).rejects.toThrow("no room for an entry");
    await expect(object.setSuspended(true, server)).rejects.toThrow("no room for an entry");
    expect([object.describe(), object.keys()]).toEqual(before);
    storage.sql.exec("DROP TRIGGER broken");
  });
  expect((await auditOf(tenant)).map(({ action }) => action)).toEqual(["tenant.created"]);
  complaints.mockRestore();
});
