import { expect, test, vi } from "vitest";
import { runInDurableObject } from "cloudflare:test";
import { defaultLimits, fixedLimits } from "../../src/protocol/limits.ts";
import { newTenant, newToken } from "../support/api.ts";
import { evict, roomObject, rowsOf } from "../support/room.ts";
import { connect } from "../support/socket.ts";

const caller = {
  session: {
    connection: "c",
    user: "ada",
    name: null,
    capabilities: ["read" as const],
    ceiling: ["read" as const],
    key: "k",
    token: null,
    issuedAt: 0,
    expiresAt: null,
  },
  policy: { version: 0, limits: defaultLimits, autoCreate: true },
};

test("[R7] in a history of 30,000 messages resuming and paging read a handful of rows, and so does waking", async () => {
  const tenant = await newTenant();
  const ada = await connect("general", { token: await newToken(tenant, "ada") });
  ada.send({ type: "publish", ref: "1", nonce: "nonce-one", text: "one" });
  await ada.answer("1");
  await runInDurableObject(roomObject(tenant, "general"), (_, { storage }) => {
    storage.sql.exec(`WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
      INSERT INTO message (id, seq, version, sender, text, replies, status, created_at) SELECT i, i, 1, 'ada', 'x', 0, 'sent', 0 FROM n`);
    // Some of them changed since, far apart.
    storage.sql.exec("UPDATE message SET seq = 30000 + id / 1000, version = 2 WHERE id % 1000 = 0");
  });
  await evict(tenant, "general");
  const { epoch } = ada.welcome;
  const reads = async (body: Parameters<typeof rowsOf>[2]) => (await rowsOf(tenant, "general", body)).read;
  // All are the caller's own, so none is unread, and no more of them are looked at.
  expect(await reads((room) => room.describe(caller))).toBeLessThan(fixedLimits.unreadSearched + 10);
  expect(await reads((room) => room.changes(caller, { cursor: `${epoch}:30029`, backlog: 50 }))).toBeLessThan(10);
  expect(await reads((room) => room.changes(caller, { cursor: `${epoch}:30030`, backlog: 50 }))).toBeLessThan(10);
  expect(await reads((room) => room.messages(caller, { limit: 50 }))).toBeLessThan(60);
  expect(await reads((room) => room.messages(caller, { before: 15_000, limit: 50 }))).toBeLessThan(60);
});

test("[A11] a token that has expired, leeway included, ends its socket with 4401 at the next frame", async () => {
  const tenant = await newTenant();
  const ada = await connect("general", { token: await newToken(tenant, "ada") });
  const { expiresAt } = ada.welcome;
  ada.send({ type: "publish", ref: "1", nonce: "nonce-one", text: "in time" });
  expect(await ada.answer("1")).toMatchObject({ type: "ack" });
  vi.setSystemTime((expiresAt ?? 0) + 29_000);
  ada.send({ type: "publish", ref: "2", nonce: "nonce-two", text: "within the leeway" });
  expect(await ada.answer("2")).toMatchObject({ type: "ack" });
  vi.setSystemTime((expiresAt ?? 0) + 30_000);
  ada.send({ type: "publish", ref: "3", nonce: "nonce-three", text: "too late" });
  await ada.until(({ closed }) => closed !== null);
  vi.useRealTimers();
  expect(ada.closed?.code).toBe(4401);
  expect(ada.of("closing")).toMatchObject([{ code: 4401, reconnect: "now" }]);
});
