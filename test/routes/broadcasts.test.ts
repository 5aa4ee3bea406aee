import { afterEach, describe, expect, test, vi } from "vitest";
import { Room } from "../../src/objects/room/room.ts";
import { BroadcastAnswer } from "../../src/protocol/batch.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { Page } from "../../src/protocol/serverFrames.ts";
import { everything, type TestTenant } from "../support/api.ts";
import { overloadIn, resetIn } from "../support/failing.ts";
import { roomy } from "../support/roomy.ts";
import { answered, refused } from "./answers.ts";
import { call, newTenant, newToken } from "./edge.ts";

afterEach(() => vi.restoreAllMocks());

interface Said {
  readonly rooms: readonly string[];
  readonly message?: object;
  readonly key?: string;
  readonly user?: string;
}

function broadcast(tenant: TestTenant, { rooms, message = { text: "all" }, key, user }: Said): Promise<Response> {
  return call("/v1/broadcasts", {
    method: "POST",
    credential: tenant.key,
    body: { rooms, message },
    ...(user === undefined ? {} : { user }),
    ...(key === undefined ? {} : { headers: { "Idempotency-Key": key } }),
  });
}

async function told(tenant: TestTenant, said: Said): Promise<BroadcastAnswer> {
  return answered(await broadcast(tenant, said), 200, BroadcastAnswer);
}

async function textsIn(tenant: TestTenant, room: string): Promise<unknown[]> {
  const response = await call(`/v1/rooms/${room}/messages?limit=200`, { credential: tenant.key, user: "mo" });
  return (await answered(response, 200, Page)).messages.map(({ text }) => text);
}

const make = (tenant: TestTenant, room: string, settings = {}): Promise<Response> =>
  call(`/v1/rooms/${room}`, { method: "PUT", credential: tenant.key, body: { settings } });
const numbered = (count: number): string[] => Array.from({ length: count }, (_, n) => `room-${n}`);

describe("each room for itself", () => {
  test("[P13] each answers in the order in which they were named, whatever the others say", async () => {
    const tenant = await newTenant(roomy, { autoCreate: false });
    await Promise.all([make(tenant, "a"), make(tenant, "b"), make(tenant, "gone"), make(tenant, "frozen")]);
    await call("/v1/rooms/gone", { method: "DELETE", credential: tenant.key });
    const poor = { method: "POST", credential: tenant.key, body: { capabilities: ["publish", "read"] } };
    const { key } = await (await call("/v1/keys", poor)).json<{ key: { secret: string } }>();
    await call("/v1/rooms/b/messages", { method: "POST", credential: tenant.key, body: { text: "before" } });
    await make(tenant, "frozen");
    await call("/v1/rooms/frozen", {
      method: "PATCH",
      credential: tenant.key,
      body: { settings: { frozen: true } },
    });
    const rooms = ["never", "b", "gone", "frozen", "a"];
    const answer = await told({ ...tenant, key: key.secret }, { rooms, user: "ada" });
    expect(answer).toMatchObject({
      items: [
        { room: "never", ok: false, error: { status: 404, code: "not_found", retryable: false } },
        { room: "b", ok: true, id: 2, seq: 2, duplicate: false },
        { room: "gone", ok: false, error: { status: 410, code: "room_deleted" } },
        { room: "frozen", ok: false, error: { status: 403, code: "room_frozen", retryable: true } },
        { room: "a", ok: true, id: 1, seq: 1, duplicate: false },
      ],
      refused: 3,
    });
    expect(await textsIn(tenant, "a")).toEqual(["all"]);
    expect(await textsIn(tenant, "frozen")).toEqual([]);
  });

  test("[P13] one that is overloaded, lost or hangs is said to be, and the others have it", async () => {
    const tenant = await newTenant(roomy);
    const rooms = ["one", "two", "three"];
    overloadIn(Room, "publishBatch", { times: 1 });
    const busy = await told(tenant, { rooms });
    expect(busy.items.filter(({ ok }) => ok)).toHaveLength(2);
    expect(busy).toMatchObject({ refused: 1 });
    expect(busy.items.find(({ ok }) => !ok)).toMatchObject({
      error: { code: "overloaded", status: 503, retryable: true, retryAfterMs: 5_000 },
    });
    vi.restoreAllMocks();
    // A call that was lost is made again, though the broadcast names no key.
    resetIn(Room, "publishBatch", { times: 1, afterwards: true });
    expect((await told(tenant, { rooms, message: { text: "lost" } })).refused).toBe(0);
    vi.restoreAllMocks();
    for (const room of rooms) expect((await textsIn(tenant, room)).filter((text) => text === "lost")).toHaveLength(1);
  });

  test("[P13] [W7] a room that hangs is not waited for longer than others can bear", async () => {
    const tenant = await newTenant(roomy);
    const { publishBatch } = Room.prototype;
    const letGo = Promise.withResolvers<void>();
    vi.spyOn(Room.prototype, "publishBatch").mockImplementation(async function hanging(this: Room, ...given) {
      if (this.name.endsWith("/hangs")) await letGo.promise;
      return publishBatch.apply(this, given);
    });
    const timer = setTimeout;
    vi.spyOn(globalThis, "setTimeout").mockImplementation(((run: () => void, ms?: number) =>
      timer(run, ms === fixedLimits.broadcastMsMax ? 200 : ms)) as typeof setTimeout);
    const said = { rooms: ["hangs", "goes"], key: "hangs-or-goes" };
    const { items } = await told(tenant, said);
    expect(items).toMatchObject([
      { room: "hangs", ok: false, error: { code: "overloaded", retryable: true } },
      { room: "goes", ok: true, duplicate: false },
    ]);
    letGo.resolve();
    await expect.poll(async () => (await told(tenant, said)).items[0]?.ok).toBe(true);
    expect(await textsIn(tenant, "hangs")).toEqual(["all"]);
  });

  test("[P13] [W7] 100 rooms are told, six at a time; 101, none, or the same twice are refused", async () => {
    const tenant = await newTenant(roomy);
    const { publishBatch } = Room.prototype;
    let atOnce = 0;
    let most = 0;
    vi.spyOn(Room.prototype, "publishBatch").mockImplementation(async function counted(this: Room, ...given) {
      most = Math.max(most, ++atOnce);
      try {
        return await publishBatch.apply(this, given);
      } finally {
        atOnce -= 1;
      }
    });
    const rooms = numbered(fixedLimits.roomsPerBroadcast);
    const { items, refused: failed } = await told(tenant, { rooms });
    expect(items.map(({ room, ok }) => [room, ok])).toEqual(rooms.map((room) => [room, true]));
    expect([failed, most]).toEqual([0, fixedLimits.joinsAtOnce]);
    for (const other of [numbered(fixedLimits.roomsPerBroadcast + 1), [], ["a", "a"], ["a b"]])
      await refused(await broadcast(tenant, { rooms: other }), 400, "invalid_field");
    await refused(await broadcast(tenant, { rooms: ["a"], message: { text: "x", streaming: true } }), 400);
  });

  test("[P13] it takes an API key with `publish`, and may be said in a user's name", async () => {
    const tenant = await newTenant(roomy);
    const token = await newToken(tenant, "ada", { "*": everything });
    await refused(await broadcast({ ...tenant, key: token }, { rooms: ["a"] }), 403, "forbidden");
    const made = { method: "POST", credential: tenant.key, body: { capabilities: ["read", "manage"] } };
    const { key } = await (await call("/v1/keys", made)).json<{ key: { secret: string } }>();
    await refused(await broadcast({ ...tenant, key: key.secret }, { rooms: ["a"] }), 403, "forbidden");
    expect(await told(tenant, { rooms: ["a"], user: "ada" })).toMatchObject({ refused: 0 });
    await call("/v1/rooms/b", { method: "PUT", credential: tenant.key, body: {} });
    await call("/v1/rooms/b/bans/ada", { method: "PUT", credential: tenant.key, body: {} });
    expect(await told(tenant, { rooms: ["b", "a"], user: "ada" })).toMatchObject({
      items: [{ error: { code: "banned" } }, { ok: true, id: 2 }],
    });
    const { messages } = await answered(await call("/v1/rooms/a/messages", { credential: token }), 200, Page);
    expect(messages.map(({ sender }) => sender?.id)).toEqual(["ada", "ada"]);
  });
});

describe("once", () => {
  test("[P14] sent again with its key it is in no room twice, and comes to those that had refused it", async () => {
    const tenant = await newTenant(roomy);
    await Promise.all(["a", "b"].map((room) => make(tenant, room)));
    await call("/v1/rooms/b/bans/ada", { method: "PUT", credential: tenant.key, body: {} });
    const said = { rooms: ["a", "b", "c"], key: "news-of-today", user: "ada" };
    const first = await told(tenant, said);
    expect(first).toMatchObject({ nonce: "news-of-today", refused: 1 });
    await call("/v1/rooms/b/bans/ada", { method: "DELETE", credential: tenant.key });
    const again = await Promise.all([told(tenant, said), told(tenant, said), told(tenant, said)]);
    for (const { items } of again)
      expect(items).toMatchObject([
        { id: 1, duplicate: true },
        { ok: true, id: 1 },
        { id: 1, duplicate: true },
      ]);
    expect(again.map(({ items }) => items[1]).filter((item) => item?.ok && !item.duplicate)).toHaveLength(1);
    for (const room of said.rooms) expect(await textsIn(tenant, room)).toEqual(["all"]);
    const other = await told(tenant, { ...said, message: { text: "other" } });
    expect(other.items.map((item) => !item.ok && item.error.code)).toEqual(Array(3).fill("nonce_reused"));
  });

  test("[P14] where it had no key, what is answered as its nonce is one", async () => {
    const tenant = await newTenant(roomy);
    const { nonce } = await told(tenant, { rooms: ["a", "b"] });
    const again = await told(tenant, { rooms: ["a", "b", "c"], message: { text: "all", nonce } });
    expect(again.items.map((item) => item.ok && item.duplicate)).toEqual([true, true, false]);
    const both = { rooms: ["a"], message: { text: "all", nonce }, key: "another-nonce" };
    await refused(await broadcast(tenant, both), 400, "invalid_field");
  });
});
