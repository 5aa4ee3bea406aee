import { expect, test } from "vitest";
import { Flights } from "../../src/auth/flights.ts";

const nowMs = 1_800_000_000_000;

test("[A14] who waits for another's question waits no longer than for its own, and then it is asked anew", async () => {
  const flights = new Flights<string>(20);
  const kept: Promise<unknown>[] = [];
  const keep = (work: Promise<unknown>): void => void kept.push(work);
  const asked: string[] = [];
  const first = Promise.withResolvers<string>();
  const ask = (who: string, answer: Promise<string>) => () => (asked.push(who), answer);

  const waiting = [flights.join("a", ask("first", first.promise), keep, nowMs)];
  waiting.push(flights.join("a", ask("second", first.promise), keep, nowMs + 19));
  expect([flights.names(nowMs + 19), asked]).toEqual([["a"], ["first"]]);
  // Whoever began it may be gone: the work is kept, but nobody relies on it.
  expect(await Promise.all(waiting)).toEqual([null, null]);
  expect(flights.names(nowMs + 20)).toEqual([]);
  expect(await flights.join("a", ask("third", Promise.resolve("heard")), keep, nowMs + 20)).toBe("heard");
  // The first one's late end does not end what was begun since.
  const fourth = Promise.withResolvers<string>();
  const fifth = flights.join("a", ask("fourth", fourth.promise), keep, nowMs + 40);
  first.resolve("late");
  await kept[0];
  expect(flights.has("a", nowMs + 41)).toBe(true);
  fourth.resolve("heard");
  expect([await fifth, asked, kept.length]).toEqual(["heard", ["first", "third", "fourth"], 3]);
  expect(flights.has("a", nowMs + 41)).toBe(false);
});

test("[A14] a question that fails fails for all who wait, and is over", async () => {
  const flights = new Flights<string>(1_000);
  const kept: Promise<unknown>[] = [];
  const fail = (): Promise<string> => Promise.reject(new Error("lost"));
  const all = [1, 2, 3].map(() => flights.join("a", fail, (work) => void kept.push(work), nowMs));
  expect((await Promise.allSettled(all)).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  expect([flights.has("a", nowMs), kept.length]).toEqual([false, 1]);
});
