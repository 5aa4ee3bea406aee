import { expect, test, vi } from "vitest";
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { call, newTenant, newToken } from "../support/api.ts";
import { evict, query, roomObject } from "../support/room.ts";
import { connect } from "../support/socket.ts";

test("[O1] eviction between any two steps changes nothing: sockets stay, seq goes on", async () => {
  const tenant = await newTenant();
  const ada = await connect("general", { token: await newToken(tenant, "ada") });
  const bo = await connect("general", { token: await newToken(tenant, "bo") });
  const steps = [
    { type: "publish", nonce: "nonce-one", text: "one" },
    { type: "publish", nonce: "nonce-two", text: "two", replyTo: 1 },
    { type: "edit", id: 1, text: "one!" },
    { type: "react", id: 2, emoji: "👍" },
    { type: "publish", nonce: "nonce-one", text: "one" },
    { type: "read", upTo: 2 },
    { type: "delete", id: 1 },
    { type: "history", limit: 1 },
  ];
  for (const [index, step] of steps.entries()) {
    await evict(tenant, "general");
    ada.send({ ...step, ref: `${index}` });
    expect(await ada.answer(`${index}`)).not.toMatchObject({ type: "error" });
  }
  await bo.until(() => bo.of("changes").at(-1)?.to === 6);
  expect(
    bo
      .of("changes")
      .flatMap(({ changes }) => changes.map((change) => (change.type === "message" ? change.message.seq : 0))),
  ).toEqual([1, 2, 3, 4, 5, 6]);
  expect(await ada.answer("4")).toMatchObject({ id: 1, duplicate: true });
  expect([ada.closed, bo.closed]).toEqual([null, null]);
});

test("[O2] after waking, every open socket is told the head, at once or by a flush", async () => {
  const tenant = await newTenant();
  const ada = await connect("general", { token: await newToken(tenant, "ada") });
  const bo = await connect("general", { token: await newToken(tenant, "bo") });
  ada.send({ type: "publish", ref: "1", nonce: "nonce-one", text: "one" });
  await ada.answer("1");
  await evict(tenant, "general");
  ada.send({ type: "history", ref: "2", limit: 1 });
  await bo.until(() => bo.of("changes").some(({ from, to }) => from === 1 && to === 1));
  await evict(tenant, "general");
  // The room asks first what its tenant has decided meanwhile: it is told the head before anything is stored.
  await call("/v1/rooms/general/members/bo", { method: "PUT", credential: tenant.key, body: { role: "member" } });
  await bo.until(() => bo.of("changes").at(-1)?.to === 2);
  expect(bo.of("changes").map(({ from, to }) => [from, to])).toEqual([
    [0, 0],
    [0, 1],
    [1, 1],
    [1, 1],
    [1, 2],
  ]);
});

test("[O1] a mute, a frozen room and a role outlive the object's memory", async () => {
  const tenant = await newTenant();
  const ada = await connect("general", { token: await newToken(tenant, "ada") });
  await call("/v1/rooms/general/mutes/ada", { method: "PUT", credential: tenant.key, body: {} });
  await evict(tenant, "general");
  ada.send({ type: "publish", ref: "1", nonce: "nonce-one", text: "one" });
  expect(await ada.answer("1")).toMatchObject({ code: "muted" });
});

test("[O4] a client's close is answered with its code, an empty one with 1000", async () => {
  const tenant = await newTenant();
  for (const [code, answered] of [
    [1000, 1000],
    [4999, 4999],
    [3000, 3000],
    [undefined, 1000],
  ] as const) {
    const socket = await connect("general", { token: await newToken(tenant, "ada") });
    socket.close(code);
    await socket.until(({ closed }) => closed !== null);
    expect(socket.closed?.code).toBe(answered);
  }
});

test("[O5] a reader that does not read is cut with 4408, the others notice nothing", async () => {
  const tenant = await newTenant();
  const ada = await connect("general", { token: await newToken(tenant, "ada") });
  const slow = await connect("general", { token: await newToken(tenant, "slow") });
  await runInDurableObject(roomObject(tenant, "general"), (_, state) => {
    const [socket] = state
      .getWebSockets()
      .filter((candidate) => JSON.stringify(candidate.deserializeAttachment()).includes('"slow"'));
    if (socket === undefined) throw new Error("no socket");
    Object.defineProperty(socket, "bufferedAmount", { get: () => 1_048_577 });
  });
  for (const ref of ["1", "2", "3", "4", "5"])
    ada.send({ type: "publish", ref, nonce: `nonce-number-${ref}`, text: "x".repeat(16_000) });
  expect(await ada.answer("5")).toMatchObject({ type: "ack" });
  await slow.until(({ closed }) => closed !== null);
  expect(slow.closed?.code).toBe(4408);
  expect(slow.of("closing")).toEqual([{ type: "closing", code: 4408, reason: expect.any(String), reconnect: "now" }]);
});

test("[O6] a deleted room answers 410, closes its sockets, and is made anew with another epoch", async () => {
  const tenant = await newTenant();
  const ada = await connect("general", { token: await newToken(tenant, "ada") });
  const { epoch } = ada.welcome;
  ada.send({ type: "publish", ref: "1", nonce: "nonce-one", text: "one" });
  await ada.answer("1");
  expect((await call("/v1/rooms/general", { method: "DELETE", credential: tenant.key })).status).toBe(204);
  await ada.until(({ closed }) => closed !== null);
  expect(ada.closed?.code).toBe(4504);
  expect(await query(tenant, "general", "SELECT id FROM message")).toEqual([]);
  await evict(tenant, "general");
  const refused = await call("/v1/rooms/general/messages", {
    method: "POST",
    credential: tenant.key,
    body: { text: "again" },
  });
  expect(await refused.json()).toMatchObject({ status: 410, code: "room_deleted" });
  expect((await call("/v1/rooms/general", { method: "PUT", credential: tenant.key, body: {} })).status).toBe(201);
  const room = await call("/v1/rooms/general", { credential: tenant.key });
  const made = await room.json<{ head: number; epoch: string }>();
  expect(made.head).toBe(0);
  expect(made.epoch).not.toBe(epoch);
});

test("[O8] [T4] the directory of rooms hears of a room's counts by one job, which may run twice", async () => {
  const tenant = await newTenant();
  const ada = await connect("general", { token: await newToken(tenant, "ada") });
  for (const text of ["one", "two", "three"]) ada.send({ type: "publish", ref: text, nonce: `nonce-${text}`, text });
  await ada.answer("three");
  await call("/v1/rooms/general/members/bo", { method: "PUT", credential: tenant.key, body: { role: "member" } });
  const listing = async () =>
    (await (await call("/v1/rooms", { credential: tenant.key })).json<{ items: object[] }>()).items;
  expect(await listing()).toMatchObject([{ name: "general", messages: 0 }]);
  const [job] = await query<{ at: number }>(tenant, "general", "SELECT at FROM job WHERE name = 'report'");
  expect((job?.at ?? Infinity) - Date.now()).toBeLessThanOrEqual(10_000);
  // The clock goes on; the alarm rings when the test says so, twice.
  for (let ring = 0; ring < 2; ring++) {
    await query(tenant, "general", "SELECT 1");
    vi.setSystemTime(Date.now() + 11_000);
    await runDurableObjectAlarm(roomObject(tenant, "general"));
    vi.useRealTimers();
  }
  expect(await listing()).toMatchObject([{ name: "general", messages: 3, members: 1, online: 1 }]);
});
