import { afterEach, beforeEach, expect, test } from "vitest";
import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { everything, ordinary, type TestTenant } from "../support/api.ts";
import { pass, startClock, stopClock } from "../support/clock.ts";
import { ManySocket } from "../support/manySocket.ts";
import { evict } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import type { TestSocket } from "../support/socket.ts";
import { refused } from "./answers.ts";
import { askUpgrade, call, connect, newTenant, newToken } from "./edge.ts";
import { openEvents } from "./events.ts";

let tenant: TestTenant;
let ada: string;
let bo: string;
let mo: string;

beforeEach(async () => {
  stopClock();
  tenant = await newTenant(roomy);
  [ada, bo, mo] = await Promise.all([
    newToken(tenant, "ada", { "*": ordinary }),
    newToken(tenant, "bo", { "*": ordinary }),
    newToken(tenant, "mo", { "*": everything }),
  ]);
  await post(ada, "before");
  await post(ada, "before", "other");
});
afterEach(startClock);

const post = (credential: string, text: string, room = "general") =>
  call(`/v1/rooms/${room}/messages`, { method: "POST", credential, body: { text } });
async function ban(user: string, body: object | null): Promise<void> {
  const options = body === null ? { method: "DELETE" } : { method: "PUT", body };
  const done = await call(`/v1/bans/${user}`, { credential: tenant.key, ...options });
  expect(`${done.status} ${await done.text()}`).toBe("204 ");
}
/** As many bans, without a call for each. */
const fill = (count: number, { shadow }: { readonly shadow: boolean }): Promise<void> =>
  runInDurableObject(env.TENANT.getByName(tenant.id), (_, { storage }) =>
    storage.transactionSync(() => {
      for (let index = 0; index < count; index++)
        storage.sql.exec(
          "INSERT OR REPLACE INTO ban (user, until, reason, shadow, at) VALUES (?, 8640000000000000, NULL, ?, ?)",
          `u${index}`,
          shadow ? 1 : 0,
          Date.now(),
        );
    }),
  );
const bans = async (query = "") =>
  (await call(`/v1/bans${query}`, { credential: tenant.key })).json<{ items: unknown[]; next?: string }>();
/** Longer than an edge goes by an older policy. */
const settle = () => pass(5_001);
const texts = (socket: TestSocket) =>
  socket.of("changes").flatMap(({ changes }) => changes.map((change) => "message" in change && change.message.text));

test("[G13] a ban of the tenant closes every connection in every room at once, and is refused everywhere until it ends", async () => {
  const sockets = await Promise.all(["general", "other"].map((room) => connect(room, { token: ada })));
  const stream = await openEvents("/v1/events?rooms=general,other", { credential: ada });
  await stream.welcome("general");
  await stream.welcome("other");
  const response = await call("/v1/socket", { credential: ada, headers: { Upgrade: "websocket" } });
  if (response.webSocket === null) throw new Error("not upgraded");
  const several = new ManySocket(response.webSocket);
  await several.join("general");
  const other = await connect("general", { token: bo });
  const until = Date.now() + 60_000;
  await ban("ada", { until, reason: "spam" });
  const reason = `The user is banned until ${new Date(until).toISOString()}: spam`;
  for (const socket of sockets) {
    await socket.until(({ closed }) => closed !== null);
    expect(socket.of("closing")).toMatchObject([{ code: 4503, reason, reconnect: "never" }]);
    expect(socket.closed).toMatchObject({ code: 4503 });
  }
  await stream.until(() => stream.of("closing").length > 0);
  await several.until(() => several.of("general", "closing").length > 0);
  expect(stream.of("closing")).toContainEqual(expect.objectContaining({ code: 4503, reason }));
  expect(several.of("general", "closing")).toMatchObject([{ code: 4503, reason }]);
  expect(other.closed).toBeNull();
  several.close();

  // By the room, whose edge may not know yet; then by the edge, for what no room is asked.
  expect((await refused(await askUpgrade("general", { Authorization: `Bearer ${ada}` }), 403, "banned")).detail).toBe(
    reason,
  );
  settle();
  const calls: (() => Promise<Response>)[] = [
    () => askUpgrade("general", { Authorization: `Bearer ${ada}` }),
    () => call("/v1/socket", { credential: ada, headers: { Upgrade: "websocket" } }),
    () => call("/v1/rooms/general/events", { credential: ada }),
    () => call("/v1/rooms/general/messages", { credential: ada }),
    () => call("/v1/rooms/general/changes?wait=1", { credential: ada }),
    () => call("/v1/unread?rooms=general", { credential: ada }),
    () => call("/v1/tickets", { method: "POST", credential: ada, body: {} }),
    () => call("/v1/rooms/never-was/messages", { credential: tenant.key, user: "ada" }),
    () => post(ada, "heard?"),
  ];
  for (const each of calls) {
    const problem = await refused(await each(), 403, "banned");
    expect([problem.detail, problem.retryAfterMs]).toEqual([reason, until - Date.now()]);
  }
  expect((await post(bo, "fine")).status).toBe(201);
  pass(60_000);
  expect((await post(ada, "heard")).status).toBe(201);
  expect(await bans()).toEqual({ items: [] });
  await ban("ada", {});
  settle();
  expect((await refused(await post(ada, "heard?"), 403, "banned")).detail).toBe("The user is banned.");
  await ban("ada", null);
  settle();
  expect((await post(ada, "heard")).status).toBe(201);
});

test("[G13] a shadow ban of the tenant hides what the user says in every room, and ends with it", async () => {
  const author = await connect("general", { token: ada });
  const reader = await connect("general", { token: bo });
  await ban("ada", { shadow: true });
  author.send({ type: "publish", ref: "1", nonce: "nonce-12345", text: "hidden" });
  expect(await author.answer("1")).toMatchObject({ type: "ack", id: 2 });
  settle();
  expect((await post(ada, "hidden too", "other")).status).toBe(201);
  expect((await post(ada, "hidden in a new one", "new")).status).toBe(201);
  for (const room of ["other", "new"]) {
    const page = async (credential: string) =>
      (await (await call(`/v1/rooms/${room}/messages`, { credential })).json<{ messages: unknown[] }>()).messages
        .length;
    expect((await page(mo)) - (await page(bo))).toBe(1);
    expect(await page(ada)).toBe(await page(mo));
  }
  await ban("ada", null);
  settle();
  await post(ada, "heard");
  await reader.until(() => texts(reader).includes("heard"));
  expect(texts(reader)).toEqual(["before", "heard"]);
  expect(author.closed).toBeNull();
});

test("[G13] bans are listed, need an API key that administers, and are nobody's own", async () => {
  const until = Date.now() + 60_000;
  await ban("bo", { until, reason: "spam" });
  await ban("cy", { shadow: true });
  const items = [
    { user: "bo", until, reason: "spam", shadow: false, at: Date.now() },
    { user: "cy", until: null, reason: null, shadow: true, at: Date.now() },
  ];
  expect(await bans()).toEqual({ items });
  expect(await bans("?limit=1")).toEqual({ items: items.slice(0, 1), next: "bo" });
  expect(await bans("?after=bo")).toEqual({ items: items.slice(1) });
  const own = { method: "PUT", credential: tenant.key, user: "ada", body: {} };
  await refused(await call("/v1/bans/ada", own), 409, "conflict");
  await refused(await call("/v1/bans/ada", { ...own, method: "DELETE", body: undefined }), 409, "conflict");
  await refused(await call("/v1/bans", { credential: mo }), 403, "forbidden");
});

test("[G13] [W7] of more than 1,000 bans every one is refused, listed or asked about", async () => {
  const stub = env.TENANT.getByName(tenant.id);
  await ban("ada", { reason: "the oldest" });
  await ban("bo", { shadow: true });
  pass(1_000);
  await fill(fixedLimits.bansListed - 2, { shadow: false });
  const listed = async () => {
    const policy = await stub.policy(tenant.keyId);
    return [policy?.bans.length, policy?.moreBans, policy?.bans.some(({ user }) => user === "ada")];
  };
  expect(await listed()).toEqual([1_000, false, true]);
  pass(1_000);
  await ban("newest", {});
  await ban("newer", {});
  expect(await listed()).toEqual([1_000, true, false]);
  pass(fixedLimits.banPushMs);
  await refused(await post(ada, "heard?"), 403, "banned");
  await refused(await post(await newToken(tenant, "newest", { "*": ordinary }), "heard?"), 403, "banned");
  // Who is not to notice is let in with a mark.
  expect((await post(bo, "hidden")).status).toBe(201);
  const page = async (credential: string) =>
    (await (await call("/v1/rooms/general/messages", { credential })).json<{ messages: unknown[] }>()).messages.length;
  expect([await page(mo), await page(bo), await page(await newToken(tenant, "cy", { "*": ordinary }))]).toEqual([
    2, 2, 1,
  ]);
});

test("[G13] [W7] a shadow ban hides also when 1,000 newer ones are listed in its place, and no longer than it lasts", async () => {
  const author = await connect("general", { token: ada });
  const phone = await connect("general", { token: ada });
  const reader = await connect("general", { token: bo });
  let sent = 0;
  const say = async (socket: TestSocket, text: string): Promise<void> => {
    const ref = `r${++sent}`;
    socket.send({ type: "publish", ref, nonce: `nonce-of-${ref}`, text });
    expect(await socket.answer(ref)).toMatchObject({ type: "ack" });
    pass(1_000);
  };
  const heard = async (fence: string): Promise<unknown[]> => {
    await post(mo, fence);
    await reader.until(() => texts(reader).includes(fence));
    return texts(reader);
  };
  await ban("ada", { shadow: true, until: Date.now() + 3_600_000 });
  pass(1_000);
  await fill(fixedLimits.bansListed - 1, { shadow: true });
  pass(1_000);
  const pushed = await runInDurableObject(env.TENANT.getByName(tenant.id), (object) =>
    object.registerRoom("new", true),
  );
  expect(pushed.ok && [pushed.policy.bans.length, pushed.policy.moreBans]).toEqual([fixedLimits.bansListed, false]);
  await ban("newest", { shadow: true });
  await say(author, "hidden");
  await evict(tenant, "general");
  await say(author, "hidden after sleep");
  settle();
  const late = await connect("general", { token: ada });
  await say(late, "hidden of a new socket");
  expect(await heard("first fence")).toEqual(["before", "first fence"]);

  await ban("ada", null);
  for (const socket of [author, phone, late]) await say(socket, "heard");
  expect(await heard("second fence")).toEqual(["before", "first fence", "heard", "heard", "heard", "second fence"]);

  await ban("ada", { shadow: true, until: Date.now() + 60_000 });
  pass(1_000);
  await fill(fixedLimits.bansListed - 1, { shadow: true });
  pass(1_000);
  await ban("newer", { shadow: true });
  await say(phone, "hidden again");
  pass(60_000);
  await say(phone, "over");
  expect((await heard("third fence")).slice(6)).toEqual(["over", "third fence"]);
});

test("[G13] [W7] of more than 1,000 bans of the last minute every one closes connections, told to the room or asked about", async () => {
  const [author, other] = [await connect("general", { token: ada }), await connect("general", { token: mo })];
  await runInDurableObject(env.TENANT.getByName(tenant.id), (_, { storage }) => {
    const unpushed = "INSERT INTO ban (user, until, reason, shadow, at) VALUES ('ada', 8640000000000000, 'spam', 0, ?)";
    storage.sql.exec(unpushed, Date.now());
  });
  pass(1_000);
  await fill(fixedLimits.bansListed, { shadow: false });
  await ban("newest", {});
  await author.until(({ closed }) => closed !== null);
  expect(author.of("closing")).toMatchObject([{ code: 4503, reason: "The user is banned: spam" }]);
  expect(other.closed).toBeNull();
});

test("[G13] a room is told why somebody has a ban, but not why a shadow ban, and of all bans since it last heard", async () => {
  await ban("ada", { reason: "spam" });
  await ban("bo", { shadow: true, reason: "secret" });
  const policyOf = (policyVersion: number) =>
    runInDurableObject(env.TENANT.getByName(tenant.id), (object) => {
      const statement = {
        room: "general",
        policyVersion,
        sockets: 0,
        places: 0,
        credits: 0,
        returned: 0,
        counts: null,
        door: "same" as const,
        saidAtMs: 0,
      };
      const granted = object.account(statement);
      return granted.ok ? granted.policy : null;
    });
  const before = (await env.TENANT.getByName(tenant.id).policy(tenant.keyId))?.version ?? 0;
  expect((await policyOf(0))?.bans).toMatchObject([
    { user: "bo", reason: null },
    { user: "ada", reason: "spam" },
  ]);
  pass(fixedLimits.banPushMs);
  await ban("cy", {});
  expect((await policyOf(before))?.bans.map(({ user }) => user)).toEqual(["bo", "cy"]);
  expect((await policyOf(before - 2))?.bans.map(({ user }) => user)).toEqual(["bo", "cy", "ada"]);
});
