import { runDurableObjectAlarm } from "cloudflare:test";
import { beforeEach, expect, test } from "vitest";
import type { Message } from "../../src/protocol/message.ts";
import type { Page } from "../../src/protocol/serverFrames.ts";
import { call, everything, newTenant, newToken, type TestTenant } from "../support/api.ts";
import { callerAs } from "../support/files.ts";
import { evict, query, roomObject, rowsOf } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import { connect, type TestSocket } from "../support/socket.ts";

const room = "general";
const path = `/v1/rooms/${room}`;
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
});

async function publish(credential: string, body: object): Promise<Message> {
  const made = await call(`${path}/messages`, { method: "POST", credential, body });
  const text = await made.text();
  expect(`${made.status} ${text}`).toMatch(/^20/);
  return JSON.parse(text).message;
}
const say = async (credential: string, text: string, replyTo?: number): Promise<number> =>
  (await publish(credential, { text, ...(replyTo === undefined ? {} : { replyTo }) })).id;
const remove = async (credential: string, id: number, redact = false): Promise<number> =>
  (await call(`${path}/messages/${id}${redact ? "?redact=true" : ""}`, { method: "DELETE", credential })).status;
const get = async <T>(credential: string, rest: string): Promise<T> =>
  (await call(`${path}${rest}`, { credential })).json<T>();
const countOf = async (credential: string, id: number): Promise<number> =>
  (await get<{ message: Message }>(credential, `/messages/${id}`)).message.replies;
const counts = (id: number): Promise<number[]> =>
  Promise.all([ada, bo, mo].map((credential) => countOf(credential, id)));
const shadow = async (user: string): Promise<number> =>
  (await call(`${path}/bans/${user}`, { method: "PUT", credential: tenant.key, body: { shadow: true } })).status;

/** What was told of this message after its creation. */
function toldOf(socket: TestSocket, id: number): object[] {
  const changes = socket.of("changes").flatMap((frame) => frame.changes);
  return changes
    .flatMap((change) => (change.type === "message" && change.message.id === id ? [change.message] : []))
    .slice(1);
}
const arrived = async (...sockets: TestSocket[]): Promise<void> => {
  const { head } = await get<{ head: number }>(mo, "");
  for (const socket of sockets) await socket.until(() => (socket.of("changes").at(-1)?.to ?? 0) >= head);
};

test("[M9] a reply to a reply, to what was deleted and to nothing is refused, and a retry of one that was stored is not", async () => {
  const root = await say(ada, "root");
  const body = { text: "reply", replyTo: root, nonce: "nonce-of-reply" };
  const reply = await publish(bo, body);
  const answer = async (replyTo: number): Promise<[number, string]> => {
    const made = await call(`${path}/messages`, { method: "POST", credential: bo, body: { text: "x", replyTo } });
    return [made.status, (await made.json<{ code: string }>()).code];
  };
  expect(await answer(reply.id)).toEqual([400, "invalid_field"]);
  expect(await answer(99)).toEqual([404, "not_found"]);
  expect(await remove(ada, root)).toBe(200);
  expect(await answer(root)).toEqual([409, "conflict"]);
  expect(await publish(bo, body)).toMatchObject({ id: reply.id });
  expect(await counts(root)).toEqual([1, 1, 1]);
});

test("[M10] edits, deletions and redactions of replies: the count is of those that stand, in a change of its own", async () => {
  const reader = await connect(room, { token: ada });
  const root = await say(ada, "root");
  const [one, two, three] = [await say(bo, "1", root), await say(bo, "2", root), await say(ada, "3", root)];
  await call(`${path}/messages/${one}`, { method: "PATCH", credential: bo, body: { text: "edited" } });
  expect(await counts(root)).toEqual([3, 3, 3]);
  for (const [id, redact] of [
    [one, false],
    [two, true],
  ] as const) {
    expect(await remove(bo, id, redact)).toBe(200);
    expect(await remove(bo, id, redact)).toBe(200);
  }
  expect(await remove(mo, three)).toBe(200);
  expect(await counts(root)).toEqual([0, 0, 0]);
  await arrived(reader);
  expect(toldOf(reader, root)).toEqual(
    [1, 2, 3, 2, 1, 0].map((replies) => ({ id: root, seq: expect.any(Number), replies })),
  );
  await evict(tenant, room);
  expect(await say(bo, "4", root)).toBeGreaterThan(three);
  expect(await counts(root)).toEqual([1, 1, 1]);
});

test("[M10] replies of who is erased are counted no more, and those that were deleted before are not counted twice", async () => {
  const reader = await connect(room, { token: ada });
  const [root, other] = [await say(ada, "root"), await say(ada, "another")];
  for (const text of ["1", "2"]) await say(bo, text, root);
  await say(bo, "3", other);
  await say(ada, "stays", root);
  const deleted = await say(bo, "gone before", root);
  await remove(bo, deleted);
  expect(await counts(root)).toEqual([3, 3, 3]);
  await roomObject(tenant, room).erase("bo");
  expect([await countOf(ada, root), await countOf(ada, other)]).toEqual([1, 0]);
  await arrived(reader);
  expect([toldOf(reader, root).at(-1), toldOf(reader, other).at(-1)]).toMatchObject([{ replies: 1 }, { replies: 0 }]);
  // What is kept and has no author any more is a reply all the same.
  await roomObject(tenant, room).erase("ada", "keep");
  expect(await countOf(mo, root)).toBe(1);
});

test("[M10] a reply that has expired and whose author is erased is counted no more, once", async () => {
  const root = await say(ada, "root");
  await say(ada, "stays", root);
  await publish(bo, { text: "fleeting", replyTo: root, expiresInMs: 1_000 });
  await query(tenant, room, "UPDATE message SET expires_at = created_at WHERE expires_at IS NOT NULL");
  await roomObject(tenant, room).erase("bo");
  expect(await counts(root)).toEqual([1, 1, 1]);
  await query(tenant, room, "UPDATE job SET at = 1 WHERE name = 'expiry'");
  await evict(tenant, room);
  await runDurableObjectAlarm(roomObject(tenant, room));
  expect(await query(tenant, room, "SELECT count(*) AS count FROM message WHERE expires_at IS NOT NULL")).toEqual([
    { count: 0 },
  ]);
  expect(await counts(root)).toEqual([1, 1, 1]);
});

test("[M10] [G7] a hidden reply counts for its author and for moderators, live, resumed and read, and for others nothing moves", async () => {
  const root = await say(ada, "root");
  await say(ada, "open", root);
  const before = await get<{ cursor: string }>(bo, "");
  expect(await shadow("bo")).toBe(204);
  const sockets = await Promise.all([ada, bo, mo].map((token) => connect(room, { token })));
  const [strangers, own, moderators] = sockets as [TestSocket, TestSocket, TestSocket];
  const [first, second] = [await say(bo, "hidden", root), await say(bo, "hidden too", root)];
  expect(await counts(root)).toEqual([1, 3, 3]);
  await say(ada, "open too", root);
  expect(await remove(bo, first)).toBe(200);
  expect(await counts(root)).toEqual([2, 3, 3]);
  await arrived(...sockets);
  const told = (socket: TestSocket): unknown[] => toldOf(socket, root).map((message) => (message as Message).replies);
  expect(told(strangers)).toEqual([2]);
  for (const socket of [own, moderators]) expect(told(socket)).toEqual([2, 3, 4, 3]);

  await evict(tenant, room);
  await say(mo, "a fence");
  for (const [credential, replies] of [
    [ada, 2],
    [bo, 3],
    [mo, 3],
  ] as const) {
    const again = await connect(room, { token: credential, cursor: before.cursor });
    await arrived(again);
    const changes = again.of("changes").flatMap((frame) => frame.changes);
    const [resumed] = changes.flatMap((change) =>
      change.type === "message" && change.message.id === root ? [change.message] : [],
    );
    expect(resumed).toMatchObject({ replies, seq: expect.any(Number) });
    // As it is read: what a live reader holds of it too.
    const read = await get<{ message: Message }>(credential, `/messages/${root}`);
    expect(resumed).toEqual(read.message);
    expect(toldOf(sockets[[ada, bo, mo].indexOf(credential)]!, root).at(-1)).toMatchObject({ seq: read.message.seq });
  }
  // A cursor from after the last change that others see brings them nothing of it.
  const page = await get<{ items?: unknown; changes: { message?: Message }[] }>(
    ada,
    `/changes?after=${before.cursor.split(":")[0]}:${second + 3}`,
  );
  expect(page.changes.map(({ message }) => message?.text)).toEqual(["a fence"]);

  await roomObject(tenant, room).erase("bo");
  expect(await counts(root)).toEqual([2, 2, 2]);
  expect(await query(tenant, room, "SELECT author FROM veiled WHERE author <> ''")).toEqual([]);
});

test("[M11] replies are paged before, after and around one, ascending, without what is hidden, and cost what they are", async () => {
  const [root, other] = [await say(ada, "root"), await say(ada, "another")];
  const ids: number[] = [];
  for (let n = 0; n < 7; n++) {
    ids.push(await say(ada, `reply ${n}`, root));
    await say(ada, "beside");
    await say(ada, "elsewhere", other);
  }
  await shadow("bo");
  const hidden = await say(bo, "hidden", root);
  const page = async (credential: string, bounds = ""): Promise<[number[], boolean, number | null]> => {
    const { messages, hasMore, start, cursor } = await get<Page>(credential, `/messages?replyTo=${root}${bounds}`);
    expect(cursor).toBe((await get<{ cursor: string }>(mo, "")).cursor);
    return [messages.map(({ id }) => id), hasMore, start];
  };
  expect(await page(ada)).toEqual([ids, false, null]);
  for (const credential of [bo, mo]) expect(await page(credential)).toEqual([[...ids, hidden], false, null]);
  expect(await page(ada, "&limit=3")).toEqual([ids.slice(4), true, null]);
  expect(await page(ada, `&limit=3&before=${ids[4]}`)).toEqual([ids.slice(1, 4), true, null]);
  expect(await page(ada, `&limit=3&before=${ids[3]}`)).toEqual([ids.slice(0, 3), false, null]);
  expect(await page(ada, `&limit=3&after=${ids[1]}`)).toEqual([ids.slice(2, 5), true, null]);
  expect(await page(ada, `&limit=5&after=${ids[3]}`)).toEqual([ids.slice(4), false, null]);
  expect(await page(ada, `&limit=4&around=${ids[3]}`)).toEqual([ids.slice(1, 5), true, null]);
  expect((await get<Page>(ada, "/messages?replyTo=99")).messages).toEqual([]);

  await query(
    tenant,
    room,
    `WITH RECURSIVE n(id) AS (SELECT 1000 UNION ALL SELECT id + 1 FROM n WHERE id < 6000)
     INSERT INTO message (id, seq, version, sender, text, replies, status, created_at) SELECT id, id, 1, 'ada', 'x', 0, 'sent', 1 FROM n`,
  );
  await evict(tenant, room);
  const { read } = await rowsOf(tenant, room, (object) =>
    object.messages(callerAs("ada", ["read"]), { replyTo: root }),
  );
  expect(read).toBeLessThan(100);
});
