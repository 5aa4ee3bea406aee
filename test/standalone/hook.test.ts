import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { fixedLimits } from "../../src/protocol/limits.ts";
import type { ServerFrame } from "../../src/protocol/serverFrames.ts";
import { ask as fetchJson, call, type LiveTenant, makeTenant, newToken, upload } from "../chaos/tenant.ts";
import { HookServer, isSigned } from "../support/hookServer.ts";
import { type Server, startServer } from "../support/process.ts";

let server: Server;
let hook: HookServer;
let tenant: LiveTenant;
let room: string;
let made = 0;

beforeAll(async () => {
  [server, hook] = await Promise.all([startServer({ env: { PRIVATE_ENDPOINTS: "allow" } }), new HookServer().start()]);
});
afterAll(async () => {
  hook.close();
  await server.remove();
});
beforeEach(async () => {
  tenant = await makeTenant(server, `hooked-${++made}`);
  room = `${server.url}/v1/rooms/general`;
  hook.asked.length = 0;
  await fetchJson(room, { method: "PUT", credential: tenant.key, body: {} });
  await setHook("refuse");
});

async function setHook(onFailure: "allow" | "refuse", timeoutMs: number = fixedLimits.hookMsMax): Promise<void> {
  const body = { settings: { hook: { url: hook.url, timeoutMs, onFailure } } };
  await fetchJson(`${server.url}/v1/tenant`, { method: "PATCH", credential: tenant.key, body });
}

/** A client's end, with every frame in order. */
class Client {
  readonly frames: ServerFrame[] = [];
  readonly #socket: WebSocket;
  #sent = 0;

  constructor(token: string) {
    this.#socket = new WebSocket(`${room.replace("http", "ws")}/socket?presence=none`, [
      "parley.v1",
      `bearer.${token}`,
    ]);
    this.#socket.on("message", (data: Buffer) => {
      const parsed: ServerFrame | ServerFrame[] = JSON.parse(data.toString());
      this.frames.push(...(Array.isArray(parsed) ? parsed : [parsed]));
    });
  }

  static async open(user: string): Promise<Client> {
    const client = new Client(await newToken(tenant, user));
    await client.until(() => client.frames.some(({ type }) => type === "changes"));
    return client;
  }

  /** The ref of what was sent. */
  send(frame: object): string {
    const ref = `r${++this.#sent}`;
    this.#socket.send(JSON.stringify({ ref, ...frame }));
    return ref;
  }

  publish(text: string, nonce = `nonce-${made}-${Math.random().toString(36).slice(2)}`): string {
    return this.send({ type: "publish", nonce, text });
  }

  answerTo(ref: string): ServerFrame | undefined {
    return this.frames.find((frame) => "ref" in frame && frame.ref === ref);
  }

  async answer(ref: string): Promise<ServerFrame> {
    await this.until(() => this.answerTo(ref) !== undefined);
    return this.answerTo(ref) ?? { type: "pong" };
  }

  get texts(): unknown[] {
    const changes = this.frames.flatMap((frame) => (frame.type === "changes" ? frame.changes : []));
    return changes.flatMap((change) => ("message" in change ? [change.message.text] : []));
  }

  async until(condition: () => boolean): Promise<void> {
    await expect.poll(condition, { timeout: 8_000, interval: 5 }).toBe(true);
  }

  close(): void {
    this.#socket.terminate();
  }
}

const post = async (
  body: object,
  user = "ada",
  to = "messages",
): Promise<{ status: number; answer: Record<string, unknown> }> => {
  const response = await call(`${room}/${to}`, { method: "POST", credential: tenant.key, user, body });
  return { status: response.status, answer: await response.json() };
};

test("[G10] messages and edits are asked about with all that is in them, signed with the tenant's secret", async () => {
  const { secret } = await fetchJson<{ secret: string }>(`${server.url}/v1/hook/secret`, {
    method: "POST",
    credential: tenant.key,
  });
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  const ada = await Client.open("ada");
  expect((await post({ text: "ok", data: { a: 1 }, mentions: ["bo"] })).status).toBe(201);
  expect(await ada.answer(ada.send({ type: "publish", nonce: "nonce-12345", text: "ok", replyTo: 1 }))).toMatchObject({
    type: "ack",
    id: 2,
  });
  expect(await ada.answer(ada.send({ type: "edit", id: 2, text: "ok too" }))).toMatchObject({ type: "ack", id: 2 });
  const file = await upload(tenant, "general", "ada", {
    name: "a.txt",
    said: "text/plain",
    bytes: Buffer.from("four"),
  });
  expect((await post({ attachments: [file] })).status).toBe(201);
  const about = { tenant: `hooked-${made}`, room: "general", user: "ada" };
  expect(hook.asked.map(({ question }) => question)).toEqual([
    { ...about, message: { text: "ok", data: { a: 1 }, replyTo: null, mentions: ["bo"] } },
    { ...about, message: { text: "ok", data: null, replyTo: 1, mentions: [] } },
    { ...about, message: { text: "ok too" }, edit: 2 },
    {
      ...about,
      message: {
        text: null,
        data: null,
        replyTo: null,
        mentions: [],
        attachments: [{ id: file, name: "a.txt", type: "application/octet-stream", size: 4 }],
      },
    },
  ]);
  const other = await makeTenant(server, `other-${made}`);
  const theirs = await fetchJson<{ secret: string }>(`${server.url}/v1/hook/secret`, {
    method: "POST",
    credential: other.key,
  });
  for (const asked of hook.asked) {
    expect([isSigned(secret, asked), isSigned(theirs.secret, asked)]).toEqual([true, false]);
    expect(Math.abs(Number(asked.headers["webhook-timestamp"]) - Date.now() / 1_000)).toBeLessThan(60);
  }
  expect(new Set(hook.asked.map(({ headers }) => headers["webhook-id"])).size).toBe(4);
  ada.close();
});

test("[G10] what the hook refuses is refused with its reason, and what it replaces is stored in its place", async () => {
  const ada = await Client.open("ada");
  expect(await ada.answer(ada.publish("no way"))).toMatchObject({
    type: "error",
    code: "content_rejected",
    status: 422,
    message: "Be kind.",
  });
  expect(await ada.answer(ada.publish("never"))).toMatchObject({ message: "The content was rejected." });
  expect(await post({ text: "no" })).toMatchObject({ status: 422, answer: { detail: "Be kind." } });
  expect(await post({ text: "swap", nonce: "nonce-swap" })).toMatchObject({
    status: 201,
    answer: { message: { id: 1, text: "swapped", data: { by: "hook" } } },
  });
  // A retry is known by what was sent.
  expect(await post({ text: "swap", nonce: "nonce-swap" })).toMatchObject({ status: 200 });
  expect(await ada.answer(ada.send({ type: "edit", id: 1, text: "no" }))).toMatchObject({ code: "content_rejected" });
  await ada.answer(ada.send({ type: "edit", id: 1, text: "swap" }));
  await ada.until(() => ada.texts.length === 2);
  expect(ada.texts).toEqual(["swapped", "swapped"]);
  ada.close();
});

test("[P12] [G10] a hook is asked about each message of a batch: one that it refuses refuses all, and a retry is not asked about", async () => {
  const ada = await Client.open("ada");
  const batch = (...texts: string[]): Promise<{ status: number; answer: Record<string, unknown> }> => {
    const messages = texts.map((text, index) => ({ text, nonce: `batch-nonce-${index}` }));
    return post({ messages }, "ada", "messages:batch");
  };
  expect(await batch("ok", "swap", "no way")).toMatchObject({ status: 422, answer: { detail: "Be kind.", index: 2 } });
  expect(hook.textsAsked().sort()).toEqual(["no way", "ok", "swap"]);
  const stored = { messages: [{ id: 1, message: { text: "ok" } }, { id: 2, message: { text: "swapped" } }, { id: 3 }] };
  expect(await batch("ok", "swap", "fine")).toMatchObject({ status: 201, answer: stored });
  hook.asked.length = 0;
  expect(await batch("ok", "swap", "fine")).toMatchObject({ status: 200, answer: stored });
  expect(hook.asked).toEqual([]);
  ada.close();
});

test("[G11] a batch waits for the hook before what its sender says next, and its retry waits with it", async () => {
  const ada = await Client.open("ada");
  const messages = ["hold 1", "ok"].map((text, index) => ({ text, nonce: `held-nonce-${index}` }));
  const sent = [post({ messages }, "ada", "messages:batch"), post({ messages }, "ada", "messages:batch")];
  await expect.poll(() => hook.textsAsked()).toContain("hold 1");
  const behind = post({ text: "ok behind" });
  const other = await post({ text: "ok" }, "bo");
  expect(other).toMatchObject({ status: 201, answer: { message: { id: 1 } } });
  hook.letGo();
  const answers = await Promise.all(sent);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 201]);
  for (const { answer } of answers) expect(answer).toMatchObject({ messages: [{ id: 2 }, { id: 3 }] });
  expect(await behind).toMatchObject({ answer: { message: { id: 4 } } });
  expect(hook.textsAsked().filter((text) => text === "hold 1")).toHaveLength(1);
  ada.close();
});

test("[G11] a hook that thinks holds up nobody but its sender, whose order is kept", async () => {
  const [ada, bo] = await Promise.all(["ada", "bo"].map(Client.open));
  if (ada === undefined || bo === undefined) throw new Error("unreachable");
  const held = ada.publish("hold 1");
  const behind = ada.publish("ok 2");
  await expect.poll(() => hook.textsAsked()).toEqual(expect.arrayContaining(["hold 1", "ok 2"]));
  const reaction = ada.send({ type: "react", id: 1, emoji: "x" });
  // The socket's own frames that change nothing are answered meanwhile, and everybody else goes on.
  expect(await ada.answer(ada.send({ type: "history" }))).toMatchObject({ type: "page", messages: [] });
  for (let count = 0; count < 20; count++)
    expect(await bo.answer(bo.publish(`bo ${count}`))).toMatchObject({ type: "ack", id: count + 1 });
  expect([held, behind, reaction].map((ref) => ada.answerTo(ref))).toEqual([undefined, undefined, undefined]);
  hook.letGo();
  expect(await ada.answer(held)).toMatchObject({ type: "ack", id: 21 });
  expect(await ada.answer(behind)).toMatchObject({ type: "ack", id: 22 });
  expect(await ada.answer(reaction)).toMatchObject({ type: "ack", id: 1, seq: 23 });
  await bo.until(() => bo.texts.length >= 22);
  expect(bo.texts.slice(20, 22)).toEqual(["hold 1", "ok 2"]);
  for (const client of [ada, bo]) client.close();
});

test("[G11] a nonce that waits or is stored is not asked about again, and only so many of a user wait", async () => {
  const ada = await Client.open("ada");
  const laptop = await Client.open("ada");
  const first = ada.publish("hold", "nonce-held");
  await expect.poll(() => hook.asked.length).toBe(1);
  const again = laptop.publish("hold", "nonce-held");
  expect(await laptop.answer(laptop.publish("other", "nonce-held"))).toMatchObject({ code: "nonce_reused" });
  const others = Array.from({ length: fixedLimits.inquiriesPerUser - 1 }, (_, index) => ada.publish(`hold ${index}`));
  await expect.poll(() => hook.asked.length).toBe(fixedLimits.inquiriesPerUser);
  expect(await laptop.answer(laptop.publish("one more"))).toMatchObject({
    code: "rate_limited",
    retryAfterMs: fixedLimits.hookMsMax,
    limit: { scope: "inquiries", limit: fixedLimits.inquiriesPerUser },
  });
  hook.letGo();
  expect(await ada.answer(first)).toMatchObject({ type: "ack", id: 1 });
  expect(await laptop.answer(again)).toMatchObject({ type: "ack", id: 1, duplicate: true });
  for (const ref of others) expect(await ada.answer(ref)).toMatchObject({ type: "ack" });
  expect(await laptop.answer(laptop.publish("hold", "nonce-held"))).toMatchObject({ id: 1, duplicate: true });
  expect(hook.asked).toHaveLength(fixedLimits.inquiriesPerUser);
  for (const client of [ada, laptop]) client.close();
});

test("[G12] a hook that does not answer, or not as it should, counts as the tenant has set", async () => {
  const bad = ["broken", "strange", "huge", "plain", "redirect", "empty", "hang"];
  await setHook("refuse", 300);
  const ada = await Client.open("ada");
  for (const text of bad) {
    const refusal = await ada.answer(ada.publish(text));
    expect(refusal, text).toMatchObject({ code: "overloaded", retryable: true, retryAfterMs: 1_000 });
    expect(refusal).toMatchObject({ message: expect.stringMatching(/^The message could not be checked: /) });
  }
  // A redirect was not followed.
  expect(hook.textsAsked()).toEqual(bad);
  await setHook("allow", 300);
  for (const text of bad) expect(await ada.answer(ada.publish(text)), text).toMatchObject({ type: "ack" });
  await fetchJson(`${server.url}/v1/tenant`, {
    method: "PATCH",
    credential: tenant.key,
    body: { settings: { hook: { url: "http://127.0.0.1:9/", timeoutMs: 300, onFailure: "refuse" } } },
  });
  expect(await post({ text: "nobody is there" })).toMatchObject({ status: 503, answer: { code: "overloaded" } });
  ada.close();
});

test("[G12] whoever is banned or muted while the hook thinks is not heard, and no hook is asked again", async () => {
  const [ada, bo] = await Promise.all(["ada", "bo"].map(Client.open));
  if (ada === undefined || bo === undefined) throw new Error("unreachable");
  const muted = ada.publish("hold 1");
  const banned = post({ text: "hold 2" }, "bo");
  await expect.poll(() => hook.asked.length).toBe(2);
  await call(`${room}/mutes/ada`, { method: "PUT", credential: tenant.key, body: { reason: "loud" } });
  await call(`${room}/bans/bo`, { method: "PUT", credential: tenant.key, body: { reason: "spam" } });
  hook.letGo();
  expect(await ada.answer(muted)).toMatchObject({ code: "muted" });
  expect(await banned).toMatchObject({ status: 403, answer: { code: "banned" } });
  await bo.until(() => bo.frames.some((frame) => frame.type === "closing" && frame.code === 4503));
  expect(await ada.answer(ada.publish("muted before"))).toMatchObject({ code: "muted" });
  expect(hook.asked).toHaveLength(2);
  const settings = { hook: null };
  await fetchJson(`${server.url}/v1/tenant`, { method: "PATCH", credential: tenant.key, body: { settings } });
  expect((await post({ text: "unasked" }, "cy")).status).toBe(201);
  expect(hook.asked).toHaveLength(2);
  ada.close();
});

test("[J9] a stream's whole text is asked about before it is finished; what is refused then stays nowhere", async () => {
  const ada = new Client(await newToken(tenant, "ada", ["read", "publish", "stream"]));
  await ada.until(() => ada.frames.some(({ type }) => type === "changes"));
  const stream = async (text: string): Promise<{ id: number; end: ServerFrame }> => {
    const nonce = `stream-${text.split(" ")[0]}-${made}`;
    const begun = await ada.answer(ada.send({ type: "publish", nonce, streaming: true }));
    const id = begun.type === "ack" ? (begun.id ?? 0) : 0;
    await ada.answer(ada.send({ type: "append", id, at: 0, text }));
    return { id, end: await ada.answer(ada.send({ type: "finish", id, status: "sent" })) };
  };
  const stored = async (id: number): Promise<unknown> =>
    (await fetchJson<{ message: unknown }>(`${room}/messages/${id}`, { credential: tenant.key })).message;
  const fine = await stream("ok so far");
  expect([fine.end, hook.textsAsked()]).toMatchObject([{ type: "ack" }, [null, "ok so far"]]);
  expect(hook.asked.at(-1)?.question.edit).toBe(fine.id);
  const swapped = await stream("swap this");
  expect(await stored(swapped.id)).toMatchObject({ text: "swapped", status: "sent" });
  const refused = await stream("no way");
  expect(refused.end).toMatchObject({ code: "content_rejected", message: "Be kind." });
  await expect.poll(() => stored(refused.id)).toMatchObject({ text: "", status: "failed" });
  ada.close();
});
