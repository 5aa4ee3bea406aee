/** Assistants that answer, by a real endpoint: streamed, cancelled, killed, and with all that an endpoint may do. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { answerNonce } from "../../src/core/asking.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import type { Message } from "../../src/protocol/message.ts";
import { ask, type LiveTenant, makeTenant, newToken, wholeHistory } from "../chaos/tenant.ts";
import { greeting, innards, ModelServer } from "../support/modelServer.ts";
import { type Server, startServer } from "../support/process.ts";

const key = "sk-of-the-endpoint-0123456789";
let server: Server;
let model: ModelServer;
let tenant: LiveTenant;

beforeAll(async () => {
  [server, model] = await Promise.all([
    startServer({ env: { PRIVATE_ENDPOINTS: "allow" } }),
    new ModelServer().start(),
  ]);
  tenant = await makeTenant(server, "assisted");
  await Promise.all([
    engage("helper", { answers: "mention", name: "The helper", prompt: "Be brief.", key, maxTokens: 100 }),
    engage("chatty", { answers: "always" }),
    engage("hasty", { answers: "always", silenceMs: 1_000 }),
    engage("clerk", { answers: "command", prefix: "/ask" }),
  ]);
});
afterAll(async () => {
  model.close();
  await server.remove();
});

const send = <Answer>(method: string, path: string, body?: object, user?: string): Promise<Answer> => {
  const more = { ...(body === undefined ? {} : { body }), ...(user === undefined ? {} : { user }) };
  return ask<Answer>(`${server.url}/v1/${path}`, { method, credential: tenant.key, ...more });
};
const engage = (id: string, body: object): Promise<unknown> =>
  send("PUT", `assistants/${id}`, { url: model.url, model: "small-1", ...body });
const newRoom = (name: string, assistant: string): Promise<unknown> =>
  send("PUT", `rooms/${name}`, { settings: { assistant } });
const history = (room: string): Promise<Message[]> => wholeHistory(tenant, room);
const until = (read: () => unknown, timeout = 10_000) => expect.poll(read, { timeout, interval: 20 });

async function say(room: string, text: string, { user = "ada", mentions = [] as string[] } = {}) {
  return (await send<{ message: Message }>("POST", `rooms/${room}/messages`, { text, mentions }, user)).message;
}
const toHelper = { mentions: ["helper"] };

async function answerTo(room: string, { id }: Pick<Message, "id">): Promise<Message | undefined> {
  return (await history(room)).find(({ nonce }) => nonce === answerNonce(id));
}
const statusOf = (room: string, question: Message) => async () => (await answerTo(room, question))?.status;

interface Told {
  readonly event: string;
  readonly data: { readonly id?: number; readonly text?: string; readonly status?: string; readonly message?: Message };
}

/** What a question over HTTP is answered, event by event, to its end or until the reader has had enough. */
async function putTo(room: string, body: object, enough: (told: readonly Told[]) => boolean = () => false) {
  const stop = new AbortController();
  const response = await fetch(`${server.url}/v1/rooms/${room}/assistant`, {
    method: "POST",
    headers: { Authorization: `Bearer ${tenant.key}`, "Parley-User": "ada", "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.any([stop.signal, AbortSignal.timeout(15_000)]),
  });
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream; charset=utf-8"]);
  const told: Told[] = [];
  let text = "";
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const [, event = ""] = /^event: (.*)$/m.exec(block) ?? [];
      const [, data = "{}"] = /^data: (.*)$/m.exec(block) ?? [];
      if (event !== "") told.push({ event, data: JSON.parse(data) });
    }
    if (enough(told)) {
      stop.abort();
      break;
    }
  }
  return told;
}
/** By a socket of this user's, who may read and publish and no more. */
async function cancelFrom(user: string, room: string, id: number): Promise<object> {
  const token = await newToken(tenant, user);
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/v1/rooms/${room}/socket`, [
    "parley.v1",
    `bearer.${token}`,
  ]);
  await once(socket, "open");
  const answered = new Promise<object>((resolve) => {
    socket.on("message", (raw) => {
      const frames: { ref?: string }[] = [JSON.parse(String(raw))].flat();
      const answer = frames.find(({ ref }) => ref === "cancelling");
      if (answer !== undefined) resolve(answer);
    });
  });
  socket.send(JSON.stringify({ type: "cancel", ref: "cancelling", id }));
  return answered.finally(() => socket.close());
}
const textIn = (told: readonly Told[]): string =>
  told
    .filter(({ event }) => event === "snapshot" || event === "delta")
    .reduce((text, { event, data }) => (event === "snapshot" ? "" : text) + (data.text ?? ""), "");

test("[I4] [I5] an assistant answers who mentions it, by a message of its own that is streamed, from what was said before", async () => {
  await newRoom("answers", "helper");
  await say("answers", "The tea is ready.", { user: "bo" });
  await say("answers", "say nothing without being asked");
  const question = await say("answers", "say what was said", toHelper);
  await until(statusOf("answers", question)).toBe("sent");
  expect(await answerTo("answers", question)).toMatchObject({
    sender: { id: "helper", name: "The helper" },
    text: "what was said",
    replyTo: question.id,
    version: 1,
  });
  expect(model.asked).toHaveLength(1);
  const [asked] = model.asked;
  expect(asked?.path).toBe("/v1/chat/completions");
  expect(asked?.headers).toMatchObject({ authorization: `Bearer ${key}`, accept: "text/event-stream" });
  expect(asked?.body).toEqual({
    model: "small-1",
    stream: true,
    max_tokens: 100,
    messages: [
      { role: "system", content: "Be brief." },
      { role: "user", content: "bo: The tea is ready." },
      { role: "user", content: "ada: say nothing without being asked" },
      { role: "user", content: "ada: say what was said" },
    ],
  });
});

test("[I12] a question over HTTP is told its answer as it comes, and under its nonce the same one once more", async () => {
  await newRoom("asked", "clerk");
  const question = { text: "slowly", nonce: "question-1" };
  const told = await putTo("asked", question);
  expect(told[0]).toMatchObject({ event: "question", data: { message: { text: "slowly", sender: { id: "ada" } } } });
  expect(told.at(-1)).toMatchObject({ event: "end", data: { status: "sent", length: greeting.length } });
  expect(new Set(told.slice(1, -1).map(({ event }) => event))).toEqual(new Set(["snapshot", "delta"]));
  expect(textIn(told)).toBe(greeting);
  const again = await putTo("asked", question);
  expect(again.map(({ event }) => event)).toEqual(["question", "snapshot", "end"]);
  expect(textIn(again)).toBe(greeting);
  expect(await history("asked")).toHaveLength(2);
});

test("[I12] who stops reading ends nothing", async () => {
  await newRoom("left", "clerk");
  const told = await putTo("left", { text: "hold" }, (all) => all.some(({ event }) => event === "snapshot"));
  expect(textIn(told)).toBe("");
  await until(() => model.of("hold").length).toBe(1);
  model.letGo();
  const question = told[0]?.data.message;
  if (question === undefined) throw new Error("no question");
  await until(statusOf("left", question)).toBe("sent");
  expect((await answerTo("left", question))?.text).toBe(greeting);
});

test("[I3] one answers everybody, one its command, and none what another one says: two never talk to each other", async () => {
  await newRoom("talks", "chatty");
  await newRoom("commands", "clerk");
  const before = model.asked.length;
  // The other's own words, as whoever speaks for it might say them, and those of the tenant's server.
  await say("talks", "hello chatty", { user: "helper", mentions: ["chatty"] });
  await send("POST", "rooms/talks/messages", { text: "hello from the server" });
  const first = await say("talks", "hello");
  await until(statusOf("talks", first)).toBe("sent");
  const second = await say("talks", "hello again");
  await until(statusOf("talks", second)).toBe("sent");
  await say("commands", "say nothing");
  const third = await say("commands", "/ask say this");
  await until(statusOf("commands", third)).toBe("sent");
  expect((await answerTo("commands", third))?.text).toBe("this");
  expect(model.asked.length - before).toBe(3);
  expect(await history("talks")).toHaveLength(6);
});

test("[I9] [I10] whatever an endpoint does, the answer ends, says so in our words, and keeps what was said", async () => {
  const could = (not: string): string => `The assistant could not answer: ${not}.`;
  const cases: Record<string, { status: string; text: string; times: number }> = {
    busy: { status: "sent", text: greeting, times: 2 },
    down: { status: "failed", text: could("it answered with an error"), times: fixedLimits.assistantAttempts },
    denied: { status: "failed", text: could("it answered with an error"), times: 1 },
    later: { status: "failed", text: could("it answered with an error"), times: 1 },
    redirect: { status: "failed", text: could("it answered with a redirect"), times: 1 },
    json: { status: "failed", text: could("its answer is no stream of events"), times: 1 },
    garbage: { status: "failed", text: could("its answer cannot be understood"), times: 1 },
    flood: { status: "failed", text: could("its answer is too large"), times: 1 },
    empty: { status: "failed", text: could("its answer was empty"), times: 1 },
    never: { status: "failed", text: could("it did not answer in time"), times: 1 },
    mishap: { status: "failed", text: "Some ", times: 1 },
    broken: { status: "failed", text: "Half an ans", times: 1 },
    cut: { status: "failed", text: "Half an ans", times: 1 },
    stalls: { status: "failed", text: "Half an ans", times: 1 },
  };
  const ended = await Promise.all(
    Object.keys(cases).map(async (word) => {
      await newRoom(`case-${word}`, "hasty");
      const question = await say(`case-${word}`, word);
      await until(statusOf(`case-${word}`, question)).toMatch(/^(sent|failed)$/);
      const { status = "", text = "" } = (await answerTo(`case-${word}`, question)) ?? {};
      return [word, { status, text, times: model.of(word).length }];
    }),
  );
  expect(Object.fromEntries(ended)).toEqual(cases);
  expect(JSON.stringify(ended)).not.toContain(innards.slice(0, 8));
  expect(server.log.join("\n")).not.toContain(key);
});

test("[I7] who asked cancels the answer from another device, and nobody else may; the endpoint is left", async () => {
  await newRoom("cancelled", "helper");
  const question = await say("cancelled", "endless", toHelper);
  await until(async () => (await answerTo("cancelled", question))?.text?.length ?? 0).toBeGreaterThan(20);
  const { id } = (await answerTo("cancelled", question)) ?? { id: 0 };
  const refused = await cancelFrom("bo", "cancelled", id);
  expect(refused).toMatchObject({ type: "error", code: "forbidden" });
  expect(await cancelFrom("ada", "cancelled", id)).toMatchObject({ type: "ack", id });
  await until(() => model.of("endless").at(-1)?.wasLeft).toBe(true);
  const answer = await answerTo("cancelled", question);
  expect(answer).toMatchObject({ status: "cancelled" });
  expect(answer?.text).toMatch(/^word1 word2 /);
});

test("[I11] [W7] a room has so many answers at once, and the next begin when one has ended", async () => {
  await newRoom("crowded", "chatty");
  const before = model.of("hold").length;
  const wanted = fixedLimits.assistantAnswers + 2;
  const questions: Message[] = [];
  for (let count = 0; count < wanted; count++) questions.push(await say("crowded", `hold ${count}`));
  const asked = (): number => model.of("hold").length - before;
  await until(asked).toBe(fixedLimits.assistantAnswers);
  const [last] = questions.slice(-1);
  if (last === undefined) throw new Error("unreachable");
  expect(await answerTo("crowded", last)).toBeUndefined();
  model.letGo();
  await until(asked).toBe(wanted);
  model.letGo();
  for (const question of questions) await until(statusOf("crowded", question)).toBe("sent");
});

test("[I6] [I8] after kill -9 what had been said ends as interrupted, and what had not is answered once", async () => {
  await Promise.all([newRoom("said", "helper"), newRoom("unsaid", "helper")]);
  const endless = model.of("endless").length;
  const held = model.of("hold").length;
  const said = await say("said", "endless", toHelper);
  const unsaid = await say("unsaid", "hold", toHelper);
  // Longer than it takes to be written down: some of it stays.
  await until(async () => (await answerTo("said", said))?.text?.length ?? 0).toBeGreaterThan(500);
  await until(() => model.of("hold").length - held).toBe(1);
  // And one whose question is stored at the last moment.
  const last = await say("unsaid", "hello", toHelper);
  await server.kill();
  model.letGo();
  await server.start();
  tenant = { ...tenant, url: server.url };
  await until(statusOf("said", said), 15_000).toBe("interrupted");
  expect((await answerTo("said", said))?.text).toMatch(/^word1 word2 /);
  expect(model.of("endless").length - endless).toBe(1);
  await until(() => model.of("hold").length - held).toBe(2);
  model.letGo();
  for (const question of [unsaid, last]) {
    await until(statusOf("unsaid", question)).toBe("sent");
    expect((await answerTo("unsaid", question))?.text).toBe(greeting);
  }
  expect(await history("unsaid")).toHaveLength(4);
});

test("[I1] [I3] [I12] the guide's commands set one up, ask it, and read its answer, as they are written", async () => {
  const guide = readFileSync(join(import.meta.dirname, "../../docs/assistant.md"), "utf8");
  const [setUp = "", put = ""] = [...guide.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, commands]) => commands);
  const env = { ...process.env, URL: server.url, KEY: tenant.key, TOKEN: await newToken(tenant, "bo") };
  // The model answers in this process: nothing may hold it up.
  const shell = async (commands: string): Promise<string> =>
    (await promisify(execFile)("sh", ["-euc", commands.replaceAll("curl ", "curl -sS -m 10 ")], { env })).stdout;
  await shell(setUp.replaceAll("https://api.openai.com/v1", model.url));
  await until(async () => (await history("help")).map(({ text }) => text)).toEqual(["How late is it?", greeting]);
  expect(await shell(put)).toMatch(/event: question[\s\S]*event: end\ndata: .*"sent"/);
});
