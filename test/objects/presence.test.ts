import { afterAll, beforeAll, expect, test } from "vitest";
import { PresenceFrame, type ServerFrame } from "../../src/protocol/serverFrames.ts";
import { call, everything, ordinary } from "../support/api.ts";
import { eventually, pass, startClock, stopClock } from "../support/clock.ts";
import { Observer } from "../support/observer.ts";
import { ask, graceMs, here, type Place, place, spanMs } from "../support/place.ts";
import { TestSocket } from "../support/socket.ts";

beforeAll(() => stopClock());
afterAll(startClock);

/** What a socket was told, in short: `+ada -bo ~cy`. */
function told(socket: TestSocket): string[] {
  return socket.of("presence").map(({ joined, updated, left }) => {
    const signs = [
      joined.map(({ user }) => `+${user}`),
      updated.map(({ user }) => `~${user}`),
      left.map((user) => `-${user}`),
    ];
    return signs.flat().join(" ");
  });
}

type PageFrame = ServerFrame & { type: "presence.page" };

function forbidden(answer: ServerFrame): void {
  expect(answer).toMatchObject({ type: "error", code: "forbidden", status: 403 });
}

async function tokenNamed({ tenant }: Place, user: string, name: string): Promise<string> {
  const body = { user, name, rooms: { "*": everything } };
  const made = await call("/v1/tokens", { method: "POST", credential: tenant.key, body });
  return (await made.json<{ token: string }>()).token;
}

/** Its request says nothing of presence. */
async function socketWithoutMode(room: Place): Promise<TestSocket> {
  const headers = { Upgrade: "websocket" };
  const response = await call(`/v1/rooms/${here}/socket`, { credential: await room.token("plain"), headers });
  if (response.webSocket === null) throw new Error(`not upgraded: ${response.status}`);
  return new TestSocket(response.webSocket);
}

// Coming and going.

test("[L1] two tabs join once and leave once, 10 s after the last one went", async () => {
  const room = await place();
  const bo = await room.enter("bo");
  const first = await room.enter("ada");
  const second = await room.enter("ada");
  await room.fence(bo);
  expect((await room.listed())[0]).toMatchObject({ user: "ada", connections: 2 });
  await room.exit(first);
  await room.fence(bo);
  expect(told(bo)).toEqual(["+bo", "+ada"]);
  expect(await room.dueMs("presence")).toBeNull();
  await room.exit(second);
  const goneAtMs = Date.now() + graceMs;
  expect(await room.leavers()).toEqual([{ user: "ada", gone_at: goneAtMs }]);
  expect(await room.dueMs("presence")).toBe(goneAtMs);
  // Not missed yet.
  expect((await room.listed()).map(({ user, connections }) => [user, connections])).toEqual([
    ["ada", 1],
    ["bo", 1],
  ]);
  pass(graceMs);
  await room.ring();
  await room.fence(bo);
  expect(told(bo)).toEqual(["+bo", "+ada", "-ada"]);
  expect(bo.of("presence").at(-1)).toEqual({
    type: "presence",
    version: 3,
    joined: [],
    updated: [],
    left: ["ada"],
    count: 1,
  });
  expect(await room.leavers()).toEqual([]);
  expect(await room.dueMs("presence")).toBeNull();
});

test("[L1] 9,999 ms after the last connection a user is here, and at 10,000 gone", async () => {
  const room = await place();
  const bo = await room.enter("bo");
  const ada = await room.enter("ada");
  await room.exit(ada);
  const goneAtMs = (await room.dueMs("presence")) ?? 0;
  pass(goneAtMs - 1 - Date.now());
  await room.ring();
  expect((await room.listed()).map(({ user }) => user)).toEqual(["ada", "bo"]);
  expect(await room.dueMs("presence")).toBe(goneAtMs);
  pass(1);
  await room.ring();
  expect((await room.listed()).map(({ user }) => user)).toEqual(["bo"]);
  await room.fence(bo);
  expect(told(bo)).toEqual(["+bo", "+ada", "-ada"]);
});

test("[L1] coming back within 10 s is no news, and leaving again starts them anew", async () => {
  const room = await place();
  const bo = await room.enter("bo");
  await room.exit(await room.enter("ada"));
  const firstDueMs = (await room.dueMs("presence")) ?? 0;
  pass(6_000);
  const back = await room.enter("ada");
  expect(await room.leavers()).toEqual([]);
  pass(2_000);
  await room.exit(back);
  expect(await room.leavers()).toEqual([{ user: "ada", gone_at: Date.now() + graceMs }]);
  // The alarm of the first time finds nobody to let go.
  pass(firstDueMs - Date.now());
  await room.ring();
  await room.fence(bo);
  expect(told(bo)).toEqual(["+bo", "+ada"]);
  const [leaver] = await room.leavers();
  expect(await room.dueMs("presence")).toBe(leaver?.gone_at);
  pass((leaver?.gone_at ?? 0) - Date.now());
  await room.ring();
  await room.fence(bo);
  expect(told(bo)).toEqual(["+bo", "+ada", "-ada"]);
});

test("[L1] coming back for less than one fold is no news, and gives 10 s anew", async () => {
  const room = await place();
  const bo = await room.enter("bo");
  await room.exit(await room.enter("ada"));
  pass(6_000);
  // A fold was made just now.
  await ask(bo, { type: "presence.set", state: 1 });
  await room.slipOut(await room.slipIn("ada"));
  await room.fence(bo);
  expect(await room.leavers()).toEqual([{ user: "ada", gone_at: Date.now() + graceMs }]);
  await room.forget();
  pass(graceMs - 1);
  await room.ring();
  expect(Object.keys(await room.states())).toEqual(["ada", "bo"]);
  pass(1);
  await room.ring();
  await room.fence(bo);
  expect(told(bo)).toEqual(["+bo", "+ada", "~bo", "-ada"]);
});

test("[L1] [L2] who comes and goes within one fold is told of like others, and leaves after 10 s", async () => {
  const room = await place();
  const bo = await room.enter("bo");
  await room.slipOut(await room.slipIn("ada"));
  await room.fence(bo);
  expect(told(bo)).toEqual(["+bo", "+ada"]);
  await room.forget();
  pass(graceMs);
  await room.ring();
  await room.fence(bo);
  expect(told(bo)).toEqual(["+bo", "+ada", "-ada"]);
  expect(await room.leavers()).toEqual([]);
  expect(await room.states()).toEqual({ bo: "{}" });
});

test("[L1] who comes back when the 10 s are just over, and before others were told, is told of once", async () => {
  const room = await place();
  const bo = await room.watch("bo");
  const ada = await room.enter("ada");
  await room.set(ada, "old");
  await room.exit(ada);
  await room.fence(bo);
  pass(((await room.dueMs("presence")) ?? 0) - Date.now() - 100);
  // A fold was made just now, so what the alarm does has to wait for the next one.
  expect(await ask(bo.socket, { type: "presence.set", state: 1 })).toMatchObject({ type: "ack" });
  pass(100);
  await room.ring();
  await room.slipIn("ada");
  await room.fence(bo);
  expect(bo.complaints).toEqual([]);
  expect(bo.states).toEqual(await room.states());
  expect(await room.leavers()).toEqual([]);
});

test("[L2] a clock that is set back between the alarm and the frame that tells of it leaves no ghost", async () => {
  const room = await place();
  const bo = await room.watch("bo");
  await room.exit(await room.enter("ada"));
  await room.fence(bo);
  pass(((await room.dueMs("presence")) ?? 0) - Date.now() - 100);
  await ask(bo.socket, { type: "presence.set", state: 1 });
  pass(100);
  await room.ring();
  pass(-1_000);
  // The frame is made by its timer.
  await new Promise((resolve) => setTimeout(resolve, 300));
  for (let round = 0; round < 2; round++) {
    pass(graceMs);
    await room.ring();
    await room.fence(bo);
  }
  expect(told(bo.socket)).toEqual(["+bo", "+ada", "~bo", "-ada"]);
  expect(await room.states()).toEqual({ bo: "1" });
  expect(await room.leavers()).toEqual([]);
});

test("[L2] who came and went before others were told is no ghost to one who saw him meanwhile", async () => {
  const room = await place();
  const bo = await room.watch("bo");
  const cy = await room.watch("cy");
  await room.fence(bo, cy);
  await ask(bo.socket, { type: "presence.set", state: 1 });
  // All within one fold.
  const ada = await room.slipIn("ada");
  const late = new Observer(await room.slipIn("late"));
  const page = await ask(cy.socket, { type: "presence.get" });
  expect(page).toMatchObject({ type: "presence.page" });
  await room.slipOut(ada);
  const later = new Observer(await room.slipIn("later"));
  for (let round = 0; round < 2; round++) {
    await room.fence(bo, cy, late, later);
    pass(graceMs);
    await room.ring();
  }
  const states = await room.states();
  expect(Object.keys(states)).toEqual(["bo", "cy", "late", "later"]);
  for (const observer of [bo, cy, late, later]) expect(observer.states).toEqual(states);
});

test("[L1] a clock that is set back holds up neither a fold nor the 10 s", async () => {
  const room = await place();
  const bo = await room.enter("bo");
  const as = (user: string) => ({ token: room.tenant.key, headers: { "Parley-User": user } });
  pass(100);
  const ada = await room.slipIn("ada", as("ada"));
  // Its news waits for a timer, which ends the wait whatever the clock says by then.
  expect(told(bo)).toEqual(["+bo"]);
  pass(-50);
  await eventually(
    () => told(bo).length === 2,
    () => told(bo),
  );
  pass(-3_600_000);
  await room.slipIn("cy", as("cy"));
  await eventually(
    () => told(bo).length === 3,
    () => told(bo),
  );
  expect(told(bo)).toEqual(["+bo", "+ada", "+cy"]);
  await room.exit(ada);
  expect(await room.dueMs("presence")).toBe(Date.now() + graceMs);
});

// State.

test("[L4] a state is told as updated, to its own socket too, and never as leaving and joining", async () => {
  const room = await place();
  const bo = await room.enter("bo");
  const ada = await room.enter("ada");
  expect(await room.set(ada, { mood: "busy" })).toEqual({ type: "ack", ref: expect.any(String) });
  expect(await room.set(ada, { mood: "away" })).toMatchObject({ type: "ack" });
  await room.fence(ada, bo);
  expect(told(bo)).toEqual(["+bo", "+ada", "~ada", "~ada"]);
  expect(told(ada)).toEqual(["+ada", "~ada", "~ada"]);
  expect(bo.of("presence").at(-1)).toEqual({
    type: "presence",
    version: 2,
    joined: [],
    updated: [{ user: "ada", name: "ADA", state: { mood: "away" }, connections: 1 }],
    left: [],
    count: 2,
  });
  const late = await room.enter("cy");
  expect(late.welcome.presence?.members.find(({ user }) => user === "ada")?.state).toEqual({ mood: "away" });
});

test("[L4] of many states within one fold the newest alone is told, without being asked again", async () => {
  const room = await place();
  const bo = await room.enter("bo");
  const ada = await room.enter("ada");
  await room.set(ada, 0);
  for (let count = 1; count <= 20; count++)
    expect(await ask(ada, { type: "presence.set", state: count })).toMatchObject({ type: "ack" });
  pass(spanMs);
  // The timer of the fold brings it: nothing else happens in the room.
  await eventually(
    () => told(bo).length === 4,
    () => told(bo),
  );
  expect(bo.of("presence").at(-1)?.updated).toMatchObject([{ user: "ada", state: 20 }]);
});

test("[L4] any JSON is a state, and null is none", async () => {
  const room = await place();
  const ada = await room.enter("ada");
  for (const state of [[1, "two"], "text", 7, false, { deep: { er: [] } }, null]) {
    expect(await room.set(ada, state)).toMatchObject({ type: "ack" });
    expect((await room.listed())[0]?.state).toEqual(state ?? {});
  }
  expect(await room.set(ada, "x".repeat(40_000))).toMatchObject({ type: "error", code: "too_large" });
  expect((await room.listed())[0]?.state).toEqual({});
});

test("[L4] [W7] a state of 1,024 bytes of JSON passes, one of 1,025 is too_large; bytes are counted, not letters", async () => {
  const room = await place();
  const ada = await room.enter("ada");
  for (const letter of ["x", "é", "😀"]) {
    const bytes = new TextEncoder().encode(letter).length;
    const fill = (size: number) => letter.repeat(Math.floor((size - 2) / bytes)) + "x".repeat((size - 2) % bytes);
    expect(await room.set(ada, fill(1_024))).toMatchObject({ type: "ack" });
    expect(await room.set(ada, fill(1_025))).toMatchObject({ type: "error", code: "too_large", status: 413 });
    expect((await room.listed())[0]?.state).toBe(fill(1_024));
  }
  await room.forget();
  expect(JSON.stringify((await room.listed())[0]?.state)).toHaveLength(514);
});

test("[L4] a state outlives a reconnect, also when the room lost its memory in between, and is gone with its user", async () => {
  for (const evicted of [false, true]) {
    const room = await place();
    const forget = async () => (evicted ? room.forget() : undefined);
    const bo = await room.watch("bo");
    const ada = await room.enter("ada");
    await room.set(ada, { at: 1 });
    await room.fence(bo);
    await forget();
    await room.exit(ada);
    await forget();
    pass(graceMs / 2);
    const back = await room.enter("ada");
    expect(back.welcome.presence?.members).toContainEqual(expect.objectContaining({ user: "ada", state: { at: 1 } }));
    await forget();
    await room.exit(back);
    await forget();
    const again = await room.enter("ada");
    await room.fence(bo);
    await forget();
    expect(await room.states()).toMatchObject({ ada: '{"at":1}' });
    expect(told(bo.socket)).toEqual(["+bo", "+ada", "~ada"]);
    await room.exit(again);
    pass(graceMs);
    await forget();
    await room.ring();
    const anew = await room.enter("ada");
    expect(anew.welcome.presence?.members).toContainEqual(expect.objectContaining({ user: "ada", state: {} }));
    await room.fence(bo);
    expect(told(bo.socket)).toEqual(["+bo", "+ada", "~ada", "-ada", "+ada"]);
    expect(bo.states).toEqual(await room.states());
    expect(bo.complaints).toEqual([]);
  }
});

test("[L4] a state is handed on to another tab when the tab that set it closes", async () => {
  const room = await place();
  const bo = await room.enter("bo");
  const setter = await room.enter("ada");
  const second = await room.enter("ada");
  const third = await room.enter("ada");
  await room.set(setter, "kept");
  for (const tab of [setter, third]) {
    await room.exit(tab);
    await room.fence(bo);
    await room.forget();
    expect(await room.states()).toMatchObject({ ada: '"kept"' });
  }
  expect(second.closed).toBeNull();
  expect(told(bo)).toEqual(["+bo", "+ada", "~ada"]);
});

test("[L4] over two tabs the newest state wins, whichever of them closes or is remembered", async () => {
  const room = await place();
  const bo = await room.watch("bo");
  const one = await room.enter("ada");
  const other = await room.enter("ada");
  await room.set(one, 1);
  await room.set(other, 2);
  await room.forget();
  expect(await room.states()).toMatchObject({ ada: "2" });
  // Within one millisecond, and with a clock that was set back.
  await ask(other, { type: "presence.set", state: 3 });
  await ask(one, { type: "presence.set", state: 4 });
  pass(-60_000);
  await ask(other, { type: "presence.set", state: 5 });
  await ask(one, { type: "presence.set", state: 6 });
  await room.fence(bo);
  await room.forget();
  expect(await room.states()).toMatchObject({ ada: "6" });
  await room.exit(one);
  await room.forget();
  expect(await room.states()).toMatchObject({ ada: "6" });
  await room.fence(bo);
  expect(bo.states).toEqual(await room.states());
  expect(bo.complaints).toEqual([]);
});

test("[L2] another name is told as updated, and is the same for all after the room lost its memory", async () => {
  const room = await place();
  const bo = await room.watch("bo");
  const named = async (name: string) => room.enter("ada", { token: await tokenNamed(room, "ada", name) });
  const compare = async () => {
    await room.fence(bo);
    const listed = Object.fromEntries((await room.listed()).map(({ user, name }) => [user, name]));
    expect(bo.names).toEqual(listed);
  };
  await named("Ada");
  const renamed = await named("Ada L.");
  await room.fence(bo);
  expect(told(bo.socket)).toEqual(["+bo", "+ada", "~ada"]);
  expect(bo.names).toEqual({ bo: "BO", ada: "Ada L." });
  await room.forget();
  await compare();
  expect(bo.names).toEqual({ bo: "BO", ada: "Ada L." });
  await room.exit(renamed);
  await room.forget();
  await compare();
});

// Who hears what.

test("[L3] a reader of full hears of all, one of count of counts, one of none of nothing; full is the default", async () => {
  const room = await place();
  const full = await room.enter("full");
  const count = await room.enter("count", { presence: "count" });
  const none = await room.enter("none", { presence: "none" });
  pass(spanMs);
  const plain = await socketWithoutMode(room);
  const ada = await room.enter("ada");
  await room.set(ada, "x");
  await room.fence(full, count, none, plain);
  await room.exit(ada);
  pass(graceMs);
  await room.ring();
  await room.fence(full, count, none, plain);
  expect(told(full)).toEqual(["+full", "+count", "+none", "+plain", "+ada", "~ada", "-ada"]);
  const listed = plain.welcome.presence?.members.map(({ user }) => user);
  expect(listed?.sort()).toEqual(["count", "full", "none", "plain"]);
  expect(told(plain)).toEqual(["+plain", "+ada", "~ada", "-ada"]);
  expect(count.welcome.presence).toEqual({ version: 1, count: 2, members: [], more: true });
  expect(told(count)).toEqual(["", "", "", "", ""]);
  expect(count.of("presence").map((frame) => frame.count)).toEqual([2, 3, 4, 5, 4]);
  expect(none.welcome.presence).toBeUndefined();
  expect(none.of("presence")).toEqual([]);
});

test("[L3] a reader of count hears only when there are more or fewer", async () => {
  const room = await place();
  const count = await room.enter("count", { presence: "count" });
  const [ada, bo] = [await room.enter("ada"), await room.enter("bo")];
  await room.set(ada, 1);
  await room.exit(ada);
  // One leaves as another comes: as many as before.
  pass(graceMs - 100);
  await ask(bo, { type: "presence.set", state: 2 });
  await room.slipIn("cy");
  pass(100);
  await room.ring();
  await room.fence(count, bo);
  expect(told(bo).at(-1)).toBe("+cy -ada");
  expect(count.of("presence").map((frame) => [frame.version, frame.count])).toEqual([
    [1, 1],
    [2, 2],
    [3, 3],
  ]);
});

test("[L5] without `presence` a user is told nothing of who is here, is not listed, and may not ask", async () => {
  const room = await place();
  const bo = await room.enter("bo");
  const spy = await room.enter("spy", { capabilities: ordinary });
  const ada = await room.enter("ada");
  await room.set(ada, "x");
  await room.exit(ada);
  pass(graceMs);
  await room.ring();
  await room.fence(bo, spy);
  expect(spy.welcome.presence).toBeUndefined();
  expect(spy.of("presence")).toEqual([]);
  expect(told(bo)).toEqual(["+bo", "+ada", "~ada", "-ada"]);
  expect(bo.of("presence").at(-1)?.count).toBe(1);
  forbidden(await room.set(spy, "x"));
  forbidden(await ask(spy, { type: "presence.get" }));
  const credential = await room.token("spy", ordinary);
  expect((await call(`/v1/rooms/${here}/presence`, { credential })).status).toBe(403);
  expect((await room.listed()).map(({ user }) => user)).toEqual(["bo"]);
  await room.forget();
  expect((await room.listed()).map(({ user }) => user)).toEqual(["bo"]);
  // `presence` alone is enough to see, over HTTP too.
  const seer = await room.token("seer", ["presence"]);
  expect((await call(`/v1/rooms/${here}/presence`, { credential: seer })).status).toBe(200);
});

test("[L5] of a user's connections only those that may take part count", async () => {
  const room = await place();
  const bo = await room.enter("bo");
  const seen = await room.enter("ada");
  const unseen = await room.enter("ada", { capabilities: ordinary });
  expect((await room.listed())[0]).toMatchObject({ user: "ada", connections: 1 });
  forbidden(await room.set(unseen, "x"));
  await room.exit(seen);
  pass(graceMs);
  await room.ring();
  await room.fence(bo);
  expect(told(bo)).toEqual(["+bo", "+ada", "-ada"]);
  expect(unseen.closed).toBeNull();
});

test("[L5] an API key without a user sees who is here and is not seen; it cannot set a state", async () => {
  const room = await place();
  const server = await room.oversee();
  expect(server.socket.welcome.presence).toEqual({ version: 0, count: 0, members: [], more: false });
  await room.enter("ada");
  await room.fence(server);
  expect(server.states).toEqual({ ada: "{}" });
  forbidden(await room.set(server.socket, "x"));
  expect(await ask(server.socket, { type: "presence.get" })).toMatchObject({ type: "presence.page", count: 1 });
  await room.forget();
  await room.fence(server);
  expect(told(server.socket)).toEqual(["+ada"]);
  expect(await room.states()).toEqual({ ada: "{}" });
});

// Versions, pages, snapshots.

test("[L2] the version grows by one with each frame of joined or left, is kept by updated, and outlives the room's memory", async () => {
  const room = await place();
  const bo = await room.watch("bo");
  const ada = await room.enter("ada");
  await room.set(ada, 1);
  await room.forget();
  const cy = await room.enter("cy");
  expect(cy.welcome.presence?.version).toBe(2);
  await room.set(ada, 2);
  await room.exit(cy);
  await room.fence(bo);
  await room.forget();
  pass(graceMs);
  await room.ring();
  await room.fence(bo);
  expect(bo.socket.of("presence").map(({ version }) => version)).toEqual([1, 2, 2, 3, 3, 4]);
  await room.forget();
  expect(await ask(bo.socket, { type: "presence.get" })).toMatchObject({ version: 4, count: 2 });
  expect(bo.complaints).toEqual([]);
  for (const frame of bo.socket.of("presence")) expect(PresenceFrame.parse(frame)).toEqual(frame);
});

test("[L2] [W7] welcome lists 50 users and says that there are more; pages have 50, at most 200, at least 1", async () => {
  const room = await place();
  const users = Array.from({ length: 202 }, (_, index) => `u${String(index).padStart(3, "0")}`);
  const enter = (user: string) =>
    room.slipIn(user, { token: room.tenant.key, headers: { "Parley-User": user }, presence: "none" });
  for (let next = 0; next < 49; next++) await enter(users[next] ?? "");
  const fiftieth = await room.enter(users[49] ?? "");
  expect(fiftieth.welcome.presence).toMatchObject({ count: 50, more: false });
  expect(fiftieth.welcome.presence?.members).toHaveLength(50);
  const last = await room.enter(users[50] ?? "");
  expect(last.welcome.presence).toMatchObject({ count: 51, more: true });
  expect(last.welcome.presence?.members).toHaveLength(50);
  for (let next = 51; next < 202; next += 20) await Promise.all(users.slice(next, next + 20).map(enter));
  await room.fence(last);
  const page = async (query: object) => (await ask(last, { type: "presence.get", ...query })) as PageFrame;
  const sizes: [object, number][] = [
    [{}, 50],
    [{ limit: 1 }, 1],
    [{ limit: 100 }, 100],
    [{ limit: 200 }, 200],
    [{ limit: 201 }, 200],
    [{ limit: 1_000 }, 200],
    [{ after: users[199], limit: 2 }, 2],
    [{ after: users[201] }, 0],
  ];
  for (const [query, size] of sizes) {
    const { members, next, count } = await page(query);
    expect([query, members.length]).toEqual([query, size]);
    expect(next).toBe(members.at(-1)?.user === users[201] || size === 0 ? undefined : members.at(-1)?.user);
    expect(count).toBe(202);
  }
  expect(await page({ limit: 0 })).toMatchObject({ type: "error", code: "invalid_field" });
  for (const [query, status] of [
    ["limit=0", 400],
    ["limit=x", 400],
    ["limit=201", 200],
  ] as const)
    expect((await call(`/v1/rooms/${here}/presence?${query}`, { credential: room.tenant.key })).status).toBe(status);
  expect((await room.listed()).map(({ user }) => user)).toEqual(users);
  const paged = new Observer(await room.enter("zz"), { pageSize: 7 });
  await paged.whole();
  expect(paged.states).toEqual(await room.states());
});

test("[W7] a welcome with 50 full states, long names and read positions has at most 64 KB", async () => {
  const room = await place();
  const name = "名".repeat(128);
  for (let count = 0; count < 50; count++) {
    const user = `${String(count).padStart(2, "0")}${"用".repeat(126)}`;
    const token = await tokenNamed(room, user, name);
    const socket = await room.enter(user, { token, presence: "none" });
    await room.set(socket, "x".repeat(1_022));
    await room.post("to be read");
    await ask(socket, { type: "read", upTo: count + 1 });
  }
  const late = await room.enter("late");
  expect(new TextEncoder().encode(JSON.stringify(late.welcome)).length).toBeLessThanOrEqual(65_536);
}, 60_000);

test("[L2] what is told between the pages of a list is laid over them", async () => {
  const room = await place();
  const watch = await room.watch("m");
  const sockets = new Map<string, TestSocket>();
  for (const user of ["a", "c", "e", "o", "q", "s"]) sockets.set(user, await room.enter(user));
  const socketsOf = (...users: string[]) => users.flatMap((user) => sockets.get(user) ?? []);
  const page = async (query: object) => (await ask(watch.socket, { type: "presence.get", ...query })) as PageFrame;
  const first = await page({ limit: 3 });
  expect([first.members.map(({ user }) => user), first.next]).toEqual([["a", "c", "e"], "e"]);
  const held = new Map(first.members.map((member) => [member.user, member]));
  const seen = watch.socket.frames.length;
  await room.enter("b");
  await room.enter("p");
  for (const socket of socketsOf("a")) await room.set(socket, "new");
  await room.exit(...socketsOf("c", "q"));
  pass(graceMs);
  await room.ring();
  const second = await page({ after: first.next, limit: 10 });
  expect(second.members.map(({ user }) => user)).toEqual(["m", "o", "p", "s"]);
  expect(second.version).toBe(first.version + 3);
  for (const frame of watch.socket.frames.slice(seen)) {
    if (frame.type === "presence") for (const user of frame.left) held.delete(user);
    const members = frame.type === "presence" ? [...frame.joined, ...frame.updated] : [];
    for (const member of frame.type === "presence.page" ? frame.members : members) held.set(member.user, member);
  }
  const states = await room.states();
  expect(Object.fromEntries([...held.values()].map(({ user, state }) => [user, JSON.stringify(state)]))).toEqual(
    states,
  );
});

// Losing the memory.

const story = [
  "join",
  "tab",
  "state",
  "close",
  "close last",
  "come back",
  "close again",
  "alarm",
  "join anew",
] as const;

test.each(["none", "every", ...story] as const)(
  "[L2] [O1] eviction before a step changes nothing, nothing is told twice, and no ghost stays: %s",
  async (evicted) => {
    const room = await place();
    const bo = await room.watch("bo");
    const server = await room.oversee();
    const tabs: TestSocket[] = [];
    for (const step of story) {
      if (evicted === step || evicted === "every") await room.forget();
      if (step.startsWith("close")) await room.exit(...tabs.splice(0, 1));
      else if (step === "state") for (const tab of tabs.slice(0, 1)) await room.set(tab, "x");
      else if (step === "alarm") {
        pass(graceMs);
        await room.ring();
      } else tabs.push(await room.enter("ada"));
      await room.fence(bo, server);
      expect([step, bo.states]).toEqual([step, await room.states()]);
      expect([step, server.states]).toEqual([step, bo.states]);
    }
    expect(told(bo.socket)).toEqual(["+bo", "+ada", "~ada", "-ada", "+ada"]);
    expect([...bo.complaints, ...server.complaints]).toEqual([]);
    expect(await room.leavers()).toEqual([]);
  },
);

test("[L2] a leaver who is written down is let go after an eviction, by the alarm alone", async () => {
  const room = await place();
  const bo = await room.watch("bo");
  const [ada, cy] = [await room.enter("ada"), await room.enter("cy")];
  await room.exit(ada);
  pass(3_000);
  await room.exit(cy);
  await room.fence(bo);
  await room.forget();
  pass(graceMs - 3_000);
  await room.ring();
  await room.forget();
  expect((await room.leavers()).map(({ user }) => user)).toEqual(["cy"]);
  pass(graceMs);
  await room.ring();
  await room.forget();
  await room.fence(bo);
  expect(told(bo.socket)).toEqual(["+bo", "+ada", "+cy", "-ada", "-cy"]);
  expect(await room.states()).toEqual({ bo: "{}" });
  expect(await room.dueMs("presence")).toBeNull();
});

test("[L2] a room that is deleted and made anew begins with nobody, and no ghost stays", async () => {
  const room = await place();
  const ada = await room.enter("ada");
  await room.exit(await room.enter("bo"));
  await call(`/v1/rooms/${here}`, { method: "DELETE", credential: room.tenant.key });
  await eventually(
    () => ada.closed !== null,
    () => ada.frames,
  );
  await call(`/v1/rooms/${here}`, { method: "PUT", credential: room.tenant.key, body: {} });
  const cy = await room.watch("cy");
  await room.fence(cy);
  expect(cy.states).toEqual({ cy: "{}" });
  expect(await room.states()).toEqual({ cy: "{}" });
  await room.forget();
  pass(graceMs);
  await room.ring();
  await room.fence(cy);
  expect(cy.states).toEqual(await room.states());
});
