import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { BatchAnswer } from "../../src/protocol/batch.ts";
import { MessageAnswer, type Problem } from "../../src/protocol/http.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import type { RefusalCode } from "../../src/protocol/refusals.ts";
import { Page } from "../../src/protocol/serverFrames.ts";
import { everything, ordinary, type TestTenant } from "../support/api.ts";
import { pass, startClock, stopClock } from "../support/clock.ts";
import { evict, roomObject } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import { announced, uploaded } from "../support/uploads.ts";
import { answered, refused } from "./answers.ts";
import { call, connect, newTenant, newToken } from "./edge.ts";

const room = "/v1/rooms/general";

interface Here {
  readonly tenant: TestTenant;
  readonly token: string;
}

async function newRoom(limits: object = {}, settings: object = {}): Promise<Here> {
  const tenant = await newTenant({ ...roomy, ...limits }, { ...settings });
  const token = await newToken(tenant, "ada", { "*": everything });
  await call(room, { method: "PUT", credential: token, body: {} });
  return { tenant, token };
}

function send(credential: string, messages: readonly object[], headers = {}): Promise<Response> {
  return call(`${room}/messages:batch`, { method: "POST", credential, body: { messages }, headers });
}

async function stored(credential: string, messages: readonly object[], headers = {}): Promise<BatchAnswer> {
  return answered(await send(credential, messages, headers), 201, BatchAnswer);
}

async function history(credential: string): Promise<Page["messages"]> {
  return (await answered(await call(`${room}/messages?limit=200`, { credential }), 200, Page)).messages;
}

async function textsIn(credential: string): Promise<unknown[]> {
  return (await history(credential)).map(({ text }) => text);
}

const texts = (count: number): { text: string }[] => Array.from({ length: count }, (_, n) => ({ text: `${n}` }));
const named = (count: number, from = 0): { text: string; nonce: string }[] =>
  texts(from + count)
    .slice(from)
    .map((message, index) => ({ ...message, nonce: `batch-nonce-${from + index}` }));

afterEach(startClock);

describe("whole or not at all", () => {
  test("[P9] a batch is stored in its order with nothing between, told in one frame, and answered with each message", async () => {
    const { token } = await newRoom();
    const reader = await connect("general", { token });
    const [{ messages, cursor }] = await Promise.all([stored(token, named(40)), stored(token, texts(40))]);
    const first = messages[0]?.id ?? 0;
    expect(messages.map(({ id, seq, duplicate, message }) => [id, seq, duplicate, message?.text])).toEqual(
      texts(40).map(({ text }, index) => [first + index, first + index, false, text]),
    );
    expect(cursor).toMatch(/:(40|80)$/);
    await reader.until(() => reader.of("changes").at(-1)?.to === 80);
    const told = reader.of("changes").flatMap(({ changes }) => changes);
    expect(told.map((change) => change.type === "message" && change.message.text)).toEqual([
      ...texts(40).map(({ text }) => text),
      ...texts(40).map(({ text }) => text),
    ]);
    expect(await history(token)).toMatchObject(
      [...messages, ...messages].map(({ message }) => ({ text: message?.text })),
    );
    reader.close();
  });

  test("[P9] its replies count at their parents, each of them", async () => {
    const { token } = await newRoom();
    await stored(token, [{ text: "parent" }]);
    const { messages } = await stored(token, [{ text: "a", replyTo: 1 }, { text: "b" }, { text: "c", replyTo: 1 }]);
    expect(messages.map(({ id }) => id)).toEqual([2, 4, 5]);
    expect((await history(token))[0]).toMatchObject({ id: 1, seq: 6, replies: 2 });
  });

  const long = "x".repeat(16_385);
  const causes: readonly { what: string; message: object; status: number; code: RefusalCode }[] = [
    { what: "replies to nothing", message: { text: "x", replyTo: 99 }, status: 404, code: "not_found" },
    { what: "replies to another of the batch", message: { text: "x", replyTo: 2 }, status: 404, code: "not_found" },
    { what: "says a listed word", message: { text: "a bad word" }, status: 422, code: "content_rejected" },
    { what: "is too long", message: { text: long }, status: 413, code: "too_large" },
    { what: "is empty", message: {}, status: 400, code: "invalid_field" },
    { what: "has a field too many", message: { text: "x", room: "y" }, status: 400, code: "invalid_field" },
    { what: "streams", message: { text: "x", streaming: true }, status: 400, code: "invalid_field" },
    { what: "expires too soon", message: { text: "x", expiresInMs: 999 }, status: 400, code: "invalid_field" },
    { what: "has a bad nonce", message: { text: "x", nonce: "short" }, status: 400, code: "invalid_field" },
    { what: "reuses a nonce", message: { text: "x", nonce: "known-nonce" }, status: 422, code: "nonce_reused" },
    { what: "carries no file", message: { attachments: ["never-was"] }, status: 404, code: "not_found" },
  ];
  test("[P9] one message that is refused refuses all, and the answer says which one and why", async () => {
    const { token } = await newRoom({}, { words: { list: ["bad"], action: "block" } });
    await stored(token, [{ text: "known", nonce: "known-nonce" }]);
    for (const { what, message, status, code } of causes) {
      const problem = await refused(await send(token, [...named(2), message, { text: "last" }]), status, code);
      expect([what, problem.index]).toEqual([what, 2]);
      expect([what, await textsIn(token)]).toEqual([what, ["known"]]);
    }
    // Nothing of it is known or counted either.
    expect((await stored(token, named(2))).messages.map(({ id }) => id)).toEqual([2, 3]);
  });

  test("[P9] a batch that fails while it is written leaves nothing; what was stored with it stays", async () => {
    const { tenant, token } = await newRoom();
    const reader = await connect("general", { token });
    await runInDurableObject(roomObject(tenant, "general"), (_, state) => {
      state.storage.sql.exec(
        "CREATE TRIGGER broken BEFORE INSERT ON message WHEN new.text = 'break' BEGIN SELECT raise(ABORT, 'a statement that fails'); END",
      );
    });
    const errors: unknown[] = [];
    const log = console.error;
    console.error = (...words: unknown[]) => errors.push(words);
    const [broken, alone] = await Promise.all([
      send(token, [...named(3), { text: "break" }, { text: "after" }]),
      call(`${room}/messages`, { method: "POST", credential: token, body: { text: "alone" } }),
    ]);
    console.error = log;
    await refused(broken, 500, "internal");
    expect(alone.status).toBe(201);
    expect(errors).toHaveLength(1);
    await evict(tenant, "general");
    expect((await history(token)).map(({ id, text }) => [id, text])).toEqual([[1, "alone"]]);
    expect((await stored(token, named(3))).messages.map(({ id }) => id)).toEqual([2, 3, 4]);
    await reader.until(() => reader.of("changes").at(-1)?.to === 4);
    reader.close();
  });

  test("[P9] [W7] 100 messages pass, 101 or none do not, nor a body that is larger than any may be", async () => {
    const { token } = await newRoom();
    const { messagesPerBatch, bodyBytes } = fixedLimits;
    expect((await stored(token, texts(messagesPerBatch))).messages).toHaveLength(messagesPerBatch);
    await refused(await send(token, texts(messagesPerBatch + 1)), 400, "invalid_field");
    await refused(await send(token, []), 400, "invalid_field");
    const filled = (bytes: number): object[] => {
      const part = { text: "x".repeat(16_000) };
      const parts = Array.from({ length: 8 }, () => part);
      const rest = bytes - JSON.stringify({ messages: [...parts, { text: "" }] }).length;
      return [...parts, { text: "x".repeat(rest) }];
    };
    expect((await stored(token, filled(bodyBytes))).messages).toHaveLength(9);
    await refused(await send(token, filled(bodyBytes + 1)), 413, "too_large");
  });
});

describe("nonces", () => {
  test("[P10] a retry is answered as the first was, also from a room that has lost its memory, when muted and when frozen", async () => {
    const { tenant, token } = await newRoom();
    const bo = await newToken(tenant, "bo", { "*": ordinary });
    const first = await stored(bo, named(3));
    await evict(tenant, "general");
    await call(`${room}/mutes/bo`, { method: "PUT", credential: token, body: {} });
    await call(room, { method: "PATCH", credential: token, body: { settings: { frozen: true } } });
    const response = await send(bo, named(3));
    expect(response.headers.get("idempotent-replayed")).toBe("true");
    const { messages } = await answered(response, 200, BatchAnswer);
    expect(messages).toEqual(first.messages.map((message) => ({ ...message, duplicate: true })));
    expect(await refused(await send(bo, named(4)), 403, "muted")).not.toHaveProperty("index");
  });

  test("[P10] of a batch that is known in part the rest is stored, and each says which it is", async () => {
    const { token } = await newRoom();
    await stored(token, named(3));
    const { messages } = await stored(token, [...named(2, 1), ...named(2, 3), { text: "no nonce" }]);
    expect(messages.map(({ id, duplicate }) => [id, duplicate])).toEqual([
      [2, true],
      [3, true],
      [4, false],
      [5, false],
      [6, false],
    ]);
    expect(await textsIn(token)).toEqual(["0", "1", "2", "3", "4", "no nonce"]);
  });

  test("[P10] the same nonce twice in a batch is one message, and with other content a refusal", async () => {
    const { token } = await newRoom();
    const { messages } = await stored(token, [...named(2), ...named(1), { text: "end" }]);
    expect(messages.map(({ id, duplicate, message }) => [id, duplicate, message?.text])).toEqual([
      [1, false, "0"],
      [2, false, "1"],
      [1, true, "0"],
      [3, false, "end"],
    ]);
    const other = { text: "other", nonce: "batch-nonce-9" };
    const problem = await refused(await send(token, [{ ...other, text: "one" }, other]), 422, "nonce_reused");
    expect(problem.index).toBe(1);
    expect(await textsIn(token)).toEqual(["0", "1", "end"]);
  });

  test("[P10] twenty at once that overlap, and their messages alone, are stored once each", async () => {
    const { token } = await newRoom();
    const alone = named(12).map(({ nonce, text }) =>
      call(`${room}/messages`, {
        method: "POST",
        credential: token,
        body: { text },
        headers: { "Idempotency-Key": nonce },
      }),
    );
    const all = await Promise.all(Array.from({ length: 20 }, (_, n) => send(token, named(10, n % 4))));
    const answers = await Promise.all(all.map((response) => response.json<BatchAnswer>()));
    expect(all.map(({ status }) => status).filter((status) => status !== 200 && status !== 201)).toEqual([]);
    for (const response of await Promise.all(alone)) expect([200, 201]).toContain(response.status);
    const said = await history(token);
    expect(said.map(({ text }) => Number(text)).sort((one, other) => one - other)).toEqual(
      Array.from({ length: 13 }, (_, n) => n),
    );
    const ids = new Map(said.map(({ id, nonce }) => [nonce, id]));
    answers.forEach(({ messages }, n) =>
      expect(messages.map(({ id }) => id)).toEqual(named(10, n % 4).map(({ nonce }) => ids.get(nonce))),
    );
  });

  test("[P10] an Idempotency-Key of the batch names the messages that have no nonce, by their place", async () => {
    const { token } = await newRoom();
    const headers = { "Idempotency-Key": "one-batch" };
    const first = await stored(token, [{ text: "a" }, ...named(1), { text: "b" }], headers);
    const again = await send(token, [{ text: "a" }, ...named(1), { text: "b" }], headers);
    expect((await answered(again, 200, BatchAnswer)).messages.map(({ id }) => id)).toEqual(
      first.messages.map(({ id }) => id),
    );
    const other = await send(token, [{ text: "a" }, { text: "c" }, { text: "other" }], headers);
    expect((await refused(other, 422, "nonce_reused")).index).toBe(2);
    await refused(await send(token, [{ text: "a" }], { "Idempotency-Key": "short" }), 400, "invalid_field");
    expect(await textsIn(token)).toEqual(["a", "0", "b"]);
  });
});

describe("what it costs", () => {
  const rate = { publishPerUserPerSecond: 5, publishPerUserBurst: 10 };

  test("[P11] a batch spends one for each new message, and says when it can pass", async () => {
    stopClock();
    const { token } = await newRoom(rate);
    await stored(token, named(6));
    const problem = await refused(await send(token, named(8, 6)), 429, "rate_limited");
    expect(problem).toMatchObject({ retryAfterMs: 800, limit: { scope: "user_in_room", limit: 10 } });
    // What was stored before costs nothing, and what was refused neither.
    expect((await stored(token, [...named(6), ...named(4, 6)])).messages).toHaveLength(10);
    await refused(await send(token, named(1, 10)), 429, "rate_limited");
    pass(199);
    await refused(await send(token, named(1, 10)), 429, "rate_limited");
    pass(1);
    await stored(token, named(1, 10));
  });

  const bounds = ["publishPerUserBurst", "publishPerRoomBurst", "publishPerTenantBurst", "changesPerDay"] as const;
  test.each(bounds)("[P11] [W7] a batch that is larger than %s is refused for good", async (name) => {
    const limits = { publishPerUserPerSecond: 10, publishPerRoomPerSecond: 10, publishPerTenantPerSecond: 10 };
    const { token } = await newRoom({ ...limits, [name]: 10 });
    const problem: Problem = await refused(await send(token, named(11)), 413, "too_large");
    expect(problem).toMatchObject({ retryable: false, detail: expect.stringContaining(name) });
    await stored(token, named(10));
    // Of the same again nothing is new.
    await answered(await send(token, named(10)), 200, BatchAnswer);
  });

  test("[P11] it takes so many of the tenant's credits, waits for none that others need, and says when there are enough", async () => {
    stopClock();
    const { token } = await newRoom({ publishPerTenantPerSecond: 10, publishPerTenantBurst: 30 });
    await stored(token, named(25));
    const { retryAfterMs = 0 } = await refused(await send(token, named(20, 25)), 429, "rate_limited");
    expect(retryAfterMs).toBeGreaterThanOrEqual(1_000);
    expect(retryAfterMs).toBeLessThanOrEqual(2_000);
    pass(retryAfterMs);
    await stored(token, named(20, 25));
  });

  test("[P11] a day's quota is spent by each of them, to the last", async () => {
    stopClock();
    const { token } = await newRoom({ changesPerDay: 20 });
    await stored(token, named(15));
    await refused(await send(token, named(6, 15)), 429, "quota_exceeded");
    await stored(token, named(5, 15));
    await refused(await send(token, named(1, 20)), 429, "quota_exceeded");
  });
});

describe("what is asked of each", () => {
  test("[P12] in slow mode a batch has one new message, and others wait for it", async () => {
    const { tenant, token } = await newRoom();
    await call(room, { method: "PATCH", credential: token, body: { settings: { slowModeMs: 60_000 } } });
    const bo = await newToken(tenant, "bo", { "*": ordinary });
    await refused(await send(bo, named(2)), 413, "too_large");
    await stored(bo, named(1));
    await refused(await send(bo, named(1, 1)), 429, "slow_mode");
    await stored(token, named(5));
  });

  test("[P12] files, mentions and expiry are each message's own, and a file is on one of them", async () => {
    const { token } = await newRoom();
    const [one, two] = [await uploaded(token, "one"), await uploaded(token, "two")];
    const twice = [{ attachments: [one.id] }, { text: "x", attachments: [two.id, one.id] }];
    expect((await refused(await send(token, twice), 400, "invalid_field")).index).toBe(1);
    const open = await announced(token, { size: 5 });
    expect((await refused(await send(token, [{ text: "x" }, { attachments: [open] }]), 404)).index).toBe(1);
    await stored(token, [
      { attachments: [one.id], mentions: ["bo", "bo"] },
      { text: "x", attachments: [two.id], expiresInMs: 60_000 },
    ]);
    expect(await history(token)).toMatchObject([
      { attachments: [{ id: one.id }], mentions: ["bo"], expiresAt: null },
      { attachments: [{ id: two.id }], expiresAt: expect.any(Number) },
    ]);
    expect((await refused(await send(token, [{ attachments: [one.id] }]), 409, "conflict")).index).toBe(0);
  });

  test("[P12] what a shadow-banned user says in a batch is acked and seen by nobody else", async () => {
    const { tenant, token } = await newRoom();
    const [bo, mo] = await Promise.all(["bo", "mo"].map((user) => newToken(tenant, user, { "*": ordinary })));
    await call(`${room}/bans/bo`, { method: "PUT", credential: token, body: { shadow: true } });
    expect((await stored(bo ?? "", named(3))).messages.map(({ message }) => message?.text)).toEqual(["0", "1", "2"]);
    expect(await textsIn(bo ?? "")).toHaveLength(3);
    expect(await textsIn(mo ?? "")).toEqual([]);
    expect(await textsIn(token)).toHaveLength(3);
  });

  test("[P12] [W7] a hook is asked about each, of no more than may wait for it, and one that fails refuses all", async () => {
    const hook = { url: "https://hook.invalid/", timeoutMs: 50 };
    const [strict, lax] = await Promise.all(
      ["refuse", "allow"].map((onFailure) => newRoom({}, { hook: { ...hook, onFailure } })),
    );
    const [one, other] = [strict?.token ?? "", lax?.token ?? ""];
    expect((await refused(await send(one, named(3)), 503, "overloaded")).index).toBe(0);
    await refused(await send(one, named(fixedLimits.inquiriesPerUser + 1)), 413, "too_large");
    expect(await textsIn(one)).toEqual([]);
    await stored(other, named(fixedLimits.inquiriesPerUser));
    expect(await textsIn(other)).toHaveLength(fixedLimits.inquiriesPerUser);
  });

  test("[P12] who may not read is shown only what he has just said, and a room comes to be by a batch that can be stored", async () => {
    const tenant = await newTenant(roomy);
    const bo = await newToken(tenant, "bo", { "*": ["publish"] });
    await refused(await send(bo, [{ text: "x" }, {}]), 400, "invalid_field");
    await refused(await call(room, { credential: tenant.key, user: "ada" }), 404, "not_found");
    expect((await stored(bo, named(1))).messages).toMatchObject([{ id: 1, message: { text: "0" } }]);
    const again = await answered(await send(bo, named(1)), 200, BatchAnswer);
    expect(again.messages).toEqual([{ id: 1, seq: 1, duplicate: true, message: null }]);
    const single = { method: "POST", credential: bo, body: named(1)[0] };
    expect(await answered(await call(`${room}/messages`, single), 200, MessageAnswer)).toMatchObject({ message: null });
  });
});
