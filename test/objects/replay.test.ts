import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import type { WebhookEvent } from "../../src/protocol/webhook.ts";
import { call, newTenant } from "../support/api.ts";
import { roomStub } from "../../src/objects/stubs.ts";
import { everyEvent, hears, newWebhook } from "../support/webhooks.ts";

const room = "team:lobby";
const path = `/v1/rooms/${room}`;
const inShort = ({ id }: Pick<WebhookEvent, "id">): string => id.slice(id.indexOf(":") + 1);

test("[N9] a span is replayed page by page: what was published in it and what last changed in it, as it stands, with the ids of then", async () => {
  const tenant = await newTenant();
  const endpoint = await newWebhook(tenant, everyEvent);
  const as = { credential: tenant.key, user: "ada" };
  const post = async (body: object) =>
    expect((await call(`${path}/messages`, { method: "POST", ...as, body })).status).toBe(201);
  for (const text of ["one", "two", "three"]) await post({ text });
  await call(`${path}/messages/1`, { method: "PATCH", ...as, body: { text: "one again" } });
  await call(`${path}/members/bo`, { method: "PUT", credential: tenant.key, body: { role: "member" } });
  await call(`${path}/messages/2`, { method: "DELETE", ...as });
  await call(`${path}/messages/1`, { method: "PATCH", ...as, body: { text: "one at last" } });
  await post({ text: "eight", replyTo: 3 });
  await call(`${path}/messages/8/reactions/👍`, { method: "PUT", ...as });
  await call(path, { method: "PATCH", credential: tenant.key, body: { settings: { frozen: true } } });
  const [, ...heard] = await hears(tenant, endpoint, 12);
  const ids = new Set(heard.map(({ id }) => id));

  const object = roomStub(env, tenant.id, room);
  const replayed = async (from: number, to: number, limit: number) => {
    const events: WebhookEvent[] = [];
    let after: number | null = null;
    do {
      const page = await object.replay({ from, to, limit, ...(after === null ? {} : { after }) });
      if (!page.ok) throw new Error(page.error);
      expect(page.events.length).toBeLessThanOrEqual(limit);
      events.push(...page.events);
      after = page.next;
    } while (after !== null);
    return events;
  };
  const whole = await replayed(1, 11, 100);
  expect(whole.map(inShort)).toEqual([
    "1:message.created",
    "2:message.created",
    "3:message.created",
    "5:member.updated",
    "6:message.deleted",
    "7:message.updated",
    "8:message.created",
    "9:message.updated",
    // That it was a reaction is not in the row.
    "10:message.updated",
    "11:room.updated",
  ]);
  expect(whole.filter(({ id }) => !ids.has(id)).map(inShort)).toEqual(["10:message.updated"]);
  expect(whole[0]?.data).toMatchObject({ message: { id: 1, seq: 7, text: "one at last" } });
  expect(whole[1]?.data).toMatchObject({ message: { text: null, deletedAt: expect.any(Number) } });
  for (const limit of [1, 2, 3, 7]) expect((await replayed(1, 11, limit)).map(inShort)).toEqual(whole.map(inShort));
  expect((await replayed(3, 8, 2)).map(inShort)).toEqual(whole.slice(2, 7).map(inShort));
  expect(await replayed(12, 99, 10)).toEqual([]);
});

test("[N9] nothing that is hidden, expired or gone is in a replay, and a room that is not there has none", async () => {
  const tenant = await newTenant();
  const as = { credential: tenant.key };
  const post = (user: string, body: object) => call(`${path}/messages`, { method: "POST", ...as, user, body });
  await post("ada", { text: "one" });
  await call(`${path}/bans/sly`, { method: "PUT", ...as, body: { shadow: true } });
  await post("sly", { text: "unseen" });
  await post("ada", { text: "three" });
  const object = roomStub(env, tenant.id, room);
  const replayed = async (limit: number) => {
    const page = await object.replay({ from: 1, to: 99, limit });
    return page.ok && page.events.map(inShort);
  };
  await object.retain(3);
  expect(await replayed(1)).toEqual(["3:message.created"]);
  await call(path, { method: "PATCH", ...as, body: { settings: { frozen: true } } });
  await post("ada", { text: "six" });
  await object.retain(4);
  expect(await replayed(100)).toEqual(["5:room.updated", "6:message.created"]);
  expect(await roomStub(env, tenant.id, "nowhere").replay({ from: 1, to: 9, limit: 9 })).toMatchObject({
    error: "not_found",
  });
  await call(path, { method: "DELETE", ...as });
  expect(await object.replay({ from: 1, to: 9, limit: 9 })).toMatchObject({ error: "room_deleted" });
});
