/** How long a message is streamed, what a room that wakes tells of it, and its end that is asked for twice. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { endingsOf, happeningOf } from "../../src/core/happenings.ts";
import { Log } from "../../src/objects/room/log.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { newTenant } from "../support/api.ts";
import { eventually, pass, startClock, stopClock } from "../support/clock.ts";
import { ask, Place, place } from "../support/place.ts";
import { query, roomObject, rowsOf } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import { append, begin, callerOf, finish, stored, textIn, untilText } from "../support/streams.ts";

const { streamLeaseMs, streamLifeMs } = fixedLimits;

beforeEach(() => stopClock());
afterEach(() => {
  vi.restoreAllMocks();
  startClock();
});

test("[J19] [W7] an hour after it began a stream is over, however alive its producer is, and its text stays", async () => {
  const room = await place();
  const bot = await room.enter("bot");
  const [id, begunMs] = [await begin(bot, { text: "on and on" }), Date.now()];
  const alive = async (untilMs: number): Promise<void> => {
    while (Date.now() < untilMs) {
      pass(Math.min(streamLeaseMs - 1_000, untilMs - Date.now()));
      expect(await append(bot, id, 9, "")).toMatchObject({ type: "ack", at: 9 });
    }
  };
  await alive(begunMs + 2 * streamLeaseMs);
  // Its memory is lost, and with it nothing of how old it is.
  await room.forget();
  pass(streamLifeMs - 3 * streamLeaseMs - 1_000);
  await append(bot, id, 9, "");
  await room.ring();
  await alive(begunMs + streamLifeMs - 1);
  await room.ring();
  expect(await stored(room, id)).toMatchObject({ status: "streaming" });
  expect(await room.dueMs("streams")).toBe(begunMs + streamLifeMs);
  const ada = await room.slipIn("ada");
  pass(1);
  await room.ring();
  expect(await stored(room, id)).toMatchObject({ status: "interrupted", text: "on and on" });
  await eventually(
    () => JSON.stringify(ada.of("changes").at(-1)?.changes).includes('"status":"interrupted"'),
    () => ada.frames,
  );
  for (const answer of [await append(bot, id, 9, ""), await append(bot, id, 9, "!"), await finish(bot, id)])
    expect(answer).toMatchObject({ code: "stream_closed", status: 409 });
});

test("[J19] a clock that is set back makes no stream longer than from then on", async () => {
  const room = await place();
  const bot = await room.enter("bot");
  const id = await begin(bot, { text: "x" });
  pass(-86_400_000);
  // Its own look is a day away, another's is not.
  await begin(bot);
  for (let look = 1; look <= 2; look++) {
    pass(streamLeaseMs);
    await room.ring();
  }
  expect(await stored(room, id)).toMatchObject({ status: "interrupted" });
});

test("[J19] a piece of nothing says that its producer is there, and no text is written or told for it", async () => {
  const room = await place();
  const [bot, ada] = [await room.enter("bot"), await room.enter("ada")];
  const id = await begin(bot);
  await append(bot, id, 0, "so far");
  await untilText(ada, id, "so far");
  await room.forget();
  await ada.until(() => ada.of("delta").length === 2);
  const { written } = await rowsOf(room.tenant, room.room, async (object) => {
    pass(1_000);
    expect(await object.append(callerOf("bot"), id, { at: 6, text: "" })).toEqual({ ok: true, at: 6 });
    // By the timer of a second, which runs by the platform's clock.
    const { sql }: DurableObjectStorage = Reflect.get(object, "ctx").storage;
    const renewedAtMs = (): unknown => sql.exec("SELECT renewed_at FROM stream").one()["renewed_at"];
    await expect.poll(renewedAtMs, { timeout: 3_000 }).toBe(Date.now());
  });
  expect([written, ada.of("delta").length]).toEqual([1, 2]);
});

test("[J20] a room that wakes tells its readers of each stream where its text ends, and not what it says", async () => {
  const [long, count] = [fixedLimits.streamCheckpointChars, 9];
  const room = await place();
  const [bot, ada] = [await room.enter("bot"), await room.enter("ada")];
  const ids: number[] = [];
  for (let stream = 0; stream < count; stream++) ids.push(await begin(bot, { text: "x".repeat(long) }));
  const lost = await begin(bot, { text: "some" });
  await untilText(ada, lost, "some");
  const before = ada.frames.length;
  await room.forget();
  await ada.until(() => ada.frames.slice(before).filter(({ type }) => type === "delta").length === count + 1);
  const told = ada.frames.slice(before).map((frame) => JSON.stringify(frame));
  expect(told.join("").length).toBeLessThan(100 * (count + 2));
  for (const id of ids) expect(textIn(ada, id)).toBe("x".repeat(long));
});

test("[J20] what was told and not saved is taken back from whoever stayed connected, before anything else is told", async () => {
  const room = await place();
  const [bot, ada] = [await room.enter("bot"), await room.enter("ada")];
  const id = await begin(bot, { text: "kept" });
  await append(bot, id, 4, " and lost");
  await untilText(ada, id, "kept and lost");
  await room.forget();
  // As if it had not been saved.
  await query(room.tenant, room.room, "UPDATE message SET text = 'kept'");
  await room.forget();
  await untilText(ada, id, "kept");
  expect(await append(bot, id, 13, "!")).toMatchObject({ code: "stream_offset", want: 4 });
  await append(bot, id, 4, ", not lost");
  await untilText(ada, id, "kept, not lost");
});

/** A tenant whose hook thinks until it is let go, about what ends a stream; of all else it thinks well at once. */
async function thoughtful(): Promise<{ room: Place; asked: () => number; letGo: (answer?: object) => void }> {
  const state: { asked: number; verdict: object | null } = { asked: 0, verdict: null };
  vi.spyOn(globalThis, "fetch").mockImplementation(async (_, init) => {
    if (!String(init?.body).includes('"edit":')) return Response.json({ allow: true });
    state.asked += 1;
    state.verdict = null;
    // By turns: what one object waits for no other may resolve.
    while (state.verdict === null) await new Promise((resolve) => setTimeout(resolve, 1));
    return Response.json(state.verdict);
  });
  const hook = { url: "https://hooks.example.com/", timeoutMs: 2_000, onFailure: "refuse" };
  return {
    room: new Place(await newTenant(roomy, { hook }), "general"),
    asked: () => state.asked,
    letGo: (answer = { allow: true }) => void (state.verdict = answer),
  };
}

test("[J21] an end that is asked for again while the hook thinks about it is the same end, and the hook is asked once", async () => {
  const { room, asked, letGo } = await thoughtful();
  const bot = await room.enter("bot");
  const [id, refused] = [await begin(bot, { text: "so" }), await begin(bot, { text: "no" })];
  const object = roomObject(room.tenant, room.room);
  const end = (more: object = {}): Promise<object> =>
    object.finish(callerOf("bot"), id, { status: "sent" as const, ...more });
  const first = end();
  await expect.poll(asked).toBe(1);
  const again = [end(), end({ at: 2 }), finish(bot, id)];
  expect(await end({ at: 1 })).toMatchObject({ error: "stream_offset", want: 2 });
  for (const other of [{ text: "another" }, { status: "failed" }])
    expect(await end(other)).toMatchObject({ ok: false, error: "stream_closed" });
  expect(await append(bot, id, 2, "!")).toMatchObject({ code: "stream_closed" });
  letGo();
  const sent = { ok: true, message: { id, status: "sent", text: "so" } };
  expect(await first).toMatchObject(sent);
  expect(await Promise.all(again)).toMatchObject([sent, sent, { type: "ack", id, duplicate: true }]);
  const both = [1, 2].map(() => object.finish(callerOf("bot"), refused, { status: "sent" }));
  await expect.poll(asked).toBe(2);
  letGo({ allow: false });
  const no = { ok: false, error: "content_rejected" };
  expect(await Promise.all(both)).toMatchObject([no, no]);
});

test("[J21] [J11] who cancels while the hook thinks does not wait for it: the end is refused as cancelled", async () => {
  const { room, asked, letGo } = await thoughtful();
  const [bot, phone] = [await room.enter("bot"), await room.enter("bot")];
  const id = await begin(bot, { text: "so far" });
  const object = roomObject(room.tenant, room.room);
  const finishing = object.finish(callerOf("bot"), id, { status: "sent" });
  await expect.poll(asked).toBe(1);
  const cancels = [ask(phone, { type: "cancel", id }), ask(bot, { type: "cancel", id })];
  expect((await Promise.all(cancels)).map(({ type }) => type)).toEqual(["ack", "ack"]);
  letGo();
  expect(await finishing).toMatchObject({ ok: false, error: "stream_cancelled" });
  expect(await stored(room, id)).toMatchObject({ status: "cancelled", text: "so far" });
});

test("[J17] a webhook endpoint is told of a stream's end by what ends it, and by no other change that has a status", () => {
  const log = new Log(7, 0, { authorOfHidden: () => undefined, isHeard: true });
  const patch = { id: 3, seq: 8, status: "sent" as const };
  log.changed({ type: "message", message: patch });
  const changed = happeningOf({ type: "message", message: patch });
  expect(log.happenings).toEqual([changed]);
  log.changed({ type: "message", message: patch }, endingsOf(patch));
  expect(log.happenings.slice(1)).toEqual([changed, { type: "stream.ended", seq: 8, subject: { stream: 3 } }]);
});
