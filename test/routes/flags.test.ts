import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { ordinary, type TestTenant } from "../support/api.ts";
import { roomy } from "../support/roomy.ts";
import { refused } from "./answers.ts";
import { call, connect, newTenant, newToken } from "./edge.ts";

interface Here {
  readonly tenant: TestTenant;
  readonly ada: string;
  readonly bo: string;
}

async function newRooms(): Promise<Here> {
  const tenant = await newTenant(roomy);
  const [ada, bo] = await Promise.all([
    newToken(tenant, "ada", { "*": ordinary }),
    newToken(tenant, "bo", { "*": ordinary }),
  ]);
  for (const room of ["general", "other"])
    for (const text of ["one", "two"])
      await call(`/v1/rooms/${room}/messages`, { method: "POST", credential: ada, body: { text } });
  return { tenant, ada, bo };
}

const flag = (credential: string, id: number, body: object = {}, room = "general") =>
  call(`/v1/rooms/${room}/messages/${id}/flags`, { method: "POST", credential, body });
const queue = async ({ tenant }: Here, query = "") =>
  (await call(`/v1/flags${query}`, { credential: tenant.key })).json<{
    items: Record<string, unknown>[];
    next?: string;
  }>();
const resolve = ({ tenant }: Here, id: unknown, body: object = { state: "resolved" }) =>
  call(`/v1/flags/${String(id)}`, { method: "PATCH", credential: tenant.key, body });

test("[G9] a user flags a message once, whatever was evicted, and nobody in the room hears of it", async () => {
  const here = await newRooms();
  const reader = await connect("general", { token: here.ada });
  const before = reader.frames.length;
  const first = await flag(here.bo, 1, { reason: "rude" });
  expect(first.status).toBe(201);
  const receipt = await first.json();
  expect(receipt).toEqual({ flag: expect.any(Number), createdAt: expect.any(Number) });
  await evictDurableObject(env.TENANT.getByName(here.tenant.id));
  const again = await flag(here.bo, 1, { reason: "very rude" });
  expect([again.status, await again.json()]).toEqual([200, receipt]);
  // Another user's is another, and so is another message's.
  for (const [who, id] of [
    [here.ada, 1],
    [here.bo, 2],
  ] as const)
    expect((await flag(who, id)).status).toBe(201);
  const { items } = await queue(here);
  expect(items.map(({ message, user, reason }) => [message, user, reason])).toEqual([
    [1, "bo", "rude"],
    [1, "ada", null],
    [2, "bo", null],
  ]);
  expect(items[0]).toMatchObject({ room: "general", sender: "ada", state: "open", note: null, resolvedAt: null });
  await call("/v1/rooms/general/messages", { method: "POST", credential: here.ada, body: { text: "fence" } });
  await reader.until(() => reader.frames.length > before);
  expect(reader.frames.slice(before).map(({ type }) => type)).toEqual(["changes"]);
});

test("[G9] the queue is read in order, by state and by room, and a flag is resolved with a note", async () => {
  const here = await newRooms();
  for (const room of ["general", "other"]) for (const id of [1, 2]) await flag(here.bo, id, {}, room);
  const all = (await queue(here)).items.map(({ id }) => id);
  expect((await queue(here, "?limit=3")).items.map(({ id }) => id)).toEqual(all.slice(0, 3));
  const { next } = await queue(here, "?limit=3");
  expect(next).toBe(String(all[2]));
  expect(await queue(here, `?limit=3&after=${next}`)).toMatchObject({ items: [{ id: all[3], room: "other" }] });
  expect((await queue(here, "?room=other")).items.map(({ id }) => id)).toEqual(all.slice(2));

  const resolved = await resolve(here, all[0], { state: "resolved", note: "warned" });
  expect(await resolved.json()).toMatchObject({ id: all[0], state: "resolved", note: "warned" });
  expect((await queue(here, "?state=open")).items.map(({ id }) => id)).toEqual(all.slice(1));
  const [done] = (await queue(here, "?state=resolved")).items;
  expect(done).toMatchObject({ id: all[0], note: "warned", resolvedAt: expect.any(Number) });
  // Again is the same; a note that comes later takes the place of the one before.
  expect(await (await resolve(here, all[0])).json()).toEqual(done);
  expect(await (await resolve(here, all[0], { state: "resolved", note: "banned" })).json()).toEqual({
    ...done,
    note: "banned",
  });
  await refused(await resolve(here, 4_711), 404, "not_found");
  await refused(await resolve(here, all[1], { state: "open" }), 400, "invalid_field");
  // What was flagged is flagged, looked at or not.
  expect((await flag(here.bo, 1)).status).toBe(200);
  const audit = await call("/v1/audit?action=flag.resolved", { credential: here.tenant.key });
  expect((await audit.json<{ items: unknown[] }>()).items).toHaveLength(2);
});

test("[G9] only a user who may read the message flags it, and a room made anew has other messages", async () => {
  const here = await newRooms();
  await refused(await flag(here.tenant.key, 1), 403, "forbidden");
  await refused(await flag(await newToken(here.tenant, "cy", { "*": ["publish"] }), 1), 403, "forbidden");
  await refused(await flag(here.bo, 3), 404, "not_found");
  await refused(await flag(here.bo, 1, { reason: "r".repeat(fixedLimits.reasonLength + 1) }), 400, "invalid_field");
  expect((await flag(here.bo, 1, { reason: "r".repeat(fixedLimits.reasonLength) })).status).toBe(201);
  // What one cannot see one cannot flag.
  await call("/v1/rooms/general/bans/ada", { method: "PUT", credential: here.tenant.key, body: { shadow: true } });
  await call("/v1/rooms/general/messages", { method: "POST", credential: here.ada, body: { text: "hidden" } });
  await refused(await flag(here.bo, 3), 404, "not_found");
  const room = { credential: here.tenant.key };
  await call("/v1/rooms/general", { method: "DELETE", ...room });
  await call("/v1/rooms/general", { method: "PUT", body: {}, ...room });
  await call("/v1/rooms/general/messages", { method: "POST", body: { text: "anew" }, ...room });
  expect((await flag(here.bo, 1)).status).toBe(201);
  expect((await queue(here)).items.map(({ message, sender }) => [message, sender])).toEqual([
    [1, "ada"],
    [1, null],
  ]);
});
