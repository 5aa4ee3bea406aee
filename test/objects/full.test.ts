/** A room, or a disk, without space for more. */
import { runInDurableObject } from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { newToken } from "../support/api.ts";
import { call, connect, newTenant } from "../routes/edge.ts";
import { evict, query, roomObject } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";

const { roomStorageBytes } = fixedLimits;
/** Nobody waits for ten gigabytes. */
const limitTo = (bytes: number): void => void Object.assign(fixedLimits, { roomStorageBytes: bytes });
afterEach(() => limitTo(roomStorageBytes));

test("[O12] [W7] a room is full a byte beyond its limit: what needs space is refused, and reading, exporting and deleting go on", async () => {
  const tenant = await newTenant(roomy);
  const post = async (path: string, method: string, body?: unknown): Promise<number> =>
    (await call(`/v1/rooms/general${path}`, { method, credential: tenant.key, user: "ada", body })).status;
  for (let count = 0; count < 40; count++)
    expect(await post("/messages", "POST", { text: "x".repeat(4_000) })).toBe(201);
  const ada = await connect("general", { token: await newToken(tenant, "ada") });
  const size = (): Promise<number> =>
    runInDurableObject(roomObject(tenant, "general"), (_, { storage }) => storage.sql.databaseSize);
  expect(roomStorageBytes).toBe(9_500_000_000);
  limitTo(await size());
  expect(await post("/messages/1/reactions/👍", "PUT")).toBe(200);
  limitTo((await size()) - 1);
  ada.send({ type: "publish", ref: "1", nonce: "nonce-of-one", text: "one" });
  expect(await ada.answer("1")).toMatchObject({ type: "error", code: "storage_full", status: 507 });
  for (const [path, method, body] of [
    ["/messages", "POST", { text: "one" }],
    ["/messages:batch", "POST", { messages: [{ text: "one" }] }],
    ["/messages/2/reactions/👍", "PUT", undefined],
    ["/members/bo", "PUT", { role: "member" }],
  ] as const)
    expect([path, await post(path, method, body)]).toEqual([path, 507]);

  expect(await post("/messages?limit=200", "GET")).toBe(200);
  const whole = await call("/v1/rooms/general/export", { credential: tenant.key });
  expect((await whole.text()).trimEnd().split("\n").at(-1)).toMatch(/"type":"end"/);
  for (let id = 1; id <= 40; id++) expect(await post(`/messages/${id}`, "DELETE")).toBe(200);
  // The next flush sees that there is space again, of whatever it was.
  expect(await post("/messages", "POST", { text: "one" })).toBe(201);
  ada.close();
});

test("[O12] where the disk is full a message is refused as such, nothing of it is stored or told, and the next one passes when there is space", async () => {
  const tenant = await newTenant(roomy);
  const ada = await connect("general", { token: await newToken(tenant, "ada") });
  ada.send({ type: "publish", ref: "0", nonce: "nonce-zero", text: "zero" });
  await ada.answer("0");
  const inRoom = (statement: string): Promise<unknown> =>
    runInDurableObject(roomObject(tenant, "general"), (_, { storage }) => void storage.sql.exec(statement));
  // What SQLite says then, as far as it can be had without filling a disk: test/chaos/disk.ts does that.
  await inRoom(
    "CREATE TRIGGER full BEFORE INSERT ON message BEGIN SELECT raise(ABORT, 'database or disk is full: SQLITE_FULL'); END",
  );
  const complaints = vi.spyOn(console, "error").mockImplementation(() => {});
  ada.send({ type: "publish", ref: "1", nonce: "nonce-of-one", text: "one" });
  expect(await ada.answer("1")).toMatchObject({ type: "error", code: "storage_full", status: 507 });
  const posted = await call("/v1/rooms/general/messages", {
    method: "POST",
    credential: tenant.key,
    body: { text: "two" },
  });
  expect(posted.status).toBe(507);
  complaints.mockRestore();
  await inRoom("DROP TRIGGER full");
  await evict(tenant, "general");
  ada.send({ type: "publish", ref: "2", nonce: "nonce-of-one", text: "one" });
  expect(await ada.answer("2")).toMatchObject({ type: "ack", id: 2, seq: 2 });
  expect(ada.of("changes").at(-1)).toMatchObject({ from: 1, to: 2 });
  expect(await query(tenant, "general", "SELECT count(*) AS count FROM message")).toEqual([{ count: 2 }]);
  ada.close();
});
