import { describe, expect, test } from "vitest";
import { hashOf } from "../../src/core/auditChain.ts";
import { type AuditEntry, AuditPage } from "../../src/protocol/audit.ts";
import { asOperator, call, newTenant, type TestTenant } from "../support/api.ts";
import { auditOf, firstBreach, inDatabase } from "../support/audit.ts";

test("[T10] each change of a tenant and its keys leaves one entry that says who, what, before and after", async () => {
  const tenant = await newTenant({ pageSize: 100 });
  const { id, key, keyId } = tenant;
  const headers = { "X-Request-Id": "request-1" };
  await asOperator(`/v1/tenants/${id}`, { method: "PATCH", body: { limits: { publishPerUserPerSecond: 5 } }, headers });
  await call("/v1/tenant", {
    method: "PATCH",
    credential: key,
    body: { name: "New", settings: { autoCreate: false } },
  });
  const made = await call("/v1/keys", { method: "POST", credential: key, body: { name: "spare" }, user: "ada" });
  const spare = (await made.json<{ key: { id: string } }>()).key.id;
  await call(`/v1/keys/${spare}`, { method: "DELETE", credential: key });
  await asOperator(`/v1/tenants/${id}/suspend`, { method: "POST" });
  await asOperator(`/v1/tenants/${id}/resume`, { method: "POST" });
  const text = (of: string | null): object => expect.objectContaining({ text: of });
  const operator = { kind: "operator", id: null };
  const server = { kind: "key", id: keyId };
  const entries = await auditOf(tenant);
  expect(entries).toMatchObject([
    {
      seq: 1,
      tenant: id,
      actor: operator,
      action: "tenant.created",
      target: {},
      before: null,
      after: { name: text("Test"), key: keyId, limits: { pageSize: 100 } },
    },
    {
      actor: operator,
      requestId: "request-1",
      action: "tenant.updated",
      before: { limits: { publishPerUserPerSecond: 10, publishPerUserBurst: 20 } },
      after: { limits: { publishPerUserPerSecond: 5, publishPerUserBurst: 10 } },
    },
    {
      actor: server,
      action: "tenant.updated",
      before: { name: text("Test"), settings: { autoCreate: true } },
      after: { name: text("New"), settings: { autoCreate: false } },
    },
    {
      actor: { ...server, asUser: text("ada") },
      action: "key.created",
      target: { key: spare },
      before: null,
      after: { name: text("spare"), capabilities: expect.arrayContaining(["admin"]) },
    },
    { actor: server, action: "key.removed", target: { key: spare }, before: { name: text("spare") }, after: null },
    { actor: operator, action: "tenant.suspended" },
    { actor: operator, action: "tenant.resumed" },
  ]);
  expect(Object.keys(entries[1]?.after ?? {})).toEqual(["limits"]);
  const backwards = async (after: string): Promise<AuditPage> =>
    AuditPage.parse(await (await call(`/v1/audit?order=newest&limit=4${after}`, { credential: key })).json());
  const { items: newest, next } = await backwards("");
  const { items: oldest, ...end } = await backwards(`&after=${next}`);
  expect([...newest, ...oldest].map(({ seq }) => seq)).toEqual([7, 6, 5, 4, 3, 2, 1]);
  expect(end.next).toBeUndefined();
  expect(firstBreach(entries)).toBeNull();
});

/** A log of eight entries. */
async function filledLog(): Promise<TestTenant> {
  const tenant = await newTenant();
  for (const name of ["one", "two", "three", "four", "five", "six", "seven"])
    await call("/v1/tenant", { method: "PATCH", credential: tenant.key, body: { name } });
  return tenant;
}

test("[T10] [T17] what changes nothing of a tenant leaves no entry, and no room is told of it", async () => {
  const tenant = await newTenant({});
  const version = (): Promise<unknown> => inDatabase(tenant.id, (sql) => sql.exec("SELECT version FROM tenant").one());
  const [before, { length }] = [await version(), await auditOf(tenant)];
  const patch = async (body: object): Promise<void> => {
    const done = await call("/v1/tenant", { method: "PATCH", credential: tenant.key, body });
    expect(await done.json()).toMatchObject({ id: tenant.id, name: "Test" });
  };
  await patch({ name: "Test", settings: { autoCreate: true } });
  expect([await version(), (await auditOf(tenant)).length]).toEqual([before, length]);
  await patch({ settings: { autoCreate: false } });
  expect([await version(), (await auditOf(tenant)).length]).not.toEqual([before, length]);
});

describe("what somebody with the database did to it", () => {
  const unlocked = "DROP TRIGGER audit_changed; DROP TRIGGER audit_removed;";
  const swap = (column: string): string =>
    `UPDATE audit SET ${column} = CASE seq WHEN 4 THEN (SELECT ${column} FROM audit WHERE seq = 5) ELSE (SELECT ${column} FROM audit WHERE seq = 4) END WHERE seq IN (4, 5);`;
  const cases: readonly { what: string; sql: string; seq: number; why: RegExp }[] = [
    ...[
      "at = at + 1",
      `actor = '{"id":null,"kind":"operator"}'`,
      "action = 'tenant.suspended'",
      `target = '{"room":"x"}'`,
      "before = NULL",
      `after = '{"settings":{"autoCreate":true}}'`,
      "request_id = 'x'",
      "hash = previous",
      "previous = hash",
    ].map((set) => ({
      what: `changed (${set.slice(0, set.indexOf(" "))})`,
      sql: `UPDATE audit SET ${set} WHERE seq = 4`,
      seq: 4,
      why: /hash/,
    })),
    {
      what: "changed in a personal text",
      sql: "UPDATE audit_text SET text = 'nobody' WHERE seq = 4",
      seq: 4,
      why: /digest/,
    },
    { what: "removed", sql: "DELETE FROM audit WHERE seq = 4", seq: 4, why: /missing/ },
    {
      what: "removed, the rest moved up",
      sql: "DELETE FROM audit WHERE seq = 4; UPDATE audit SET seq = seq - 1 WHERE seq > 4",
      seq: 4,
      why: /hash/,
    },
    {
      what: "reordered",
      sql: ["at", "actor", "target", "before", "after", "request_id", "previous", "hash"].map(swap).join(""),
      seq: 4,
      why: /hash/,
    },
    {
      what: "inserted",
      sql: `UPDATE audit SET seq = -seq - 1 WHERE seq >= 4; UPDATE audit SET seq = -seq WHERE seq < 0;
            INSERT INTO audit SELECT 4, at + 1, actor, action, target, before, after, request_id, previous, hash, NULL FROM audit WHERE seq = 5`,
      seq: 4,
      why: /hash/,
    },
  ];
  test.each(cases)("[T11] an entry that was $what is found with its number", async ({ sql, seq, why }) => {
    const tenant = await filledLog();
    await inDatabase(tenant.id, (database) => database.exec(unlocked + sql));
    const breach = firstBreach(await auditOf(tenant));
    expect(breach).toMatch(why);
    expect(breach).toMatch(new RegExp(`^${seq}: `));
  });

  test("[T11] an entry that was inserted with a hash that fits breaks the link of the next", async () => {
    const tenant = await filledLog();
    const entries = await auditOf(tenant);
    const fourth = { ...entries[3], at: 1 } as AuditEntry;
    const forged = [...entries.slice(0, 3), { ...fourth, hash: hashOf(fourth) }, ...entries.slice(4)];
    expect(firstBreach(forged)).toMatch(/^5: it does not name/);
  });

  test("[T11] an end that was cut off and written anew is found by a head that was kept", async () => {
    const tenant = await filledLog();
    const { head } = await inDatabase(tenant.id, (_, log) => ({ head: log.head }));
    await inDatabase(tenant.id, (database) => database.exec(`${unlocked} DELETE FROM audit WHERE seq > 6`));
    for (const name of ["again", "and again"])
      await call("/v1/tenant", { method: "PATCH", credential: tenant.key, body: { name } });
    const entries = await auditOf(tenant);
    expect(firstBreach(entries)).toBeNull();
    expect(entries).toHaveLength(head.seq);
    expect(entries.at(-1)?.hash).not.toBe(head.hash);
  });

  test("[T11] an entry of another tenant's log does not fit, though all of its columns do", async () => {
    const [one, other] = [await filledLog(), await filledLog()];
    const rows = await inDatabase(other.id, (sql) => sql.exec("SELECT * FROM audit ORDER BY seq").toArray());
    await inDatabase(one.id, (sql) => {
      sql.exec(`${unlocked} DELETE FROM audit`);
      for (const row of rows) sql.exec(`INSERT INTO audit VALUES (${"?,".repeat(10)}?)`, ...Object.values(row));
    });
    expect(firstBreach(await auditOf(one))).toMatch(/^1: its hash/);
  });

  test("[T11] by mistake nothing can be changed: the table refuses it", async () => {
    const tenant = await filledLog();
    for (const sql of ["UPDATE audit SET at = 0 WHERE seq = 2", "DELETE FROM audit WHERE seq = 2"])
      await expect(inDatabase(tenant.id, (database) => database.exec(sql))).rejects.toThrow("append-only");
    expect(firstBreach(await auditOf(tenant))).toBeNull();
  });
});

test("[T11] changes at the same time are one chain without a fork", async () => {
  const tenant = await newTenant();
  const changes = Array.from({ length: 20 }, (_, index) => [
    call("/v1/tenant", { method: "PATCH", credential: tenant.key, body: { name: `name ${index}` } }),
    asOperator(`/v1/tenants/${tenant.id}/keys`, { method: "POST", body: { name: `key ${index}` } }),
  ]).flat();
  for (const { status } of await Promise.all(changes)) expect(status).toBeLessThan(300);
  // Pages that are smaller than the log make the same chain.
  const entries = await auditOf(tenant, "", 7);
  expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: 41 }, (_, index) => index + 1));
  expect(firstBreach(entries)).toBeNull();
  expect(entries.filter(({ action }) => action === "key.created")).toHaveLength(20);
});

test("[T12] what the log says of a user can be erased: the id, the names and the reasons; what happened stays, and so does the chain", async () => {
  const tenant = await newTenant();
  const mo = { kind: "user", id: "mo", requestId: "r" } as const;
  await inDatabase(tenant.id, (_, log) => {
    log.append(mo, "room.user_muted", { target: { room: "a", user: "ada" }, after: { reason: "loud", until: 9 } }, 1);
    log.append(mo, "room.member_set", { target: { room: "a", user: "bo" }, after: { name: "Bo", role: "member" } }, 2);
    log.append({ ...mo, kind: "key", id: "1k", asUser: "ada" }, "room.deleted", { target: { room: "ada" } }, 3);
  });
  expect(await auditOf(tenant, "&target=ada")).toHaveLength(2);
  expect(await auditOf(tenant, "&actor=ada")).toHaveLength(1);

  await inDatabase(tenant.id, (_, log) => log.erasePersonal("ada"));
  const entries = await auditOf(tenant);
  expect(firstBreach(entries)).toBeNull();
  const erased = { personal: expect.any(String), salt: null, text: null };
  expect(entries.slice(1)).toMatchObject([
    { actor: { id: { text: "mo" } }, target: { room: "a", user: erased }, after: { reason: erased, until: 9 } },
    { target: { user: { text: "bo" } }, after: { name: { text: "Bo" }, role: "member" } },
    { actor: { kind: "key", id: "1k", asUser: erased }, target: { room: "ada" } },
  ]);
  expect(JSON.stringify(entries)).not.toMatch(/loud/);
  const rows = await inDatabase(tenant.id, (sql) =>
    ["audit", "audit_text", "audit_name"].map((table) => sql.exec(`SELECT * FROM ${table}`).toArray()),
  );
  expect(JSON.stringify(rows)).not.toMatch(/loud|"user":"ada"|"text":"ada"/);
  expect(await auditOf(tenant, "&actor=ada")).toEqual([]);

  await inDatabase(tenant.id, (_, log) => log.erasePersonal("mo"));
  expect(JSON.stringify(await auditOf(tenant))).not.toMatch(/"mo"/);
  expect(firstBreach(await auditOf(tenant))).toBeNull();
});
