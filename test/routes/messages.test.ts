import { describe, expect, test } from "vitest";
import { MessageAnswer } from "../../src/protocol/http.ts";
import { Page } from "../../src/protocol/serverFrames.ts";
import { everything, ordinary } from "../support/api.ts";
import { answered, refused } from "./answers.ts";
import { call, connect, newTenant, newToken } from "./edge.ts";
import { newWorld, type World } from "./operations.ts";

const messages = "/v1/rooms/general/messages";

function publish(credential: string, body: unknown, nonce?: string): Promise<Response> {
  const headers = nonce === undefined ? {} : { "Idempotency-Key": nonce };
  return call(messages, { method: "POST", credential, body, headers });
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

describe("a nonce", () => {
  test("[P3] 50 parallel publishes of one Idempotency-Key at a limit of 20 are one message: 201 once, 200 as replayed 49 times", async () => {
    const tenant = await newTenant({ publishPerUserBurst: 20, publishPerUserPerSecond: 2 });
    const token = await newToken(tenant, "ada", { "*": ordinary });
    const all = await Promise.all(Array.from({ length: 50 }, () => publish(token, { text: "once" }, "one-nonce-1")));
    expect(all.filter(({ status }) => status === 201)).toHaveLength(1);
    const replayed = all.filter((response) => response.headers.get("idempotent-replayed") === "true");
    expect(replayed.map(({ status }) => status)).toEqual(Array.from({ length: 49 }, () => 200));
    const bodies = await Promise.all(all.map(async (response) => (await response.json<{ message: object }>()).message));
    for (const body of bodies) expect(body).toEqual(bodies[0]);
    expect(await (await call(messages, { credential: token })).json()).toMatchObject({
      messages: [{ id: 1, text: "once" }],
      hasMore: false,
    });
    // It was paid for once.
    for (let count = 0; count < 19; count++) expect((await publish(token, { text: "more" })).status).toBe(201);
  });

  test("[P3] in the header, quoted there, or in the body it is the same nonce; two that differ are refused", async () => {
    const tenant = await newTenant();
    const token = await newToken(tenant, "ada", { "*": ordinary });
    expect((await publish(token, { text: "a" }, "nonce-header")).status).toBe(201);
    expect((await publish(token, { text: "a" }, '"nonce-header"')).status).toBe(200);
    expect((await publish(token, { text: "a", nonce: "nonce-header" })).status).toBe(200);
    expect((await publish(token, { text: "a", nonce: "nonce-header" }, "nonce-header")).status).toBe(200);
    await refused(await publish(token, { text: "a", nonce: "nonce-another" }, "nonce-header"), 400, "invalid_field");
    for (const nonce of ["", "short", "a".repeat(65), "with space", "nonce/slash", '""']) {
      await refused(await publish(token, { text: "a", nonce }), 400, "invalid_field");
      if (nonce !== "") await refused(await publish(token, { text: "a" }, nonce), 400, "invalid_field");
    }
  });

  test("[P3] other content under it is 422, whichever part of the content differs", async () => {
    const { token, names } = await newWorld();
    const path = `/v1/rooms/${names.room}/messages`;
    const content = { text: "a", data: { b: 1 }, replyTo: 1, mentions: ["mo"], expiresInMs: 60_000 };
    const headers = { "Idempotency-Key": "one-content" };
    const post = (body: unknown): Promise<Response> => call(path, { method: "POST", credential: token, headers, body });
    await answered(await post(content), 201, MessageAnswer);
    for (const other of [
      { text: "b" },
      { data: { b: 2 } },
      { data: null },
      { replyTo: null },
      { mentions: [] },
      { expiresInMs: 60_001 },
    ])
      await refused(await post({ ...content, ...other }), 422, "nonce_reused");
    await answered(await post(content), 200, MessageAnswer);
  });

  test("[P3] it belongs to its sender: another's of the same name is another message", async () => {
    const tenant = await newTenant();
    const tokens = await Promise.all(["ada", "bo"].map((user) => newToken(tenant, user, { "*": ordinary })));
    for (const token of tokens) expect((await publish(token, { text: "x" }, "same-nonce")).status).toBe(201);
    expect((await publish(tenant.key, { text: "x" }, "same-nonce")).status).toBe(201);
    expect((await publish(tenant.key, { text: "x" }, "same-nonce")).status).toBe(200);
  });

  const silencing: readonly {
    what: string;
    code: "muted" | "room_frozen" | "rate_limited";
    silence: (world: World, token: string) => Promise<unknown>;
  }[] = [
    {
      what: "its sender is muted",
      code: "muted",
      silence: ({ names, token }) =>
        call(`/v1/rooms/${names.room}/mutes/bo`, { method: "PUT", credential: token, body: { reason: "loud" } }),
    },
    {
      what: "the room is frozen",
      code: "room_frozen",
      silence: ({ names, token }) =>
        call(`/v1/rooms/${names.room}`, { method: "PATCH", credential: token, body: { settings: { frozen: true } } }),
    },
    {
      what: "its sender is over the rate",
      code: "rate_limited",
      silence: ({ names }, token) =>
        call(`/v1/rooms/${names.room}/messages`, { method: "POST", credential: token, body: { text: "the second" } }),
    },
  ];
  test.each(silencing)(
    "[P4] a retry of what is stored is acked also when $what, over HTTP and the socket",
    async ({ code, silence }) => {
      const world = await newWorld({ publishPerUserBurst: 2, publishPerUserPerSecond: 1, publishPerRoomBurst: 1_000 });
      const path = `/v1/rooms/${world.names.room}/messages`;
      const token = await newToken(world.tenant, "bo", { "*": ordinary });
      const post = (text: string, nonce: string): Promise<Response> =>
        call(path, { method: "POST", credential: token, body: { text }, headers: { "Idempotency-Key": nonce } });
      const { message } = await answered(await post("first", "the-first"), 201, MessageAnswer);
      await silence(world, token);
      const socket = await connect(world.names.room, { token });
      for (let count = 0; count < 3; count++) {
        const again = await answered(await post("first", "the-first"), 200, MessageAnswer);
        expect(again.message).toEqual(message);
        socket.send({ type: "publish", ref: `r${count}`, nonce: "the-first", text: "first" });
        expect(await socket.answer(`r${count}`)).toEqual({
          type: "ack",
          ref: `r${count}`,
          id: message?.id,
          seq: message?.id,
          duplicate: true,
        });
      }
      await refused(await post("other", "the-first"), 422, "nonce_reused");
      await refused(await post("new", "the-other"), code === "rate_limited" ? 429 : 403, code);
      socket.close();
    },
  );
});

describe("limits", () => {
  test("[H5] over the rate is 429 with when to come again: before it is refused, after exactly that time it passes", async () => {
    const tenant = await newTenant({ publishPerUserPerSecond: 3, publishPerUserBurst: 2 });
    const token = await newToken(tenant, "ada", { "*": ordinary });
    for (let count = 0; count < 2; count++) expect((await publish(token, { text: "in" })).status).toBe(201);
    const response = await publish(token, { text: "over" });
    const headers = response.headers;
    const problem = await refused(response, 429, "rate_limited");
    const { retryAfterMs = 0 } = problem;
    expect(problem).toMatchObject({
      retryable: true,
      limit: { scope: "user_in_room", limit: 2, windowMs: 667, remaining: 0 },
    });
    expect(retryAfterMs).toBeGreaterThan(100);
    expect(retryAfterMs).toBeLessThanOrEqual(334);
    expect(Number(headers.get("retry-after")) * 1_000).toBeGreaterThanOrEqual(retryAfterMs);
    expect(headers.get("retry-after")).toBe("1");
    expect(headers.get("ratelimit-policy")).toBe('"user_in_room";q=2;w=1');
    expect(headers.get("ratelimit")).toBe('"user_in_room";r=0;t=1');
    const refusedAt = Date.now();
    await refused(await publish(token, { text: "too soon" }), 429, "rate_limited");
    await pause(retryAfterMs - (Date.now() - refusedAt));
    expect((await publish(token, { text: "again" })).status).toBe(201);
  });

  test("[H5] edits, deletions and reactions are paid from the same allowance", async () => {
    const { token, names } = await newWorld({ publishPerUserPerSecond: 1, publishPerUserBurst: 3 });
    const path = `/v1/rooms/${names.room}/messages`;
    // The world was made with two.
    expect((await call(path, { method: "POST", credential: token, body: { text: "third" } })).status).toBe(201);
    for (const [method, at, body] of [
      ["POST", "", { text: "x" }],
      ["PATCH", "/1", { text: "x" }],
      ["DELETE", "/1", undefined],
      ["PUT", "/1/reactions/x", undefined],
      ["DELETE", "/1/reactions/x", undefined],
    ] as const)
      await refused(await call(`${path}${at}`, { method, credential: token, body }), 429, "rate_limited");
  });

  test("[H5] the room's own rate is told as the room's", async () => {
    const tenant = await newTenant({ publishPerRoomPerSecond: 1, publishPerRoomBurst: 1 });
    expect((await publish(tenant.key, { text: "in" })).status).toBe(201);
    const problem = await refused(
      await publish(await newToken(tenant, "bo", { "*": ordinary }), { text: "over" }),
      429,
    );
    expect(problem).toMatchObject({
      code: "rate_limited",
      limit: { scope: "room", limit: 1, windowMs: 1_000, remaining: 0 },
    });
  });

  test("[W7] a page has as many messages as the tenant's limit says, however many are asked for", async () => {
    const tenant = await newTenant({ pageSize: 3, publishPerUserBurst: 50 });
    for (let count = 0; count < 4; count++) await publish(tenant.key, { text: `m${count}` });
    for (const [limit, length] of [
      [2, 2],
      [3, 3],
      [4, 3],
      [1_000_000, 3],
    ]) {
      const read = await (
        await call(`${messages}?limit=${limit}`, { credential: tenant.key })
      ).json<{ messages: unknown[] }>();
      expect(read).toMatchObject({ hasMore: true });
      expect(read.messages).toHaveLength(length ?? 0);
    }
    for (const limit of ["0", "-1", "1.5"])
      await refused(await call(`${messages}?limit=${limit}`, { credential: tenant.key }), 400);
  });

  test("[H2] a page's bounds at the ends of what a number can be are answered as declared", async () => {
    const tenant = await newTenant();
    await publish(tenant.key, { text: "x" });
    for (const bound of ["before", "after", "around"]) {
      for (const id of ["0", "9007199254740990"])
        await answered(await call(`${messages}?${bound}=${id}`, { credential: tenant.key }), 200, Page);
      for (const id of ["9007199254740991", "9007199254740992", "9999999999999999"])
        await refused(await call(`${messages}?${bound}=${id}`, { credential: tenant.key }), 400, "invalid_field");
    }
  });
});

describe("changing what was said", () => {
  test("[H1] an edit of another version is 409, and so is one of a deleted message, and a reaction to it", async () => {
    const { token, names } = await newWorld();
    const path = `/v1/rooms/${names.room}/messages/1`;
    const edit = (body: unknown): Promise<Response> => call(path, { method: "PATCH", credential: token, body });
    await answered(await edit({ text: "two", ifVersion: 1 }), 200, MessageAnswer);
    await refused(await edit({ text: "late", ifVersion: 1 }), 409, "conflict");
    await answered(await edit({ text: "three", ifVersion: 2 }), 200, MessageAnswer);
    expect((await call(path, { method: "DELETE", credential: token })).status).toBe(200);
    await refused(await edit({ text: "late" }), 409, "conflict");
    await refused(await call(`${path}/reactions/x`, { method: "PUT", credential: token }), 409, "conflict");
    for (const body of [{}, { text: null, data: null }])
      await refused(await edit(body), body.text === undefined ? 400 : 409);
  });

  test("[H2] an edit that leaves neither text nor data is 400", async () => {
    const { token, names } = await newWorld();
    const path = `/v1/rooms/${names.room}/messages/1`;
    for (const body of [{}, { ifVersion: 1 }, { text: null }, { text: null, data: null }])
      await refused(await call(path, { method: "PATCH", credential: token, body }), 400, "invalid_field");
  });

  test("[H2] a word that every object has is an emoji like any other", async () => {
    const { token, names } = await newWorld();
    const words = ["constructor", "toString", "hasOwnProperty", "prototype", "__defineGetter__", "valueOf"];
    for (const word of words) {
      const path = `/v1/rooms/${names.room}/messages/1/reactions/${word}`;
      await answered(await call(path, { method: "DELETE", credential: token }), 200, MessageAnswer);
      const { message } = await answered(await call(path, { method: "PUT", credential: token }), 200, MessageAnswer);
      expect(Object.entries(message?.reactions ?? {})).toContainEqual([word, { count: 1, users: ["ada"] }]);
    }
    await refused(
      await call(`/v1/rooms/${names.room}/messages/1/reactions/__proto__`, { method: "PUT", credential: token }),
      400,
    );
    for (const word of words)
      await call(`/v1/rooms/${names.room}/messages/1/reactions/${word}`, { method: "DELETE", credential: token });
    const read = await (
      await call(`/v1/rooms/${names.room}/messages/1`, { credential: token })
    ).json<{ message: { reactions: object } }>();
    expect(Object.keys(read.message.reactions)).toEqual(["👍"]);
  });

  test("[M2] own rights reach one's own messages only, any rights every one, for edits and deletions alike", async () => {
    const tenant = await newTenant({ publishPerUserBurst: 100 });
    const as = (user: string, ...capabilities: string[]): Promise<string> =>
      newToken(tenant, user, { "*": ["read", ...capabilities] });
    const [ada, own, any, none] = await Promise.all([
      as("ada", "publish", "edit:own", "delete:own"),
      as("bo", "edit:own", "delete:own"),
      as("cy", "edit:any", "delete:any"),
      as("ada"),
    ]);
    for (const [method, body] of [
      ["PATCH", { text: "changed" }],
      ["DELETE", undefined],
    ] as const) {
      const { message } = await answered(await publish(ada, { text: "ada's" }), 201, MessageAnswer);
      const change = (credential: string, user?: string): Promise<Response> =>
        call(`${messages}/${message?.id}`, { method, credential, body, ...(user === undefined ? {} : { user }) });
      for (const credential of [own, none]) await refused(await change(credential), 403, "forbidden");
      expect((await change(ada)).status).toBe(200);
      expect((await change(any)).status).toBe(200);
      expect((await change(tenant.key)).status).toBe(200);
    }
  });

  test("[M2] a role adds its rights in its own room, and nothing without `read`", async () => {
    const world = await newWorld();
    const { tenant, token, names } = world;
    const member = `/v1/rooms/${names.room}/members/bo`;
    const reader = await newToken(tenant, "bo", { "*": ["read"] });
    const blind = await newToken(tenant, "bo", { "*": ["publish"] });
    const remove = (credential: string, room: string = names.room): Promise<Response> =>
      call(`/v1/rooms/${room}/messages/1`, { method: "DELETE", credential });
    await call("/v1/rooms/other", { method: "PUT", credential: token, body: {} });
    await call("/v1/rooms/other/messages", { method: "POST", credential: token, body: { text: "x" } });
    await refused(await remove(reader), 403, "forbidden");
    expect((await call(member, { method: "PUT", credential: token, body: { role: "moderator" } })).status).toBe(200);
    await refused(await remove(blind), 403, "forbidden");
    await refused(await remove(reader, "other"), 403, "forbidden");
    await refused(await call(member, { method: "PUT", credential: reader, body: { role: "owner" } }), 403, "forbidden");
    expect((await remove(reader)).status).toBe(200);
    await call(member, { method: "DELETE", credential: token });
    await refused(await remove(reader), 403, "forbidden");
  });

  test("[M2] a server without a user has no messages of its own", async () => {
    const { tenant } = await newWorld({}, {});
    const made = await call("/v1/keys", {
      method: "POST",
      credential: tenant.key,
      body: { capabilities: everything.filter((one) => !one.endsWith(":any")) },
    });
    const { key } = await made.json<{ key: { secret: string } }>();
    await answered(await publish(key.secret, { text: "the server's" }), 201, MessageAnswer);
    await refused(await call(`${messages}/1`, { method: "DELETE", credential: key.secret }), 403, "forbidden");
    await refused(await call(`${messages}/1/reactions/x`, { method: "PUT", credential: key.secret }), 403, "forbidden");
    await refused(
      await call("/v1/rooms/general/read", { method: "PUT", credential: key.secret, body: { upTo: 1 } }),
      403,
      "forbidden",
    );
  });
});
