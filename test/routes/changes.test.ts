import { createExecutionContext, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import type * as z from "zod";
import worker from "../../src/index.ts";
import { ChangesAnswer } from "../../src/protocol/http.ts";
import { everything } from "../support/api.ts";
import { evict, query, roomObject } from "../support/room.ts";
import { answered, refused } from "./answers.ts";
import { call, connect, newToken } from "./edge.ts";
import { heldPlaces, openEvents } from "./events.ts";
import { type Here, infoOf, make, newRooms, publish, room, unmake } from "./inRoom.ts";
import { suspend } from "./operations.ts";

const path = `/v1/rooms/${room}`;

interface Begun extends Here {
  readonly epoch: string;
}

/** A room with the message 1 by ada. */
async function newRoom(limits = {}): Promise<Begun> {
  const here = await newRooms([room], limits);
  await publish(here.token, "one");
  return { ...here, epoch: (await infoOf(here.token)).epoch };
}

interface Polled {
  readonly answer: z.infer<typeof ChangesAnswer>;
  readonly ms: number;
}

function ask(credential: string, search: string): Promise<Response> {
  return call(`${path}/changes?${search}`, { credential });
}

async function poll(credential: string, search: string): Promise<Polled> {
  const startedAt = performance.now();
  const answer = await answered(await ask(credential, search), 200, ChangesAnswer);
  return { answer, ms: performance.now() - startedAt };
}

/** Sockets that the room holds, of whatever kind. */
function socketsOf({ tenant }: Here): Promise<number> {
  return runInDurableObject(
    roomObject(tenant, room),
    (_, state) => state.getWebSockets().filter(({ readyState }) => readyState === WebSocket.OPEN).length,
  );
}

/** Begins to wait, and goes on when the room holds the waiter's socket. */
async function waiting(here: Here, credential: string, search: string): Promise<{ polled: Promise<Polled> }> {
  const before = await socketsOf(here);
  const polled = poll(credential, search);
  await expect.poll(() => socketsOf(here), { interval: 10 }).toBe(before + 1);
  return { polled };
}

afterEach(() => void vi.useRealTimers());

describe("waiting", () => {
  test("[E6] it answers at once when there is something, and leaves nothing behind", async () => {
    const here = await newRoom();
    await publish(here.token, "two");
    const { answer, ms } = await poll(here.token, `after=${here.epoch}:1&wait=30`);
    expect(ms).toBeLessThan(1_000);
    expect(answer).toMatchObject({ from: 1, to: 2, cursor: `${here.epoch}:2`, hasMore: false, oldest: 1 });
    expect(answer.changes).toMatchObject([{ type: "message", message: { id: 2, text: "two" } }]);
    expect(await socketsOf(here)).toBe(0);
  });

  const author = (token: string, method: string, at: string, body?: object): Promise<Response> =>
    call(`${path}${at}`, { method, credential: token, body });
  const somethings = [
    ["a message", (token: string) => author(token, "POST", "/messages", { text: "x" })],
    ["an edit", (token: string) => author(token, "PATCH", "/messages/1", { text: "edited" })],
    ["a deletion", (token: string) => author(token, "DELETE", "/messages/1")],
    ["a reaction", (token: string) => author(token, "PUT", "/messages/1/reactions/x")],
    ["a member", (token: string) => author(token, "PUT", "/members/bo", { role: "member" })],
    ["a setting", (token: string) => author(token, "PATCH", "", { settings: { frozen: true } })],
  ] as const;
  test.each(somethings)("[E6] it waits, and answers when there is %s", async (_, change) => {
    const here = await newRoom();
    const { polled } = await waiting(here, here.token, `after=${here.epoch}:1&wait=30`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await change(here.token)).ok).toBe(true);
    const { answer, ms } = await polled;
    expect(ms).toBeGreaterThanOrEqual(100);
    expect(ms).toBeLessThan(5_000);
    expect(answer).toMatchObject({ from: 1, to: 2, cursor: `${here.epoch}:2`, hasMore: false });
    expect(answer.changes).toHaveLength(1);
    expect(answer.reset).toBeUndefined();
    await expect.poll(() => socketsOf(here)).toBe(0);
  });

  test("[E6] when the time is over it answers nothing, with the same cursor", async () => {
    const here = await newRoom();
    const cursor = `${here.epoch}:1`;
    const { answer, ms } = await poll(here.token, `after=${cursor}&wait=1`);
    expect(answer).toEqual({ from: 1, to: 1, changes: [], cursor, hasMore: false, oldest: 1 });
    expect(ms).toBeGreaterThanOrEqual(990);
    expect(ms).toBeLessThan(4_000);
    await expect.poll(() => socketsOf(here)).toBe(0);
    expect((await infoOf(here.token)).online).toBe(0);
  });

  test("[E6] what is only live is nothing to answer for", async () => {
    const here = await newRoom();
    const bo = await newToken(here.tenant, "bo", { "*": everything });
    const { polled } = await waiting(here, here.token, `after=${here.epoch}:1&wait=1`);
    const socket = await connect(room, { token: bo });
    socket.send({ type: "typing", active: true }, { type: "read", upTo: 1 }, { type: "presence.set", state: { a: 1 } });
    await socket.until(() => socket.of("typing").length > 0 && socket.of("receipt").length > 0);
    const { answer, ms } = await polled;
    expect(answer.changes).toEqual([]);
    expect(ms).toBeGreaterThanOrEqual(990);
    socket.close();
  });

  test("[E6] that the room wakes up is nothing to answer for", async () => {
    const here = await newRoom();
    const { polled } = await waiting(here, here.token, `after=${here.epoch}:1&wait=2`);
    await evict(here.tenant, room);
    await infoOf(here.token);
    const { answer, ms } = await polled;
    expect(answer).toMatchObject({ changes: [], cursor: `${here.epoch}:1` });
    expect(ms).toBeGreaterThanOrEqual(1_990);
  });

  test("[E6] what comes after the room has woken is answered", async () => {
    const here = await newRoom();
    const { polled } = await waiting(here, here.token, `after=${here.epoch}:1&wait=30`);
    await evict(here.tenant, room);
    await publish(here.token, "two");
    const { answer, ms } = await polled;
    expect(answer).toMatchObject({ from: 1, to: 2 });
    expect(ms).toBeLessThan(5_000);
  });

  test("[E6] without a cursor, and with a wait of 0, it does not wait", async () => {
    const here = await newRoom();
    for (const search of [
      "wait=30",
      "",
      "wait=0",
      `after=${here.epoch}:1&wait=0`,
      `after=${here.epoch}:1`,
      "after=0&wait=30",
    ]) {
      const { answer, ms } = await poll(here.token, search);
      expect([search, ms < 1_000]).toEqual([search, true]);
      expect(answer).toMatchObject({ to: 1, cursor: `${here.epoch}:1` });
    }
    await unmake(here.token);
    await make(here.token);
    // Everything of an empty room is a beginning, which is something.
    const { answer, ms } = await poll(here.token, "after=0&wait=30");
    expect(answer).toMatchObject({ from: 0, to: 0, reset: true, changes: [], start: 1 });
    expect(ms).toBeLessThan(1_000);
  });

  test("[W7] it waits 30 seconds and not 31", async () => {
    const here = await newRoom();
    for (const wait of ["31", "300", "-1", "1.5", "x", ""])
      await refused(await ask(here.token, `after=${here.epoch}:1&wait=${wait}`), 400, "invalid_field");
    // Longer than a room is busy after a flush: its next timer would be one of the clock's that is stopped here.
    await new Promise((resolve) => setTimeout(resolve, 100));
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const polled = poll(here.token, `after=${here.epoch}:1&wait=30`);
    let isOver = false;
    void polled.then(() => (isOver = true));
    // The room's own work needs its turns meanwhile.
    for (let turn = 0; (await socketsOf(here)) === 0 && turn < 1_000; turn++);
    await vi.advanceTimersByTimeAsync(29_900);
    await infoOf(here.token);
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(200);
    const { answer } = await polled;
    vi.useRealTimers();
    expect(answer.changes).toEqual([]);
  });

  test.each([
    ["expired", (epoch: string) => `${epoch}:1`],
    ["ahead", (epoch: string) => `${epoch}:99`],
    ["epoch", () => "anotherE:1"],
  ] as const)("[E6] [R2] a cursor that is %s is a reset at once", async (reason, cursorOf) => {
    const here = await newRoom();
    for (const text of ["two", "three"]) await publish(here.token, text);
    await roomObject(here.tenant, room).retain(3);
    const { answer, ms } = await poll(here.token, `after=${cursorOf(here.epoch)}&wait=30`);
    expect(ms).toBeLessThan(1_000);
    expect(answer).toMatchObject({ gap: { reason }, from: 0, to: 4, reset: true, start: 3, oldest: 3, hasMore: false });
    expect(answer.cursor).toBe(`${here.epoch}:4`);
    expect(await socketsOf(here)).toBe(0);
  });

  test("[E6] whatever is missing it pages, and from where it ends a socket goes on", async () => {
    const here = await newRoom({ replayChanges: 5 });
    for (let count = 2; count <= 23; count++) await publish(here.token, `text ${count}`);
    const texts: unknown[] = [];
    let after = `${here.epoch}:1`;
    for (let more = true; more;) {
      const { answer } = await poll(here.token, `after=${after}&wait=30`);
      expect(answer.gap).toBeUndefined();
      expect(answer.changes.length).toBeLessThanOrEqual(5);
      for (const change of answer.changes) texts.push(change.type === "message" ? change.message.text : change);
      [after, more] = [answer.cursor, answer.hasMore];
    }
    expect(texts).toEqual(Array.from({ length: 22 }, (_, index) => `text ${index + 2}`));
    const socket = await connect(room, { token: here.token, cursor: after });
    expect(socket.welcome).toMatchObject({ resumed: true, head: 23 });
    expect(socket.of("changes")).toEqual([]);
    socket.close();
  });

  test("[E6] what comes between looking and waiting is not missed", async () => {
    const here = await newRoom();
    let after = `${here.epoch}:1`;
    const sent = Array.from({ length: 40 }, (_, index) => `text ${index}`);
    const publishing = (async () => {
      for (const text of sent) await publish(here.token, text);
    })();
    const got: unknown[] = [];
    while (got.length < sent.length) {
      const { answer, ms } = await poll(here.token, `after=${after}&wait=10`);
      expect(ms).toBeLessThan(5_000);
      expect(`${here.epoch}:${answer.from}`).toBe(after);
      for (const change of answer.changes) got.push(change.type === "message" ? change.message.text : change);
      after = answer.cursor;
    }
    await publishing;
    expect(got).toEqual(sent);
  });
});

describe("who waits", () => {
  test("[E6] 50 are all answered, and nothing of them stays", async () => {
    const here = await newRoom();
    const before = heldPlaces();
    const users = await Promise.all(
      Array.from({ length: 50 }, (_, index) => newToken(here.tenant, `u${index}`, { "*": ["read"] })),
    );
    const polls = users.map((user) => poll(user, `after=${here.epoch}:1&wait=30`));
    await expect.poll(async () => (await infoOf(here.token)).online, { timeout: 30_000 }).toBe(50);
    await publish(here.token, "two");
    for (const { answer, ms } of await Promise.all(polls)) {
      expect(answer).toMatchObject({ from: 1, to: 2, changes: [{ message: { text: "two" } }] });
      expect(ms).toBeLessThan(8_000);
    }
    await expect.poll(async () => (await infoOf(here.token)).online).toBe(0);
    expect(await socketsOf(here)).toBe(0);
    expect(heldPlaces()).toBe(before);
  });

  test("[L1] whoever waits is here, and leaves as any other", async () => {
    const here = await newRoom();
    const observer = await connect(room, { token: here.token, presence: "full" });
    const bo = await newToken(here.tenant, "bo", { "*": everything });
    const { polled } = await waiting(here, bo, `after=${here.epoch}:1&wait=30`);
    const listOf = async (): Promise<unknown> =>
      (await call(`${path}/presence`, { credential: here.token }))
        .json<{ items: unknown }>()
        .then(({ items }) => items);
    expect(await listOf()).toMatchObject([{ user: "ada" }, { user: "bo", connections: 1 }]);
    expect((await infoOf(here.token)).online).toBe(2);
    const joined = (): string[] => observer.of("presence").flatMap((frame) => frame.joined.map(({ user }) => user));
    await observer.until(() => joined().includes("bo"));
    await publish(here.token, "two");
    await polled;
    await expect.poll(async () => (await infoOf(here.token)).online).toBe(1);
    // Coming back within ten seconds is no news: between two polls nobody leaves.
    expect(await listOf()).toMatchObject([{ user: "ada" }, { user: "bo" }]);
    const again = await waiting(here, bo, `after=${here.epoch}:2&wait=30`);
    await publish(here.token, "three");
    await again.polled;
    await observer.until(() => observer.of("changes").at(-1)?.to === 3);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(joined().filter((user) => user === "bo")).toEqual(["bo"]);
    expect(observer.of("presence").flatMap(({ left }) => left)).toEqual([]);
    observer.close();
  });

  test("[L5] without the right to be seen it waits unseen", async () => {
    const here = await newRoom();
    const eve = await newToken(here.tenant, "eve", { "*": ["read"] });
    const { polled } = await waiting(here, eve, `after=${here.epoch}:1&wait=30`);
    const seen = await (await call(`${path}/presence`, { credential: here.token })).json();
    expect(seen).toMatchObject({ count: 0, items: [] });
    await publish(here.token, "two");
    await polled;
  });

  test("[E6] a room that is deleted meanwhile answers 410", async () => {
    const here = await newRoom();
    const before = await socketsOf(here);
    const asked = ask(here.token, `after=${here.epoch}:1&wait=30`);
    await expect.poll(() => socketsOf(here), { interval: 10 }).toBe(before + 1);
    const startedAt = performance.now();
    await unmake(here.token);
    await refused(await asked, 410, "room_deleted");
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  test("[T2] when its tenant is suspended it is let go at once, and refused from then on", async () => {
    const here = await newRoom();
    const asked = ask(here.token, `after=${here.epoch}:1&wait=30`);
    await expect.poll(() => socketsOf(here), { interval: 10 }).toBe(1);
    const startedAt = performance.now();
    await suspend(here);
    await asked;
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    vi.useFakeTimers({ now: Date.now() + 6_000, toFake: ["Date"] });
    await refused(await ask(here.token, `after=${here.epoch}:1&wait=30`), 403, "tenant_suspended");
  });

  test("[W7] one who waits counts among a user's connections in the room; looking without waiting does not", async () => {
    const here = await newRoom({ socketsPerUser: 2 });
    const held = [
      await waiting(here, here.token, `after=${here.epoch}:1&wait=30`),
      await waiting(here, here.token, `after=${here.epoch}:1&wait=30`),
    ];
    await refused(await ask(here.token, `after=${here.epoch}:1&wait=30`), 429, "connection_limit");
    expect((await poll(here.token, `after=${here.epoch}:1`)).answer.changes).toEqual([]);
    await publish(here.token, "two");
    for (const { polled } of held) expect((await polled).answer.to).toBe(2);
  });

  test("[S4] one who waits holds a place among the connections, and beyond them it is refused", async () => {
    const here = await newRoom();
    const before = heldPlaces();
    const { polled } = await waiting(here, here.token, `after=${here.epoch}:1&wait=30`);
    const whileWaiting = heldPlaces() - before;
    const request = new Request(`http://parley.test${path}/changes?after=${here.epoch}:1&wait=30`, {
      headers: { Authorization: `Bearer ${here.token}` },
    });
    const full = { ...env, MAX_CONNECTIONS: String(before + 1) };
    const beyond = await Promise.race([
      Promise.resolve(worker.fetch(request, full, createExecutionContext())),
      new Promise<null>((resolve) => setTimeout(() => resolve(null), 500)),
    ]);
    await publish(here.token, "two");
    await polled;
    expect(heldPlaces()).toBe(before);
    expect(whileWaiting).toBe(1);
    if (beyond === null) throw new Error("it was let in");
    await refused(beyond, 503, "overloaded");
  });
});

test("[E3] a socket, both streams, polls and the history tell the same changes in the same order", async () => {
  const { tenant, token, epoch } = await newRoom();
  const writers = await Promise.all(
    ["bo", "cy", "di"].map(async (user) => connect(room, { token: await newToken(tenant, user, { "*": everything }) })),
  );
  const cursor = `${epoch}:1`;
  const socket = await connect(room, { token, cursor });
  const [one, many] = await Promise.all([
    openEvents(`${path}/events?cursor=${cursor}`, { credential: token }),
    openEvents(`/v1/events?rooms=${room}&cursor=${cursor}`, { credential: token }),
  ]);
  const rounds = 20;
  const last = 1 + 3 * rounds * 2;
  const polled: unknown[] = [];
  const polling = (async () => {
    for (let after = cursor; after !== `${epoch}:${last}`;) {
      const { answer } = await poll(token, `after=${after}&wait=10`);
      polled.push(...answer.changes);
      after = answer.cursor;
    }
  })();
  const writing = writers.map(async (writer, index) => {
    for (let round = 0; round < rounds; round++) {
      const ref = `${round}`;
      writer.send({ type: "publish", ref, nonce: `nonce-${index}-${round}`, text: `${index} ${round}` });
      await writer.answer(ref);
      await call(`${path}/members/m${index}-${round}`, { method: "PUT", credential: token, body: { role: "member" } });
    }
  });
  await Promise.all([...writing, polling]);
  await socket.until(() => socket.of("changes").at(-1)?.to === last);
  const told = socket.of("changes").flatMap(({ changes }) => changes);
  expect(told).toHaveLength(last - 1);
  for (const stream of [one, many]) {
    await stream.until(() => stream.of("changes").at(-1)?.["to"] === last);
    expect(stream.of("changes").flatMap(({ changes }) => changes as unknown[])).toEqual(told);
    await stream.cancel();
  }
  expect(polled).toEqual(told);
  const { answer: history } = await poll(token, `after=${cursor}`);
  expect(history.changes).toEqual(told);
  expect(await query(tenant, room, "SELECT count(*) AS n FROM message")).toEqual([{ n: 1 + 3 * rounds }]);
  for (const client of [socket, ...writers]) client.close();
});
