/** How long messages are kept, under a clock that stands still. */
import { env } from "cloudflare:workers";
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { everything, ordinary } from "../support/api.ts";
import { eventually, goTo, pass, startClock, stopClock } from "../support/clock.ts";
import { Room } from "../../src/objects/room/room.ts";
import { ask, here, Place, place } from "../support/place.ts";
import { evict, query, roomObject } from "../support/room.ts";
import { resetIn } from "../support/failing.ts";
import { roomy } from "../support/roomy.ts";
import { call, connect, newTenant } from "../routes/edge.ts";
import { exported, imported } from "../routes/exported.ts";

beforeEach(() => stopClock());
afterEach(() => startClock());

const dayMs = 86_400_000;
const { passRows, passPauseMs, expirySweepMs, retentionAgeMs, retentionCountMs } = fixedLimits;

async function tenantSets(room: Place, settings: object): Promise<void> {
  const set = await call("/v1/tenant", { method: "PATCH", credential: room.tenant.key, body: { settings } });
  expect(set.status).toBe(200);
}

async function roomSets(room: Place, settings: object, credential = room.tenant.key): Promise<number> {
  return (await call(`/v1/rooms/${room.room}`, { method: "PATCH", credential, body: { settings } })).status;
}

async function post(room: Place, content: object | string): Promise<number> {
  const body = typeof content === "string" ? { text: content } : content;
  const posted = await call(`/v1/rooms/${room.room}/messages`, { method: "POST", credential: room.tenant.key, body });
  expect(posted.status).toBe(201);
  return (await posted.json<{ message: { id: number } }>()).message.id;
}

async function ids(room: Place): Promise<number[]> {
  const rows = await query<{ id: number }>(room.tenant, room.room, "SELECT id FROM message ORDER BY id");
  return rows.map(({ id }) => id);
}

async function oldest(room: Place): Promise<number> {
  const info = await call(`/v1/rooms/${room.room}`, { credential: room.tenant.key });
  return (await info.json<{ oldest: number }>()).oldest;
}

/** Lets the alarm ring whenever it is due until then; answers how often it did for the job. */
async function goOn(room: Place, job: string, untilMs: number): Promise<number> {
  for (let times = 0; ;) {
    const [due] = await query<{ at: number | null }>(room.tenant, room.room, "SELECT min(at) AS at FROM job");
    if ((due?.at ?? Infinity) > untilMs) {
      goTo(untilMs);
      return times;
    }
    goTo(Math.max(due?.at ?? 0, Date.now()));
    if (((await room.dueMs(job)) ?? Infinity) <= Date.now()) times += 1;
    await room.ring();
  }
}

/** As if they had been published, a second between them, the last one now. The room forgets what it knew. */
async function fill(room: Place, count: number): Promise<void> {
  const first = (await post(room, "the first")) + 1;
  await query(
    room.tenant,
    room.room,
    `WITH RECURSIVE n(id) AS (SELECT ${first} UNION ALL SELECT id + 1 FROM n WHERE id + 1 < ${first + count - 1})
     INSERT INTO message (id, seq, version, sender, nonce, text, replies, status, created_at)
     SELECT id, id, 1, 'ada', 'nonce-' || id, 'text', 0, 'sent', ${Date.now()} - 1000 * (${first + count - 2} - id) FROM n`,
  );
  await evict(room.tenant, room.room);
}

/** One pass, when it is due. */
async function ring(room: Place, job: string): Promise<void> {
  goTo((await room.dueMs(job)) ?? 0);
  await room.ring();
}

async function rung(room: Place): Promise<void> {
  await goOn(room, "retention", Date.now() + passPauseMs * 100);
}

describe("what is set", () => {
  test("[D1] [W7] days and messages have their bounds; a room may also say 0, for ever, and a tenant may not", async () => {
    const room = await place();
    await post(room, "hello");
    for (const [settings, status] of [
      [{ retentionDays: 1, retentionMessages: 1 }, 200],
      [{ retentionDays: fixedLimits.retentionDaysMax, retentionMessages: fixedLimits.retentionMessagesMax }, 200],
      [{ retentionDays: fixedLimits.retentionDaysMax + 1 }, 400],
      [{ retentionMessages: fixedLimits.retentionMessagesMax + 1 }, 400],
      [{ retentionDays: 1.5 }, 400],
      [{ retentionDays: -1 }, 400],
      [{ retentionDays: null, retentionMessages: null }, 200],
    ] as const) {
      const set = await call("/v1/tenant", { method: "PATCH", credential: room.tenant.key, body: { settings } });
      expect([settings, set.status]).toEqual([settings, status]);
      expect([settings, await roomSets(room, settings)]).toEqual([settings, status]);
    }
    const none = { retentionDays: 0, retentionMessages: 0 };
    const set = await call("/v1/tenant", { method: "PATCH", credential: room.tenant.key, body: { settings: none } });
    expect(set.status).toBe(400);
    expect(await roomSets(room, none)).toBe(200);
  });

  test("[D1] a room's own word goes before its tenant's, for less as for more, and each of the two by itself", async () => {
    const room = await place();
    await fill(room, 20);
    await tenantSets(room, { retentionMessages: 10 });
    await runDurableObjectAlarm(env.TENANT.getByName(room.tenant.id));
    await rung(room);
    expect(await ids(room)).toHaveLength(10);
    await roomSets(room, { retentionMessages: 5 });
    await rung(room);
    expect(await ids(room)).toHaveLength(5);
    await roomSets(room, { retentionMessages: 0 });
    for (let n = 0; n < 10; n++) await post(room, `${n}`);
    pass(retentionCountMs);
    await rung(room);
    expect(await ids(room)).toHaveLength(15);
    await roomSets(room, { retentionMessages: null });
    await rung(room);
    expect(await ids(room)).toHaveLength(10);
    await roomSets(room, { retentionMessages: 0, retentionDays: 1 });
    pass(dayMs);
    await rung(room);
    expect(await ids(room)).toEqual([]);
  });

  test("[D1] no owner of a room sets it, only the tenant's server; what he sends back unchanged he may", async () => {
    const room = await place();
    await post(room, "hello");
    const owner = await room.token("owner", everything);
    for (const settings of [{ retentionDays: 3_000 }, { retentionDays: 1 }, { retentionMessages: 0 }])
      expect(await roomSets(room, settings, owner)).toBe(403);
    expect(await roomSets(room, { retentionDays: 7 })).toBe(200);
    expect(await roomSets(room, { retentionDays: 7, frozen: true }, owner)).toBe(200);
    expect(await roomSets(room, { retentionDays: null }, owner)).toBe(403);
    // Nor by making the room.
    const put = { method: "PUT", credential: owner, body: { settings: { retentionDays: 1 } } };
    expect((await call("/v1/rooms/another", put)).status).toBe(403);
    expect((await call("/v1/rooms/another", { credential: owner })).status).toBe(404);
    const socket = await room.enter("ada");
    expect(socket.welcome.settings).toMatchObject({ retentionDays: 7, retentionMessages: null });
  });
});

describe("by age", () => {
  test("[D2] a message goes within an hour after its time, in a room that nobody enters, which wakes once an hour at most", async () => {
    const room = await place();
    const begunMs = Date.now();
    await post(room, "the first");
    await roomSets(room, { retentionDays: 1 });
    for (let minute = 1; minute < 120; minute++) {
      goTo(begunMs + minute * 60_000);
      await post(room, `${minute}`);
    }
    const ages: number[] = [];
    let rings = 0;
    for (let minute = 0; minute <= 180; minute += 5) {
      rings += await goOn(room, "retention", begunMs + dayMs + minute * 60_000);
      const [row] = await query<{ at: number | null }>(room.tenant, here, "SELECT min(created_at) AS at FROM message");
      if (row?.at) ages.push(Date.now() - row.at - dayMs);
    }
    expect(await ids(room)).toEqual([]);
    expect(Math.max(...ages)).toBeLessThanOrEqual(retentionAgeMs);
    expect(Math.max(...ages)).toBeGreaterThan(0);
    // The last hour's are more than one pass; after it the room is left alone.
    expect(rings).toBeLessThanOrEqual(2 + 180 / 60);
    expect(await room.dueMs("retention")).toBeNull();
  });

  test("[D2] at its very end a message goes, a millisecond before it does not", async () => {
    for (const earlyMs of [1, 0]) {
      const room = await place();
      await post(room, "a day old");
      const atMs = Date.now();
      await roomSets(room, { retentionDays: 1 });
      await room.ring();
      expect(await room.dueMs("retention")).toBe(atMs + dayMs);
      goTo(atMs + dayMs - earlyMs);
      await room.ring();
      expect(await ids(room)).toHaveLength(earlyMs);
    }
  });

  test("[D2] a clock that was wrong once neither removes what is young nor keeps what is old", async () => {
    const room = await place();
    await fill(room, 6);
    const [first = 0] = await ids(room);
    const at = (id: number, ms: number): Promise<unknown> =>
      query(room.tenant, here, `UPDATE message SET created_at = ${Date.now() + ms} WHERE id = ${id}`);
    await at(first, -2 * dayMs);
    // Of a clock a year ahead, and of one that began in 1970.
    await at(first + 1, 365 * dayMs);
    await at(first + 2, -2 * dayMs);
    await at(first + 4, -Date.now());
    await roomSets(room, { retentionDays: 1 });
    await rung(room);
    expect(await ids(room)).toEqual([first + 3, first + 4, first + 5]);
  });
});

test("[D2] [D3] what an import has brought is kept as if it had been published there, and is left alone until its end", async () => {
  const room = await place();
  for (let n = 0; n < 20; n++) await post(room, `${n}`);
  await post(room, { text: "fleeting", expiresInMs: 60_000 });
  const text = await exported(room.tenant, here);
  const copy = new Place(room.tenant, "copy");
  await call("/v1/rooms/copy", { method: "PUT", credential: room.tenant.key, body: {} });
  await tenantSets(room, { retentionMessages: 5 });
  await runDurableObjectAlarm(env.TENANT.getByName(room.tenant.id));
  expect((await imported(room.tenant, "copy", text)).status).toBe(201);
  expect(await ids(copy)).toHaveLength(21);
  expect(await copy.dueMs("expiry")).toBe(Date.now() + 60_000);
  await rung(copy);
  expect(await ids(copy)).toHaveLength(5);
});

describe("by number", () => {
  test("[D3] a room holds more than it keeps for a minute at most, and an idle one is left alone", async () => {
    const room = await place();
    await post(room, "the first");
    await roomSets(room, { retentionMessages: 5 });
    await rung(room);
    const sinceMs = Date.now();
    for (let n = 0; n < 30; n++) {
      await post(room, `${n}`);
      pass(1_000);
    }
    expect((await ids(room)).length).toBeGreaterThan(5);
    expect(await goOn(room, "retention", sinceMs + retentionCountMs)).toBeLessThanOrEqual(2);
    expect((await ids(room)).length).toBe(5);
    await goOn(room, "retention", Date.now() + 2 * retentionCountMs);
    expect(await room.dueMs("retention")).toBeNull();
    // Tombstones count, as they are told.
    const [, , , , last = 0] = await ids(room);
    await call(`/v1/rooms/${here}/messages/${last}`, { method: "DELETE", credential: room.tenant.key });
    await post(room, "one more");
    pass(retentionCountMs);
    await rung(room);
    expect(await ids(room)).toHaveLength(5);
  });
});

describe("pass by pass", () => {
  test("[D4] a pass removes so many rows in one change, told as `oldest`; between two of them others publish", async () => {
    const room = await place();
    await fill(room, 3 * passRows + 10);
    const ada = await room.enter("ada", { backlog: 0 });
    const before = ada.of("changes").length;
    await roomSets(room, { retentionMessages: 10 });
    const left: number[] = [];
    while ((await ids(room)).length > 10) {
      await ring(room, "retention");
      left.push((await ids(room)).length);
      // The job has booked its next pass a little later: whoever waits gets his turn.
      if (left.length < 3) expect(await room.dueMs("retention")).toBe(Date.now() + passPauseMs);
    }
    expect(left).toEqual([2 * passRows + 10, passRows + 10, 10]);
    await ask(ada, { type: "presence.get", limit: 1 });
    const told = ada
      .of("changes")
      .slice(before)
      .flatMap(({ changes }) => changes);
    expect(told.map((change) => (change.type === "room" ? change.room.oldest : change))).toEqual([
      1,
      1 + passRows,
      1 + 2 * passRows,
      1 + 3 * passRows,
    ]);
    expect(await room.dueMs("retention")).not.toBe(Date.now() + passPauseMs);
    // The tenant's directory knows of it 10 seconds later.
    await goOn(room, "report", Date.now() + 10_000);
    const listed = await call("/v1/rooms", { credential: room.tenant.key });
    expect((await listed.json<{ items: object[] }>()).items).toMatchObject([{ messages: 10 }]);
  });

  test("[D4] a cursor from before is expired, one that has missed nothing resumes, whenever the room lost its memory", async () => {
    const room = await place();
    await fill(room, 2 * passRows);
    const ada = await room.enter("ada", { backlog: 0 });
    const { epoch } = ada.welcome;
    await room.slipOut(ada);
    await roomSets(room, { retentionMessages: 20 });
    while ((await ids(room)).length > 20) {
      await ring(room, "retention");
      await evict(room.tenant, here);
      const edge = await oldest(room);
      const token = await room.token("ada");
      expect((await connect(here, { token, cursor: `${epoch}:${edge - 2}` })).welcome).toMatchObject({
        resumed: false,
        gap: { reason: "expired" },
        oldest: edge,
      });
      expect((await connect(here, { token, cursor: `${epoch}:${edge - 1}` })).welcome).toMatchObject({ resumed: true });
    }
    expect(await oldest(room)).toBe(2 * passRows - 19);
  });

  test("[D4] a pass is bounded also where one message has more reactions than it, which are shown nobody meanwhile", async () => {
    const room = await place();
    const [first, second] = [await post(room, "loved"), await post(room, "the last")];
    await query(
      room.tenant,
      here,
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${3 * passRows})
       INSERT INTO reaction SELECT ${first}, '👍', 'user-' || i, 0 FROM n`,
    );
    const count = async (): Promise<number> =>
      (await query<{ n: number }>(room.tenant, here, "SELECT count(*) AS n FROM reaction"))[0]?.n ?? 0;
    await roomSets(room, { retentionMessages: 1 });
    const left: number[] = [];
    for (let passes = 0; passes < 3; passes++) {
      await ring(room, "retention");
      left.push(await count());
      const path = `/v1/rooms/${here}/messages/${first}/reactions`;
      expect((await call(path, { credential: room.tenant.key })).status).toBe(404);
    }
    expect(left).toEqual([2 * passRows, passRows, 0]);
    expect(await ids(room)).toEqual([second]);
    const head = (await query<{ head: number }>(room.tenant, here, "SELECT head FROM room"))[0]?.head;
    await rung(room);
    // Only the first of them was told.
    expect((await query<{ head: number }>(room.tenant, here, "SELECT head FROM room"))[0]?.head).toBe(head);
  });

  test("[D4] what goes keeps up with what comes: a pass removes twice what was published since the last one", async () => {
    const room = await place();
    await fill(room, 5 * passRows);
    await roomSets(room, { retentionMessages: 10 });
    await ring(room, "retention");
    const ada = await room.enter("ada");
    const publish = (n: number): object => ({ type: "publish", ref: `${n}`, nonce: `nonce-of-${n}`, text: "x" });
    for (let n = 0; n < passRows; n += 50) ada.send(Array.from({ length: 50 }, (_, index) => publish(n + index)));
    await ada.answer(`${passRows - 1}`);
    const before = (await ids(room)).length;
    await ring(room, "retention");
    expect(before - (await ids(room)).length).toBe(2 * passRows);
    await ring(room, "retention");
    expect(before - (await ids(room)).length).toBe(3 * passRows);
  });

  test("[D4] what retention has freed is room for new messages", async () => {
    const room = await place();
    await fill(room, 3_000);
    const size = async (): Promise<number> => {
      await goOn(room, "report", Date.now() + 10_000);
      const metrics = await (await call("/v1/metrics", { credential: room.tenant.key })).text();
      return Number(/^parley_storage_bytes (\d+)$/m.exec(metrics)?.[1]);
    };
    await post(room, "counted");
    const full = await size();
    await roomSets(room, { retentionMessages: 1 });
    await rung(room);
    expect(await size()).toBeLessThan(full / 2);
  });
});

describe("what the tenant decides", () => {
  test("[D5] reaches every room at once: one with sockets, and within seconds those that sleep", async () => {
    const tenant = await newTenant(roomy);
    const rooms = ["open", "asleep", "also"].map((name) => new Place(tenant, name));
    const [open, asleep, also] = rooms as [Place, Place, Place];
    for (const room of rooms) await fill(room, 30);
    await open.slipIn("ada");
    await tenantSets(open, { retentionMessages: 10 });
    expect(await open.dueMs("retention")).not.toBeNull();
    expect(await asleep.dueMs("retention")).toBeNull();
    for (const room of rooms) {
      expect(await ids(room)).toHaveLength(30);
      await evict(tenant, room.room);
    }
    const failing = resetIn(Room, "heed", { times: 3 });
    await runDurableObjectAlarm(env.TENANT.getByName(tenant.id));
    expect(failing.calls()).toBeGreaterThanOrEqual(3);
    pass(30_000);
    while (((await untold(tenant.id)) ?? 0) > 0) await runDurableObjectAlarm(env.TENANT.getByName(tenant.id));
    for (const room of [open, asleep, also]) {
      await rung(room);
      expect(await ids(room)).toHaveLength(10);
    }
  });

  test("[D5] [W7] so many rooms are told in a step, until none is left; one that was deleted is not woken", async () => {
    const room = await place();
    const tenant = env.TENANT.getByName(room.tenant.id);
    await post(room, "hello");
    for (let n = 0; n < fixedLimits.toldPerStep; n++) await tenant.registerRoom(`room-${n}`, false);
    await call(`/v1/rooms/${here}`, { method: "DELETE", credential: room.tenant.key });
    await tenant.registerRoom("one-more", false);
    await tenantSets(room, { retentionDays: 1 });
    expect(await untold(room.tenant.id)).toBe(fixedLimits.toldPerStep + 1);
    await runDurableObjectAlarm(tenant);
    expect(await untold(room.tenant.id)).toBe(1);
    await runDurableObjectAlarm(tenant);
    expect(await untold(room.tenant.id)).toBe(0);
    // What does not concern it makes no list.
    await tenantSets(room, { autoCreate: false });
    expect(await untold(room.tenant.id)).toBe(0);
  });

  test("[D5] to keep more brings nothing back and removes nothing more, to keep less goes at once", async () => {
    const room = await place();
    await room.slipIn("ada");
    await fill(room, 40);
    await tenantSets(room, { retentionMessages: 20 });
    await rung(room);
    await tenantSets(room, { retentionMessages: 30 });
    await rung(room);
    expect(await ids(room)).toHaveLength(20);
    expect(await oldest(room)).toBe(21);
    await tenantSets(room, { retentionMessages: 10 });
    expect(await room.dueMs("retention")).toBe(Date.now());
    await rung(room);
    expect(await ids(room)).toHaveLength(10);
    await tenantSets(room, { retentionMessages: null });
    pass(dayMs);
    await rung(room);
    expect(await room.dueMs("retention")).toBeNull();
    expect(await ids(room)).toHaveLength(10);
  });
});

async function untold(tenant: string): Promise<number | undefined> {
  return runInDurableObject(env.TENANT.getByName(tenant), (_, { storage }) => {
    return storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM untold").one().n;
  });
}

describe("expiry", () => {
  test("[D6] [M6] a message says when it expires, and from that moment on no read returns it, over no transport", async () => {
    const room = await place();
    const ada = await room.enter("ada");
    const { cursor } = await (
      await call(`/v1/rooms/${here}`, { credential: room.tenant.key })
    ).json<{ cursor: string }>();
    const publishedMs = Date.now();
    const id = await post(room, { text: "over http", expiresInMs: 1_000 });
    const publish = (ref: string, expiresInMs: number | null): object => {
      return { type: "publish", ref, nonce: `nonce-${ref}`, text: ref, expiresInMs };
    };
    // A batch, whose second one is out of bounds.
    ada.send([publish("first", 2_000), publish("second", 999), publish("third", null)]);
    await Promise.all(["first", "third"].map((ref) => ada.answer(ref)));
    expect(await ada.answer("second")).toMatchObject({ code: "invalid_field" });
    const shown = async (): Promise<{ id: number; expiresAt: number | null }[]> => {
      const page = await call(`/v1/rooms/${here}/messages`, { credential: room.tenant.key });
      return (await page.json<{ messages: { id: number; expiresAt: number | null }[] }>()).messages;
    };
    expect((await shown()).map(({ expiresAt }) => expiresAt)).toEqual([publishedMs + 1_000, publishedMs + 2_000, null]);
    const told = async (): Promise<number[]> => {
      const path = `/v1/rooms/${here}/changes?after=${cursor}`;
      const page = await (
        await call(path, { credential: room.tenant.key })
      ).json<{ changes: { message: { id: number } }[] }>();
      const token = await room.token("bo");
      const bo = await connect(here, { token, cursor });
      expect(bo.welcome.resumed).toBe(true);
      await eventually(
        () => bo.of("changes").length > 0,
        () => bo.frames,
      );
      const resumed = bo.of("changes").flatMap(({ changes }) => changes);
      const found = page.changes.map(({ message }) => message.id);
      expect(resumed.map((change) => (change.type === "message" ? change.message.id : 0))).toEqual(found);
      return found;
    };
    goTo(publishedMs + 999);
    expect(await told()).toHaveLength(3);
    expect((await call(`/v1/rooms/${here}/messages/${id}`, { credential: room.tenant.key })).status).toBe(200);
    goTo(publishedMs + 1_000);
    expect(await told()).toEqual([id + 1, id + 2]);
    expect((await shown()).map((message) => message.id)).toEqual([id + 1, id + 2]);
    for (const path of ["", "/reactions"])
      expect((await call(`/v1/rooms/${here}/messages/${id}${path}`, { credential: room.tenant.key })).status).toBe(404);
    expect(await ids(room)).toHaveLength(3);
    goTo(publishedMs + 2_000);
    expect(await told()).toEqual([id + 2]);
  });

  test("[D6] the sweep is silent, goes at most every 10 seconds, and tells the tenant's directory", async () => {
    const room = await place();
    const ada = await room.enter("ada");
    for (let n = 0; n < 30; n++) {
      await post(room, { text: `${n}`, expiresInMs: 1_000 });
      pass(1_000);
    }
    await post(room, "stays");
    await ask(ada, { type: "presence.get", limit: 1 });
    const head = ada.of("changes").at(-1)?.to;
    const sinceMs = Date.now();
    expect(await goOn(room, "expiry", sinceMs + 30_000)).toBeLessThanOrEqual(1 + 30_000 / expirySweepMs);
    expect(await ids(room)).toHaveLength(1);
    await ask(ada, { type: "presence.get", limit: 1 });
    expect(ada.of("changes").at(-1)?.to).toBe(head);
    const listed = await call("/v1/rooms", { credential: room.tenant.key });
    expect((await listed.json<{ items: object[] }>()).items).toMatchObject([{ messages: 1 }]);
    expect(await room.dueMs("expiry")).toBeNull();
  });

  test("[D6] a reply that has expired is counted no more at its parent, of which readers are told by one change", async () => {
    const room = await place();
    const ada = await room.enter("ada", { capabilities: [...ordinary, "presence"] });
    const parent = await post(room, "a question");
    for (let n = 0; n < 3; n++) await post(room, { text: `${n}`, replyTo: parent, expiresInMs: 1_000 });
    await post(room, { text: "stays", replyTo: parent });
    // What is hidden was never counted, but for those who see it.
    await call(`/v1/rooms/${here}/bans/eve`, { method: "PUT", credential: room.tenant.key, body: { shadow: true } });
    const eve = await room.enter("eve");
    await ask(eve, { type: "publish", nonce: "nonce-eve", text: "hidden", replyTo: parent, expiresInMs: 1_000 });
    const path = `/v1/rooms/${here}/messages/${parent}`;
    const bo = await room.token("bo", ordinary);
    const replies = async (): Promise<number> => {
      const answer = await call(path, { credential: bo });
      return (await answer.json<{ message: { replies: number } }>()).message.replies;
    };
    expect(await replies()).toBe(4);
    await goOn(room, "expiry", Date.now() + 2_000);
    expect(await replies()).toBe(1);
    await ask(ada, { type: "presence.get", limit: 1 });
    expect(ada.of("changes").at(-1)?.changes).toEqual([
      { type: "message", message: { id: parent, seq: expect.any(Number), replies: 1 } },
    ]);
    // A parent that has expired itself is told nobody of.
    const fleeting = await post(room, { text: "fleeting", expiresInMs: 1_500 });
    await post(room, { text: "with it", replyTo: fleeting, expiresInMs: 1_000 });
    await goOn(room, "expiry", Date.now() + 60_000);
    expect(await ids(room)).toHaveLength(2);
  });

  test("[D6] many that expire at once go pass by pass, also where one has more reactions than a pass", async () => {
    const room = await place();
    await fill(room, 2 * passRows);
    const [first = 0] = await ids(room);
    await query(room.tenant, here, `UPDATE message SET expires_at = ${Date.now() + 5_000} WHERE id > ${first}`);
    await query(
      room.tenant,
      here,
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${2 * passRows})
       INSERT INTO reaction SELECT ${first + 3}, '👍', 'user-' || i, 0 FROM n`,
    );
    await post(room, { text: "books the sweep", expiresInMs: 5_000 });
    const left: number[] = [];
    goTo(Date.now() + 5_000);
    for (let passes = 0; (await ids(room)).length > 1; passes++) {
      await room.ring();
      left.push((await ids(room)).length);
      pass(passPauseMs);
      expect(passes).toBeLessThan(10);
    }
    expect(left.length).toBeGreaterThanOrEqual(4);
    expect(Math.max(...left.map((count, index) => (left[index - 1] ?? 2 * passRows + 1) - count))).toBeLessThanOrEqual(
      passRows,
    );
    expect(await query(room.tenant, here, "SELECT count(*) AS n FROM reaction")).toEqual([{ n: 0 }]);
  });
});

test("[D4] nothing is booked and nothing more is written where nothing is to go", async () => {
  const room = await place();
  await post(room, "hello");
  expect(await room.dueMs("retention")).toBeNull();
  expect(await runDurableObjectAlarm(roomObject(room.tenant, here))).toBe(true);
  expect(await room.dueMs("retention")).toBeNull();
});
