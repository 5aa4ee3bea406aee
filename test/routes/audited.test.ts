import { describe, expect, test } from "vitest";
import { AuditPage } from "../../src/protocol/audit.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { firstBreach, inDatabase } from "../support/audit.ts";
import { answered, refused } from "./answers.ts";
import { operatorKey } from "../support/api.ts";
import { call, newTenant, newToken } from "./edge.ts";
import { isSocket, methodOf, newWorld, operations, perform, type World } from "./operations.ts";

const administrative = operations.filter(
  (operation) => ["operator", "admin", "manage", "moderate"].includes(operation.plane) && methodOf(operation) !== "GET",
);

test("[T10] every operation that administers or moderates says which entry it leaves", () => {
  expect(administrative.filter(({ audits }) => audits === undefined).map(({ name }) => name)).toEqual([]);
});

/** What the log says that one request did. It is read where it lies: a suspended tenant cannot ask. */
async function entriesOf(tenant: string, request: string): Promise<string[]> {
  const { items } = await inDatabase(tenant, (_, log) => log.page({ after: 0, limit: 1_000 }));
  expect(firstBreach(items)).toBeNull();
  return items.filter(({ requestId }) => requestId === request).map(({ action }) => action);
}

/** Everything of the log that lies in the database. */
function rowsOf(tenant: string): Promise<string> {
  return inDatabase(tenant, (sql) =>
    JSON.stringify(["audit", "audit_text", "audit_name"].map((table) => sql.exec(`SELECT * FROM ${table}`).toArray())),
  );
}

/** The credentials that an answer shows, at any depth. */
function secretsOf(answer: unknown): string[] {
  if (typeof answer !== "object" || answer === null) return [];
  return Object.entries(answer).flatMap(([name, value]) =>
    typeof value === "string" && ["secret", "token"].includes(name) ? [value] : secretsOf(value),
  );
}

test.each(administrative)("[T10] $name leaves exactly one entry, and no secret in it", async (operation) => {
  const world = await newWorld();
  const undone = operations.find(({ name }) => name === operation.undoes);
  if (undone !== undefined) expect((await perform(undone, world)).status).toBe(undone.first);
  const request = `audited-${world.tenant.id}`;
  const response = await perform(operation, world, { headers: { "X-Request-Id": request } });
  expect(response.status).toBeLessThan(300);
  const text = new TextDecoder().decode(await response.arrayBuffer());
  const answer: unknown = text === "" || operation.contentType !== undefined ? null : JSON.parse(text);
  const tenant = (answer as { tenant?: { id: string } } | null)?.tenant?.id ?? world.tenant.id;

  const expected = operation.audits === null ? [] : [operation.audits];
  await expect.poll(() => entriesOf(tenant, request), { timeout: 30_000, interval: 20 }).toEqual(expected);
  const rows = await rowsOf(tenant);
  const secrets = [...secretsOf(answer), world.tenant.key, world.plainKey, world.token, operatorKey];
  for (const secret of secrets)
    for (const piece of [secret, secret.slice(-20), secret.split(".").at(-2) ?? secret])
      expect(rows.includes(piece)).toBe(false);
});

const ordinary = operations.filter(
  (operation) => !administrative.includes(operation) && !isSocket(operation) && methodOf(operation) !== "GET",
);

test.each(ordinary)(
  "[T10] $name leaves none: neither one's own messages nor new tokens are written down",
  async (operation) => {
    const world = await newWorld();
    const request = `ordinary-${world.tenant.id}`;
    const headers = { "X-Request-Id": request };
    expect((await perform(operation, world, { headers })).status).toBe(operation.first);
    // Deeds are told in order: when this one is there, an earlier one is too.
    const path = `/v1/rooms/${world.names.room}/mutes/zoe`;
    await call(path, { method: "PUT", credential: world.token, body: {}, headers });
    await expect
      .poll(() => entriesOf(world.tenant.id, request), { timeout: 30_000, interval: 20 })
      .toEqual(["room.user_muted"]);
  },
);

describe("GET /v1/audit", () => {
  const read = async ({ tenant }: Pick<World, "tenant">, query = "") =>
    answered(await call(`/v1/audit${query}`, { credential: tenant.key }), 200, AuditPage);
  const actionsOf = async (world: Pick<World, "tenant">, query: string): Promise<string[]> =>
    (await read(world, query)).items.map(({ action }) => action);

  test("[T10] it is read in pages, from the first to the head, which every page names", async () => {
    const world = { tenant: await newTenant() };
    for (let name = 0; name < 4; name++)
      await call("/v1/tenant", { method: "PATCH", credential: world.tenant.key, body: { name: `name ${name}` } });
    const first = await read(world, "?limit=2");
    expect(first.items.map(({ seq }) => seq)).toEqual([1, 2]);
    expect(first.next).toBe("2");
    const second = await read(world, "?limit=3&after=2");
    expect(second.items.map(({ seq }) => seq)).toEqual([3, 4, 5]);
    expect(second.next).toBeUndefined();
    expect(first.head).toEqual(second.head);
    expect(first.head).toEqual({ seq: 5, hash: second.items[2]?.hash });
    expect(await read(world, "?after=5")).toEqual({ items: [], head: first.head });
  });

  test("[T10] [W7] a page of long entries ends before its limit, and all of them are read", async () => {
    const { id } = await newTenant();
    const origins = Array.from({ length: 100 }, (_, index) => `https://${"x".repeat(5_000)}-${index}.test`);
    const units = JSON.stringify({ settings: { origins } }).length;
    const fitting = Math.ceil(fixedLimits.auditPageUnits / units);
    await inDatabase(id, (_, log) => {
      const actor = { kind: "operator", id: null, requestId: "r" } as const;
      for (let count = 0; count < fitting + 1; count++)
        log.append(actor, "tenant.updated", { after: { settings: { origins } } }, 1);
      const first = log.page({ after: 1, limit: 200 });
      expect(first.items).toHaveLength(fitting);
      expect(first.next).toBe(String(fitting + 1));
      const rest = log.page({ after: Number(first.next), limit: 200 });
      expect(rest.items).toHaveLength(1);
      expect(rest.next).toBeUndefined();
    });
  });

  test("[T10] it is searched by action, by who did it, by whom or what it was done to, and by time", async () => {
    const tenant = await newTenant();
    const world = { tenant };
    await call("/v1/keys", { method: "POST", credential: tenant.key, body: {} });
    const mo = await newToken(tenant, "mo", { "*": ["moderate", "manage"] });
    await call("/v1/rooms/quiet/mutes/ada", { method: "PUT", credential: mo, body: {} });
    await call("/v1/rooms/quiet", { method: "PUT", credential: mo, body: {} });
    await call("/v1/rooms/quiet/mutes/ada", { method: "PUT", credential: mo, body: { reason: "loud" } });
    await call("/v1/rooms/quiet/mutes/ada", { method: "DELETE", credential: mo });
    await expect.poll(() => actionsOf(world, "?target=quiet"), { timeout: 30_000, interval: 20 }).toHaveLength(3);
    expect(await actionsOf(world, "?target=quiet")).toEqual(["room.created", "room.user_muted", "room.user_unmuted"]);
    expect(await actionsOf(world, "?actor=mo&target=ada")).toEqual(["room.user_muted", "room.user_unmuted"]);
    expect(await actionsOf(world, "?actor=mo&action=room.user_muted")).toEqual(["room.user_muted"]);
    expect(await actionsOf(world, "?actor=operator")).toEqual(["tenant.created"]);
    expect(await actionsOf(world, `?actor=${tenant.keyId}`)).toEqual(["key.created"]);
    expect(await actionsOf(world, "?actor=nobody")).toEqual([]);
    const [muted] = (await read(world, "?action=room.user_muted")).items;
    const at = muted?.at ?? 0;
    expect(await actionsOf(world, `?from=${at}&to=${at + 1}&action=room.user_muted`)).toEqual(["room.user_muted"]);
    expect(await actionsOf(world, `?to=${at}&action=room.user_muted`)).toEqual([]);
    expect(await actionsOf(world, `?from=${at + 1}&action=room.user_muted`)).toEqual([]);
  });

  test("[T1] a tenant reads its own and no other's, and only with a key that administers", async () => {
    const [one, other] = [await newWorld(), await newWorld()];
    const { items } = await read(one);
    expect(new Set(items.map(({ tenant }) => tenant))).toEqual(new Set([one.tenant.id]));
    expect(JSON.stringify(items)).not.toContain(other.tenant.keyId);
    expect((await read(one, `?actor=${other.tenant.keyId}`)).items).toEqual([]);
    for (const credential of [one.token, one.plainKey])
      await refused(await call("/v1/audit", { credential }), 403, "forbidden");
    await refused(await call("/v1/audit", { credential: operatorKey }), 401, "token_invalid");
  });
});
