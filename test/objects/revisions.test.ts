import { beforeEach, expect, test } from "vitest";
import { fixedLimits } from "../../src/protocol/limits.ts";
import type { Message } from "../../src/protocol/message.ts";
import { call, everything, newTenant, newToken, type TestTenant } from "../support/api.ts";
import { evict, query, roomObject } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import { exported, imported } from "../routes/exported.ts";

const room = "general";
let tenant: TestTenant;
/** `ada` and `bo` are ordinary users, `mo` may do everything. */
let ada: string;
let bo: string;
let mo: string;

beforeEach(async () => {
  tenant = await newTenant(roomy);
  [ada, bo, mo] = await Promise.all([
    newToken(tenant, "ada"),
    newToken(tenant, "bo"),
    newToken(tenant, "mo", { "*": everything }),
  ]);
  await keep(true);
});

async function keep(keepRevisions: boolean): Promise<void> {
  const set = await call(`/v1/rooms/${room}`, { method: "PUT", credential: mo, body: { settings: { keepRevisions } } });
  expect(set.ok).toBe(true);
}
const at = (id: number, rest = ""): string => `/v1/rooms/${room}/messages/${id}${rest}`;
async function say(body: object = { text: "v1" }, credential = ada): Promise<number> {
  const made = await call(`/v1/rooms/${room}/messages`, { method: "POST", credential, body });
  return (await made.json<{ message: Message }>()).message.id;
}
const edit = async (id: number, body: object, credential = ada): Promise<number> =>
  (await call(at(id), { method: "PATCH", credential, body })).status;
const remove = async (id: number, redact = false): Promise<number> =>
  (await call(at(id, redact ? "?redact=true" : ""), { method: "DELETE", credential: ada })).status;
async function revisions(id: number, credential = mo, rest = ""): Promise<unknown> {
  const found = await call(at(id, `/revisions${rest}`), { credential });
  return found.ok ? found.json() : found.status;
}
const rows = (): Promise<{ message: number; version: number }[]> =>
  query(tenant, room, "SELECT message, version FROM revision ORDER BY message, version");

test("[M14] what was edited or deleted is kept for its author and for moderators, in pages, where the room asks for it", async () => {
  const id = await say();
  expect(await edit(id, { text: "v2" })).toBe(200);
  expect(await edit(id, { text: null, data: { v: 3 } })).toBe(200);
  const made = { at: expect.any(Number) };
  const [one, two] = [
    { version: 1, text: "v1", data: null, ...made },
    { version: 2, text: "v2", data: null, ...made },
  ];
  for (const credential of [ada, mo, tenant.key])
    expect(await revisions(id, credential)).toEqual({ items: [one, two] });
  expect(await revisions(id, bo)).toBe(403);
  expect(await revisions(99)).toBe(404);
  expect(await revisions(id, mo, "?limit=1")).toEqual({ items: [one], next: "1" });
  expect(await revisions(id, mo, "?limit=1&after=1")).toEqual({ items: [two] });
  await evict(tenant, room);
  expect(await remove(id)).toBe(200);
  expect(await revisions(id)).toEqual({ items: [one, two, { version: 3, text: null, data: { v: 3 }, ...made }] });
  await keep(false);
  const other = await say();
  expect(await edit(other, { text: "v2" })).toBe(200);
  expect([await revisions(other), await revisions(id, bo)]).toEqual([{ items: [] }, 403]);
  expect(await rows()).toHaveLength(3);
});

test("[M14] [W7] of each message as many versions are kept as may be, and one edit more is refused", async () => {
  const id = await say();
  for (let n = 1; n <= fixedLimits.revisionsPerMessage; n++) expect(await edit(id, { text: `v${n + 1}` })).toBe(200);
  expect(await edit(id, { text: "one more" })).toBe(409);
  expect(await rows()).toHaveLength(fixedLimits.revisionsPerMessage);
  expect(await remove(id)).toBe(200);
});

test("[M15] [F19] every version goes with a redacted, erased, expired or removed message, also with one deleted before", async () => {
  const ids: number[] = [];
  for (const body of [
    { text: "v1" },
    { text: "v1" },
    { text: "v1" },
    { text: "v1", expiresInMs: 3_600_000 },
    { text: "v1" },
  ]) {
    ids.push(await say(body));
    await edit(ids.at(-1) ?? 0, { text: "v2" });
  }
  const bos = await say({ text: "v1" }, bo);
  await edit(bos, { text: "v2" }, bo);
  const [retained, redacted, deleted, expired, stays] = ids as [number, number, number, number, number];
  const versions = async (): Promise<number[]> => [...new Set((await rows()).map(({ message }) => message))];
  expect(await versions()).toEqual([...ids, bos]);
  await remove(redacted, true);
  expect(await versions()).toEqual([retained, deleted, expired, stays, bos]);
  await remove(deleted);
  expect(await versions()).toContain(deleted);
  const { head } = await (await call(`/v1/rooms/${room}`, { credential: mo })).json<{ head: number }>();
  await remove(deleted, true);
  await remove(deleted, true);
  expect(await versions()).toEqual([retained, expired, stays, bos]);
  expect(await (await call(`/v1/rooms/${room}`, { credential: mo })).json()).toMatchObject({ head: head + 1 });
  await roomObject(tenant, room).erase("bo");
  expect(await versions()).toEqual([retained, expired, stays]);
  await roomObject(tenant, room).retain(redacted);
  expect(await versions()).toEqual([expired, stays]);
  await query(tenant, room, "UPDATE message SET expires_at = 1 WHERE expires_at IS NOT NULL");
  expect(await revisions(expired)).toBe(404);
  await call(`/v1/rooms/${room}`, { method: "DELETE", credential: mo });
  expect(await rows()).toEqual([]);
});

test("[M15] [D12] versions, pins and counts of replies are exported and imported, and exported again byte for byte", async () => {
  const id = await say();
  await edit(id, { text: "v2", data: { a: [1] } });
  await call(at(id, "/pin"), { method: "PUT", credential: mo });
  const gone = await say({ text: "reply", replyTo: id });
  await say({ text: "reply", replyTo: id });
  await remove(gone);
  const text = await exported(tenant, room);
  await call("/v1/rooms/copy", { method: "PUT", credential: mo, body: {} });
  expect((await imported(tenant, "copy", text)).status).toBe(201);
  const lines = (all: string): string[] => all.split("\n").slice(1);
  expect(lines(await exported(tenant, "copy"))).toEqual(lines(text));
  const copied = await call(`/v1/rooms/copy/messages/${id}`, { credential: ada });
  expect(await copied.json()).toMatchObject({ message: { replies: 1, pinned: { by: "mo" }, version: 2 } });
  const own = await call(`/v1/rooms/copy/messages/${id}/revisions`, { credential: ada });
  expect(await own.json()).toMatchObject({ items: [{ version: 1, text: "v1" }] });
});
