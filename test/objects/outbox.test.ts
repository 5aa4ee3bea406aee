import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, expect, type Mock, test, vi } from "vitest";
import { Outbox } from "../../src/objects/room/outbox.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { call, newTenant, newToken, type TestTenant } from "../support/api.ts";
import { evict, query, roomObject, rowsOf } from "../support/room.ts";
import { connect } from "../support/socket.ts";
import { everyEvent, heardBy, hears, newWebhook, removeWebhook, trouble } from "../support/webhooks.ts";

const room = "team:lobby";
const path = `/v1/rooms/${room}`;
const messages = { events: ["message.*"] };

async function post(tenant: TestTenant, ...bodies: object[]): Promise<void> {
  for (const body of bodies) {
    const posted = await call(`${path}/messages`, { method: "POST", credential: tenant.key, user: "ada", body });
    expect(posted.status).toBe(201);
  }
}

/** The room has lost its memory, and its alarm rings. */
async function ringAnew(tenant: TestTenant): Promise<void> {
  await query(tenant, room, "INSERT OR REPLACE INTO job (name, at) VALUES ('outbox', 1)");
  await evict(tenant, room);
  await runDurableObjectAlarm(roomObject(tenant, room));
}

let complaints: Mock;
beforeEach(() => {
  complaints = vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => {
  complaints.mockRestore();
});

const waiting = (tenant: TestTenant): Promise<{ type: string; data: string }[]> =>
  query(tenant, room, "SELECT type, data FROM outbox ORDER BY position");
const texts = (count: number): object[] => Array.from({ length: count }, (_, index) => ({ text: `text ${index}` }));

test("[N1] [N2] each change makes one event, with an id of its own and what it has changed, as a reader is shown it", async () => {
  const tenant = await newTenant();
  const endpoint = await newWebhook(tenant, everyEvent);
  const as = { credential: tenant.key, user: "ada" };
  await post(tenant, { text: "one" }, { text: "two", replyTo: 1 });
  await call(`${path}/messages/1`, { method: "PATCH", ...as, body: { text: "one again" } });
  const edited: { message: object } = await (await call(`${path}/messages/1`, as)).json();
  await hears(tenant, endpoint, 5);
  await call(`${path}/messages/1/reactions/👍`, { method: "PUT", ...as });
  await hears(tenant, endpoint, 6);
  await call(`${path}/messages/1/reactions/👍`, { method: "DELETE", ...as });
  await call(`${path}/messages/1`, { method: "DELETE", ...as });
  await call(`${path}/members/bo`, { method: "PUT", credential: tenant.key, body: { role: "moderator", name: "Bo" } });
  await hears(tenant, endpoint, 9);
  await call(`${path}/members/bo`, { method: "DELETE", credential: tenant.key });
  await call(path, { method: "PATCH", credential: tenant.key, body: { settings: { frozen: true } } });
  const [made, ...heard] = await hears(tenant, endpoint, 11);
  expect(made).toMatchObject({ type: "room.created", room, data: { settings: { frozen: false } } });
  const { cursor }: { cursor: string } = await (await call(`${path}/changes?after=0`, as)).json();
  const epoch = cursor.slice(0, cursor.indexOf(":"));
  expect(heard.map(({ id }) => id)).toEqual(heard.map(({ seq, type }) => `${epoch}:${seq}:${type}`));
  expect(heard.map(({ data }) => data["cursor"])).toEqual(heard.map(({ seq }) => `${epoch}:${seq}`));
  expect(heard).toMatchObject([
    {
      type: "message.created",
      seq: 1,
      data: { message: { id: 1, seq: expect.any(Number), text: "one", sender: { id: "ada" } } },
    },
    { type: "message.created", seq: 2, data: { message: { id: 2, text: "two", replyTo: 1 } } },
    // Its count of replies.
    { type: "message.updated", seq: 3, data: { message: { id: 1, replies: 1 } } },
    { type: "message.updated", seq: 4, data: edited },
    {
      type: "reaction.added",
      seq: 5,
      data: { message: { reactions: { "👍": { count: 1 } } }, emoji: "👍", user: "ada" },
    },
    { type: "reaction.removed", seq: 6, data: { message: { id: 1 }, emoji: "👍", user: "ada" } },
    { type: "message.deleted", seq: 7, data: { message: { id: 1, text: null, deletedAt: expect.any(Number) } } },
    { type: "member.updated", seq: 8, data: { member: { user: "bo", name: "Bo", role: "moderator", seq: 8 } } },
    { type: "member.removed", seq: 9, data: { member: { user: "bo", role: null } } },
    { type: "room.updated", seq: 10, data: { settings: { frozen: true, slowModeMs: 0 } } },
  ]);
  expect(await waiting(tenant)).toEqual([]);
});

test("[N1] a change that fails makes no event, and one whose event cannot be written does not happen", async () => {
  const tenant = await newTenant();
  const endpoint = await newWebhook(tenant, messages);
  await post(tenant, { text: "one" });
  const publish = (nonce: string, text: string) => ({ type: "publish", ref: nonce, nonce, text });
  const ada = await connect(room, { token: await newToken(tenant, "ada") });
  const fails = (table: string) =>
    `CREATE TRIGGER broken BEFORE INSERT ON ${table} WHEN NEW.seq = 3 BEGIN SELECT raise(ABORT, 'no'); END`;
  await query(tenant, room, fails("message"));
  ada.send([
    publish("nonce-two", "two"),
    publish("nonce-three", "three"),
    { ...publish("nonce-four", "four"), replyTo: 99 },
  ]);
  expect(await ada.answer("nonce-two")).toMatchObject({ type: "ack", id: 2 });
  expect(await ada.answer("nonce-three")).toMatchObject({ type: "error", code: "internal" });
  await query(tenant, room, "DROP TRIGGER broken");
  await query(tenant, room, fails("outbox"));
  ada.send(publish("nonce-three", "three"));
  await ada.until(() => ada.of("error").length === 3);
  expect((await hears(tenant, endpoint, 2)).map(({ seq }) => seq)).toEqual([1, 2]);
  expect(await (await call(`${path}/messages`, { credential: tenant.key })).json()).toMatchObject({
    messages: [{ id: 1 }, { id: 2 }],
  });
});

test("[N1] a room to which nobody subscribes writes and keeps nothing for it", async () => {
  const tenant = await newTenant();
  await newWebhook(tenant, { ...messages, rooms: ["other:*"] });
  await newWebhook(tenant, { events: ["reaction.*", "presence.*"] });
  await post(tenant, ...texts(2));
  const { written } = await rowsOf(tenant, room, async () => {
    await post(tenant, { text: "plain" });
    expect(await waiting(tenant)).toEqual([]);
  });
  // The message itself: it has no nonce.
  expect(written).toBe(1);
});

test("[N3] what is hidden, expired or removed makes no event, and erasing a user takes the name from what waits", async () => {
  const tenant = await newTenant();
  const endpoint = await newWebhook(tenant, {
    events: ["message.*", "reaction.*", "member.*", "moderation.*", "room.updated"],
  });
  const as = { credential: tenant.key };
  const token = { credential: await newToken(tenant, "sly") };
  await post(tenant, { text: "one" });
  await call(`${path}/bans/sly`, { method: "PUT", ...as, body: { shadow: true } });
  await hears(tenant, endpoint, 2);
  const sly = (method: string, to: string, body?: object) =>
    call(`${path}/messages${to}`, { method, ...token, ...(body === undefined ? {} : { body }) });
  expect((await sly("POST", "", { text: "unseen" })).status).toBe(201);
  await sly("PATCH", "/2", { text: "still unseen" });
  await sly("PUT", "/1/reactions/👎");
  await sly("DELETE", "/2");
  expect(await heardBy(tenant, endpoint)).toHaveLength(2);

  const release = trouble(tenant, endpoint, "throws");
  await post(tenant, { text: "of ada" });
  const expiring = { text: "for a second", expiresInMs: 1_000 };
  await call(`${path}/messages`, { method: "POST", ...as, body: expiring });
  await query(tenant, room, "UPDATE message SET expires_at = 1 WHERE expires_at IS NOT NULL");
  await call(`${path}/messages/1/reactions/👍`, { method: "PUT", ...as, user: "ada" });
  await call(`${path}/members/ada`, { method: "PUT", ...as, body: { role: "moderator", name: "Ada" } });
  await call(`${path}/mutes/bo`, {
    method: "PUT",
    credential: await newToken(tenant, "ada", { "*": ["moderate"] }),
    body: { until: 7 },
  });
  await roomObject(tenant, room).erase("ada");
  expect(JSON.stringify(await waiting(tenant))).not.toContain("ada");
  release();
  await ringAnew(tenant);
  const later = (await hears(tenant, endpoint, 4)).slice(2);
  expect(later.map(({ type, data }) => [type, data["message"] ?? data["user"]])).toEqual([
    ["message.created", expect.objectContaining({ text: null, sender: null })],
    ["moderation.muted", "bo"],
  ]);
  expect(JSON.stringify(later)).not.toContain("ada");
  await roomObject(tenant, room).retain(4);
  await post(tenant, { text: "last" });
  expect((await hears(tenant, endpoint, 5)).at(-1)).toMatchObject({ data: { message: { text: "last" } } });
});

test("[N6] one endpoint that hangs and one that throws hold up neither the room nor another, and hear all in order later", async () => {
  const tenant = await newTenant();
  const [hanging, throwing, well] = [
    await newWebhook(tenant, messages),
    await newWebhook(tenant, messages),
    await newWebhook(tenant, messages),
  ];
  const release = trouble(tenant, hanging, "hangs");
  const repair = trouble(tenant, throwing, "throws");
  await post(tenant, ...texts(3));
  const inOrder = (heard: { seq?: number }[]) => heard.map(({ seq }) => seq);
  expect(inOrder(await hears(tenant, well, 3))).toEqual([1, 2, 3]);
  await expect.poll(() => complaints.mock.calls.length).toBe(1);
  expect(complaints.mock.calls[0]?.[0]).toContain(throwing);
  expect(await heardBy(tenant, throwing)).toEqual([]);
  expect(await waiting(tenant)).toHaveLength(6);
  await post(tenant, ...texts(2));
  expect(inOrder(await hears(tenant, well, 5))).toEqual([1, 2, 3, 4, 5]);
  release();
  repair();
  expect(inOrder(await hears(tenant, hanging, 5))).toEqual([1, 2, 3, 4, 5]);
  // It is left alone for a while, and by an alarm given another chance.
  expect(await heardBy(tenant, throwing)).toEqual([]);
  await ringAnew(tenant);
  expect(inOrder(await hears(tenant, throwing, 5))).toEqual([1, 2, 3, 4, 5]);
  expect(await waiting(tenant)).toEqual([]);
});

test("[N6] what waits for an endpoint goes when the endpoint is removed, and to it where it is only disabled", async () => {
  const tenant = await newTenant();
  const [gone, disabled] = [await newWebhook(tenant, messages), await newWebhook(tenant, messages)];
  const release = [trouble(tenant, gone, "throws"), trouble(tenant, disabled, "throws")];
  const ada = await connect(room, { token: await newToken(tenant, "ada") });
  await post(tenant, ...texts(2));
  expect(await waiting(tenant)).toHaveLength(4);
  await removeWebhook(tenant, gone);
  const patch = { method: "PATCH", credential: tenant.key, body: { isEnabled: false } };
  expect((await call(`/v1/webhooks/${disabled}`, patch)).status).toBe(200);
  await post(tenant, { text: "not wanted" });
  for (const letGo of release) letGo();
  await ringAnew(tenant);
  await expect.poll(() => waiting(tenant)).toEqual([]);
  expect((await hears(tenant, disabled, 2)).map(({ seq }) => seq)).toEqual([1, 2]);
  expect(await heardBy(tenant, gone)).toEqual([]);
  ada.close();
});

test("[N7] what was committed is handed on after the room has lost its memory, with the same ids, and what was not is not", async () => {
  const tenant = await newTenant();
  const endpoint = await newWebhook(tenant, messages);
  const release = trouble(tenant, endpoint, "throws");
  await post(tenant, ...texts(3));
  expect(await waiting(tenant)).toHaveLength(3);
  release();
  await ringAnew(tenant);
  const first = await hears(tenant, endpoint, 3);
  // As when the room was lost between the endpoint's answer and its own note of it.
  await query(
    tenant,
    room,
    `INSERT INTO outbox (endpoint, position, type, at, seq, data) VALUES ('${endpoint}', 9, 'message.created', 0, 2, '{"message":2}')`,
  );
  await ringAnew(tenant);
  await expect.poll(() => waiting(tenant)).toEqual([]);
  expect(await heardBy(tenant, endpoint)).toEqual(first);
});

test("[N8] an endpoint that falls too far behind is told of every change from the rows when it is back", async () => {
  const tenant = await newTenant();
  const endpoint = await newWebhook(tenant, messages);
  await post(tenant, { text: "one" });
  await hears(tenant, endpoint, 1);
  const release = trouble(tenant, endpoint, "throws");
  await post(tenant, { text: "two" });
  // Of a kind that it does not want, so that they go by quickly.
  await query(
    tenant,
    room,
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${fixedLimits.outboxEvents - 2})
     INSERT INTO outbox (endpoint, position, type, at, id, data) SELECT '${endpoint}', 100 + i, 'room.vacated', 0, i, '{}' FROM n`,
  );
  await evict(tenant, room);
  await post(tenant, { text: "three" });
  expect(await query(tenant, room, "SELECT count(*) AS n FROM outbox")).toEqual([{ n: fixedLimits.outboxEvents }]);
  await post(tenant, { text: "four" }, { text: "five" });
  await call(`${path}/messages/1`, { method: "PATCH", credential: tenant.key, body: { text: "one again" } });
  await call(`${path}/messages/5`, { method: "PATCH", credential: tenant.key, body: { text: "five again" } });
  expect(await query(tenant, room, "SELECT count(*) AS n FROM outbox")).toEqual([{ n: fixedLimits.outboxEvents }]);
  expect(await query(tenant, room, "SELECT after FROM outbox_behind")).toEqual([{ after: 3 }]);
  release();
  await ringAnew(tenant);
  const heard = await hears(tenant, endpoint, 7);
  expect(heard.map(({ seq, type }) => `${seq} ${type}`)).toEqual([
    ...[1, 2, 3, 4, 5].map((seq) => `${seq} message.created`),
    "6 message.updated",
    "7 message.updated",
  ]);
  await expect.poll(() => query(tenant, room, "SELECT * FROM outbox_behind")).toEqual([]);
  await post(tenant, { text: "eight" });
  expect((await hears(tenant, endpoint, 8)).at(-1)).toMatchObject({ seq: 8, type: "message.created" });
});

test("[N8] [N23] an endpoint that is disabled while it is far behind is told from the rows, and nothing more is written for it", async () => {
  const tenant = await newTenant();
  const endpoint = await newWebhook(tenant, messages);
  const release = trouble(tenant, endpoint, "throws");
  await post(tenant, ...texts(2));
  await query(tenant, room, "DELETE FROM outbox");
  await query(tenant, room, `INSERT INTO outbox_behind (endpoint, after) VALUES ('${endpoint}', 0)`);
  const ada = await connect(room, { token: await newToken(tenant, "ada") });
  const enable = (isEnabled: boolean) =>
    call(`/v1/webhooks/${endpoint}`, { method: "PATCH", credential: tenant.key, body: { isEnabled } });
  expect((await enable(false)).status).toBe(200);
  release();
  await ringAnew(tenant);
  await hears(tenant, endpoint, 2);
  await expect.poll(() => query(tenant, room, "SELECT * FROM outbox_behind")).toEqual([]);
  await post(tenant, { text: "three" });
  expect(await waiting(tenant)).toEqual([]);
  expect((await enable(true)).status).toBe(200);
  await post(tenant, { text: "four" });
  expect((await hears(tenant, endpoint, 3)).map(({ seq }) => seq)).toEqual([1, 2, 4]);
  ada.close();
});

test("[N8] an endpoint that keeps up with a room, some events behind, is never told from the rows", async () => {
  const tenant = await newTenant();
  await post(tenant, { text: "one" });
  const found = await runInDurableObject(roomObject(tenant, room), (_, { storage }) => {
    const outbox = new Outbox(storage, { room, subscriptions: () => [{ id: "w1", ...everyEvent }], onNew: () => {} });
    const batch = fixedLimits.outboxBatchEvents;
    const add = (count: number): void => {
      for (; count > 0; count--) outbox.add("presence.joined", {}, 1);
    };
    add(batch + 1);
    for (let round = 0; round * batch < fixedLimits.outboxEvents; round++) {
      const position = outbox.waiting("w1", batch).at(-1)?.position ?? 0;
      add(batch);
      outbox.taken("w1", position);
    }
    return outbox.waiting("w1", 2 * batch).length;
  });
  expect(found).toBe(fixedLimits.outboxBatchEvents + 1);
});
