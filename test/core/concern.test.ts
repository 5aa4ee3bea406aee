import { describe, expect, test } from "vitest";
import { everybody, isEverybody, mayConcern, namesOf } from "../../src/core/concern.ts";

const session = (user: string | null, token: string | null = null, key = "1kaaaaaaaaaaaa") => ({ user, token, key });
const within = namesOf([session("ada", "t1"), session("bo", null, "2kbbbbbbbbbbbb")], 1_000) ?? Uint32Array.of();

describe("the names of those who are in a room", () => {
  test.each([
    [{ ...everybody, user: "ada" }, true],
    [{ ...everybody, user: "cy" }, false],
    [{ ...everybody, token: "t1" }, true],
    [{ ...everybody, token: "ada" }, false],
    [{ ...everybody, user: "t1" }, false],
    [{ ...everybody, key: "2kbbbbbbbbbbbb" }, true],
    [{ ...everybody, key: "1kbbbbbbbbbbbb" }, false],
    [{ user: "ada", token: "t1", key: "1kaaaaaaaaaaaa" }, true],
    [{ user: "ada", token: "t2", key: null }, false],
    // Of two sessions, which is not told apart.
    [{ ...everybody, user: "ada", key: "2kbbbbbbbbbbbb" }, true],
    [everybody, true],
  ])("[A28] tell who may be meant by %j: %j", (concern, isMeant) => {
    expect(mayConcern(within, [concern])).toBe(isMeant);
    expect(mayConcern(within, [{ ...everybody, user: "nobody" }, concern])).toBe(isMeant);
  });

  test("[A28] are told of nothing while nobody is there but by what means everybody", () => {
    const nobody = namesOf([], 1) ?? Uint32Array.of(1);
    expect(mayConcern(nobody, [{ ...everybody, user: "ada" }])).toBe(false);
    expect(mayConcern(nobody, [everybody])).toBe(true);
    expect([everybody, { ...everybody, user: "ada" }].map(isEverybody)).toEqual([true, false]);
  });

  test("[A28] [W7] are so many at most: with one more it is not said who is there", () => {
    const users = (count: number) => Array.from({ length: count }, (_, index) => session(`user-${index}`));
    expect(namesOf(users(9), 10)).toHaveLength(10);
    expect(namesOf(users(10), 10)).toBeNull();
  });
});
