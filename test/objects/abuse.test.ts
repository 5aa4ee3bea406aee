/** What a clever caller might try: each of these was possible once. */
import { expect, test } from "vitest";
import { call, newTenant, newToken, ordinary, type TestTenant } from "../support/api.ts";
import { startClock, stopClock } from "../support/clock.ts";
import { connect } from "../support/socket.ts";
import { roomy } from "../support/roomy.ts";

async function keyOf(tenant: TestTenant, capabilities: readonly string[]): Promise<string> {
  const made = await call("/v1/keys", { method: "POST", credential: tenant.key, body: { capabilities } });
  return (await made.json<{ key: { secret: string } }>()).key.secret;
}

const post = (tenant: TestTenant, text: string) =>
  call("/v1/rooms/general/messages", { method: "POST", credential: tenant.key, user: "ada", body: { text } });

test("[R4] a page has at most the bytes of a replay and says that there is more", async () => {
  const tenant = await newTenant(roomy);
  for (let count = 0; count < 60; count++) await post(tenant, "x".repeat(16_000));
  const page = await call("/v1/rooms/general/messages?limit=200", { credential: tenant.key, user: "ada" });
  const { messages, hasMore, start } = await page.json<{
    messages: { id: number }[];
    hasMore: boolean;
    start: number;
  }>();
  expect(messages.length).toBeLessThan(34);
  expect(messages.at(-1)?.id).toBe(60);
  expect({ hasMore, start }).toEqual({ hasMore: true, start: messages[0]?.id });
  const after = await call("/v1/rooms/general/messages?after=0&limit=200", { credential: tenant.key, user: "ada" });
  const older = await after.json<{ messages: { id: number }[]; hasMore: boolean; start: null }>();
  expect(older.messages[0]?.id).toBe(1);
  expect([older.hasMore, older.start]).toEqual([true, null]);
});

test("[W7] many pages asked for at once come one by one, not as one text of megabytes", async () => {
  const tenant = await newTenant(roomy);
  for (let count = 0; count < 40; count++) await post(tenant, "x".repeat(16_000));
  const reader = await connect("general", { token: await newToken(tenant, "eve", { "*": ["read"] }), backlog: 0 });
  reader.send(Array.from({ length: 50 }, (_, count) => ({ type: "history", ref: `${count}`, limit: 200 })));
  await reader.until(({ closed }) => closed !== null || reader.of("page").length === 50);
  expect(reader.longestText).toBeLessThan(600_000);
});

test("[M2] [H7] who may not read is not shown a message by changing it", async () => {
  const tenant = await newTenant();
  await post(tenant, "for readers only");
  for (const [capabilities, request] of [
    [["react"], { method: "DELETE", path: "/v1/rooms/general/messages/1/reactions/x" }],
    [["react"], { method: "PUT", path: "/v1/rooms/general/messages/1/reactions/x" }],
    [["edit:any"], { method: "PATCH", path: "/v1/rooms/general/messages/1", body: { data: { seen: true } } }],
  ] as const) {
    const token = await newToken(tenant, "eve", { "*": capabilities });
    const { method, path } = request;
    const answer = await call(path, { method, credential: token, body: "body" in request ? request.body : undefined });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ message: null, cursor: expect.any(String) });
  }
});

test("[P3] a publisher who may not read is shown its own new message, and of a duplicate nothing", async () => {
  const tenant = await newTenant();
  const token = await newToken(tenant, "eve", { "*": ["publish"] });
  const publish = () =>
    call("/v1/rooms/general/messages", {
      method: "POST",
      credential: token,
      body: { text: "mine", nonce: "my-only-nonce" },
    });
  expect(await (await publish()).json()).toMatchObject({ message: { id: 1, text: "mine" } });
  expect(await (await publish()).json()).toMatchObject({ message: null });
});

test("[A6] an API key that names an owner gets nothing beyond its own capabilities, and its tokens neither", async () => {
  const tenant = await newTenant();
  await post(tenant, "hello");
  await call("/v1/rooms/general/members/olga", { method: "PUT", credential: tenant.key, body: { role: "owner" } });
  const readOnly = await keyOf(tenant, ["read"]);
  expect((await call("/v1/rooms/general", { method: "DELETE", credential: readOnly, user: "olga" })).status).toBe(403);
  const minted = await call("/v1/tokens", {
    method: "POST",
    credential: readOnly,
    body: { user: "olga", rooms: { "*": ["read"] } },
  });
  const { token } = await minted.json<{ token: string }>();
  expect((await call("/v1/rooms/general/messages/1", { method: "DELETE", credential: token })).status).toBe(403);
  // With a key that may, the role counts.
  const owner = await newToken(tenant, "olga", { "*": ["read"] });
  expect((await call("/v1/rooms/general/messages/1", { method: "DELETE", credential: owner })).status).toBe(200);
});

test("[O6] a socket that is refused and a message that cannot be stored make no room", async () => {
  const tenant = await newTenant();
  const publisher = await newToken(tenant, "eve", { "*": ["publish"] });
  await expect(connect("unmade", { token: publisher })).rejects.toThrow("403");
  const empty = await call("/v1/rooms/unmade/messages", { method: "POST", credential: publisher, body: {} });
  expect(empty.status).toBe(400);
  expect((await call("/v1/rooms/unmade", { credential: tenant.key })).status).toBe(404);
});

test("[T1] who has no right in a room does not learn whether there is one", async () => {
  const tenant = await newTenant();
  await post(tenant, "hello");
  const elsewhere = await newToken(tenant, "eve", { elsewhere: ordinary });
  const answers = await Promise.all(
    ["general", "never-made"].map(async (room) => {
      const { requestId, ...rest } = await (
        await call(`/v1/rooms/${room}`, { credential: elsewhere })
      ).json<Record<string, unknown>>();
      return [typeof requestId, rest];
    }),
  );
  expect(answers[0]).toEqual(answers[1]);
  expect(answers[0]?.[1]).toMatchObject({ status: 403 });
});

test("[O6] of parallel creations one is new, and a deletion beside a publish leaves no room that nobody lists", async () => {
  const tenant = await newTenant();
  const put = () => call("/v1/rooms/general", { method: "PUT", credential: tenant.key, body: {} });
  const statuses = (await Promise.all([put(), put(), put()])).map(({ status }) => status);
  expect(statuses.sort()).toEqual([200, 200, 201]);
  for (let round = 0; round < 5; round++) {
    await Promise.all([
      post(tenant, "a"),
      call("/v1/rooms/general", { method: "DELETE", credential: tenant.key }),
      post(tenant, "b"),
    ]);
    const listed = await (await call("/v1/rooms", { credential: tenant.key })).json<{ items: object[] }>();
    const there = (await call("/v1/rooms/general", { credential: tenant.key })).status;
    expect(listed.items.length === 1 ? 200 : 410).toBe(there);
    await put();
  }
});

test("[H5] [T6] a burst is twice its rate unless it is set itself, and ten seconds' worth of it at most", async () => {
  const limits = async (given: Record<string, number>) => {
    const { key } = await newTenant(given);
    return (await (await call("/v1/tenant", { credential: key })).json<{ limits: Record<string, number> }>()).limits;
  };
  expect(await limits({ publishPerUserPerSecond: 3 })).toMatchObject({
    publishPerUserPerSecond: 3,
    publishPerUserBurst: 6,
  });
  for (const [asked, given] of [
    [1, 1],
    [30, 30],
    [31, 30],
  ])
    expect(await limits({ publishPerUserPerSecond: 3, publishPerUserBurst: asked ?? 0 })).toMatchObject({
      publishPerUserBurst: given,
    });
  expect(await limits({})).toMatchObject({ publishPerUserPerSecond: 10, publishPerUserBurst: 20 });
});

test("[H5] a mute tells its reason, and when it ends if it does", async () => {
  const tenant = await newTenant();
  await post(tenant, "hello");
  const mute = (body: object) => call("/v1/rooms/general/mutes/ada", { method: "PUT", credential: tenant.key, body });
  await mute({ until: Date.now() + 60_000, reason: "shouting" });
  const refused = await post(tenant, "again");
  expect(await refused.json()).toMatchObject({ code: "muted", detail: "The user is muted in this room: shouting" });
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(50);
  await mute({});
  expect((await post(tenant, "again")).headers.get("retry-after")).toBeNull();
});

test("[M8] read positions have a rate of their own", async () => {
  stopClock();
  const tenant = await newTenant({ publishPerUserPerSecond: 1, publishPerUserBurst: 5 });
  for (let count = 0; count < 5; count++) await post(tenant, "x");
  const read = (upTo: number) =>
    call("/v1/rooms/general/read", { method: "PUT", credential: tenant.key, user: "bo", body: { upTo } });
  const statuses: number[] = [];
  for (const upTo of [1, 2, 3, 4, 5, 5, 5]) statuses.push((await read(upTo)).status);
  expect(statuses.slice(0, 5)).toEqual([204, 204, 204, 204, 204]);
  expect(statuses.at(-1)).toBe(429);
  startClock();
});

test("[R5] a whole history pages to its end also where old members stand below what retention has left", async () => {
  const tenant = await newTenant({ ...roomy, replayChanges: 3 });
  await post(tenant, "first");
  for (let count = 0; count < 5; count++)
    await call(`/v1/rooms/general/members/m${count}`, {
      method: "PUT",
      credential: tenant.key,
      body: { role: "member" },
    });
  for (let count = 0; count < 10; count++) await post(tenant, `${count}`);
  const { env } = await import("cloudflare:workers");
  await env.ROOM.getByName(`${tenant.id}/general`).retain(12);
  let cursor = "0";
  const seqs: number[] = [];
  for (let page = 0; page < 20; page++) {
    const answer = await call(`/v1/rooms/general/changes?after=${cursor}`, { credential: tenant.key, user: "ada" });
    const read = await answer.json<{
      cursor: string;
      hasMore: boolean;
      gap?: object;
      changes: { message?: { seq: number }; member?: { seq: number }; room?: { seq: number } }[];
    }>();
    expect(read.gap).toBeUndefined();
    seqs.push(...read.changes.map(({ message, member, room }) => (message ?? member ?? room)?.seq ?? 0));
    cursor = read.cursor;
    if (!read.hasMore) break;
  }
  expect(seqs).toEqual([2, 3, 4, 5, 6, 12, 13, 14, 15, 16, 17]);
});

test("[R6] an erasure in many passes leaves no name, and its frames stay small", async () => {
  const tenant = await newTenant(roomy);
  const ada = await connect("general", { token: await newToken(tenant, "ada") });
  const bo = await connect("general", { token: await newToken(tenant, "bo") });
  for (let batch = 0; batch < 24; batch++) {
    ada.send(
      Array.from({ length: 50 }, (_, count) => ({ type: "publish", nonce: `nonce-${batch}-${count}`, text: "mine" })),
    );
  }
  bo.send({ type: "publish", ref: "mention", nonce: "mentioning", text: "hey", mentions: ["ada", "cy"] });
  const mention = await bo.answer("mention");
  await ada.until(() => ada.of("changes").at(-1)?.to === 1_201);
  const { env } = await import("cloudflare:workers");
  await env.ROOM.getByName(`${tenant.id}/general`).erase("ada");
  await bo.until(() => bo.of("changes").at(-1)?.to === 2_402);
  expect(bo.longestText).toBeLessThan(300_000);
  const pages = ["messages?limit=200", `messages/${"id" in mention ? mention.id : 0}`].map(async (path) =>
    (await call(`/v1/rooms/general/${path}`, { credential: tenant.key, user: "cy" })).text(),
  );
  const [newest, mentioning] = await Promise.all(pages);
  expect(newest).not.toContain("ada");
  expect(mentioning).toContain('"mentions":["cy"]');
});

test("[H2] [G2] a ban, a mute or a revocation until a time that no date can name is refused, and the room goes on", async () => {
  const tenant = await newTenant();
  const eve = await connect("general", { token: await newToken(tenant, "eve") });
  const until = 8_640_000_000_000_001;
  for (const path of ["/v1/rooms/general/bans/rob", "/v1/rooms/general/mutes/rob", "/v1/bans/rob"]) {
    expect((await call(path, { method: "PUT", credential: tenant.key, body: { until } })).status).toBe(400);
    const most = await call(path, { method: "PUT", credential: tenant.key, body: { until: until - 1 } });
    expect(most.status).toBe(204);
  }
  await call("/v1/rooms/general/bans/eve", { method: "PUT", credential: tenant.key, body: {} });
  await eve.until(({ closed }) => closed !== null);
  expect(eve.closed?.code).toBe(4503);
});

test("[T11] [H2] a reason that is no text cannot come between the audit log and its digests", async () => {
  const tenant = await newTenant();
  await post(tenant, "x");
  const broken = String.raw`"reason":"\ud800"`;
  for (const [method, path, body] of [
    ["POST", "/v1/rooms/general/kicks", `{"user":"x",${broken}}`],
    ["PUT", "/v1/rooms/general/bans/x", `{${broken}}`],
    ["PUT", "/v1/rooms/general/mutes/x", `{${broken}}`],
    ["PUT", "/v1/bans/x", `{${broken}}`],
    ["POST", "/v1/rooms/general/messages/1/flags", `{${broken}}`],
    ["POST", "/v1/revocations", `{"user":"x",${broken}}`],
  ] as const)
    expect([path, (await call(path, { method, credential: tenant.key, user: "mo", body })).status]).toEqual([
      path,
      400,
    ]);
});

test("[A21] a token by its own name is revoked, whatever it says of when it was issued", async () => {
  const tenant = await newTenant();
  const token = await newToken(tenant, "ada", { "*": ["read"] });
  await post(tenant, "x");
  const { jti } = JSON.parse(atob((token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/"))) as {
    jti: string;
  };
  const body = { token: jti, issuedBefore: 1 };
  expect((await call("/v1/revocations", { method: "POST", credential: tenant.key, body })).status).toBe(201);
  await expect
    .poll(async () => (await call("/v1/rooms/general", { credential: token })).status, { timeout: 7_000 })
    .toBe(401);
});
