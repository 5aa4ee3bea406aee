/** A message that is sent again among others that wait for the same flush: it costs nobody anything, and hears what the first one heard. */
import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { call } from "../routes/edge.ts";
import { startClock, stopClock } from "../support/clock.ts";
import { here, type Place, place } from "../support/place.ts";
import { query, roomObject } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import type { TestSocket } from "../support/socket.ts";

/** Nobody waits for thousands. */
const limitTo = (queueChanges: number): void => void Object.assign(fixedLimits, { queueChanges });

// While it stands still a room that has flushed is busy: what comes in one event waits together.
beforeEach(() => stopClock());
afterEach(startClock);

const message = (number: number, ref = `${number}`): { type: string; ref: string; nonce: string; text: string } => ({
  type: "publish",
  ref,
  nonce: `nonce-of-${number}`,
  text: `text ${number}`,
});
const of = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

/** As one event. */
async function answers(socket: TestSocket, frames: readonly { readonly ref: string }[]): Promise<object[]> {
  socket.send(frames);
  return Promise.all(frames.map(({ ref }) => socket.answer(ref)));
}

async function stored(world: Place): Promise<number> {
  const [row] = await query<{ count: number }>(world.tenant, here, "SELECT count(*) AS count FROM message");
  return row?.count ?? 0;
}

test("[P3] a retry behind one with other content is acked, and the other refused", async () => {
  const world = await place();
  const ada = await world.enter("ada");
  await answers(ada, [message(1)]);
  const told = await answers(ada, [
    { ...message(1, "other"), text: "other" },
    message(1, "again"),
    { ...message(1, "another"), text: "another" },
    { ...message(1, "other again"), text: "other" },
  ]);
  expect(told).toMatchObject([
    { code: "nonce_reused" },
    { type: "ack", id: 1, seq: 1, duplicate: true },
    { code: "nonce_reused" },
    { code: "nonce_reused" },
  ]);
  expect(await stored(world)).toBe(1);
});

test("[P4] nobody is refused for a credit that a waiting retry has taken", async () => {
  const world = await place({ ...roomy, changesPerDay: 7 });
  const ada = await world.enter("ada");
  // The fifth asks for more than there are: the room knows that it gets no more.
  for (const number of of(5)) await answers(ada, [message(number)]);
  const told = await answers(ada, [message(1, "again"), message(2, "again 2"), message(6), message(7), message(8)]);
  expect(told).toMatchObject([
    { type: "ack", id: 1, duplicate: true },
    { type: "ack", id: 2, duplicate: true },
    { type: "ack", id: 6 },
    { type: "ack", id: 7 },
    { code: "quota_exceeded" },
  ]);
});

/** The room takes more credits than it needs by this. */
async function takeCredits(world: Place): Promise<void> {
  const rich = await world.enter("rich");
  for (const part of of(3))
    await answers(
      rich,
      of(50).map((number) => message(1_000 * part + number)),
    );
}

test("[P4] no connection is warned of what its retries would have taken", async () => {
  const world = await place({ ...roomy, publishPerUserBurst: 100, publishPerUserPerSecond: 50 });
  await takeCredits(world);
  const ada = await world.enter("ada");
  const frames = (ref: string) => of(45).map((number) => message(number, `${ref} ${number}`));
  await answers(ada, frames("new"));
  expect(ada.of("limit")).toEqual([]);
  await answers(ada, frames("again"));
  expect(ada.of("limit")).toEqual([]);
});

test("[P4] [T7] a room takes no more credits of its tenant for retries", async () => {
  const left: number[] = [];
  for (const retries of [0, 20]) {
    const world = await place({ ...roomy, changesPerDay: 300 });
    const ada = await world.enter("ada");
    const frames = (ref: string) => of(50).map((number) => message(number, `${ref} ${number}`));
    // By the second of them the room knows its pace, and takes more than it needs.
    for (const part of of(2)) await answers(ada, frames("new").slice(50 - 25 * part, 75 - 25 * part));
    for (const turn of of(retries)) await answers(ada, frames(`again ${turn}`).slice(20));
    const another = { method: "POST", credential: world.tenant.key, body: { text: "x" } };
    const statuses = await Promise.all(
      of(300).map(async () => (await call("/v1/rooms/another/messages", another)).status),
    );
    left.push(statuses.filter((status) => status === 201).length);
  }
  expect(left[1]).toBe(left[0]);
});

test("[P4] [W7] who sends a new message is not refused for all the retries that wait", async () => {
  const world = await place(roomy);
  await takeCredits(world);
  const publish = async (number: number): Promise<number> => {
    const body = { text: `text ${number}`, nonce: `nonce-of-${number}` };
    return (
      await call(`/v1/rooms/${here}/messages`, { method: "POST", credential: world.tenant.key, user: "ada", body })
    ).status;
  };
  for (const from of [0, 25]) await Promise.all(of(25).map((number) => publish(from + number)));
  const { queueChanges } = fixedLimits;
  limitTo(20);
  const statuses = await Promise.all(of(60).map(publish));
  limitTo(queueChanges);
  expect(statuses.slice(0, 50)).toEqual(of(50).map(() => 200));
  expect(statuses.slice(50)).toEqual(of(10).map(() => 201));
});

test("[P4] a retry on a socket is answered also where it is known by what another sends over HTTP, and that is refused", async () => {
  const world = await place({ ...roomy, publishPerUserBurst: 2, publishPerUserPerSecond: 1 });
  const ada = await world.enter("ada");
  await answers(ada, [message(1)]);
  const answer = await env.TENANT.getByName(world.tenant.id).registerRoom(here, false);
  if (!answer.ok) throw new Error("not registered");
  const capabilities = ["publish" as const];
  const who = { connection: "test", user: "bo", name: null, key: "1kaaaaaaaaaaaa", token: null, issuedAt: 0 };
  const bo = { policy: answer.policy, session: { ...who, capabilities, ceiling: capabilities, expiresAt: null } };
  const outcome = await runInDurableObject(roomObject(world.tenant, here), async (room, state) => {
    const byHttp = (): ReturnType<typeof room.publish> => room.publish(bo, { type: "publish", nonce: null, text: "x" });
    await byHttp();
    await byHttp();
    const [socket] = state.getWebSockets();
    if (socket === undefined) throw new Error("nobody is here");
    // No flush comes between.
    void room.webSocketMessage(socket, JSON.stringify(message(1, "again")));
    return byHttp();
  });
  expect(outcome).toMatchObject({ error: "rate_limited" });
  expect(await ada.answer("again")).toMatchObject({ type: "ack", id: 1, duplicate: true });
});

test("[P4] a retry is acked when its flush fails", async () => {
  const world = await place();
  const ada = await world.enter("ada");
  await answers(ada, [message(1)]);
  await query(
    world.tenant,
    here,
    "CREATE TRIGGER broken BEFORE INSERT ON message BEGIN SELECT raise(ABORT, 'no'); END",
  );
  const complaints = vi.spyOn(console, "error").mockImplementation(() => {});
  const told = await answers(ada, [message(1, "again"), message(2)]);
  complaints.mockRestore();
  expect(told).toMatchObject([{ type: "ack", id: 1, duplicate: true }, { code: "internal" }]);
});
