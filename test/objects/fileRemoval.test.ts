import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { Tenant } from "../../src/objects/tenant/tenant.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import type { Message } from "../../src/protocol/message.ts";
import { call, newTenant, newToken, type TestTenant } from "../support/api.ts";
import { pass, startClock, stopClock } from "../support/clock.ts";
import { resetIn } from "../support/failing.ts";
import { addFile, bytesOf, storedBytesOf } from "../support/files.ts";
import { query, roomObject } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";

const room = "general";
const path = `/v1/rooms/${room}`;
const { unattachedMs, filesPerRemoval } = fixedLimits;
let tenant: TestTenant;
let ada: string;

beforeEach(async () => {
  stopClock();
  tenant = await newTenant(roomy);
  ada = await newToken(tenant, "ada");
});
afterEach(() => {
  vi.restoreAllMocks();
  startClock();
});

async function publish(body: object, credential = ada): Promise<Message> {
  const made = await call(`${path}/messages`, { method: "POST", credential, body });
  expect(made.status).toBe(201);
  return (await made.json<{ message: Message }>()).message;
}

/** A message with so many files. */
async function withFiles(count: number, more: object = {}): Promise<{ id: number; files: string[] }> {
  const files: string[] = [];
  for (let index = 0; index < count; index++) files.push(await addFile(tenant, room, "ada"));
  return { id: (await publish({ attachments: files, ...more })).id, files };
}

const remove = (id: number) => call(`${path}/messages/${id}`, { method: "DELETE", credential: ada });
const rows = (): Promise<{ id: string }[]> => query(tenant, room, "SELECT id FROM file ORDER BY id");
const ring = (): Promise<boolean> => runDurableObjectAlarm(roomObject(tenant, room));
const jobs = async (): Promise<string[]> =>
  (await query<{ name: string }>(tenant, room, "SELECT name FROM job")).map(({ name }) => name);

/** Waits until these files are all there is of the tenant: bytes, quota and rows. */
async function remains(...files: string[]): Promise<void> {
  const sorted = files.toSorted();
  await expect
    .poll(async () => (await rows()).map(({ id }) => id).toSorted(), { timeout: 30_000, interval: 5 })
    .toEqual(sorted);
  expect((await bytesOf(tenant)).toSorted()).toEqual(sorted);
  expect(await storedBytesOf(tenant)).toBe(4 * files.length);
}

test("[F17] with a message go the bytes of its files, their place in the quota and their rows, and no other's", async () => {
  const stays = await withFiles(1);
  const { id } = await withFiles(2);
  expect((await remove(id)).status).toBe(200);
  await remains(...stays.files);
  const { id: redacted } = await withFiles(1);
  expect((await call(`${path}/messages/${redacted}?redact=true`, { method: "DELETE", credential: ada })).status).toBe(
    200,
  );
  await remains(...stays.files);
  expect(await jobs()).not.toContain("files");
});

test("[F17] so it is with retention, expiry, erasure and the end of the room", async () => {
  await withFiles(2);
  const kept = await withFiles(1);
  await roomObject(tenant, room).retain(kept.id);
  await remains(...kept.files);

  await withFiles(2, { expiresInMs: 60_000 });
  pass(60_000);
  await ring();
  await remains(...kept.files);

  const bos = await addFile(tenant, room, "bo");
  await publish({ attachments: [bos] }, await newToken(tenant, "bo"));
  await addFile(tenant, room, "bo");
  await roomObject(tenant, room).erase("bo");
  await remains(...kept.files);

  await addFile(tenant, room, "ada");
  expect((await call(path, { method: "DELETE", credential: tenant.key })).status).toBe(204);
  await remains();
});

test("[F17] however many go at once, they go in bounded steps", async () => {
  await publish({ text: "with so many" });
  await query(
    tenant,
    room,
    `WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n <= ${2 * filesPerRemoval})
     INSERT INTO file (id, name, type, size, at, message) SELECT 'file-' || n, 'n', 't/x', 1, 0, 1 FROM counted`,
  );
  const releases = vi.spyOn(Tenant.prototype, "releaseUploads");
  await roomObject(tenant, room).retain(2);
  await remains();
  expect(releases.mock.calls.map(([ids]) => ids.length)).toEqual([filesPerRemoval, filesPerRemoval, 1]);
});

test("[F17] a message that names a file of another room, as an import may bring it, does not take it along", async () => {
  await call("/v1/rooms/origin", { method: "PUT", credential: tenant.key, body: {} });
  const origins = await addFile(tenant, "origin", "ada");
  await publish({ text: "imported" });
  await query(
    tenant,
    room,
    `INSERT INTO file (id, name, type, size, at, message) VALUES ('${origins}', 'n', 't/x', 4, 0, 1)`,
  );
  await roomObject(tenant, room).retain(2);
  await expect.poll(rows).toEqual([]);
  expect(await bytesOf(tenant)).toEqual([origins]);
  expect(await storedBytesOf(tenant)).toBe(4);
});

test("[F17] what fails is done by the alarm, and what was done is not missed", async () => {
  const stays = await withFiles(1);
  const { id, files } = await withFiles(2);
  // The bytes are gone, and the tenant has not heard of it.
  const failing = resetIn(Tenant, "releaseUploads", { times: 3 });
  await remove(id);
  await expect.poll(failing.calls, { timeout: 30_000 }).toBe(3);
  await expect.poll(() => bytesOf(tenant), { timeout: 30_000 }).toEqual(stays.files);
  expect((await rows()).map(({ id: file }) => file).toSorted()).toEqual([...stays.files, ...files].toSorted());
  expect(await jobs()).toContain("files");
  pass(2_000);
  await ring();
  await remains(...stays.files);
});

test("[F17] the tenant has heard of it, and the room does not know: told again, nothing is given back twice", async () => {
  const stays = await withFiles(3);
  const { id } = await withFiles(2);
  const failing = resetIn(Tenant, "releaseUploads", { times: 3, afterwards: true });
  await remove(id);
  await expect.poll(failing.calls, { timeout: 30_000 }).toBe(3);
  pass(2_000);
  await ring();
  await remains(...stays.files);
});

test("[F18] what no message carries after a day goes, to the millisecond; what one carries stays", async () => {
  const { files } = await withFiles(1);
  const first = await addFile(tenant, room, "ada");
  pass(1_000);
  const second = await addFile(tenant, room, null);
  pass(unattachedMs - 1_001);
  await ring();
  await remains(...files, first, second);
  pass(1);
  await ring();
  await remains(...files, second);
  const late = { method: "POST", credential: tenant.key, user: "ada", body: { attachments: [first] } };
  expect((await call(`${path}/messages`, late)).status).toBe(404);
  pass(1_000);
  await ring();
  await remains(...files);
});

test("[F18] [O3] a room whose files are all carried has no alarm for them, and none a moment after the last removal", async () => {
  const waiting = await addFile(tenant, room, "ada");
  expect(await jobs()).toContain("files");
  const { id } = await publish({ attachments: [waiting] });
  await expect.poll(jobs).not.toContain("files");
  await remove(id);
  await remains();
  await expect.poll(jobs).not.toContain("files");
  for (let minute = 0; minute < 2; minute++) {
    pass(60_000);
    await ring();
  }
  expect(await jobs()).toEqual([]);
  expect(await runInDurableObject(roomObject(tenant, room), (_, { storage }) => storage.getAlarm())).toBeNull();
});

test("[F19] a redacted message leaves none of its words in any table of its room, and no file", async () => {
  const [secret, other] = ["tell-nobody-7f3a", "nor-this-91bc"];
  await withFiles(1, { text: secret, data: { secret }, nonce: "nonce-of-secret", mentions: ["bo"] });
  await call(`${path}/messages/1`, { method: "PATCH", credential: ada, body: { text: other } });
  await call(`${path}/messages/1/reactions/👍`, { method: "PUT", credential: ada });
  const dump = (): Promise<string> =>
    runInDurableObject(roomObject(tenant, room), (_, { storage: { sql } }) => {
      const tables = sql.exec<{ name: string }>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
      );
      return JSON.stringify(tables.toArray().map(({ name }) => sql.exec(`SELECT * FROM "${name}"`).toArray()));
    });
  expect(await dump()).toContain(other);
  const redacted = await call(`${path}/messages/1?redact=true`, { method: "DELETE", credential: ada });
  expect(await redacted.json()).toMatchObject({
    message: { text: null, data: null, mentions: [], attachments: [], reactions: {}, deletedAt: expect.any(Number) },
  });
  await remains();
  const left = await dump();
  for (const word of [secret, other, "photo.png", "👍"]) expect(left).not.toContain(word);
});
