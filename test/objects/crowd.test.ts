/** Many who come and go at once, and programs of chance: every reader ends with those who are here. */
import * as fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { chance } from "../support/chance.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { asOperator, newTenant, type TestTenant } from "../support/api.ts";
import { eventually, pass, startClock, stopClock } from "../support/clock.ts";
import { Observer } from "../support/observer.ts";
import { ask, graceMs, Place, place, spanMs } from "../support/place.ts";
import { roomy } from "../support/roomy.ts";
import type { TestSocket } from "../support/socket.ts";

afterEach(startClock);

/** Known by the tenant's key, which needs no token for each. */
function enter(room: Place, user: string, presence: "full" | "count" | "none" = "none"): Promise<TestSocket> {
  return room.slipIn(user, { token: room.tenant.key, headers: { "Parley-User": user }, presence });
}

/** A few at a time, as they would come through one edge. */
async function inTurns<Item, Made>(items: readonly Item[], make: (item: Item) => Promise<Made>): Promise<Made[]> {
  const made: Made[] = [];
  for (let next = 0; next < items.length; next += 40)
    made.push(...(await Promise.all(items.slice(next, next + 40).map(make))));
  return made;
}

async function untilCount(observer: Observer, count: number): Promise<void> {
  await eventually(
    () => {
      observer.read();
      return observer.count === count;
    },
    () => [observer.count, observer.socket.frames.slice(-2)],
  );
}

/** Five frames a second, one at the beginning, and one that was on its way. */
function startCounting(observers: readonly Observer[]): { expectFew(): void } {
  const sinceMs = Date.now();
  const before = observers.map(({ socket }) => socket.of("presence").length);
  return {
    expectFew: () => {
      const most = Math.floor((Date.now() - sinceMs) / fixedLimits.presenceFrameMs) + 2;
      for (const [index, { socket }] of observers.entries())
        expect(socket.of("presence").length - (before[index] ?? 0)).toBeLessThanOrEqual(most);
    },
  };
}

const usersOf = (count: number) => Array.from({ length: count }, (_, index) => `u${String(index).padStart(4, "0")}`);

test("[L3] [L2] 1,000 users come and go: at most 5 frames a second, and every reader ends with those who are here", async () => {
  const room = await place({ ...roomy, socketsPerRoom: 2_000, presenceMembers: 1_100 });
  const observers = await inTurns(["x", "y", "z"], async (user) => new Observer(await enter(room, user, "full")));
  const counter = await enter(room, "counter", "count");
  const nobody = await enter(room, "nobody", "none");
  const users = usersOf(1_000);
  const counting = startCounting(observers);
  const coming = inTurns(users, (user) => enter(room, user));
  const latecomer = new Observer(await enter(room, "late", "full"), { pageSize: 37 });
  const sockets = await coming;
  const all = [...observers, latecomer];
  for (const observer of all) await untilCount(observer, 1_006);
  counting.expectFew();
  // Half of them go, and of these some come back at once.
  const recounting = startCounting(observers);
  await room.slipOut(...sockets.slice(0, 500));
  await inTurns(users.slice(0, 100), (user) => enter(room, user));
  // A fold that was put off comes by its timer, and with it the last who go are written down.
  await new Promise((resolve) => setTimeout(resolve, spanMs));
  recounting.expectFew();
  stopClock(Date.now() + graceMs);
  await room.ring();
  for (const observer of all) await untilCount(observer, 606);
  const states = await room.states();
  expect(Object.keys(states)).toHaveLength(606);
  for (const observer of all) {
    await observer.whole();
    expect(observer.states).toEqual(states);
    expect(observer.complaints).toEqual([]);
  }
  expect(counter.of("presence").length).toBeLessThanOrEqual(observers[0]?.socket.of("presence").length ?? 0);
  expect(counter.of("presence").at(-1)).toMatchObject({ joined: [], updated: [], left: [], count: 606 });
  expect(nobody.of("presence")).toEqual([]);
}, 60_000);

test("[L3] in 10 s of storm, with every state set, a reader gets 50 frames and one more", async () => {
  stopClock();
  const room = await place({ ...roomy, socketsPerRoom: 2_000 });
  const observer = new Observer(await enter(room, "x", "full"));
  const sockets: TestSocket[] = [];
  let stalledMs = 0;
  for (let turn = 0; turn < 250; turn++) {
    const sinceMs = performance.now();
    pass(40);
    const socket = await enter(room, `u${turn % 100}-${turn}`);
    sockets.push(socket);
    await ask(socket, { type: "presence.set", state: turn });
    if (turn % 3 === 0) await room.slipOut(...sockets.splice(0, 1));
    stalledMs += Math.max(0, performance.now() - sinceMs - 40);
  }
  // The room's clock is the test's and its timers are the machine's, which ring meanwhile where that is slow.
  expect(observer.socket.of("presence").length).toBeLessThanOrEqual(51 + Math.ceil(stalledMs / 200));
  expect(observer.socket.of("presence").length).toBeGreaterThan(40);
  await room.fence(observer);
  pass(graceMs);
  await room.ring();
  await room.fence(observer);
  expect(observer.states).toEqual(await room.states());
  expect(Object.keys(observer.states)).toHaveLength(sockets.length + 1);
  expect(observer.complaints).toEqual([]);
}, 60_000);

test("[L3] [W7] of 100 users each is told, of 101 only the count and a sample; when they are fewer again the list is asked for", async () => {
  stopClock();
  const room = await place({ ...roomy, presenceMembers: 100 });
  const crowdAbove = 100;
  const observers = [new Observer(await enter(room, "x", "full"), { crowdAbove })];
  const counter = await enter(room, "counter", "count");
  const sockets = await inTurns(usersOf(98), (user) => enter(room, user));
  await room.fence(...observers);
  expect(observers[0]?.count).toBe(100);
  expect(observers[0]?.crowded).toBe(false);
  expect(observers[0]?.states).toEqual(await room.states());
  // The hundred-and-first.
  const last = await enter(room, "zz", "full");
  observers.push(new Observer(last, { crowdAbove, pageSize: 9 }));
  await room.fence(...observers);
  const [first] = observers;
  expect(first?.crowded).toBe(true);
  const crowd = first?.socket.of("presence").at(-1);
  expect(crowd).toMatchObject({ joined: [], updated: [], left: [], count: 101 });
  expect(crowd?.sample).toHaveLength(fixedLimits.presenceListed);
  expect(last.welcome.presence).toMatchObject({ count: 101, more: true });
  expect(last.welcome.presence?.members).toHaveLength(50);
  // A state is told to nobody, and kept for those who ask.
  const heard = first?.socket.of("presence").length;
  await ask(last, { type: "presence.set", state: "kept" });
  await room.fence(...observers);
  expect(first?.socket.of("presence").length).toBe(heard);
  expect(await room.states()).toMatchObject({ zz: '"kept"' });
  // One leaves: there is a list again, and a hole.
  await room.exit(...sockets.slice(0, 1));
  await room.fence();
  pass(graceMs);
  await room.ring();
  await room.fence(...observers);
  for (const observer of observers) {
    await observer.whole();
    expect([observer.crowded, observer.holes]).toEqual([false, 1]);
    expect(observer.states).toEqual(await room.states());
    expect(observer.complaints).toEqual([]);
  }
  expect(first?.socket.of("presence").at(-1)?.sample).toBeUndefined();
  expect(
    counter
      .of("presence")
      .every(({ sample, joined, left }) => sample === undefined && joined.length + left.length === 0),
  ).toBe(true);
  expect(counter.of("presence").at(-1)?.count).toBe(100);
});

test("[L3] [L2] a crowd that comes, is forgotten and shrinks: one frame in two seconds, and every reader ends with the list", async () => {
  stopClock();
  const room = await place({ ...roomy, presenceMembers: 100 });
  const options = { crowdAbove: 100, pageSize: 40 };
  const observers = [new Observer(await enter(room, "x", "full"), options)];
  const sockets = await inTurns(usersOf(150), (user) => enter(room, user));
  await room.fence(...observers);
  observers.push(new Observer(await enter(room, "y", "full"), options));
  await room.fence(...observers);
  const before = observers.map(({ socket }) => socket.of("presence").length);
  for (let turn = 0; turn < 100; turn++) {
    pass(100);
    await enter(room, `v${turn}`).then((socket) => sockets.push(socket));
  }
  for (const [index, { socket }] of observers.entries())
    expect(socket.of("presence").length - (before[index] ?? 0)).toBeLessThanOrEqual(6);
  await room.fence(...observers);
  await room.forget();
  await room.fence(...observers);
  expect(observers.map(({ count, crowded }) => [count, crowded])).toEqual([
    [252, true],
    [252, true],
  ]);
  pass(2_000);
  await room.slipOut(...sockets.splice(0, 160));
  await room.fence(...observers);
  await room.forget();
  pass(graceMs);
  await room.ring();
  await room.fence(...observers);
  for (const observer of observers) {
    await observer.whole();
    expect(observer.states).toEqual(await room.states());
    expect([observer.count, observer.holes]).toEqual([92, 1]);
    expect(observer.complaints).toEqual([]);
  }
});

test.each(["while it is awake", "while it sleeps"])(
  "[L3] a crowd that is one no more because the tenant may have more is listed again after a hole: %s",
  async (when) => {
    stopClock();
    const room = await place({ ...roomy, presenceMembers: 10 });
    const observer = new Observer(await enter(room, "x", "full"), { crowdAbove: 10 });
    const [socket] = await inTurns(usersOf(12), (user) => enter(room, user));
    await room.fence(observer);
    expect(observer.crowded).toBe(true);
    await raise(room.tenant);
    // The edge learns of it within seconds, and the room with the next call.
    pass(6_000);
    await room.fence(observer);
    if (when === "while it sleeps") await room.forget();
    if (socket !== undefined) await room.set(socket, "x");
    await room.fence(observer);
    await enter(room, "y");
    await room.fence(observer);
    await observer.whole();
    expect(observer.complaints).toEqual([]);
    expect(observer.states).toEqual(await room.states());
  },
);

async function raise({ id }: TestTenant): Promise<void> {
  const body = { limits: { ...roomy, presenceMembers: 20 } };
  const changed = await asOperator(`/v1/tenants/${id}`, { method: "PATCH", body });
  if (!changed.ok) throw new Error(await changed.text());
}

// Programs of chance.

const number = fc.nat(1_000);
const Step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("open" as const), who: fc.nat(5), slip: fc.boolean() }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("close" as const), who: number, count: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("set" as const), who: number, state: fc.nat(9) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("evict" as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("ring" as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.constantFrom(1, 100, 199, 200, 2_000, 5_000, 9_799, 10_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("watch" as const), who: fc.nat(2) }) },
);
type Step = typeof Step extends fc.Arbitrary<infer Made> ? Made : never;
const Program = fc.array(Step, { minLength: 10, maxLength: 40, size: "max" });

const chosen = process.env["VITE_PARLEY_SEED"];
const firstSeed = chosen === undefined ? chance * 1_000 : Number(chosen);
const programs = chosen === undefined ? 60 : 1;

/** Null when every observer ends with those who are here. */
async function run(tenant: TestTenant, seed: number): Promise<string | null> {
  const room = new Place(tenant, `room-${seed}`);
  const program = fc.sample(Program, { seed, numRuns: 1 })[0] ?? [];
  const watching: (Observer | null)[] = [await room.oversee(), null, null];
  const tabs: { readonly user: string; readonly socket: TestSocket }[] = [];
  const observers = (): Observer[] => watching.filter((observer) => observer !== null);
  const complaints: string[] = [];
  const step = async (next: Step): Promise<void> => {
    if (next.do === "open") {
      if (!next.slip) pass(spanMs);
      const user = `u${next.who}`;
      tabs.push({ user, socket: await enter(room, user, next.who % 2 === 0 ? "none" : "full") });
    } else if (next.do === "close") {
      const gone = Array.from({ length: next.count }, () => tabs.splice(next.who % Math.max(1, tabs.length), 1)).flat();
      await room.slipOut(...gone.map(({ socket }) => socket));
    } else if (next.do === "set") {
      const socket = tabs[next.who % Math.max(1, tabs.length)]?.socket;
      if (socket !== undefined) await ask(socket, { type: "presence.set", state: next.state });
    } else if (next.do === "evict") {
      await room.fence(...observers());
      await room.forget();
    } else if (next.do === "ring") await room.ring();
    else if (next.do === "wait") pass(next.ms);
    else {
      const [old] = watching.splice(next.who, 1, null);
      complaints.push(...(old?.complaints ?? []));
      if (old) await room.slipOut(old.socket);
      watching[next.who] =
        next.who === 0
          ? await room.oversee()
          : new Observer(await enter(room, `o${next.who}`, "full"), { pageSize: 2 });
    }
    for (const observer of observers()) observer.read();
  };
  for (const next of program) await step(next);
  // All that is leaving has left when this is over.
  for (let round = 0; round < 2; round++) {
    await room.fence(...observers());
    pass(graceMs);
    await room.ring();
  }
  await room.fence(...observers());
  const states = await room.states();
  const open = new Set([
    ...tabs.map(({ user }) => user),
    ...watching.flatMap((observer, who) => (observer === null || who === 0 ? [] : [`o${who}`])),
  ]);
  const differences = [...complaints];
  if (JSON.stringify(Object.keys(states).sort()) !== JSON.stringify([...open].sort()))
    differences.push(`listed ${JSON.stringify(states)}, open ${JSON.stringify([...open].sort())}`);
  for (const observer of observers()) {
    await observer.whole();
    if (JSON.stringify(observer.states) !== JSON.stringify(states))
      differences.push(`holds ${JSON.stringify(observer.states)}, listed ${JSON.stringify(states)}`);
    differences.push(...observer.complaints);
  }
  for (const { user } of await room.leavers()) differences.push(`${user} is still written down as leaving`);
  for (const socket of [...tabs.map((tab) => tab.socket), ...observers().map((observer) => observer.socket)])
    socket.close();
  return differences.length === 0
    ? null
    : `seed ${seed} (VITE_PARLEY_SEED=${seed} runs it alone): ${differences.join("; ")}\n${JSON.stringify(program)}`;
}

test(`[L2] ${programs} random programs of tabs, states, evictions and alarms: every observer ends with those who are here`, async () => {
  stopClock();
  const tenant = await newTenant(roomy);
  for (let seed = firstSeed; seed < firstSeed + programs; seed++) expect(await run(tenant, seed)).toBeNull();
}, 120_000);
