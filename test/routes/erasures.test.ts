/** Nothing of a user stays: every table of every object is read for what only he has said and been called. */
import { env } from "cloudflare:workers";
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Room } from "../../src/objects/room/room.ts";
import { tenantStub } from "../../src/objects/stubs.ts";
import { firstBreach } from "../support/audit.ts";
import { AuditPage } from "../../src/protocol/audit.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import type { Message } from "../../src/protocol/message.ts";
import { everything, type TestTenant } from "../support/api.ts";
import { pass, startClock, stopClock } from "../support/clock.ts";
import { dump } from "../support/dump.ts";
import { resetIn } from "../support/failing.ts";
import { addFile } from "../support/files.ts";
import { query, roomObject } from "../support/room.ts";
import { endpointObject, everyEvent, newWebhook, trouble } from "../support/webhooks.ts";
import { roomy } from "../support/roomy.ts";
import { call, connect, newTenant, newToken } from "./edge.ts";
import { exported } from "./exported.ts";
import { refused } from "./answers.ts";

const marker = "mrkq7zx";
const user = `user-${marker}`;
let tenant: TestTenant;
let ada: string;
let his: string;

beforeEach(async () => {
  stopClock();
  tenant = await newTenant(roomy);
  [ada, his] = await Promise.all([user, "ada"].map((name) => newToken(tenant, name, { "*": everything }))).then(
    ([one = "", other = ""]) => [other, one],
  );
});
afterEach(() => {
  vi.restoreAllMocks();
  startClock();
});

type Ask = readonly [method: string, path: string, body?: unknown, credential?: string];
const day = 86_400_000;

async function all(...asked: readonly Ask[]): Promise<void> {
  for (const [method, path, body, credential = his] of asked) {
    const answer = await call(path, { method, credential, ...(body === undefined ? {} : { body }) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
  }
}

/** Something of his in every table that there is. */
async function leaveTraces(room: string): Promise<void> {
  const path = `/v1/rooms/${room}`;
  const file = { name: `${marker}.png` };
  await all(["PUT", path, { settings: {} }, ada]);
  const [first, second, unused] = await Promise.all([1, 2, 3].map(() => addFile(tenant, room, user, file)));
  await all(
    ["PUT", `${path}/members/${user}`, { role: "moderator", name: `Name ${marker}` }, ada],
    ["POST", `${path}/messages`, { text: "hello", mentions: [user, "bo"], nonce: "nonce-ada-1" }, ada],
    ["POST", `${path}/messages`, { text: `text ${marker}`, data: { x: marker }, nonce: `nonce-${marker}` }],
    ["POST", `${path}/messages`, { text: `files ${marker}`, attachments: [first], mentions: ["ada"] }],
    ["POST", `${path}/messages`, { text: `deleted ${marker}`, nonce: `nonce2-${marker}`, attachments: [second] }],
    ["PUT", `${path}/messages/2/reactions/%F0%9F%91%8D`],
    ["PUT", `${path}/messages/2/reactions/%F0%9F%91%8D`, undefined, ada],
    ["PUT", `${path}/read`, { upTo: 3 }],
    ["POST", `${path}/messages/2/flags`, { reason: `reason ${marker}` }],
    ["POST", `${path}/messages/3/flags`, { reason: `of him ${marker}` }, ada],
    ["PUT", `${path}/mutes/${user}`, { reason: `muted ${marker}` }, ada],
    ["PATCH", path, { settings: { slowModeMs: 1000 } }, ada],
    ["DELETE", `${path}/mutes/${user}`, undefined, ada],
    ["POST", `${path}/messages`, { text: `slow ${marker}` }],
    ["DELETE", `${path}/messages/5`],
    ["PUT", `${path}/mutes/bo`, { reason: "by him" }],
    ["PUT", `${path}/bans/${user}`, { reason: `banned ${marker}`, shadow: true }, ada],
    ["POST", `${path}/messages`, { text: `hidden ${marker}` }],
  );
  expect(unused).toBeDefined();
}

/** One that will never be sent. */
async function announceFile(room: string, name: string): Promise<void> {
  const body = { name, type: "image/png", size: 10 };
  await all(["POST", `/v1/rooms/${room}/uploads`, body]);
}

async function begin(how = ""): Promise<{ id: string; state: string }> {
  const answer = await call(`/v1/users/${user}${how}`, { method: "DELETE", credential: tenant.key });
  expect(answer.status).toBe(202);
  return answer.json();
}

const objects = (...rooms: string[]) => [
  env.DIRECTORY.getByName("directory"),
  env.TENANT.getByName(tenant.id),
  ...rooms.map((room) => roomObject(tenant, room)),
];

async function looked(id: string): Promise<string> {
  const found = await call(`/v1/erasures/${id}`, { credential: tenant.key });
  return (await found.json<{ state: string }>()).state;
}

/** Rings alarms until the erasure is there. */
async function until(id: string, state: string, rooms: readonly string[]): Promise<number> {
  for (let steps = 1; steps < 60; steps++) {
    pass(6_500);
    for (const room of rooms) await runDurableObjectAlarm(roomObject(tenant, room));
    await runDurableObjectAlarm(env.TENANT.getByName(tenant.id));
    if ((await looked(id)) === state) return steps;
  }
  throw new Error("it never ends");
}

/** What is found of him, in whatever table. */
async function traces(
  text: string,
  rooms: readonly string[],
  more: readonly DurableObjectStub[] = [],
): Promise<string[]> {
  const found: string[] = [];
  for (const object of [...objects(...rooms), ...more]) {
    const kept = await dump(object);
    for (const { index } of kept.matchAll(new RegExp(text, "g")))
      found.push(`${object.name}: …${kept.slice(Math.max(0, index - 60), index + 40)}…`);
  }
  const { objects: files } = await env.UPLOADS.list({ prefix: `t/${tenant.id}/`, include: ["customMetadata"] });
  for (const { key, customMetadata } of files)
    if (`${key} ${JSON.stringify(customMetadata)}`.includes(text)) found.push(key);
  return found;
}

describe("an erasure", () => {
  test("[D17] leaves no trace of the user: in no table of any object, in no export, and the audit log still proves itself", async () => {
    const rooms = ["one", "two"];
    const endpoint = endpointObject(tenant, await newWebhook(tenant, everyEvent));
    for (const room of rooms) await leaveTraces(room);
    await all(
      ["PUT", `/v1/bans/${user}`, { reason: `tenant ${marker}`, shadow: true }, tenant.key],
      ["POST", "/v1/revocations", { user, token: "a-token-of-his", reason: `left ${marker}` }, tenant.key],
      ["DELETE", "/v1/rooms/two", undefined, ada],
    );
    const socket = await connect("one", { token: his, presence: "full" }).catch(() => null);
    for (const room of rooms) await runDurableObjectAlarm(roomObject(tenant, room));
    await announceFile("one", `announced-${marker}.png`);
    expect((await traces(marker, rooms)).length).toBeGreaterThan(20);
    expect((await traces(marker, [], [endpoint])).some((trace) => trace.startsWith(endpoint.name ?? "?"))).toBe(true);
    const { id } = await begin();
    socket?.close();
    await until(id, "ending", rooms);
    // But for the user's id itself, for as long as tokens from before could live.
    const kept = await traces(marker, rooms, [endpoint]);
    expect(kept.filter((trace) => !trace.includes(user))).toEqual([]);
    expect(kept.filter((trace) => trace.startsWith(tenant.id)).length).toBe(2);
    expect(kept.filter((trace) => !trace.startsWith(`${tenant.id}:`))).toEqual([]);
    expect(await exported(tenant, "one")).not.toContain(marker);
    // What a room had handed on before, and what comes only now.
    const late = { id: "late", type: "moderation.muted", atMs: 0, tenant: tenant.id, room: "one", data: { user } };
    await endpoint.accept([late]);
    pass(day + 31_000);
    await until(id, "done", rooms);
    expect(await traces(marker, rooms, [endpoint])).toEqual([]);
    const log = AuditPage.parse(await (await call("/v1/audit?limit=200", { credential: tenant.key })).json());
    expect(log.items.length).toBeGreaterThan(10);
    expect(firstBreach(log.items)).toBeNull();
    expect(log.items.some(({ action, after }) => action === "user.erased" && after?.["erasure"] === id)).toBe(true);
    // What others said is as it was.
    const others = await call("/v1/rooms/one/messages/2", { credential: tenant.key, user: "ada" });
    expect(await others.json()).toMatchObject({
      message: { text: "hello", mentions: ["bo"], reactions: { "👍": { count: 1, users: ["ada"] } } },
    });
  });

  test("[D17] leaves none in a room that was deleted before and still had to tell of it", async () => {
    const endpoint = await newWebhook(tenant, everyEvent);
    const release = trouble(tenant, endpoint, "throws");
    vi.spyOn(console, "error").mockImplementation(() => {});
    await leaveTraces("two");
    await all(["PUT", `/v1/rooms/two/mutes/${user}`, { reason: `muted ${marker}` }, ada]);
    await query(tenant, "two", `INSERT INTO exceeded (what, user, at) VALUES ('rate_limited', '${user}', 1)`);
    await all(["DELETE", "/v1/rooms/two", undefined, ada]);
    expect(await query(tenant, "two", "SELECT * FROM exceeded")).toEqual([]);
    expect((await traces(user, ["two"])).some((trace) => trace.includes("/two:"))).toBe(true);
    const { id } = await begin();
    await until(id, "ending", ["two"]);
    release();
    const kept = await traces(marker, ["two"]);
    expect(kept.filter((trace) => !trace.startsWith(`${tenant.id}:`))).toEqual([]);
  });

  test("[D18] with `keep` leaves what was said, and nobody who said it", async () => {
    await leaveTraces("one");
    const { id } = await begin("?messages=keep");
    await until(id, "ending", ["one"]);
    const answer = await call("/v1/rooms/one/messages?limit=200", { credential: ada });
    const { messages } = await answer.json<{ messages: Message[] }>();
    const hisOwn = messages.filter(({ text }) => text?.includes(marker));
    expect(hisOwn.map(({ text }) => text)).toEqual([
      `text ${marker}`,
      `files ${marker}`,
      `slow ${marker}`,
      `hidden ${marker}`,
    ]);
    for (const message of hisOwn) expect(message).toMatchObject({ sender: null, nonce: null });
    expect(hisOwn[1]?.attachments).toHaveLength(1);
    pass(day + 31_000);
    await until(id, "done", ["one"]);
    expect(await traces(user, ["one"])).toEqual([]);
    expect(await traces(`nonce-${marker}`, ["one"])).toEqual([]);
    expect(await traces(`Name ${marker}`, ["one"])).toEqual([]);
    expect(await traces(user.toUpperCase(), ["one"])).toEqual([]);
  });

  test("[D19] goes on in bounded steps after every loss of memory, asks again what failed, and finds rooms that come to be meanwhile", async () => {
    const names = Array.from(
      { length: fixedLimits.erasedPerStep + 20 },
      (_, index) => `room-${String(index).padStart(3, "0")}`,
    );
    const stub = tenantStub(env, tenant.id);
    for (const name of names) await stub.registerRoom(name, false);
    const said = ["room-000", "room-119"];
    for (const name of said) await all(["POST", `/v1/rooms/${name}/messages`, { text: marker }]);
    const { id } = await begin();
    const failing = resetIn(Room, "erase", { times: 5 });
    for (let steps = 0; (await looked(id)) === "running" && steps < 40; steps++) {
      pass(6_500);
      await runDurableObjectAlarm(env.TENANT.getByName(tenant.id));
      await evictDurableObject(env.TENANT.getByName(tenant.id));
      // Its server speaks for him still, in a room that comes before all others.
      if (steps === 0)
        await call("/v1/rooms/a-new-one/messages", {
          method: "POST",
          credential: tenant.key,
          user,
          body: { text: marker },
        });
    }
    expect(await looked(id)).toBe("ending");
    expect(failing.calls()).toBeGreaterThan(names.length);
    const left = await traces(marker, [...said, "a-new-one"]);
    expect(left.filter((trace) => !trace.startsWith(`${tenant.id}:`))).toEqual([]);
  });

  test("[D19] holds up the tenant for so many passes in a room, and goes on when it is asked again", async () => {
    await all(["POST", "/v1/rooms/one/messages", { text: "x", mentions: [user] }, ada]);
    const { erasurePasses } = fixedLimits;
    const rows = erasurePasses * 500 + 600;
    await query(
      tenant,
      "one",
      `INSERT INTO message (id, seq, version, sender, text, mentions, replies, status, created_at)
       WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i <= ${rows})
       SELECT i, i, 1, '${user}', 'x', iif(i % 10 = 0, '["${user}"]', NULL), 0, 'sent', 1 FROM n`,
    );
    await query(tenant, "one", `UPDATE room SET head = ${rows + 1}, messages = ${rows + 1}, counted_to = ${rows + 1}`);
    // To messages that are no more.
    await query(
      tenant,
      "one",
      `INSERT INTO reaction (message, emoji, user, at)
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows}) SELECT i + 1000000, 'x', '${user}', 1 FROM n`,
    );
    await evictDurableObject(roomObject(tenant, "one"));
    const left = async () => (await query(tenant, "one", `SELECT 1 FROM message WHERE sender = '${user}'`)).length;
    expect(await roomObject(tenant, "one").erase(user)).toMatchObject({ ok: false, error: "overloaded" });
    expect(await left()).toBe(rows - erasurePasses * 500);
    expect(await roomObject(tenant, "one").erase(user)).toEqual({ ok: true });
    expect(await left()).toBe(0);
    expect(await query(tenant, "one", "SELECT 1 FROM reaction")).toEqual([]);
    expect(await query(tenant, "one", "SELECT 1 FROM message WHERE mentions LIKE '%user%'")).toEqual([]);
  });

  test("[D20] ends the user's sessions at once, and is the same erasure when it is asked for again", async () => {
    await all(["POST", "/v1/rooms/one/messages", { text: marker }]);
    const socket = await connect("one", { token: his });
    const first = await begin("?messages=keep");
    await socket.until(({ closed }) => closed !== null);
    expect(socket.closed?.code).toBe(4502);
    await refused(await call("/v1/rooms/one", { credential: his }), 401, "token_revoked");
    const again = await begin();
    expect(again.id).toBe(first.id);
    // What is to be erased is not kept after all.
    expect(await begin("?messages=keep")).toMatchObject({ id: first.id, messages: "erase", state: "running" });
    await until(first.id, "ending", ["one"]);
    const found = await call("/v1/rooms/one/messages", { credential: ada });
    expect((await found.json<{ messages: Message[] }>()).messages).toMatchObject([{ text: null, sender: null }]);
    // A new token is another beginning.
    pass(2_000);
    const fresh = await newToken(tenant, user, { "*": everything });
    expect((await call("/v1/rooms/one", { credential: fresh })).status).toBe(200);
  });

  test("[W7] as many are made at a time as the limit says, and one that is done is forgotten after its time", async () => {
    const object = env.TENANT.getByName(tenant.id);
    const rows = (state: string, count: number, atMs: number) =>
      runInDurableObject(
        object,
        (_, { storage }) =>
          void storage.sql.exec(
            `INSERT INTO erasure (id, user, messages, state, begun_at, until, due_at, after, round_at, missed, rooms)
           WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
           SELECT ?2 || i, iif(?2 = 'done', NULL, 'u' || i), 'erase', ?2, ?3, ?3, 9e15, '', 0, 0, 0 FROM n`,
            count,
            state,
            atMs,
          ),
      );
    await rows("running", fixedLimits.erasuresAtOnce - 1, Date.now());
    await rows("done", 1, Date.now() - fixedLimits.erasureKeptMs + 1);
    await begin();
    const another = await call("/v1/users/another", { method: "DELETE", credential: tenant.key });
    await refused(another, 429, "quota_exceeded");
    const done = (): Promise<number> =>
      runInDurableObject(
        object,
        (_, { storage }) => storage.sql.exec("SELECT 1 FROM erasure WHERE state = 'done'").toArray().length,
      );
    expect(await done()).toBe(1);
    pass(2);
    await begin();
    expect(await done()).toBe(0);
  });
});
