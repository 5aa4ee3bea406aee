/** Who asks the room's assistant, and that each question is answered once. There is no model here: it is said that there is none. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { answerNonce } from "../../src/core/asking.ts";
import { AskedQuestions, askedMigration, tooOftenMigration } from "../../src/objects/assistant/asked.ts";
import { Assistant } from "../../src/objects/assistant/assistant.ts";
import { migrate } from "../../src/objects/migrate.ts";
import { Room } from "../../src/objects/room/room.ts";
import { assistantStub, roomObjectName } from "../../src/objects/stubs.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import type { Message } from "../../src/protocol/message.ts";
import { call, everything, newTenant, newToken, type TestTenant } from "../support/api.ts";
import { eventually, pass, startClock, stopClock } from "../support/clock.ts";
import { asAsked } from "../support/failing.ts";
import { evict, query, roomObject } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import { callerOf } from "../support/streams.ts";

const room = "general";
let tenant: TestTenant;

beforeEach(async () => {
  tenant = await newTenant(roomy, { assistant: "helper" });
  await Promise.all([engage("helper", "always"), engage("other", "always")]);
  await send("PUT", `/v1/rooms/${room}`, {});
});
afterEach(() => {
  vi.restoreAllMocks();
  startClock();
});

async function send<Answer>(method: string, path: string, body?: object, user?: string): Promise<Answer> {
  const as = user === undefined ? {} : { user };
  const answer = await call(path, { method, credential: tenant.key, ...as, ...(body === undefined ? {} : { body }) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
  return answer.status === 204 ? (undefined as Answer) : answer.json<Answer>();
}
const engage = (id: string, answers: string): Promise<unknown> =>
  send("PUT", `/v1/assistants/${id}`, { url: "https://models.example.com/v1", model: "small-1", answers });

async function say(text: string, user = "ada", body: object = {}): Promise<number> {
  const path = `/v1/rooms/${room}/messages`;
  return (await send<{ message: Message }>("POST", path, { text, ...body }, user)).message.id;
}

const all = async (): Promise<Message[]> =>
  (await send<{ messages: Message[] }>("GET", `/v1/rooms/${room}/messages?limit=200`, undefined, "mo")).messages;
const answersTo = async (question: number): Promise<Message[]> =>
  (await all()).filter(({ nonce }) => nonce === answerNonce(question));
const object = (): DurableObjectStub<Assistant> => env.ASSISTANT.getByName(roomObjectName(tenant.id, room));

/** Until everything that was asked has been answered to its end. */
async function settled(): Promise<void> {
  const waiting = (): Promise<number> =>
    runInDurableObject(object(), (_, { storage: { sql } }) => {
      const isThere = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'asked'").toArray().length > 0;
      return isThere ? sql.exec("SELECT 1 FROM asked").toArray().length : 0;
    });
  await expect
    .poll(async () => (await query(tenant, room, "SELECT 1 FROM question")).length + (await waiting()), {
      timeout: 30_000,
      interval: 10,
    })
    .toBe(0);
}

test("[I4] [I9] what cannot be answered is said so, by a message of the assistant's own that has ended", async () => {
  const question = await say("hello");
  await settled();
  expect(await answersTo(question)).toMatchObject([
    {
      sender: { id: "helper" },
      replyTo: question,
      status: "failed",
      text: "The assistant could not answer: its answer is no stream of events.",
    },
  ]);
});

test("[I3] [G7] what is hidden asks nobody: everybody would hear the answer", async () => {
  await send("PUT", `/v1/rooms/${room}/bans/eve`, { shadow: true });
  await say("hello", "eve");
  const question = await say("hello", "ada");
  await settled();
  expect((await all()).filter(({ sender }) => sender?.id === "helper")).toHaveLength(1);
  expect(await answersTo(question)).toHaveLength(1);
});

test("[I3] a batch asks as each of its messages would, and what the assistants say asks none of them", async () => {
  const messages = ["one", "two"].map((text) => ({ text }));
  await send("POST", `/v1/rooms/${room}/messages:batch`, { messages }, "ada");
  await say("three", "other");
  await say("four", "helper");
  await settled();
  expect((await all()).filter(({ status }) => status === "failed")).toHaveLength(2);
});

test("[I13] only the tenant's server says which assistant a room has", async () => {
  const owner = await newToken(tenant, "olga", { "*": everything });
  const path = `/v1/rooms/${room}`;
  const patch = (credential: string, assistant: string | null) =>
    call(path, { method: "PATCH", credential, body: { settings: { assistant } } });
  expect((await patch(owner, "none")).status).toBe(403);
  expect((await patch(owner, null)).status).toBe(200);
  expect((await patch(tenant.key, "none")).status).toBe(200);
  await say("hello");
  await settled();
  expect(await all()).toHaveLength(1);
  expect((await patch(tenant.key, "other")).status).toBe(200);
  const question = await say("hello");
  await settled();
  expect(await answersTo(question)).toMatchObject([{ sender: { id: "other" } }]);
});

test("[I4] an assistant is limited like a user: banned, or in a frozen room, it says nothing, and in slow mode it waits", async () => {
  await send("PUT", `/v1/rooms/${room}/bans/helper`, {});
  await say("hello");
  await settled();
  await send("DELETE", `/v1/rooms/${room}/bans/helper`);
  await send("PATCH", `/v1/rooms/${room}`, { settings: { frozen: true } });
  await say("hello", "mo");
  await settled();
  expect(await all()).toHaveLength(2);
  await send("PATCH", `/v1/rooms/${room}`, { settings: { frozen: false, slowModeMs: 1_000 } });
  const token = (user: string) => newToken(tenant, user);
  const [first, second] = await Promise.all(
    ["cy", "dee"].map(async (user) => {
      const credential = await token(user);
      const asked = await call(`/v1/rooms/${room}/messages`, { method: "POST", credential, body: { text: "hello" } });
      return (await asked.json<{ message: Message }>()).message.id;
    }),
  );
  await expect
    .poll(async () => [await answersTo(first ?? 0), await answersTo(second ?? 0)].flat().length, { timeout: 30_000 })
    .toBe(1);
  await expect
    .poll(async () => [await answersTo(first ?? 0), await answersTo(second ?? 0)].flat().length, { timeout: 8_000 })
    .toBe(2);
});

test("[I4] a room that only members enter has its assistant nevertheless", async () => {
  await send("PATCH", `/v1/rooms/${room}`, { settings: { access: "members" } });
  const question = await say("hello", "mo");
  await settled();
  expect(await answersTo(question)).toHaveLength(1);
});

test("[I5] a question that is deleted before anybody answers it is not answered, nor one of a room that is deleted", async () => {
  const ask = vi.spyOn(Assistant.prototype, "ask").mockImplementation(() => {
    throw Object.assign(new Error(`overloaded ${asAsked}`), { overloaded: true, stack: "" });
  });
  vi.spyOn(console, "error").mockImplementation(() => {});
  const question = await say("hello");
  await expect.poll(() => ask.mock.calls.length).toBe(1);
  await send("DELETE", `/v1/rooms/${room}/messages/${question}`, undefined, "ada");
  ask.mockRestore();
  stopClock();
  pass(fixedLimits.outboxRestMsMax);
  await runDurableObjectAlarm(roomObject(tenant, room));
  await eventually(
    () => true,
    () => null,
  );
  startClock();
  await settled();
  expect(await all()).toHaveLength(1);
  await send("DELETE", `/v1/rooms/${room}`);
  expect(await query(tenant, room, "SELECT * FROM question")).toEqual([]);
});

test("[I6] a question that could not be handed on is handed on later, and however often it is, it is answered once", async () => {
  const ask = vi.spyOn(Assistant.prototype, "ask").mockImplementation(() => {
    throw Object.assign(new Error(`overloaded ${asAsked}`), { overloaded: true, stack: "" });
  });
  vi.spyOn(console, "error").mockImplementation(() => {});
  const question = await say("hello");
  await expect.poll(() => ask.mock.calls.length).toBe(1);
  const [given] = ask.mock.calls[0] ?? [];
  expect(given).toMatchObject([{ message: question, assistant: "helper" }]);
  ask.mockRestore();
  // Its memory goes, and with it whoever rests: the first who comes sets it going again.
  await evict(tenant, room);
  await send("GET", `/v1/rooms/${room}`);
  await settled();
  expect(await answersTo(question)).toHaveLength(1);
  for (let round = 0; round < 3; round++) {
    await assistantStub(env, tenant.id, room).ask(given ?? []);
    await settled();
    await evictDurableObject(object());
  }
  expect(await all()).toHaveLength(2);
});

test("[I6] a question of another history is not answered in this one", async () => {
  await send("PUT", `/v1/rooms/${room}`, { settings: { assistant: "none" } });
  const message = await say("hello");
  await assistantStub(env, tenant.id, room).ask([
    { epoch: "anothers", message, assistant: "helper", atMs: Date.now(), isTooOften: false },
  ]);
  await settled();
  expect(await all()).toHaveLength(1);
});

test("[I11] [W7] beyond those that are answered and those that wait, a question is told that there are too many, before all others", async () => {
  const most = fixedLimits.assistantAnswers + fixedLimits.assistantWaiting;
  await runInDurableObject(object(), (_, { storage }) => {
    migrate(storage, [askedMigration, tooOftenMigration]);
    const asked = new AskedQuestions(storage);
    const question = (message: number) => ({ epoch: "e", message, assistant: "helper", atMs: 1, isTooOften: false });
    for (let message = 1; message <= most + 1; message++) asked.add(question(message), 1);
    // The same once more is no other.
    asked.add(question(1), 1);
    expect(asked.count).toBe(most + 1);
    const [first = 0, second = 0] = asked.due(1);
    expect(asked.begin(first)).toMatchObject({ message: most + 1, isTooMuch: true });
    expect(asked.begin(second)).toMatchObject({ message: 1, isTooMuch: false, begun: 1 });
    storage.sql.exec("DELETE FROM asked");
  });
});

test("[I11] of a flood of questions no more is looked at than can be answered", async () => {
  await runInDurableObject(object(), (_, { storage }) => {
    migrate(storage, [askedMigration, tooOftenMigration]);
    const asked = new AskedQuestions(storage);
    for (let message = 1; message <= 200; message++)
      asked.add({ epoch: "e", message, assistant: "helper", atMs: 1, isTooOften: false }, 1);
    expect(asked.due(1)).toHaveLength(2 * fixedLimits.assistantAnswers);
    storage.sql.exec("DELETE FROM asked");
  });
});

test("[I7] who asked and may not publish any more cancels nothing", async () => {
  const question = await say("hello");
  await settled();
  const [answer] = await answersTo(question);
  const cancel = (capabilities: string[]) =>
    env.ROOM.getByName(roomObjectName(tenant.id, room)).cancel(callerOf("ada", capabilities), answer?.id ?? 0, {});
  expect(await cancel(["read"])).toMatchObject({ ok: false, error: "forbidden" });
  expect(await cancel(["read", "publish"])).toMatchObject({ ok: false, error: "stream_closed" });
});

test("[I14] whoever answers leaves nothing behind when there is nothing to answer, and holds no words while there is", async () => {
  await say("a question with words in it");
  await settled();
  stopClock();
  pass(120_000);
  await runDurableObjectAlarm(object());
  const left = await runInDurableObject(object(), async (_, { storage }) => [
    storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf\\_%' ESCAPE '\\'").toArray(),
    await storage.getAlarm(),
  ]);
  expect(left).toEqual([[], null]);
  startClock();
  const question = await say("hello again");
  await settled();
  expect(await answersTo(question)).toHaveLength(1);
});

/** Over HTTP, as this user; what it is answered, event by event, is read by `next`. */
async function put(user: string | null, text: string) {
  const [path, as] = [`/v1/rooms/${room}/assistant`, user === null ? {} : { user }];
  const answer = await call(path, { method: "POST", credential: tenant.key, ...as, body: { text } });
  const reader = answer.ok ? answer.body?.pipeThrough(new TextDecoderStream()).getReader() : undefined;
  let told = "";
  /** Name and data of each event so far, when the last has come. */
  const until = async (name: string): Promise<string[]> => {
    while (!told.includes(`event: ${name}\n`)) {
      const { value, done } = (await reader?.read()) ?? { done: true };
      if (done) throw new Error(`the stream ended: ${told}`);
      told += value;
    }
    return [...told.matchAll(/^event: (.*)\ndata: (.*)$/gm)].map(([, event, data]) => `${event} ${data}`);
  };
  return { answer, until, leave: () => reader?.cancel() };
}

test("[I16] [W7] a user asks so often in a minute: beyond it a message stays and asks nobody, which is said once; over HTTP it is refused", async () => {
  tenant = await newTenant({ ...roomy, assistantPerUserPerMinute: 2 }, { assistant: "helper" });
  await engage("helper", "always");
  await send("PUT", `/v1/rooms/${room}`, {});
  stopClock();
  const questions = [];
  for (const text of ["one", "two", "three", "four"]) questions.push(await say(text));
  const others = await say("hello", "mo");
  await settled();
  const answers = (await Promise.all([...questions, others].map(answersTo))).map(([answer]) => answer?.text ?? null);
  const nothing = "The assistant could not answer: its answer is no stream of events.";
  expect(answers).toEqual([
    nothing,
    nothing,
    "The assistant could not answer: you ask too often, wait a moment.",
    null,
    nothing,
  ]);
  const before = (await all()).length;
  const { answer } = await put("ada", "five");
  expect([answer.status, answer.headers.get("Retry-After")]).toEqual([429, "30"]);
  expect(await answer.json()).toMatchObject({
    code: "rate_limited",
    retryAfterMs: expect.any(Number),
    limit: { scope: "assistant", limit: 2, windowMs: 60_000 },
  });
  expect(await all()).toHaveLength(before);
  // The tenant's server asks for nobody, and as often as it likes.
  for (const text of ["six", "seven", "eight"]) {
    const { answer: told, leave } = await put(null, text);
    expect(told.status).toBe(200);
    await leave();
  }
  pass(30_000);
  const again = await put("ada", "nine");
  expect(again.answer.status).toBe(200);
  await again.until("end");
});

test("[I17] [G7] who is shadow-banned and asks over HTTP sees what everybody sees whose answer is slow, and costs less", async () => {
  const answerTo = vi.spyOn(Room.prototype, "answerTo");
  vi.spyOn(Assistant.prototype, "ask").mockImplementation(() => {
    throw Object.assign(new Error(`overloaded ${asAsked}`), { overloaded: true, stack: "" });
  });
  vi.spyOn(console, "error").mockImplementation(() => {});
  await send("PUT", `/v1/rooms/${room}/bans/eve`, { shadow: true });
  stopClock();
  const [eve, ada] = [await put("eve", "hello"), await put("ada", "hello")];
  expect([eve.answer.status, eve.answer.headers.get("content-type")]).toEqual([
    ada.answer.status,
    ada.answer.headers.get("content-type"),
  ]);
  const [[hidden = ""], [seen = ""]] = [await eve.until("question"), await ada.until("question")];
  expect(Object.keys(JSON.parse(hidden.slice(9)).message)).toEqual(Object.keys(JSON.parse(seen.slice(9)).message));
  const asked = (user: string) =>
    answerTo.mock.calls.filter(([caller]) => (caller as { session: { user: string } }).session.user === user).length;
  await expect.poll(() => asked("ada"), { timeout: 30_000 }).toBeGreaterThan(3);
  expect(asked("eve")).toBe(1);
  pass(fixedLimits.assistantBeginMs + 1);
  const ends = await Promise.all([eve, ada].map(async ({ until }) => (await until("closing")).slice(1)));
  expect(ends[0]).toEqual(ends[1]);
  expect(ends[0]).toMatchObject([expect.stringContaining('"code":4413')]);
  await Promise.all([eve.leave(), ada.leave()]);
});
