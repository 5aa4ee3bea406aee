import { beforeEach, expect, test } from "vitest";
import { fixedLimits } from "../../src/protocol/limits.ts";
import type { Message } from "../../src/protocol/message.ts";
import { call, everything, newTenant, newToken, type TestTenant } from "../support/api.ts";
import { callerAs } from "../support/files.ts";
import { evict, query, roomObject, rowsOf } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import { connect, type TestSocket } from "../support/socket.ts";

const room = "general";
const path = `/v1/rooms/${room}`;
let tenant: TestTenant;
/** `ada` is an ordinary user, `mo` may do everything. */
let ada: string;
let mo: string;

beforeEach(async () => {
  tenant = await newTenant(roomy);
  [ada, mo] = await Promise.all([newToken(tenant, "ada"), newToken(tenant, "mo", { "*": everything })]);
});

async function say(credential: string, body: object): Promise<number> {
  const made = await call(`${path}/messages`, { method: "POST", credential, body });
  expect(made.status).toBe(201);
  return (await made.json<{ message: Message }>()).message.id;
}
const pin = async (id: number, credential = mo, method = "PUT"): Promise<[number, Message | null]> => {
  const answer = await call(`${path}/messages/${id}/pin`, { method, credential });
  return [answer.status, answer.ok ? (await answer.json<{ message: Message }>()).message : null];
};
const get = async <T>(rest: string, credential = ada): Promise<T> =>
  (await call(`${path}${rest}`, { credential })).json<T>();
const pinned = async (query_ = "", credential = ada): Promise<number[]> =>
  (await get<{ items: Message[] }>(`/pins${query_}`, credential)).items.map(({ id }) => id);

function lastOf(socket: TestSocket, id: number): object | undefined {
  const changes = socket.of("changes").flatMap((frame) => frame.changes);
  return changes
    .flatMap((change) => (change.type === "message" && change.message.id === id ? [change.message] : []))
    .at(-1);
}
const arrived = async (socket: TestSocket): Promise<void> => {
  const { head } = await get<{ head: number }>("");
  await socket.until(() => (socket.of("changes").at(-1)?.to ?? 0) >= head);
};

test("[M13] a pin is a change: told live, on resuming, in pages and in every reading, and again is the same", async () => {
  const [one, two] = [await say(ada, { text: "one" }), await say(ada, { text: "two" })];
  const { cursor } = await get<{ cursor: string }>("");
  const reader = await connect(room, { token: ada });
  expect(await pin(two)).toMatchObject([200, { id: two, version: 1, pinned: { by: "mo", at: expect.any(Number) } }]);
  const [, first] = await pin(two);
  const [, again] = await pin(two, tenant.key);
  expect(again).toEqual(first);
  expect(await pin(one, tenant.key)).toMatchObject([200, { pinned: { by: null } }]);
  await arrived(reader);
  expect(lastOf(reader, two)).toEqual({ id: two, seq: first?.seq, pinned: first?.pinned });
  await evict(tenant, room);
  const resumed = await connect(room, { token: ada, cursor });
  await arrived(resumed);
  expect(lastOf(resumed, two)).toEqual(first);
  expect((await get<{ messages: Message[] }>("/messages")).messages.map((message) => message.pinned)).toEqual([
    { by: null, at: expect.any(Number) },
    first?.pinned,
  ]);
  expect(await pinned()).toEqual([one, two]);
  expect(await get("/pins?limit=1")).toMatchObject({
    items: [{ id: one }],
    next: `${one}`,
    cursor: expect.any(String),
  });
  expect(await pinned(`?limit=1&after=${one}`)).toEqual([two]);
  expect(await pin(one, mo, "DELETE")).toMatchObject([200, { pinned: null }]);
  expect(await pin(one, mo, "DELETE")).toMatchObject([200, { pinned: null }]);
  await arrived(reader);
  expect(lastOf(reader, one)).toMatchObject({ pinned: null });
  expect(await pinned()).toEqual([two]);
  const log = async (): Promise<unknown[]> => {
    const found = await call("/v1/audit?limit=20", { credential: tenant.key });
    return (await found.json<{ items: { action: string }[] }>()).items
      .map(({ action }) => action)
      .filter((action) => action.includes("pinned"));
  };
  await expect.poll(async () => (await log()).sort()).toEqual(["message.pinned", "message.pinned", "message.unpinned"]);
});

test("[M13] who may not moderate pins nothing, a role in the room lets him, and what is not there cannot be pinned", async () => {
  const one = await say(ada, { text: "one" });
  expect(await pin(one, ada)).toEqual([403, null]);
  await call(`${path}/members/ada`, { method: "PUT", credential: tenant.key, body: { role: "moderator" } });
  expect((await pin(one, ada))[0]).toBe(200);
  expect((await pin(99, ada))[0]).toBe(404);
  await call(`${path}/messages/${one}`, { method: "DELETE", credential: ada });
  expect((await pin(one, ada))[0]).toBe(409);
});

test("[M13] [W7] a room has as many pinned messages as it may have, and not one more until one goes", async () => {
  const ids: number[] = [];
  for (let n = 0; n < 3; n++) ids.push(await say(ada, { text: `${n}` }));
  await query(
    tenant,
    room,
    `WITH RECURSIVE n(id) AS (SELECT 1001 UNION ALL SELECT id + 1 FROM n WHERE id < ${1000 + fixedLimits.pinsPerRoom - 1})
     INSERT INTO pin (message, user, at) SELECT id, 'mo', 1 FROM n`,
  );
  expect((await pin(ids[0] ?? 0))[0]).toBe(200);
  expect((await pin(ids[1] ?? 0))[0]).toBe(409);
  expect((await pin(ids[0] ?? 0))[0]).toBe(200);
  await pin(ids[0] ?? 0, mo, "DELETE");
  expect((await pin(ids[1] ?? 0))[0]).toBe(200);
});

test("[M13] a pin goes with its message, is hidden with it, and names nobody who was erased", async () => {
  const ids: number[] = [];
  for (const text of ["retained", "deleted", "redacted", "erased", "fleeting", "stays"])
    ids.push(
      await say(text === "erased" ? mo : ada, { text, ...(text === "fleeting" ? { expiresInMs: 60_000 } : {}) }),
    );
  await call(`${path}/bans/ada`, { method: "PUT", credential: tenant.key, body: { shadow: true } });
  ids.push(await say(ada, { text: "hidden" }));
  const [retained, deleted, redacted, erased, fleeting, stays, hidden] = ids as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  for (const id of ids) expect((await pin(id))[0]).toBe(200);
  const bo = await newToken(tenant, "bo");
  expect([await pinned("", bo), await pinned("", ada)]).toEqual([ids.filter((id) => id !== hidden), ids]);
  await call(`${path}/messages/${deleted}`, { method: "DELETE", credential: mo });
  await call(`${path}/messages/${redacted}?redact=true`, { method: "DELETE", credential: mo });
  await query(tenant, room, "UPDATE message SET expires_at = 1 WHERE expires_at IS NOT NULL");
  expect(await pinned("", mo)).toEqual([retained, erased, stays, hidden]);
  await roomObject(tenant, room).retain(deleted);
  await roomObject(tenant, room).erase("mo");
  expect(await pinned("", tenant.key)).toEqual([stays, hidden]);
  expect((await get<{ message: Message }>(`/messages/${stays}`)).message.pinned).toEqual({
    by: null,
    at: expect.any(Number),
  });
  expect(await query(tenant, room, "SELECT message, user FROM pin ORDER BY message")).toEqual([
    { message: fleeting, user: null },
    { message: stays, user: null },
    { message: hidden, user: null },
  ]);
});

test("[P5] a plain message writes no more where others are pinned, replied to and mention somebody", async () => {
  const one = await say(ada, { text: "one" });
  await pin(one);
  await say(ada, { text: "reply", replyTo: one, mentions: ["bo"] });
  const { written } = await rowsOf(tenant, room, (object) =>
    object.publish(callerAs("ada", ["publish"]), { type: "publish", nonce: "another-nonce", text: "plain" }),
  );
  expect(written).toBe(2);
});

test("[M12] who is mentioned hears so beside what is unread: of what others say, is shown and stands", async () => {
  const bo = await newToken(tenant, "bo");
  const unread = async (credential = bo): Promise<unknown> => {
    const { unread: all, mentions } = await get<{ unread: number; mentions: number }>("", credential);
    const answer = await call("/v1/unread?rooms=general", { credential });
    expect(await answer.json()).toMatchObject({ rooms: { general: { unread: all, mentions } } });
    return [all, mentions];
  };
  await say(ada, { text: "nobody" });
  expect(await unread()).toEqual([1, 0]);
  const two = await say(ada, { text: "both", mentions: ["bo", "stranger", "bo"] });
  const gone = await say(ada, { text: "deleted", mentions: ["bo"] });
  const late = await say(ada, { text: "expired", mentions: ["bo"], expiresInMs: 60_000 });
  await say(bo, { text: "own", mentions: ["bo"] });
  expect(await unread()).toEqual([4, 3]);
  expect((await get<{ message: Message }>(`/messages/${two}`)).message.mentions).toEqual(["bo", "stranger"]);
  await call(`${path}/messages/${gone}`, { method: "DELETE", credential: mo });
  await query(tenant, room, `UPDATE message SET expires_at = 1 WHERE id = ${late}`);
  await call(`${path}/bans/ada`, { method: "PUT", credential: tenant.key, body: { shadow: true } });
  const hidden = await say(ada, { text: "hidden", mentions: ["bo", "mo"] });
  expect(await unread()).toEqual([2, 1]);
  expect(await unread(mo)).toEqual([4, 1]);
  const mentions = async (user: string, more = "", credential = bo): Promise<number[]> =>
    (await get<{ messages: Message[] }>(`/messages?mentions=${user}${more}`, credential)).messages.map(({ id }) => id);
  expect(await mentions("bo", "", mo)).toEqual([two, late + 1, hidden]);
  expect(await mentions("bo")).toEqual([two, late + 1]);
  expect(await mentions("bo", `&limit=1&before=${late + 1}`)).toEqual([two]);
  expect(await mentions("stranger")).toEqual([two]);
  expect(await mentions("nobody")).toEqual([]);
  expect((await call(`${path}/messages?mentions=bo&replyTo=1`, { credential: bo })).status).toBe(400);
  await call(`${path}/read`, { method: "PUT", credential: bo, body: { upTo: two } });
  expect(await unread()).toEqual([0, 0]);
  await roomObject(tenant, room).erase("bo");
  expect(await mentions("bo", "", mo)).toEqual([]);
  expect(await query(tenant, room, "SELECT id FROM message WHERE mentions LIKE '%bo%'")).toEqual([]);
});

test("[M12] [W7] a mention is an id of a user, and a message has fifty of them", async () => {
  const mention = async (mentions: unknown[]): Promise<number> =>
    (await call(`${path}/messages`, { method: "POST", credential: ada, body: { text: "x", mentions } })).status;
  const users = Array.from({ length: fixedLimits.mentions + 1 }, (_, index) => `u${index}`);
  expect(await mention(users.slice(1))).toBe(201);
  expect(await mention(users)).toBe(400);
  for (const wrong of ["", "a b", "a/b", 1, null, "x".repeat(129)])
    expect([wrong, await mention([wrong])]).toEqual([wrong, 400]);
});

test("[M13] a page of pinned messages has at most the bytes of a replay, and `next` goes on", async () => {
  const text = "long ".repeat(3_000);
  const ids: number[] = [];
  for (let n = 0; n < 40; n++) ids.push(await say(tenant.key, { text }));
  for (const id of ids) expect((await pin(id))[0]).toBe(200);
  const first = await get<{ items: Message[]; next: string }>("/pins?limit=100");
  expect(first.items.length).toBeLessThan(40);
  const rest = await get<{ items: Message[]; next?: string }>(`/pins?limit=100&after=${first.next}`);
  expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(ids);
  expect(rest.next).toBeUndefined();
});
