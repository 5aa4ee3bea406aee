/** When clients that were cut at once come back: never all at once. */
import { expect, test } from "vitest";
import { pauseMs } from "../../src/client/backoff.ts";
import { Outbox } from "../../src/client/outbox.ts";
import { Pace } from "../../src/client/pace.ts";
import { ParleyError } from "../../src/client/error.ts";
import { Presence } from "../../src/client/presence.ts";
import { Typing } from "../../src/client/typing.ts";

const clients = 10_000;
const bucketMs = 50;

/** By chance that is the same each time. */
function chances(): () => number {
  let state = 7;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 4_294_967_296;
}

test("[C11] 10,000 clients that are cut at once, and refused five times, come back without a peak", () => {
  const chance = chances();
  const atMs = Array.from({ length: clients }, () => 0);
  for (let failures = 0; failures < 6; failures++) {
    const instruction = failures === 0 ? "now" : "backoff";
    const pauses = atMs.map(() =>
      pauseMs({ failures, instruction, retryAfterMs: 0, jitterMs: 2_000, chance: chance() }),
    );
    pauses.forEach((pause, index) => (atMs[index] = (atMs[index] ?? 0) + pause));
    const longestMs = failures === 0 ? 2_000 : Math.min(30_000, 1_000 * 2 ** (failures - 1));
    expect(Math.max(...pauses)).toBeLessThanOrEqual(longestMs);
    // Spread evenly there would be as many in each moment; by chance a few more.
    const even = (clients * bucketMs) / longestMs;
    expect([failures, Math.max(...counts(pauses)) < even + 6 * Math.sqrt(even) + 3]).toEqual([failures, true]);
    // Beside who tries once more at another time than the others, more come back later.
    expect(Math.max(...counts(atMs))).toBeLessThanOrEqual(clients / 10);
  }
});

function counts(times: readonly number[]): number[] {
  const found = new Map<number, number>();
  for (const time of times) found.set(Math.floor(time / bucketMs), (found.get(Math.floor(time / bucketMs)) ?? 0) + 1);
  return [...found.values()];
}

test("[C11] what the server has asked for is waited for, and jitter comes on top", () => {
  const told = { failures: 1, instruction: "backoff", retryAfterMs: 5_000, jitterMs: 2_000 } as const;
  expect([pauseMs({ ...told, chance: 0 }), pauseMs({ ...told, chance: 1 })]).toEqual([5_000, 6_000]);
  expect(pauseMs({ ...told, failures: 40, chance: 1 })).toBe(35_000);
});

test("[C5] who keeps to the pace of the room is not refused, and waits no longer than that", () => {
  const pace = new Pace();
  expect(pace.take(0)).toBe(0);
  pace.set({ perSecond: 10, burst: 20 });
  const taken = Array.from({ length: 20 }, () => pace.take(1_000)).filter((waitMs) => waitMs === 0);
  expect([taken.length, pace.take(1_000), pace.take(1_100)]).toEqual([16, 100, 0]);
});

test("[C5] after a refusal one at a time is sent, and more again with each ack", () => {
  const outbox = new Outbox({ messages: 100, bytes: 1_000, inFlight: 4 }, () => undefined);
  const failures: string[] = [];
  for (let count = 0; count < 12; count++)
    outbox.add({
      nonce: `${count}`,
      createdAt: 0,
      content: {},
      bytes: 1,
      state: "queued",
      isOpen: false,
      refusals: 0,
      done: () => undefined,
      failed: (error) => failures.push(error.code),
    });
  const sent = (nowMs: number): string[] => {
    const nonces: string[] = [];
    for (let next = outbox.next(nowMs); typeof next === "object" && next !== null; next = outbox.next(nowMs))
      nonces.push(next.nonce);
    return nonces;
  };
  const entry = (nonce: string): Parameters<Outbox["acked"]>[0] => {
    const found = outbox.pending.find((pending) => pending.nonce === nonce);
    if (found === undefined) throw new Error(nonce);
    return found;
  };
  const ack = (nonce: string): void => outbox.acked(entry(nonce), { nonce, id: 1, seq: 1, duplicate: false });
  const limited = new ParleyError("rate_limited", "slowly", { retryable: true, retryAfterMs: 500 });
  expect(sent(0)).toEqual(["0", "1", "2", "3"]);
  ack("0");
  for (const nonce of ["1", "2", "3"]) outbox.refused(entry(nonce), limited, 0, 0);
  expect([sent(0), outbox.next(100)]).toEqual([[], 400]);
  expect(sent(500)).toEqual(["1"]);
  ack("1");
  expect(sent(500)).toEqual(["2", "3"]);
  outbox.lost();
  expect(sent(500)).toEqual(["2", "3"]);
  outbox.refused(entry("2"), new ParleyError("content_rejected", "no"), 500, 0);
  expect([failures, sent(500)]).toEqual([["content_rejected"], ["4"]]);
});

test("[C12] who is here is what the server says, also after a hole and while the list is asked for", () => {
  const presence = new Presence();
  const member = (user: string): { user: string; name: null; state: object; connections: number } => ({
    user,
    name: null,
    state: {},
    connections: 1,
  });
  const told = (version: number, joined: string[], left: string[] = []): Parameters<Presence["receive"]>[0] => ({
    type: "presence",
    version,
    joined: joined.map(member),
    updated: [],
    left,
    count: 2,
  });
  expect(presence.begin({ version: 4, count: 1, members: [member("ada")], more: false })).toBe(false);
  expect(presence.receive(told(5, ["bo"]))).toBe(false);
  expect(presence.receive(told(7, ["cy"]))).toBe(true);
  const early = presence.asked();
  expect(presence.begin({ version: 7, count: 3, members: [member("ada"), member("bo")], more: true })).toBe(true);
  const kept = presence.asked();
  // It was asked before the connection began anew, and comes late.
  presence.merge(early, { version: 5, members: [member("gone")] });
  expect(presence.receive(told(8, [], ["ada"]))).toBe(false);
  presence.merge(kept, { version: 7, members: ["ada", "bo", "cy"].map(member) });
  expect([...presence.members.keys()]).toEqual(["bo", "cy"]);
  expect(presence.receive({ ...told(9, []), sample: [member("dee")] })).toBe(false);
  expect([[...presence.members.keys()], presence.receive(told(10, ["eve"]))]).toEqual([["dee"], true]);
});

test("[C12] writing is said once in 5 s, its end once, and what is heard of it expires", () => {
  const typing = new Typing();
  const said = [0, 1_000, 4_999, 5_000].map((nowMs) => typing.say(true, nowMs));
  expect([said, typing.say(false, 5_100), typing.say(false, 5_200)]).toEqual([[true, false, false, true], true, false]);
  typing.hear({ user: "bo", active: true, expiresInMs: 8_000 }, 0);
  expect([[...typing.users.keys()], typing.nextMs]).toEqual([["bo"], 8_000]);
  typing.expire(8_000);
  expect([...typing.users.keys()]).toEqual([]);
});
