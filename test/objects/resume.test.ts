import { runDurableObjectAlarm } from "cloudflare:test";
import { expect, test, vi } from "vitest";
import { parseCursor } from "../../src/protocol/cursor.ts";
import type { Message } from "../../src/protocol/message.ts";
import type { Page } from "../../src/protocol/serverFrames.ts";
import { call, everything, newTenant, newToken, type TestTenant } from "../support/api.ts";
import { Listener } from "../support/listener.ts";
import type { ChangesAnswer, Reader } from "../support/reader.ts";
import { evict, query, roomObject } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import { connect } from "../support/socket.ts";
import { ask, differenceOf, truthOf } from "../support/truth.ts";

const room = "general";
const path = `/v1/rooms/${room}`;

async function newRoom(limits: Readonly<Record<string, number>> = {}) {
  const tenant = await newTenant({ ...roomy, ...limits });
  const token = await newToken(tenant, "ada", { "*": everything });
  await ask(path, { method: "PUT", credential: token, body: {} });
  const listener = (backlog?: number): Listener =>
    new Listener({ room, token, ...(backlog === undefined ? {} : { backlog }) });
  return { tenant, token, listener };
}

/** Publishes as one user, in batches. Answers the ids. */
async function publish(token: string, count: number, text = "text"): Promise<number[]> {
  const writer = new Listener({ room, token, backlog: 0 });
  await writer.open();
  const ids: number[] = [];
  const batch = Math.max(1, Math.min(50, Math.floor(60_000 / (text.length + 100))));
  for (let done = 0; done < count; done += batch) {
    const frames = Array.from({ length: Math.min(batch, count - done) }, (_, index) => ({
      type: "publish",
      ref: `${done + index}`,
      nonce: `nonce-${crypto.randomUUID()}`,
      text: `${text} ${done + index}`,
    }));
    for (const answer of await writer.ask(...frames)) {
      if (answer.type !== "ack") throw new Error(JSON.stringify(answer));
      ids.push(answer.id ?? 0);
    }
  }
  writer.cut();
  return ids;
}

async function headOf(token: string): Promise<number> {
  return (await ask<{ head: number }>(path, { credential: token })).head;
}

/** Exactly so many changes of all kinds: messages, replies, edits, reactions, deletions, members and settings. */
async function happen(token: string, count: number): Promise<void> {
  const target = (await headOf(token)) + count;
  const writer = new Listener({ room, token, backlog: 0 });
  await writer.open();
  const ids: number[] = [];
  for (let turn = 0, left = count; left > 0; turn++, left = target - (await headOf(token))) {
    if (left > 4) await governing(token, turn);
    // A reply is two changes, so the last ones go one by one.
    const frames = Array.from({ length: Math.max(1, Math.min(45, Math.ceil((left - 2) / 2))) }, (_, index) => ({
      ref: `${turn}-${index}`,
      ...saying(turn * 45 + index, left > 2 ? ids : []),
    }));
    for (const [index, answer] of (await writer.ask(...frames)).entries()) {
      if (answer.type !== "ack") throw new Error(JSON.stringify(answer));
      // Nobody replies to a reply.
      const said = frames[index];
      if (said?.type === "publish" && !("replyTo" in said)) ids.push(answer.id ?? 0);
    }
  }
  writer.cut();
}

/** A third are new messages. Those that are deleted leave the list. */
function saying(number: number, ids: number[]): { readonly type: string } {
  const said = { type: "publish", nonce: `nonce-${crypto.randomUUID()}`, text: `said ${number}` };
  const index = (number * 7) % Math.max(1, ids.length);
  const id = ids[index];
  if (id === undefined || number % 3 === 0) return said;
  if (number % 11 === 0) {
    ids.splice(index, 1);
    return deletion(id);
  }
  const others: readonly ({ readonly type: string } & Record<string, unknown>)[] = [
    { ...said, replyTo: id },
    { type: "edit", id, text: `edited ${number}` },
    { type: "react", id, emoji: number % 2 === 0 ? "👍" : "🎉" },
    { type: "edit", id, data: { number } },
    { type: "react", id, emoji: "👍", remove: true },
  ];
  return others[number % others.length] ?? said;
}

function deletion(id: number): { readonly type: string; readonly id: number } {
  return { type: "delete", id };
}

async function governing(token: string, turn: number): Promise<void> {
  const user = `${path}/members/member-${turn % 5}`;
  if (turn % 3 === 2)
    await ask(path, { method: "PATCH", credential: token, body: { settings: { frozen: turn % 2 === 0 } } });
  else if (turn % 4 === 3) await call(user, { method: "DELETE", credential: token });
  else
    await ask(user, {
      method: "PUT",
      credential: token,
      body: { role: turn % 2 === 0 ? "owner" : "member", name: `Name ${turn}` },
    });
}

/** What the room has become is what both of them hold. */
async function sameAsWhoStayed(token: string, ...listeners: readonly Listener[]): Promise<void> {
  for (const listener of listeners) await listener.settle();
  const truth = await truthOf(room, token, Date.now);
  for (const { reader } of listeners) expect(differenceOf(reader, truth)).toBeNull();
}

/** Comes, hears everything, and goes. */
async function leave(...listeners: readonly Listener[]): Promise<void> {
  for (const listener of listeners) {
    await listener.open();
    await listener.settle();
    listener.cut();
  }
}

test.each([1, 500, 5_000])(
  "[R2] away for %i changes, a reader that resumes or is told why it cannot ends with the state of one that stayed",
  async (count) => {
    const { tenant, token, listener } = await newRoom({ replayChanges: 10_000, replayBytes: 1_048_576 });
    await ask(`${path}/members/bo`, { method: "PUT", credential: token, body: { role: "member" } });
    await happen(token, 70);
    const steady = listener();
    await steady.open();
    const [resumes, ahead, erased, retained, restored, recreated] = Array.from({ length: 6 }, () => listener(20)) as [
      Listener,
      Listener,
      Listener,
      Listener,
      Listener,
      Listener, // One for each way.
    ];
    await leave(resumes, ahead, erased, retained, restored, recreated);
    const left = parseCursor(resumes.reader.cursor ?? "")?.seq ?? 0;
    await happen(token, count);
    expect(await headOf(token)).toBe(left + count);

    expect((await resumes.open()).welcome).toMatchObject({ resumed: true, start: null });
    await sameAsWhoStayed(token, resumes, steady);
    expect(resumes.socket?.of("changes").some(({ reset }) => reset)).toBe(false);

    const { epoch } = steady.socket?.welcome ?? { epoch: "" };
    expect((await ahead.open(`${epoch}:${left + count + 1}`)).welcome).toMatchObject({
      resumed: false,
      gap: { reason: "ahead" },
    });
    await sameAsWhoStayed(token, ahead, steady);

    await roomObject(tenant, room).erase("bo");
    expect((await erased.open()).welcome).toMatchObject({ resumed: false, gap: { reason: "expired" } });
    await sameAsWhoStayed(token, erased, steady);

    await roomObject(tenant, room).retain(left + Math.ceil(count / 2) + 1);
    expect((await retained.open()).welcome).toMatchObject({ resumed: false, gap: { reason: "expired" } });
    await sameAsWhoStayed(token, retained, steady);

    // As after a restore: the same numbers in another history.
    await query(tenant, room, "UPDATE room SET epoch = 'restored'");
    await evict(tenant, room);
    steady.cut();
    expect((await restored.open()).welcome).toMatchObject({ resumed: false, gap: { reason: "epoch" } });
    await sameAsWhoStayed(token, restored, steady);

    await ask(path, { method: "DELETE", credential: token });
    await ask(path, { method: "PUT", credential: token, body: {} });
    await steady.socket?.until(({ closed }) => closed !== null);
    steady.cut();
    await happen(token, Math.min(count, 100));
    expect((await recreated.open()).welcome).toMatchObject({ resumed: false, gap: { reason: "epoch" } });
    await sameAsWhoStayed(token, recreated, steady);
  },
  60_000,
);

test.each([
  { replayChanges: 100, count: 500 },
  { replayChanges: 1_000, count: 5_000 },
])(
  "[R2] further away than $replayChanges changes a reader starts over, and ends with the state of one that stayed",
  async ({ replayChanges, count }) => {
    const { token, listener } = await newRoom({ replayChanges });
    await happen(token, 70);
    const [steady, away] = [listener(), listener(20)];
    await leave(away);
    await steady.open();
    await happen(token, count);
    expect((await away.open()).welcome).toMatchObject({ resumed: false, gap: { reason: "too_far" } });
    await sameAsWhoStayed(token, away, steady);
  },
  60_000,
);

test("[R2] exactly `replayChanges` changes are replayed, one more is too far", async () => {
  const { token } = await newRoom({ replayChanges: 10 });
  await publish(token, 20);
  const { epoch } = (await connect(room, { token })).welcome;
  const fits = await connect(room, { token, cursor: `${epoch}:10` });
  expect(fits.welcome).toMatchObject({ resumed: true });
  await fits.until(() => fits.of("changes").at(-1)?.to === 20);
  expect((await connect(room, { token, cursor: `${epoch}:9` })).welcome).toMatchObject({ gap: { reason: "too_far" } });
});

test("[R2] a replay larger than a frame comes in several, each contiguous with the one before", async () => {
  const { token } = await newRoom({ replayBytes: 1_048_576 });
  await publish(token, 40, "x".repeat(16_000));
  const { epoch } = (await connect(room, { token, backlog: 0 })).welcome;
  const socket = await connect(room, { token, cursor: `${epoch}:0` });
  await socket.until(() => socket.of("changes").at(-1)?.to === 40);
  const frames = socket.of("changes");
  expect(frames.length).toBeGreaterThan(1);
  frames.forEach(({ from }, index) => expect(from).toBe(frames[index - 1]?.to ?? 0));
  expect(
    frames.flatMap(({ changes }) => changes.map((change) => change.type === "message" && change.message.id)),
  ).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
});

test("[R3] without a cursor there is always one reset frame, also in an empty room and without a backlog", async () => {
  const { token } = await newRoom();
  const empty = await connect(room, { token });
  expect(empty.welcome).toMatchObject({ resumed: false, head: 0, oldest: 1, start: 1 });
  expect(empty.welcome.gap).toBeUndefined();
  expect(empty.of("changes")).toEqual([{ type: "changes", from: 0, to: 0, reset: true, changes: [] }]);
  await publish(token, 5);
  const none = await connect(room, { token, backlog: 0 });
  expect(none.welcome).toMatchObject({ resumed: false, head: 5, start: 6 });
  expect(none.of("changes")).toEqual([{ type: "changes", from: 0, to: 5, reset: true, changes: [] }]);
});

test.each([
  { backlog: 1, start: 5 },
  { backlog: 4, start: 2 },
  { backlog: 5, start: 1 },
  { backlog: 200, start: 1 },
])("[R3] a backlog of $backlog in a room of 5 messages begins at $start", async ({ backlog, start }) => {
  const { token, listener } = await newRoom();
  const ids = await publish(token, 5);
  // Their order in the frame is that of their last change.
  await ask(`${path}/messages/${ids[4]}/reactions/👍`, { method: "PUT", credential: token });
  const reader = listener(backlog);
  const socket = await reader.open();
  expect(socket.welcome).toMatchObject({ resumed: false, head: 6, start });
  expect(socket.of("changes").map(({ reset }) => reset)).toEqual([true]);
  await sameAsWhoStayed(token, reader);
});

test("[R3] the newest messages that fit 512 KB are the backlog, in frames of which the first resets", async () => {
  const { token, listener } = await newRoom();
  await publish(token, 60, "x".repeat(16_000));
  const reader = listener(200);
  const socket = await reader.open();
  const frames = socket.of("changes");
  expect(frames.map(({ reset }) => reset ?? false)).toEqual(frames.map((_, index) => index === 0));
  expect(frames.length).toBeGreaterThan(1);
  expect(Math.max(...frames.map((frame) => JSON.stringify(frame).length))).toBeLessThan(262_144 + 1_024);
  expect(JSON.stringify(frames).length).toBeLessThan(524_288 + 1_024);
  expect(socket.welcome.start).toBeGreaterThan(20);
  await sameAsWhoStayed(token, reader);
});

test("[R3] `cursor=0` brings everything from `oldest` on, or says that it is too far", async () => {
  const { tenant, token } = await newRoom({ replayChanges: 10 });
  await publish(token, 12);
  expect((await connect(room, { token, cursor: "0", backlog: 3 })).welcome).toMatchObject({
    resumed: false,
    gap: { reason: "too_far" },
    start: 10,
  });
  await roomObject(tenant, room).retain(3);
  const socket = await connect(room, { token, cursor: "0" });
  expect(socket.welcome).toMatchObject({ resumed: false, start: 3, oldest: 3 });
  expect(socket.welcome.gap).toBeUndefined();
  expect(socket.of("changes").map(({ from, to, reset, changes }) => [from, to, reset, changes.length])).toEqual([
    [0, 13, true, 10],
  ]);
});

/** Ids with holes: members in between, what retention took, what has expired. */
async function history(): Promise<{
  tenant: TestTenant;
  token: string;
  ids: number[];
  cursor: string;
  oldest: number;
}> {
  const { tenant, token } = await newRoom();
  for (let turn = 0; turn < 6; turn++) {
    await publish(token, 4);
    await ask(`${path}/members/member-${turn}`, { method: "PUT", credential: token, body: { role: "member" } });
  }
  await roomObject(tenant, room).retain(8);
  await query(tenant, room, "UPDATE message SET expires_at = 1 WHERE id IN (12, 13)");
  const { messages, cursor, oldest } = await truthOf(room, token, Date.now);
  return { tenant, token, ids: messages.map(({ id }) => id), cursor, oldest };
}

const idsOf = (messages: readonly Message[]): number[] => messages.map(({ id }) => id);

test("[R4] paged back through with any page size, a history has no holes, and `start` says how far one holds it", async () => {
  const { token, ids, cursor, oldest } = await history();
  expect(ids.length).toBe(16);
  for (let limit = 1; limit <= ids.length + 1; limit++) {
    const seen: number[] = [];
    let before: number | null = null;
    for (let more = true; more;) {
      const bound: string = before === null ? "" : `&before=${before}`;
      const page: Page = await ask(`${path}/messages?limit=${limit}${bound}`, { credential: token });
      const found = idsOf(page.messages);
      expect(found).toEqual(ids.filter((id) => before === null || id < before).slice(-limit));
      seen.unshift(...found);
      more = page.hasMore;
      expect(more).toBe(seen.length < ids.length);
      expect(page).toMatchObject({ cursor, start: more ? found[0] : oldest });
      before = page.start;
    }
    expect(seen).toEqual(ids);
  }
});

test("[R4] paged on through with any page size, a history has no holes", async () => {
  const { token, ids, cursor } = await history();
  for (let limit = 1; limit <= ids.length + 1; limit++) {
    const seen: number[] = [];
    for (let more = true; more;) {
      const page: Page = await ask(`${path}/messages?limit=${limit}&after=${seen.at(-1) ?? 0}`, { credential: token });
      seen.push(...idsOf(page.messages));
      more = page.hasMore;
      expect(page.cursor).toBe(cursor);
      expect(more).toBe(seen.length < ids.length);
    }
    expect(seen).toEqual(ids);
  }
});

test("[R4] a page around a message holds it with its neighbours, at any place and of any size", async () => {
  const { token, ids } = await history();
  for (const id of ids) {
    for (let limit = 1; limit <= 6; limit++) {
      const page: Page = await ask(`${path}/messages?around=${id}&limit=${limit}`, { credential: token });
      const found = idsOf(page.messages);
      const first = ids.indexOf(found[0] ?? 0);
      expect(found).toContain(id);
      expect(found.length).toBeLessThanOrEqual(limit);
      expect(found).toEqual(ids.slice(first, first + found.length));
      expect(page.hasMore).toBe(first > 0);
    }
  }
});

test("[R4] a page around a message holds it also where its neighbours are larger than a page may be", async () => {
  const { token } = await newRoom();
  await publish(token, 90, "x".repeat(16_000));
  const page: Page = await ask(`${path}/messages?around=60&limit=100`, { credential: token });
  expect(idsOf(page.messages)).toContain(60);
});

test("[R4] pages at the ends of a history are empty, and a socket is answered like a caller over HTTP", async () => {
  const { token, ids, oldest } = await history();
  const socket = await connect(room, { token, backlog: 0 });
  const bounds = [
    { before: 1 },
    { before: oldest },
    { after: ids.at(-1) ?? 0 },
    { after: 1_000 },
    { after: 0 },
    {},
    { around: 999 },
  ];
  for (const [index, bound] of bounds.entries()) {
    socket.send({ type: "history", ref: `${index}`, limit: 3, ...bound });
    const asked = new URLSearchParams(
      Object.entries({ limit: 3, ...bound }).map(([name, value]) => [name, `${value}`]),
    );
    const { type: _type, ref: _ref, ...page } = { ref: "", ...(await socket.answer(`${index}`)) };
    expect(page).toEqual(await ask(`${path}/messages?${asked}`, { credential: token }));
    if (index < 4) expect(page).toMatchObject({ messages: [], hasMore: false });
  }
});

/** Pages `/changes` from the beginning, again where it says that something was missed. */
async function pageThrough(token: string, reader: Reader, between: (page: number) => Promise<void>): Promise<number> {
  let gaps = 0;
  for (let page = 1, after = "0", more = true; more; page++) {
    const answer: ChangesAnswer = await ask(`${path}/changes?after=${after}`, { credential: token });
    more = answer.hasMore;
    after = answer.cursor;
    if (answer.gap !== undefined) {
      gaps++;
      expect(answer).toMatchObject({ gap: { reason: "expired" }, reset: true });
      [after, more] = ["0", true];
    } else {
      reader.receiveChanges(answer);
    }
    await between(page);
    if (page > 200) throw new Error("pages without end");
  }
  return gaps;
}

test.each([
  { what: "a quiet room", before: false, during: null, gaps: 0 },
  { what: "a floor that an erasure raised before", before: true, during: null, gaps: 0 },
  { what: "a floor that an erasure raises meanwhile", before: true, during: "erase", gaps: 1 },
  { what: "retention that goes on meanwhile", before: false, during: "retain", gaps: null },
  { what: "messages that come meanwhile", before: true, during: "publish", gaps: 0 },
])("[R5] `changes` pages through the whole history of $what, and a socket goes on from there", async (given) => {
  const { tenant, token, listener } = await newRoom({ replayChanges: 7 });
  const object = roomObject(tenant, room);
  for (const user of ["bo", "cy"])
    await ask(`${path}/members/${user}`, { method: "PUT", credential: token, body: { role: "member" } });
  await happen(token, 100);
  if (given.before) await object.erase("bo");
  const away = listener();
  const gaps = await pageThrough(token, away.reader, async (page) => {
    if (page === 4 && given.during === "erase") await object.erase("cy");
    if (page === 4 && given.during === "retain") await object.retain(60);
    if (page === 4 && given.during === "publish") await publish(token, 5);
  });
  if (given.gaps !== null) expect(gaps).toBe(given.gaps);
  // Nothing but the pages so far: members, settings and messages are all in them.
  const truth = await truthOf(room, token, Date.now);
  expect(differenceOf(away.reader, truth)).toBeNull();
  expect((await away.open()).welcome).toMatchObject({ resumed: true });
  await happen(token, 3);
  await away.arrived(await headOf(token));
  await sameAsWhoStayed(token, away);
});

test("[R5] paging ends also where more members than a page holds stand below what retention has left", async () => {
  const { tenant, token, listener } = await newRoom({ replayChanges: 2 });
  for (let member = 0; member < 7; member++)
    await ask(`${path}/members/member-${member}`, { method: "PUT", credential: token, body: { role: "member" } });
  await publish(token, 10);
  await roomObject(tenant, room).retain(15);
  const away = listener();
  expect(await pageThrough(token, away.reader, () => Promise.resolve())).toBe(0);
  expect(differenceOf(away.reader, await truthOf(room, token, Date.now))).toBeNull();
});

test("[R6] retention is one change by which readers drop what has gone; only an older cursor is expired", async () => {
  const { tenant, token, listener } = await newRoom();
  await publish(token, 10);
  const steady = listener();
  const socket = await steady.open();
  const { epoch } = socket.welcome;
  await roomObject(tenant, room).retain(6);
  await steady.arrived(11);
  expect(socket.of("changes").at(-1)).toMatchObject({
    from: 10,
    to: 11,
    changes: [{ type: "room", room: { seq: 11, oldest: 6 } }],
  });
  await sameAsWhoStayed(token, steady);
  expect(idsOf(steady.reader.messages(Date.now()))).toEqual([6, 7, 8, 9, 10]);
  expect((await connect(room, { token, cursor: `${epoch}:4` })).welcome).toMatchObject({
    gap: { reason: "expired" },
    oldest: 6,
  });
  expect((await connect(room, { token, cursor: `${epoch}:5` })).welcome).toMatchObject({ resumed: true, oldest: 6 });
  // Again, or less, is nothing.
  await roomObject(tenant, room).retain(6);
  await roomObject(tenant, room).retain(2);
  expect(await headOf(token)).toBe(11);
});

test("[R6] erasure leaves no name and no word of a user, and raises the floor", async () => {
  const { tenant, token, listener } = await newRoom();
  const bo = await newToken(tenant, "bo-the-erased", { "*": everything });
  const [mine] = await publish(token, 1, "to whom it concerns");
  await publish(bo, 3, "a word of his");
  await ask(`${path}/messages/${mine}/reactions/👍`, { method: "PUT", credential: bo });
  await ask(`${path}/messages`, {
    method: "POST",
    credential: token,
    body: { text: "hello", mentions: ["bo-the-erased"] },
  });
  await ask(`${path}/members/bo-the-erased`, {
    method: "PUT",
    credential: token,
    body: { role: "member", name: "Bo" },
  });
  const [steady, away] = [listener(), listener()];
  await leave(away);
  await steady.open();
  await roomObject(tenant, room).erase("bo-the-erased");
  await sameAsWhoStayed(token, steady);
  for (const table of ["message", "reaction", "member"]) {
    const rows = JSON.stringify(await query(tenant, room, `SELECT * FROM ${table}`)).toLowerCase();
    expect(rows).not.toContain("bo-the-erased");
    expect(rows).not.toContain("a word of his");
  }
  expect(JSON.stringify(steady.reader.messages(Date.now()))).not.toContain("bo-the-erased");
  const floor = await headOf(token);
  const { epoch } = steady.socket?.welcome ?? { epoch: "" };
  expect((await connect(room, { token, cursor: `${epoch}:${floor}` })).welcome).toMatchObject({ resumed: true });
  expect((await connect(room, { token, cursor: `${epoch}:${floor - 1}` })).welcome).toMatchObject({
    gap: { reason: "expired" },
  });
  expect((await away.open()).welcome).toMatchObject({ gap: { reason: "expired" } });
  await sameAsWhoStayed(token, away, steady);
});

test("[O1] the seq of a message that has expired is never given again, though nothing but the head remembers it", async () => {
  vi.useFakeTimers({ now: Date.now() + 86_400_000, toFake: ["Date"] });
  const { tenant, token, listener } = await newRoom();
  await publish(token, 3);
  await ask(`${path}/messages`, { method: "POST", credential: token, body: { text: "soon gone", expiresInMs: 1_000 } });
  const steady = listener();
  await steady.open();
  vi.setSystemTime(Date.now() + 1_000);
  await runDurableObjectAlarm(roomObject(tenant, room));
  expect(await query(tenant, room, "SELECT id FROM message WHERE id = 4")).toEqual([]);
  await evict(tenant, room);
  expect(await publish(token, 1)).toEqual([5]);
  await sameAsWhoStayed(token, steady);
  vi.useRealTimers();
});
