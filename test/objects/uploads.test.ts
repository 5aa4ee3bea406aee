import { env } from "cloudflare:workers";
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { nanoid } from "nanoid";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fileKey } from "../../src/objects/files.ts";
import { Room } from "../../src/objects/room/room.ts";
import { tenantStub } from "../../src/objects/stubs.ts";
import { lateMs } from "../../src/objects/tenant/endings.ts";
import { tenantLimits } from "../../src/protocol/limits/tenant.ts";
import { asOperator, call, newTenant, type TestTenant } from "../support/api.ts";
import { goTo, pass, startClock, stopClock } from "../support/clock.ts";
import { keepFile } from "../support/files.ts";
import { resetIn } from "../support/failing.ts";
import { query } from "../support/room.ts";
import { announced, inBucket, left, newUploader, put, room, uploaded } from "../support/uploads.ts";

const dayMs = 86_400_000;

beforeEach(() => stopClock());
afterEach(() => {
  startClock();
  vi.restoreAllMocks();
});

const objectOf = ({ id }: TestTenant) => env.TENANT.getByName(id);

/** As the edge asks for it: what was refused, or nothing. */
async function reserve(
  tenant: TestTenant,
  size: number,
  { user = null as string | null, id = nanoid(), parts = 0 } = {},
): Promise<{ id: string; error: string | null; retryAfterMs?: number }> {
  const asked = { id, room, user, name: "file", size, sha256: null, parts };
  const reserved = await tenantStub(env, tenant.id).reserveUpload(asked);
  if (reserved.ok) return { id, error: null };
  return {
    id,
    error: reserved.error,
    ...(reserved.retryAfterMs === undefined ? {} : { retryAfterMs: reserved.retryAfterMs }),
  };
}

/** As it stands in the tenant's own tables, counted anew. */
function counted(tenant: TestTenant): Promise<{ open: number; stored: number; totals: object }> {
  return runInDurableObject(objectOf(tenant), (_, { storage: { sql } }) => {
    const sum = (table: string): number =>
      sql.exec<{ bytes: number }>(`SELECT coalesce(sum(size), 0) AS bytes FROM ${table}`).one().bytes;
    const totals = sql.exec("SELECT open, stored FROM upload_total").one();
    return { open: sum("upload"), stored: sum("stored"), totals };
  });
}

async function agrees(tenant: TestTenant): Promise<{ open: number; stored: number }> {
  const { open, stored, totals } = await counted(tenant);
  expect(totals).toEqual({ open, stored });
  return { open, stored };
}

test("[F9] of fifty at once just as many are let in as the quota has bytes for, and with a byte more none", async () => {
  for (const limits of [
    { uploadBytesPerDay: 1_000 },
    { uploadBytesStored: 1_000 },
    { uploadBytes: 100, uploadsOpen: 10 },
    { uploadsOpenPerUser: 10 },
  ]) {
    const tenant = await newTenant(limits);
    const all = await Promise.all(Array.from({ length: 50 }, () => reserve(tenant, 100, { user: "ada" })));
    expect([limits, all.filter(({ error }) => error === null).length]).toEqual([limits, 10]);
    const refusals = new Set(all.flatMap(({ error }) => error ?? []));
    expect([...refusals]).toEqual(["uploadBytesStored" in limits ? "storage_full" : "quota_exceeded"]);
    expect(await agrees(tenant)).toEqual({ open: 1_000, stored: 0 });
  }
});

test("[F9] each limit holds at its edge", async () => {
  const each = await newTenant({ uploadBytes: 10 });
  expect(await reserve(each, 10)).toMatchObject({ error: null });
  expect(await reserve(each, 11)).toMatchObject({ error: "too_large" });

  const perDay = await newTenant({ uploadBytesPerDay: 10 });
  expect(await reserve(perDay, 9)).toMatchObject({ error: null });
  expect(await reserve(perDay, 2)).toMatchObject({ error: "quota_exceeded" });
  expect(await reserve(perDay, 1)).toMatchObject({ error: null });
  expect(await reserve(perDay, 1)).toMatchObject({ error: "quota_exceeded" });

  const stored = await newTenant({ uploadBytesStored: 10 });
  const { id } = await reserve(stored, 10);
  expect(await tenantStub(env, stored.id).confirmUpload(id)).toEqual({ ok: true });
  expect(await reserve(stored, 1)).toMatchObject({ error: "storage_full" });
  await tenantStub(env, stored.id).releaseUploads([id]);
  expect(await reserve(stored, 11)).toMatchObject({ error: "storage_full" });
  expect(await reserve(stored, 10)).toMatchObject({ error: null });

  const open = await newTenant({ uploadsOpen: 3, uploadsOpenPerUser: 2 });
  for (const error of [null, null, "quota_exceeded"])
    expect(await reserve(open, 1, { user: "ada" })).toMatchObject({ error });
  expect(await reserve(open, 1, { user: "bo" })).toMatchObject({ error: null });
  // The tenant's server is no user, but has no more places than all.
  expect(await reserve(open, 1)).toMatchObject({ error: "quota_exceeded", retryAfterMs: dayMs });
  const ceilings = {
    uploadBytes: 0,
    uploadBytesPerDay: 0,
    uploadBytesStored: 0,
    uploadsOpen: 0,
    uploadsOpenPerUser: 0,
  };
  for (const name of Object.keys(ceilings) as (keyof typeof ceilings)[]) {
    const limits = { [name]: tenantLimits[name].ceiling + 1 };
    const raised = await asOperator(`/v1/tenants/${open.id}`, { method: "PATCH", body: { limits } });
    expect([name, raised.status]).toEqual([name, 400]);
  }
});

test("[F9] what was announced and not completed is given back, of its own day only; the day's bytes are new at midnight", async () => {
  goTo(Math.ceil(Date.now() / dayMs) * dayMs + dayMs - 60_000);
  const tenant = await newTenant({ uploadBytesPerDay: 10 });
  const registry = tenantStub(env, tenant.id);
  const [first, second] = [await reserve(tenant, 4), await reserve(tenant, 6)];
  await registry.confirmUpload(first.id);
  expect(await reserve(tenant, 1)).toMatchObject({ error: "quota_exceeded", retryAfterMs: 60_000 });
  await registry.releaseUploads([first.id]);
  expect(await reserve(tenant, 1)).toMatchObject({ error: "quota_exceeded" });
  await registry.releaseUploads([second.id, second.id]);
  await registry.releaseUploads([second.id]);
  expect(await reserve(tenant, 7)).toMatchObject({ error: "quota_exceeded" });
  const third = await reserve(tenant, 6);
  expect(third.error).toBeNull();
  await evictDurableObject(objectOf(tenant));
  pass(60_000);
  expect(await reserve(tenant, 10)).toMatchObject({ error: null });
  // Yesterday's is no more to give back.
  await registry.releaseUploads([third.id]);
  expect(await reserve(tenant, 1)).toMatchObject({ error: "quota_exceeded" });
  // Nor is it given again by a clock that is set back.
  pass(-120_000);
  expect(await reserve(tenant, 1)).toMatchObject({ error: "quota_exceeded" });
  await agrees(tenant);
});

test("[F9] told again, nothing is counted twice: announced, complete, removed", async () => {
  const tenant = await newTenant();
  const registry = tenantStub(env, tenant.id);
  const { id } = await reserve(tenant, 7);
  await reserve(tenant, 7, { id });
  expect(await agrees(tenant)).toEqual({ open: 7, stored: 0 });
  for (let time = 0; time < 2; time++) expect(await registry.confirmUpload(id)).toEqual({ ok: true });
  expect(await agrees(tenant)).toEqual({ open: 0, stored: 7 });
  for (let time = 0; time < 2; time++) await registry.releaseUploads([id, "neverwasneverwasnever"]);
  expect(await agrees(tenant)).toEqual({ open: 0, stored: 0 });
  expect(await registry.confirmUpload(id)).toMatchObject({ ok: false, error: "not_found" });
});

test("[F10] what nobody has gone on with for a day is given up: its bytes and its parts go, and the quota has them again", async () => {
  const { tenant } = await newUploader();
  // A token would have ended by then.
  const token = tenant.key;
  const before = await left(token);
  const parted = await announced(token, { size: 5, inParts: true });
  expect((await put(token, `${parted}/parts/1`, "hello")).status).toBe(200);
  const key = fileKey(tenant.id, parted);
  const multipart = await runInDurableObject(
    objectOf(tenant),
    (_, { storage }) => storage.sql.exec<{ multipart: string }>("SELECT multipart FROM upload").one().multipart,
  );
  // One of which all has come, but its room never heard of it.
  const whole = await announced(token, { size: 5 });
  await env.UPLOADS.put(fileKey(tenant.id, whole), "hello", { customMetadata: { room } });
  pass(dayMs - 1);
  const fresh = await announced(token, { size: 1 });
  // Whoever goes on begins the time anew.
  expect((await put(token, `${parted}/parts/1`, "hello")).status).toBe(200);
  // Whoever only looks does not.
  expect((await call(`/v1/uploads/${whole}`, { credential: token })).status).toBe(200);
  const ring = (): Promise<boolean> => runDurableObjectAlarm(objectOf(tenant));
  pass(1);
  await ring();
  expect(await inBucket(tenant)).toEqual([]);
  expect((await call(`/v1/uploads/${whole}`, { credential: token })).status).toBe(404);
  expect(await agrees(tenant)).toEqual({ open: 6, stored: 0 });
  pass(dayMs);
  await ring();
  expect(await agrees(tenant)).toEqual({ open: 0, stored: 0 });
  for (const id of [parted, fresh]) expect((await call(`/v1/uploads/${id}`, { credential: token })).status).toBe(404);
  await expect(env.UPLOADS.resumeMultipartUpload(key, multipart).uploadPart(1, "hello")).rejects.toThrow("10024");
  expect((await left(token))["upload_stored"]).toBe(before["upload_stored"]);
});

test("[F10] what the room has is complete, also if the tenant did not hear of it; a room that does not answer is asked again", async () => {
  const { tenant, token } = await newUploader();
  const id = await announced(token, { size: 5 });
  await env.UPLOADS.put(fileKey(tenant.id, id), "hello", { customMetadata: { room } });
  await keepFile(tenant, room, "ada", { id, size: 5 });
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const failing = resetIn(Room, "heldFiles", { times: 3 });
  pass(dayMs);
  await runDurableObjectAlarm(objectOf(tenant));
  expect(failing.calls()).toBe(3);
  expect(await agrees(tenant)).toEqual({ open: 5, stored: 0 });
  pass(30_000);
  await runDurableObjectAlarm(objectOf(tenant));
  expect(await agrees(tenant)).toEqual({ open: 0, stored: 5 });
  expect(await inBucket(tenant)).toEqual([id]);
});

test("[F11] usage, metrics and limits say what was uploaded and what is there", async () => {
  const { tenant, token } = await newUploader({ uploadBytesPerDay: 100, uploadBytesStored: 200, uploadsOpen: 5 });
  await uploaded(token, "hello");
  const { id } = await uploaded(token, "goodbye");
  await announced(token, { size: 8 });
  expect(await left(token)).toEqual({ upload_day: 80, upload_stored: 180, uploads_open: 4 });
  const spans = async (): Promise<unknown> => {
    const asked = await call("/v1/usage", { credential: tenant.key });
    return (await asked.json<{ items: unknown[] }>()).items.at(-1);
  };
  expect(await spans()).toMatchObject({ uploads: 2, uploadedBytes: 12, fileBytes: 12 });
  const metrics = async (): Promise<string> => (await call("/v1/metrics", { credential: tenant.key })).text();
  for (const line of ["parley_uploads_total 2", "parley_uploaded_bytes_total 12", "parley_file_bytes 12"])
    expect(await metrics()).toContain(`\n${line}\n`);
  await evictDurableObject(objectOf(tenant));
  pass(3_600_000);
  await tenantStub(env, tenant.id).releaseUploads([id]);
  expect(await spans()).toMatchObject({ uploads: 0, uploadedBytes: 0, fileBytes: 5 });
  expect(await metrics()).toContain("\nparley_uploaded_bytes_total 12\n");
  expect(await left(token)).toEqual({ upload_day: 80, upload_stored: 187, uploads_open: 4 });
});

test("[T15] at the end of a tenant its uploads go too, the parts of those that never became files among them", async () => {
  const { tenant, token } = await newUploader();
  await uploaded(token, "hello");
  const id = await announced(token, { size: 5, inParts: true });
  await put(token, `${id}/parts/1`, "hello");
  const multipart = await runInDurableObject(
    objectOf(tenant),
    (_, { storage }) => storage.sql.exec<{ multipart: string }>("SELECT multipart FROM upload").one().multipart,
  );
  expect((await asOperator(`/v1/tenants/${tenant.id}`, { method: "DELETE" })).status).toBe(202);
  expect(await reserve(tenant, 1)).toMatchObject({ error: "conflict" });
  do pass(30_000);
  while (await runDurableObjectAlarm(objectOf(tenant)));
  expect(await inBucket(tenant)).toEqual([]);
  const parts = env.UPLOADS.resumeMultipartUpload(fileKey(tenant.id, id), multipart);
  await expect(parts.uploadPart(1, "hello")).rejects.toThrow("10024");
  expect((await asOperator(`/v1/tenants/${tenant.id}`)).status).toBe(404);
});

test("[T15] what a request brings that had begun before the end of its tenant goes too", async () => {
  const { tenant } = await newUploader();
  expect((await asOperator(`/v1/tenants/${tenant.id}`, { method: "DELETE" })).status).toBe(202);
  const isThere = async (): Promise<boolean> => (await asOperator(`/v1/tenants/${tenant.id}`)).status === 200;
  do pass(30_000);
  while ((await runDurableObjectAlarm(objectOf(tenant))) && (await isThere()));
  await env.UPLOADS.put(fileKey(tenant.id, nanoid()), "late");
  pass(lateMs);
  await evictDurableObject(objectOf(tenant));
  expect(await runDurableObjectAlarm(objectOf(tenant))).toBe(true);
  expect(await inBucket(tenant)).toEqual([]);
  expect(await runDurableObjectAlarm(objectOf(tenant))).toBe(false);
});

test("[F10] what lands after it was given up is removed once more, also by a room that was told of it", async () => {
  const { tenant, token } = await newUploader();
  const id = await announced(token, { size: 5 });
  expect((await call(`/v1/uploads/${id}`, { method: "DELETE", credential: token })).status).toBe(204);
  // As a Worker that was killed has left it.
  await env.UPLOADS.put(fileKey(tenant.id, id), "hello", { customMetadata: { room } });
  await keepFile(tenant, room, "ada", { id, size: 5 });
  await runDurableObjectAlarm(objectOf(tenant));
  expect(await inBucket(tenant)).toEqual([id]);
  pass(lateMs);
  await runDurableObjectAlarm(objectOf(tenant));
  expect(await inBucket(tenant)).toEqual([]);
  await expect.poll(() => query(tenant, room, "SELECT id FROM file")).toEqual([]);
  const rows = "SELECT count(*) AS endings FROM upload_ending";
  const endings = await runInDurableObject(objectOf(tenant), (_, { storage }) => storage.sql.exec(rows).one());
  expect(endings).toEqual({ endings: 0 });
  expect(await agrees(tenant)).toEqual({ open: 0, stored: 0 });
});

test("[F10] whoever goes on with it while the room is asked keeps it", async () => {
  const { tenant, token } = await newUploader();
  const id = await announced(token, { size: 5 });
  let stored = 0;
  vi.spyOn(Room.prototype, "heldFiles").mockImplementationOnce((async () => {
    stored = (await put(tenant.key, `${id}/content`, "hello")).status;
    return [];
  }) as never);
  pass(dayMs);
  await runDurableObjectAlarm(objectOf(tenant));
  expect(stored).toBe(200);
  expect(await inBucket(tenant)).toEqual([id]);
  expect(await agrees(tenant)).toEqual({ open: 0, stored: 5 });
});
