import { afterEach, beforeEach, expect, test } from "vitest";
import { everything } from "../support/api.ts";
import { startClock, stopClock } from "../support/clock.ts";
import { ask, place } from "../support/place.ts";
import { query, rowsOf } from "../support/room.ts";
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
  expect(ada.of("delta")).toEqual([{ type: "delta", id, at: 2, text: " it is said" }]);
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
