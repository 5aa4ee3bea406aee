import { env } from "cloudflare:workers";
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { expect, test, vi } from "vitest";
import { asOperator, call, newTenant, newToken } from "../support/api.ts";
import { connect } from "../support/socket.ts";

test("[T2] a suspension closes open sockets with 4510, and once more when no edge can have let one in", async () => {
  const tenant = await newTenant();
  const ada = await connect("general", { token: await newToken(tenant, "ada") });
  const suspended = await asOperator(`/v1/tenants/${tenant.id}/suspend`, { method: "POST" });
  expect(await suspended.json()).toMatchObject({ id: tenant.id, suspended: true });
  await ada.until(({ closed }) => closed !== null);
  expect(ada.closed?.code).toBe(4510);
  expect(ada.of("closing")).toMatchObject([{ code: 4510, reconnect: "never" }]);
  // This edge held its policy from before for up to 5 seconds.
  const slipped = await connect("general", { token: await newToken(tenant, "bo") }).catch(() => null);
  vi.setSystemTime(Date.now() + 7_000);
  await runDurableObjectAlarm(env.TENANT.getByName(tenant.id));
  expect((await call("/v1/tenant", { credential: tenant.key })).status).toBe(403);
  vi.useRealTimers();
  await slipped?.until(({ closed }) => closed !== null);
  expect(slipped?.closed?.code ?? 4510).toBe(4510);
});

test("[T1] an id is given once, also to two who ask at the same time", async () => {
  const create = () => asOperator("/v1/tenants", { method: "POST", body: { id: "coveted", name: "Coveted" } });
  const statuses = (await Promise.all([create(), create(), create()])).map(({ status }) => status);
  expect(statuses.sort()).toEqual([201, 409, 409]);
  const begun = await (await asOperator("/v1/tenants?prefix=covete&limit=5")).json();
  expect(begun).toEqual({ items: [{ id: "coveted" }] });
});

test("[T1] a creation that was cut off before the list was told is finished by the next, which is refused", async () => {
  const { id, key } = await newTenant();
  await runInDurableObject(env.DIRECTORY.getByName("directory"), (_, { storage }) =>
    storage.sql.exec("UPDATE tenant SET ready = 0 WHERE id = ?", id),
  );
  const listed = async () =>
    (await (await asOperator("/v1/tenants?limit=200")).json<{ items: { id: string }[] }>()).items.map(
      (tenant) => tenant.id,
    );
  expect(await listed()).not.toContain(id);
  expect((await asOperator("/v1/tenants", { method: "POST", body: { id, name: "Again" } })).status).toBe(409);
  expect(await listed()).toContain(id);
  expect((await call("/v1/tenant", { credential: key })).status).toBe(200);
});
