/** Messages that are streamed, over the room's socket and by its object's calls; under a clock that stands still. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { bodyOf } from "../routes/answers.ts";
import { call, everything, newTenant, ordinary } from "../support/api.ts";
import { pass, startClock, stopClock } from "../support/clock.ts";
import { ask, Place, place } from "../support/place.ts";
import { asAsked } from "../support/failing.ts";
import { evict, query, roomObject, rowsOf } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import { append, begin, callerOf, finish, stored, textIn, untilText } from "../support/streams.ts";

beforeEach(() => stopClock());
afterEach(startClock);

test("[J1] what is appended is gathered into one frame, in its place, and ended by one change", async () => {
  const room = await place();
  const [bot, ada] = [await room.enter("bot"), await room.enter("ada", { capabilities: ["read"] })];
  const id = await begin(bot, { text: "So" });
  expect(ada.of("changes").at(-1)?.changes).toMatchObject([{ message: { id, text: "So", status: "streaming" } }]);
  let at = 2;
  for (const piece of [" it", " is", " said"]) {
    bot.send({ type: "append", id, at, text: piece });
    at += piece.length;
  }
  await untilText(ada, id, "So it is said");
  // On a busy machine the pieces may come further apart than deltas are gathered.
  const [first, ...others] = ada.of("delta");
  expect(first).toMatchObject({ type: "delta", id, at: 2 });
  expect([first, ...others].map((delta) => delta?.text).join("")).toBe(" it is said");
  expect(await append(bot, id, at, ".")).toEqual({ type: "ack", ref: expect.any(String), id, at: at + 1 });
  expect(await finish(bot, id)).toMatchObject({ type: "ack", id, seq: 2 });
  await untilText(ada, id, "So it is said.");
  expect(ada.of("changes").at(-1)).toEqual({
    type: "changes",
    from: 1,
    to: 2,
    changes: [{ type: "message", message: { id, seq: 2, text: "So it is said.", status: "sent" } }],
  });
  expect(await stored(room, id)).toMatchObject({ text: "So it is said.", status: "sent", version: 1, editedAt: null });
});

test("[J1] deltas keep their place among the changes of others", async () => {
  const room = await place();
  const [bot, ada] = [await room.enter("bot"), await room.enter("ada")];
  const id = await begin(bot);
  bot.send(
    { type: "append", id, at: 0, text: "a" },
    { type: "publish", nonce: "nonce-between", text: "between" },
    { type: "append", id, at: 1, text: "b" },
    { type: "finish", id, status: "sent" },
  );
  await untilText(ada, id, "ab");
  await room.fence(ada);
  const end = ada.frames.findLastIndex((frame) => frame.type === "changes" && JSON.stringify(frame).includes('"sent"'));
  expect(ada.frames.findLastIndex((frame) => frame.type === "delta")).toBeLessThan(end);
  expect(textIn(ada, id)).toBe("ab");
});

test("[J1] an append writes no row, and asks for none", async () => {
  const room = await place();
  const [bot, ada] = [await room.enter("bot"), await room.enter("ada")];
  const id = await begin(bot);
  await append(bot, id, 0, "warm");
  await untilText(ada, id, "warm");
  const caller = callerOf("bot");
  const cost = await rowsOf(room.tenant, room.room, async (object) => {
    for (let at = 4; at < 104; at++)
      expect(await object.append(caller, id, { at, text: "x" })).toEqual({ ok: true, at: at + 1 });
  });
  expect(cost).toEqual({ read: 0, written: 0 });
  await untilText(ada, id, `warm${"x".repeat(100)}`);
  expect(ada.of("delta").length).toBeLessThan(20);
});

test("[J1] it takes the right to stream, beside that to publish", async () => {
  const room = await place();
  const ada = await room.enter("ada", { capabilities: everything.filter((capability) => capability !== "stream") });
  const refused = { type: "error", code: "forbidden", status: 403 };
  expect(await ask(ada, { type: "publish", nonce: "nonce-nonce", streaming: true })).toMatchObject(refused);
  const bot = await room.enter("bot");
  const id = await begin(bot);
  for (const frame of [
    { type: "append", at: 0, text: "x" },
    { type: "finish", status: "sent" },
  ])
    expect(await ask(ada, { ...frame, id })).toMatchObject(refused);
  expect(await query(room.tenant, room.room, "SELECT text FROM message")).toEqual([{ text: "" }]);
});

test("[J2] a hole, another text and a lone half are refused with where the text goes on; a repeat is acked", async () => {
  const room = await place();
  const [bot, ada] = [await room.enter("bot"), await room.enter("ada")];
  const id = await begin(bot, { text: "abc" });
  const refused = { type: "error", status: 409, retryable: false };
  expect(await append(bot, id, 4, "x")).toMatchObject({ ...refused, code: "stream_offset", want: 3 });
  expect(await append(bot, id, 1, "xyz")).toMatchObject({ ...refused, code: "conflict", want: 3 });
  expect(await append(bot, id, 0, "ab")).toMatchObject({ type: "ack", at: 3 });
  expect(await append(bot, id, 2, "cde")).toMatchObject({ type: "ack", at: 5 });
  expect(await append(bot, id, 5, "\ud83d")).toMatchObject({ type: "ack", at: 6 });
  expect(await stored(room, id)).toMatchObject({ text: "abcde" });
  expect(await append(bot, id, 6, "f")).toMatchObject({ code: "invalid_field" });
  expect(await append(bot, id, 6, "a\ud83da")).toMatchObject({ code: "invalid_field" });
  expect(await append(bot, id, 6, "\ude00!")).toMatchObject({ type: "ack", at: 8 });
  await untilText(ada, id, "abcde😀!");
  expect(await finish(bot, id, { text: "another text" })).toMatchObject({ type: "ack" });
  await untilText(ada, id, "another text");
});

test("[J3] every way of reading has the text so far, which its row has not", async () => {
  const room = await place();
  const [bot, ada] = [await room.enter("bot"), await room.enter("ada")];
  const cursor = `${ada.welcome.epoch}:0`;
  const id = await begin(bot);
  await append(bot, id, 0, "so far");
  expect(await query(room.tenant, room.room, "SELECT text FROM message")).toEqual([{ text: "" }]);
  const get = async (path: string): Promise<string> => {
    const answer = await call(`/v1/rooms/${room.room}${path}`, { credential: room.tenant.key });
    return bodyOf(answer);
  };
  for (const path of [`/messages/${id}`, "/messages", `/changes?after=${cursor}`, "/changes?after=0", "/export"])
    expect([path, (await get(path)).includes('"text":"so far"')]).toEqual([path, true]);
  expect(await ask(ada, { type: "history", limit: 5 })).toMatchObject({ messages: [{ id, text: "so far" }] });
  const shown = { type: "snapshot", ref: expect.any(String), id, text: "so far" };
  expect(await ask(ada, { type: "snapshot", id })).toEqual(shown);
  await finish(bot, id);
  expect(await ask(ada, { type: "snapshot", id })).toMatchObject({ code: "stream_closed", status: 409 });
});

test("[J3] who joins is given one snapshot of each message of its window, and goes on from there", async () => {
  const room = await place();
  const bot = await room.enter("bot");
  const [one, two] = [await begin(bot, { text: "one" }), await begin(bot, { text: "two" })];
  await append(bot, one, 3, " more");
  const ada = await room.enter("ada");
  await ada.until(() => ada.of("snapshot").length === 2);
  expect(ada.of("snapshot")).toEqual([
    { type: "snapshot", id: one, text: "one more" },
    { type: "snapshot", id: two, text: "two" },
  ]);
  const bo = await room.enter("bo", { backlog: 1 });
  const cara = await room.enter("cara", { cursor: `${ada.welcome.epoch}:2` });
  await Promise.all([
    bo.until(() => bo.of("snapshot").length === 1),
    cara.until(() => cara.of("snapshot").length === 2),
  ]);
  await append(bot, two, 3, "!");
  for (const socket of [ada, bo, cara]) await socket.until(() => socket.of("delta").at(-1)?.text === "!");
  expect([bo.of("snapshot"), textIn(ada, two), textIn(bo, two)]).toEqual([
    [{ type: "snapshot", id: two, text: "two" }],
    "two!",
    "two!",
  ]);
});

test("[J3] [J8] who goes on where more is streamed than a replay may have is given the newest of it, and no more", async () => {
  const room = await place({ ...roomy, replayBytes: 1_000 });
  const bot = await room.enter("bot");
  const ids: number[] = [];
  for (const letter of ["a", "b", "c"]) ids.push(await begin(bot, { text: letter.repeat(300) }));
  const cursor = `${bot.welcome.epoch}:3`;
  const ada = await room.enter("ada", { cursor });
  await ada.until(() => ada.of("snapshot").length === 3);
  await append(bot, ids[0] ?? 0, 300, "a".repeat(300));
  const bo = await room.enter("bo", { cursor });
  await bo.until(() => bo.of("snapshot").length > 0);
  expect([ada.welcome.resumed, bo.welcome.resumed, bo.welcome.gap]).toEqual([true, false, { reason: "too_far" }]);
  expect(bo.of("snapshot")).toMatchObject([{ id: ids.at(-1) }]);
});

test("[J8] of long texts no more is read than is told", async () => {
  const limits = { replayBytes: 10_000 };
  const room = await place({ ...roomy, ...limits });
  const bot = await room.enter("bot");
  for (let count = 0; count < 40; count++)
    bot.send({ type: "publish", nonce: `nonce-long-${count}`, text: "x".repeat(4_000) });
  await room.fence(bot);
  const { session, policy } = callerOf("ada");
  const caller = { session, policy: { ...policy, limits: { ...policy.limits, ...limits } } };
  const { read } = await rowsOf(room.tenant, room.room, async (object) => {
    expect(await object.messages(caller, { limit: 200 })).toMatchObject({ messages: [{}, {}, {}], hasMore: true });
    const wanted = { cursor: `${bot.welcome.epoch}:0`, backlog: 0 };
    expect(await object.changes(caller, wanted)).toMatchObject({ hasMore: true });
  });
  expect(read).toBeLessThan(40);
});

/** The object dies, and with it its sockets and all that it had not written down. */
async function lose(room: Place): Promise<void> {
  const dying = runInDurableObject(roomObject(room.tenant, room.room), (_, state) => state.abort(asAsked));
  await dying.catch(() => undefined);
}

test("[J3] it is saved each second or 4,096 characters, without a seq; lost memory goes back to that and says so", async () => {
  const room = await place();
  let [bot, ada] = [await room.enter("bot"), await room.enter("ada")];
  const id = await begin(bot);
  const long = "x".repeat(fixedLimits.streamCheckpointChars - 1);
  await append(bot, id, 0, long);
  await untilText(ada, id, long);
  const saved = async (): Promise<number> =>
    (await query<{ units: number }>(room.tenant, room.room, "SELECT length(text) AS units FROM message"))[0]?.units ??
    -1;
  expect(await saved()).toBe(0);
  await append(bot, id, long.length, "y");
  await untilText(ada, id, `${long}y`);
  expect(await saved()).toBe(fixedLimits.streamCheckpointChars);
  await append(bot, id, long.length + 1, "lost");
  await untilText(ada, id, `${long}ylost`);
  const cursor = `${ada.welcome.epoch}:1`;
  await lose(room);
  [bot, ada] = [await room.enter("bot"), await room.enter("ada", { cursor })];
  await untilText(ada, id, `${long}y`);
  expect(ada.of("snapshot")).toEqual([{ type: "snapshot", id, text: `${long}y` }]);
  expect(await append(bot, id, long.length + 5, "!")).toMatchObject({ code: "stream_offset", want: long.length + 1 });
  await append(bot, id, long.length + 1, "again");
  await untilText(ada, id, `${long}yagain`);
  // By the timer of a second, which runs by the platform's clock.
  await expect.poll(saved, { timeout: 3_000 }).toBe(long.length + 6);
  await finish(bot, id);
  expect(await stored(room, id)).toMatchObject({ text: `${long}yagain`, seq: 2 });
});

test("[J3] a room that wakes tells everybody where the text ends, whoever stayed connected", async () => {
  const room = await place();
  const [bot, ada] = [await room.enter("bot"), await room.enter("ada")];
  const id = await begin(bot, { text: "kept" });
  await append(bot, id, 4, " and saved");
  await untilText(ada, id, "kept and saved");
  await room.forget();
  for (const socket of [bot, ada])
    await socket.until(() => socket.of("delta").some(({ at, text }) => at === 14 && text === ""));
  expect([textIn(ada, id), ada.of("snapshot")]).toEqual(["kept and saved", []]);
  expect(await append(bot, id, 14, "!")).toMatchObject({ type: "ack", at: 15 });
  await untilText(ada, id, "kept and saved!");
  expect(ada.of("delta").at(-1)).toEqual({ type: "delta", id, at: 14, text: "!" });
});

test("[J5] thirty seconds after its producer was heard of a stream is interrupted, with the text that there is", async () => {
  const room = await place();
  const [bot, ada] = [await room.enter("bot"), await room.enter("ada")];
  const id = await begin(bot);
  pass(20_000);
  await append(bot, id, 0, "half an ans");
  await untilText(ada, id, "half an ans");
  pass(10_000);
  await room.ring();
  expect(await stored(room, id)).toMatchObject({ status: "streaming" });
  expect(await room.dueMs("streams")).toBe(Date.now() + 20_000);
  // A repeat is a sign of life, and so is a piece of nothing.
  pass(10_000);
  await append(bot, id, 11, "");
  pass(fixedLimits.streamLeaseMs - 1);
  await room.ring();
  expect(await stored(room, id)).toMatchObject({ status: "streaming" });
  pass(1);
  await room.ring();
  expect(await stored(room, id)).toMatchObject({ status: "interrupted", text: "half an ans", seq: 2 });
  expect(ada.of("changes").at(-1)?.changes).toMatchObject([
    { message: { id, status: "interrupted", text: "half an ans" } },
  ]);
  expect(await append(bot, id, 11, "wer")).toMatchObject({ code: "stream_closed", status: 409 });
  expect(await finish(bot, id)).toMatchObject({ code: "stream_closed" });
  expect(await query(room.tenant, room.room, "SELECT * FROM stream")).toEqual([]);
});

test("[J5] so is one whose room has lost its memory, and one whose producer's connection has ended goes on", async () => {
  const room = await place();
  const bot = await room.enter("bot");
  const [lost, going] = [await begin(bot, { text: "lost" }), await begin(bot, { text: "going" })];
  await room.exit(bot);
  await evict(room.tenant, room.room);
  pass(fixedLimits.streamLeaseMs - 1_000);
  const again = await room.enter("bot");
  expect(await append(again, going, 5, " on")).toMatchObject({ type: "ack", at: 8 });
  pass(1_000);
  await room.ring();
  expect(await stored(room, lost)).toMatchObject({ status: "interrupted", text: "lost" });
  expect(await stored(room, going)).toMatchObject({ status: "streaming", text: "going on" });
});

test("[J6] any device of the producer's cancels, a moderator too, and nobody else; the producer hears it", async () => {
  const room = await place();
  const [bot, phone] = [await room.enter("bot"), await room.enter("bot")];
  const ada = await room.enter("ada", { capabilities: [...ordinary, "stream"] });
  const id = await begin(bot, { text: "so " });
  await append(bot, id, 3, "far");
  expect(await ask(ada, { type: "cancel", id })).toMatchObject({ code: "forbidden", status: 403 });
  expect(await ask(phone, { type: "cancel", id, reason: "enough" })).toMatchObject({ type: "ack", id, seq: 2 });
  await untilText(ada, id, "so far");
  expect(await stored(room, id)).toMatchObject({ status: "cancelled", text: "so far" });
  const told = { type: "cancel", id, by: "bot", reason: "enough" };
  await bot.until(() => bot.of("cancel").length === 1);
  expect([bot.of("cancel"), phone.of("cancel"), ada.of("cancel")]).toEqual([[told], [told], []]);
  expect(await append(bot, id, 6, "!")).toMatchObject({ code: "stream_cancelled", status: 409 });
  expect(await finish(bot, id)).toMatchObject({ code: "stream_cancelled" });
  expect(await ask(phone, { type: "cancel", id })).toMatchObject({ type: "ack", duplicate: true });
  const [next, mod] = [await begin(bot), await room.enter("mod", { capabilities: ["read", "moderate"] })];
  expect(await ask(mod, { type: "cancel", id: next })).toMatchObject({ type: "ack" });
  await bot.until(() => bot.of("cancel").length === 2);
  expect(bot.of("cancel").at(-1)).toEqual({ type: "cancel", id: next, by: "mod" });
  const log = await call("/v1/audit?limit=200", { credential: room.tenant.key });
  expect(
    (await log.json<{ items: { action: string }[] }>()).items.filter(({ action }) => action === "message.cancelled"),
  ).toHaveLength(1);
});

test("[J7] only its producer goes on with it, and finishes it once; meanwhile nobody edits it", async () => {
  const room = await place();
  const [bot, ada] = [await room.enter("bot"), await room.enter("ada")];
  const id = await begin(bot, { text: "x" });
  for (const frame of [
    { type: "append", id, at: 1, text: "y" },
    { type: "finish", id, status: "sent" },
  ])
    expect(await ask(ada, frame)).toMatchObject({ code: "forbidden" });
  for (const socket of [bot, ada])
    expect(await ask(socket, { type: "edit", id, text: "z" })).toMatchObject({ code: "conflict" });
  const rpc = roomObject(room.tenant, room.room);
  // The tenant's server speaks for whoever it names.
  expect(await rpc.append(callerOf("bot"), id, { at: 1, text: "y" })).toEqual({ ok: true, at: 2 });
  expect(await rpc.append(callerOf(null), id, { at: 2, text: "z" })).toMatchObject({ ok: false, error: "forbidden" });
  expect(await finish(bot, id)).toMatchObject({ type: "ack", seq: 2 });
  expect(await finish(bot, id)).toMatchObject({ type: "ack", seq: 2, duplicate: true });
  expect(await finish(bot, id, { text: "xy" })).toMatchObject({ type: "ack", duplicate: true });
  expect(await finish(bot, id, { text: "other" })).toMatchObject({ code: "stream_closed" });
  expect(await ask(bot, { type: "edit", id, text: "z" })).toMatchObject({ type: "ack", seq: 3 });
});

test("[J7] who is muted, in a frozen room, or banned goes on with nothing, and the lease ends it", async () => {
  const room = await place();
  const bot = await room.enter("bot", { capabilities: [...ordinary, "stream"] });
  const id = await begin(bot);
  const asServer = (path: string, method: string, body: object) =>
    call(`/v1/rooms/${room.room}${path}`, { method, credential: room.tenant.key, body });
  await asServer("/mutes/bot", "PUT", { until: Date.now() + 5_000 });
  expect(await append(bot, id, 0, "x")).toMatchObject({ code: "muted" });
  expect(await finish(bot, id)).toMatchObject({ code: "muted" });
  pass(5_000);
  await asServer("", "PATCH", { settings: { frozen: true } });
  expect(await append(bot, id, 0, "x")).toMatchObject({ code: "room_frozen" });
  await asServer("", "PATCH", { settings: { frozen: false } });
  expect(await append(bot, id, 0, "x")).toMatchObject({ type: "ack" });
  await asServer("/bans/bot", "PUT", {});
  expect(await roomObject(room.tenant, room.room).append(callerOf("bot"), id, { at: 1, text: "y" })).toMatchObject({
    error: "banned",
  });
  pass(fixedLimits.streamLeaseMs);
  await room.ring();
  expect(await stored(room, id)).toMatchObject({ status: "interrupted", text: "x" });
});

test("[J7] what ends the message ends its stream: deletion, erasure, retention, expiry, the end of the room", async () => {
  const room = await place();
  const [bot, ada] = [await room.enter("bot"), await room.enter("ada")];
  const object = roomObject(room.tenant, room.room);
  const left = () => query(room.tenant, room.room, "SELECT message FROM stream");
  const secret = "nothing of this stays";
  const deleted = await begin(bot);
  await append(bot, deleted, 0, secret);
  await ask(bot, { type: "delete", id: deleted });
  expect(ada.of("changes").at(-1)?.changes).toMatchObject([{ message: { text: null, status: "cancelled" } }]);
  expect(await append(bot, deleted, 21, "!")).toMatchObject({ code: "stream_cancelled" });
  const retained = await begin(bot);
  await append(bot, retained, 0, secret);
  await object.retain(retained + 1);
  expect(await append(bot, retained, 21, "!")).toMatchObject({ code: "not_found" });
  const expiring = await begin(bot, { expiresInMs: 1_000 });
  await append(bot, expiring, 0, secret);
  pass(1_001);
  expect(await append(bot, expiring, 21, "!")).toMatchObject({ code: "not_found" });
  pass(fixedLimits.expirySweepMs);
  await room.ring();
  expect(await left()).toEqual([]);
  const disowned = await begin(ada);
  await append(ada, disowned, 0, "this stays");
  await object.erase("ada", "keep");
  expect(await stored(room, disowned)).toMatchObject({ status: "interrupted", text: "this stays", sender: null });
  const erased = await begin(bot);
  await append(bot, erased, 0, secret);
  await object.erase("bot", "erase");
  expect(await stored(room, erased)).toMatchObject({ status: "cancelled", text: null, sender: null });
  expect([await left(), await query(room.tenant, room.room, `SELECT 1 FROM message WHERE text = '${secret}'`)]).toEqual(
    [[], []],
  );
  const last = await begin(await room.enter("cara"), { text: secret });
  await call(`/v1/rooms/${room.room}`, { method: "DELETE", credential: room.tenant.key });
  expect([await left(), last > erased]).toEqual([[], true]);
});

test("[J7] an imported stream goes on, and ends as interrupted where nobody goes on with it", async () => {
  const room = await place();
  const bot = await room.enter("bot");
  const id = await begin(bot);
  await append(bot, id, 0, "so far");
  const path = (name: string): string => `/v1/rooms/${name}`;
  const exported = await bodyOf(await call(`${path(room.room)}/export`, { credential: room.tenant.key }));
  await call(path("copy"), { method: "PUT", credential: room.tenant.key, body: {} });
  const taken = await call(`${path("copy")}/import`, {
    method: "POST",
    credential: room.tenant.key,
    body: exported,
    headers: { "Content-Type": "application/x-ndjson" },
  });
  expect([taken.status, await taken.text()]).toEqual([201, expect.any(String)]);
  const again = await bodyOf(await call(`${path("copy")}/export`, { credential: room.tenant.key }));
  expect(again.split("\n").slice(1)).toEqual(exported.split("\n").slice(1));
  const copy = roomObject(room.tenant, "copy");
  expect(await copy.append(callerOf("bot"), id, { at: 6, text: "!" })).toEqual({ ok: true, at: 7 });
  pass(fixedLimits.streamLeaseMs);
  await runDurableObjectAlarm(copy);
  const answer = await call(`${path("copy")}/messages/${id}`, { credential: room.tenant.key });
  expect(await answer.json()).toMatchObject({ message: { status: "interrupted", text: "so far!" } });
});

test("[J8] [W7] streams, the length of a text, appends and their bytes are limited, each at its edge", async () => {
  const limits = {
    streamsPerUser: 2,
    streamsPerRoom: 3,
    streamTextLength: 10,
    appendsPerUserPerSecond: 5,
    appendsPerUserBurst: 8,
  };
  const room = await place({ ...roomy, ...limits, appendBytesPerUserPerSecond: 10, appendBytesPerUserBurst: 20 });
  const [bot, ada] = [await room.enter("bot"), await room.enter("ada")];
  const begun = (socket: typeof bot) =>
    ask(socket, { type: "publish", nonce: `nonce-${++nonces}-edge`, streaming: true });
  const limited = { type: "error", code: "rate_limited", status: 429, retryAfterMs: expect.any(Number) };
  const id = await begin(bot);
  expect(await begun(bot)).toMatchObject({ type: "ack" });
  expect(await begun(bot)).toMatchObject(limited);
  expect(await begun(ada)).toMatchObject({ type: "ack" });
  expect(await begun(ada)).toMatchObject(limited);
  expect(await append(bot, id, 0, "0123456789")).toMatchObject({ type: "ack", at: 10 });
  expect(await append(bot, id, 10, "x")).toMatchObject({ code: "too_large", status: 413 });
  expect(await finish(bot, id, { text: "0123456789x" })).toMatchObject({ code: "too_large" });
  expect(await append(bot, id, 0, "012345678")).toMatchObject({ type: "ack" });
  expect(await append(bot, id, 0, "0")).toMatchObject({
    ...limited,
    limit: { scope: "append_bytes" },
    retryAfterMs: 100,
  });
  expect(await finish(bot, id, { text: "0" })).toMatchObject({ ...limited, limit: { scope: "append_bytes" } });
  pass(100);
  expect(await append(bot, id, 0, "0")).toMatchObject({ type: "ack" });
  for (let more = 0; more < 4; more++) await append(bot, id, 10, "");
  expect(await append(bot, id, 10, "")).toMatchObject({
    ...limited,
    limit: { scope: "appends" },
    retryAfterMs: expect.any(Number),
  });
  expect(await finish(bot, id)).toMatchObject({ type: "ack" });
});
let nonces = 0;

test("[J8] a streamed message is used once, with its bytes at its end, whatever is counted meanwhile", async () => {
  const room = await place();
  const [bot, ada] = [await room.enter("bot"), await room.enter("ada")];
  const used = () =>
    runInDurableObject(roomObject(room.tenant, room.room), (_, { storage }) => {
      const row = "SELECT used_messages AS messages, used_bytes AS bytes FROM room";
      return storage.sql.exec<{ messages: number; bytes: number }>(row).one();
    });
  const count = async () => {
    await room.ring();
    pass(60_000);
  };
  const id = await begin(bot, { text: "é" });
  pass(11_000);
  await count();
  expect(await used()).toEqual({ messages: 1, bytes: 0 });
  const next = await begin(ada);
  await append(ada, next, 0, "12345");
  await finish(ada, next);
  expect(await used()).toMatchObject({ bytes: 5 });
  pass(11_000);
  await count();
  expect(await used()).toEqual({ messages: 2, bytes: 5 + 2 });
  expect(await stored(room, id)).toMatchObject({ status: "interrupted" });
});

test("[J9] what a shadow-banned user streams is told to him and to moderators, and to nobody else", async () => {
  const room = await place();
  const bot = await room.enter("bot", { capabilities: [...ordinary, "stream"] });
  const [ada, mod] = [await room.enter("ada", { capabilities: ordinary }), await room.enter("mod")];
  const open = await begin(bot, { text: "seen" });
  const ban = { method: "PUT", credential: room.tenant.key, body: { shadow: true } };
  await call(`/v1/rooms/${room.room}/bans/bot`, ban);
  // He is not to notice it.
  expect(await append(bot, open, 4, " and gone")).toMatchObject({ type: "ack", at: 13 });
  const id = await begin(bot);
  await append(bot, id, 0, "hidden");
  for (const socket of [bot, mod]) await untilText(socket, id, "hidden");
  const late = await room.enter("late", { capabilities: ordinary });
  await room.fence(ada, late);
  await room.forget();
  for (const socket of [bot, mod])
    await socket.until(() => socket.of("delta").some((frame) => frame.id === id && frame.text === ""));
  expect(await ask(ada, { type: "snapshot", id })).toMatchObject({ code: "not_found" });
  await finish(bot, id);
  await room.fence(ada, late);
  for (const socket of [ada, late]) expect(JSON.stringify(socket.frames)).not.toMatch(/hidden|and gone/);
  expect(textIn(ada, open)).toBe("seen");
});

test("[J9] [J6] a moderator who is shadow-banned cancels nothing: no producer hears of it, and no audit log", async () => {
  const room = await place();
  const [bot, mod] = [await room.enter("bot"), await room.enter("mod")];
  const id = await begin(bot, { text: "goes on" });
  await call(`/v1/rooms/${room.room}/bans/mod`, { method: "PUT", credential: room.tenant.key, body: { shadow: true } });
  expect(await ask(mod, { type: "cancel", id })).toMatchObject({ type: "ack", id });
  expect(await append(bot, id, 7, "!")).toMatchObject({ type: "ack", at: 8 });
  expect(bot.of("cancel")).toEqual([]);
  expect(await query(room.tenant, room.room, "SELECT 1 FROM deed WHERE action = 'message.cancelled'")).toEqual([]);
});

test("[J9] no listed word is in any delta or end; where they are blocked the stream ends as failed", async () => {
  for (const action of ["mask", "block"] as const) {
    const room = new Place(await newTenant(roomy, { words: { list: ["darn it", "heck"], action } }), "general");
    const [bot, ada] = [await room.enter("bot"), await room.enter("ada")];
    const id = await begin(bot);
    let at = 0;
    const answers: unknown[] = [];
    for (const piece of ["well he", "ck, da", "rn", " it all ", "the way"]) {
      answers.push(await append(bot, id, at, piece));
      at += piece.length;
    }
    if (action === "mask") {
      expect(await finish(bot, id)).toMatchObject({ type: "ack" });
      await untilText(ada, id, "well ****, **** ** all the way");
    } else {
      expect(answers).toContainEqual(expect.objectContaining({ code: "content_rejected", status: 422 }));
      await room.fence(ada);
      expect(await stored(room, id)).toMatchObject({ status: "failed" });
    }
    expect(JSON.stringify(ada.frames)).not.toMatch(/heck|darn/);
    expect(JSON.stringify(await stored(room, id))).not.toMatch(/heck|darn/);
  }
});

test("[J9] the finished text is looked at once more: a word at its very end, or in what replaces it, is not said", async () => {
  const room = new Place(await newTenant(roomy, { words: { list: ["heck"], action: "block" } }), "general");
  const [bot, ada] = [await room.enter("bot"), await room.enter("ada")];
  const [one, two] = [await begin(bot, { text: "oh " }), await begin(bot, { text: "ah " })];
  expect(await append(bot, one, 3, "heck")).toMatchObject({ type: "ack" });
  expect(await finish(bot, one)).toMatchObject({ code: "content_rejected" });
  expect(await finish(bot, two, { text: "heck no" })).toMatchObject({ code: "content_rejected" });
  await room.fence(ada);
  expect([await stored(room, one), await stored(room, two)]).toMatchObject([
    { status: "failed", text: "oh " },
    { status: "failed", text: "ah " },
  ]);
  expect(JSON.stringify(ada.frames)).not.toContain("heck");
});
