/** What an answer may take at most, and an answer whose room loses its memory. The endpoint is a stream of events within this process. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { answerNonce } from "../../src/core/asking.ts";
import { roomObjectName } from "../../src/objects/stubs.ts";
import { hearEvents } from "../../src/outbound/converse.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import type { Message } from "../../src/protocol/message.ts";
import { call, newTenant, type TestTenant } from "../support/api.ts";
import { asAsked } from "../support/failing.ts";
import { evict, roomObject } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import { callerOf } from "../support/streams.ts";

const { assistantBytesMax, assistantMsMax } = fixedLimits;
const room = "general";
let tenant: TestTenant;

afterEach(() => {
  vi.restoreAllMocks();
});

const event = (content: string): string => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;
const done = "data: [DONE]\n\n";

test("[I10] [W7] of an answer so many bytes are taken, however little of them is text", async () => {
  const line = new TextEncoder().encode(`:${"x".repeat(65_534)}\n`);
  const told = async (bytes: number) => {
    let text = "";
    let left = bytes - event("said").length - done.length;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode(event("said"))),
      pull: (controller) => {
        // Ends with a whole line.
        const piece = left >= 2 * line.length ? line : new TextEncoder().encode(`:${"x".repeat(left - 2)}\n`);
        controller.enqueue(piece);
        left -= piece.length;
        if (left > 0) return;
        controller.enqueue(new TextEncoder().encode(done));
        controller.close();
      },
    });
    const heard = await hearEvents(body, { onText: (piece) => void (text += piece), onBytes: () => undefined });
    return [heard.ok || heard.fault, text];
  };
  expect([await told(assistantBytesMax), await told(assistantBytesMax + 1)]).toEqual([
    [true, "said"],
    ["too_large", "said"],
  ]);
});

async function send<Answer>(method: string, path: string, body: object, user?: string): Promise<Answer> {
  const as = user === undefined ? {} : { user };
  return (await call(path, { method, credential: tenant.key, ...as, body })).json<Answer>();
}

/** A room whose assistant answers everybody, by an endpoint that says these words one after the other, and then ends; or does not. */
async function spoken(words: readonly string[], isEndless = false, limits = {}): Promise<{ wasLeft: () => boolean }> {
  let wasLeft = false;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (_, init) => {
    const left = [...words];
    const body = new ReadableStream<Uint8Array>({
      start: (controller) =>
        init?.signal?.addEventListener("abort", () => {
          wasLeft = true;
          controller.error(new Error("left"));
        }),
      pull: async (controller) => {
        await new Promise((resolve) => setTimeout(resolve, 15));
        if (wasLeft) return;
        const word = left.shift() ?? (isEndless ? "on " : null);
        controller.enqueue(new TextEncoder().encode(word === null ? done : event(word)));
        if (word === null) controller.close();
      },
    });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  });
  await engage(limits);
  return { wasLeft: () => wasLeft };
}

async function engage(limits = {}): Promise<void> {
  tenant = await newTenant({ ...roomy, ...limits }, { assistant: "helper" });
  const model = { url: "https://models.example.com/v1", model: "small-1", answers: "always" };
  await send("PUT", "/v1/assistants/helper", model);
  await send("PUT", `/v1/rooms/${room}`, {});
}

/** How many questions are held by whoever answers. */
const held = (): Promise<number> =>
  runInDurableObject(
    env.ASSISTANT.getByName(roomObjectName(tenant.id, room)),
    (_, { storage: { sql } }) => sql.exec("SELECT 1 FROM asked").toArray().length,
  );

/** A timer of so many milliseconds is never over by itself. */
function endless(pauseMs: number): { readonly begun: () => number } {
  const original = globalThis.setTimeout;
  let begun = 0;
  vi.spyOn(globalThis, "setTimeout").mockImplementation(((run: () => void, ms?: number) => {
    if (ms !== pauseMs) return original(run, ms);
    begun++;
    return original(() => undefined, 300_000);
  }) as typeof setTimeout);
  return { begun: () => begun };
}

/** Gives what looks for the answer. */
async function say(text: string): Promise<() => Promise<Message | undefined>> {
  const path = `/v1/rooms/${room}/messages`;
  const { id } = (await send<{ message: Message }>("POST", path, { text }, "ada")).message;
  return async () => {
    const all = await (await call(path, { credential: tenant.key })).json<{ messages: Message[] }>();
    return all.messages.find(({ nonce }) => nonce === answerNonce(id));
  };
}

test("[I10] [W7] an answer that does not end is left after ten minutes, however much it says, and what it has said stays", async () => {
  const { wasLeft } = await spoken([], true);
  const original = globalThis.setTimeout;
  const ends: (() => void)[] = [];
  vi.spyOn(globalThis, "setTimeout").mockImplementation(((run: () => void, ms?: number) => {
    if (ms !== assistantMsMax) return original(run, ms);
    // By turns, in the object that waits for it.
    const look = (): unknown => (ends.length > 0 ? run() : original(look, 5));
    return original(look, 5);
  }) as typeof setTimeout);
  const answer = await say("go on");
  await expect.poll(async () => (await answer())?.text?.length ?? 0, { timeout: 30_000 }).toBeGreaterThan(9);
  expect([wasLeft(), (await answer())?.status]).toEqual([false, "streaming"]);
  ends.push(() => undefined);
  await expect.poll(async () => (await answer())?.status, { timeout: 30_000 }).toBe("failed");
  expect((await answer())?.text).toMatch(/^(on )+$/);
  expect(wasLeft()).toBe(true);
});

test("[I8] [J2] a room that loses its memory while its assistant writes is told again what it has lost, and the answer is whole", async () => {
  const words = Array.from({ length: 40 }, (_, index) => `word${index} `);
  await spoken(words);
  const answer = await say("tell me");
  const until = (length: number) =>
    expect
      .poll(async () => (await answer())?.text?.length ?? 0, { timeout: 8_000, interval: 10 })
      .toBeGreaterThan(length);
  await until(20);
  await runInDurableObject(roomObject(tenant, room), (_, state) => state.abort(asAsked)).catch(() => undefined);
  await until(60);
  await evict(tenant, room);
  await expect.poll(async () => (await answer())?.status, { timeout: 8_000 }).not.toBe("streaming");
  expect(await answer()).toMatchObject({ status: "sent", text: words.join("") });
});

test("[I7] [I9] an answer that is cancelled between two attempts is over then: nobody is asked again, and no timer is left of it", async () => {
  const asked = vi
    .spyOn(globalThis, "fetch")
    .mockImplementation(async () => new Response("", { status: 429, headers: { "Retry-After": "7" } }));
  await engage();
  const pause = endless(7_000);
  const answer = await say("hello");
  await expect.poll(pause.begun, { timeout: 60_000 }).toBe(1);
  const id = (await answer())?.id ?? 0;
  expect(await roomObject(tenant, room).cancel(callerOf("ada"), id, {})).toMatchObject({ ok: true });
  await expect.poll(held, { timeout: 60_000 }).toBe(0);
  expect([(await answer())?.status, asked.mock.calls.length]).toEqual(["cancelled", 1]);
});

test("[I4] [I11] an assistant that is muted, or has used up what it may say, for longer than its message would live keeps no place", async () => {
  await spoken([], true);
  const muted = await say("go on");
  await expect.poll(async () => (await muted())?.text?.length ?? 0, { timeout: 60_000 }).toBeGreaterThan(9);
  const until = Date.now() + 3_600_000;
  const mute = { method: "PUT", credential: tenant.key, body: { until } };
  expect((await call(`/v1/rooms/${room}/mutes/helper`, mute)).status).toBe(204);
  await expect.poll(held, { timeout: 60_000 }).toBe(0);
  expect((await muted())?.text).toMatch(/^(on )+$/);
  await spoken(Array<string>(200).fill("x".repeat(100)), true, {
    appendBytesPerUserPerSecond: 1,
    appendBytesPerUserBurst: 60,
  });
  const silenced = await say("go on");
  await expect.poll(async () => (await silenced())?.status, { timeout: 60_000 }).toBe("failed");
  expect(await held()).toBe(0);
});
