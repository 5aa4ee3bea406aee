import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { exceeding, grantedIn } from "../../src/auth/grants.ts";
import { type Capability, capabilities, roomCapabilities } from "../../src/protocol/capabilities.ts";
import { RoomName } from "../../src/protocol/names.ts";
import { matchesPattern, RoomPattern } from "../../src/protocol/roomPattern.ts";

// Few letters and short names, so that patterns and rooms often meet.
const literal = fc.constantFrom("a", "b", "ab", "a.b", "a-b", "a_b", "A");
const segment = fc.oneof({ weight: 3, arbitrary: literal }, { weight: 2, arbitrary: fc.constant("*") });
const pattern = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join(":"));
const room = fc
  .tuple(
    literal,
    fc.array(fc.oneof({ weight: 6, arbitrary: literal }, { weight: 1, arbitrary: fc.constant("") }), { maxLength: 4 }),
  )
  .map(([first, rest]) => [first, ...rest].join(":"));
const rooms = fc.dictionary(pattern, fc.uniqueArray(fc.constantFrom(...roomCapabilities)), { maxKeys: 6 });

/** The same language said as a regular expression. */
function matchesReference(text: string, name: string): boolean {
  const source = text
    .replaceAll(".", String.raw`\.`)
    .replace(/\*$/, "<rest>")
    .replaceAll("*", "[^:]*")
    .replace("<rest>", ".*");
  return new RegExp(`^${source}$`, "s").test(name);
}

describe("[A5] the language of patterns", () => {
  test("[A5] patterns and rooms of these tests are those of the protocol", () => {
    fc.assert(
      fc.property(
        pattern,
        room,
        (text, name) => RoomPattern.safeParse(text).success && RoomName.safeParse(name).success,
      ),
    );
  });

  test("[A5] a pattern matches what the same pattern as a regular expression matches", () => {
    let matched = 0;
    fc.assert(
      fc.property(pattern, room, (text, name) => {
        const matches = matchesPattern(text, name);
        matched += matches ? 1 : 0;
        expect(matches).toBe(matchesReference(text, name));
      }),
      { numRuns: 5_000 },
    );
    // Or the property would say nothing.
    expect(matched).toBeGreaterThan(200);
  });

  test("[A5] it agrees with the regular expression over everything the protocol allows", () => {
    const anyPattern = fc.stringMatching(/^(\*|[A-Za-z0-9][A-Za-z0-9._-]{0,3})(:(\*|[A-Za-z0-9._-]{1,4})){0,5}$/);
    const anyRoom = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,20}$/);
    fc.assert(
      fc.property(anyPattern, anyRoom, (text, name) => {
        expect(matchesPattern(text, name)).toBe(matchesReference(text, name));
      }),
      { numRuns: 2_000 },
    );
  });

  test("[A5] a pattern without * matches its own name and no other", () => {
    fc.assert(
      fc.property(room, room, (text, name) => {
        expect(matchesPattern(text, name)).toBe(text === name);
      }),
    );
  });

  test("[A5] a lone * matches every room", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/), (name) => matchesPattern("*", name)),
    );
  });

  test.each([
    ["a:*", "a:b", true],
    ["a:*", "a:b:c", true],
    ["a:*", "a", false],
    ["a:*", "ab", false],
    ["a:*", "b:a", false],
    ["a:*", "a:", true],
    ["a:*", "A:b", false],
    ["*:b", "a:b", true],
    ["*:b", "a:c:b", false],
    ["*:b", "b", false],
    ["a:*:c", "a:b:c", true],
    ["a:*:c", "a::c", true],
    ["a:*:c", "a:c", false],
    ["a:*:c", "a:b:b:c", false],
    ["a:*:c", "a:b:c:d", false],
    ["*:*", "a", false],
    ["*:*", "a:b", true],
    ["*:*", "a:b:c", true],
    ["a:*:*", "a:b", false],
    ["a.b", "axb", false],
    ["a.b:*", "axb:c", false],
    ["a", "a:b", false],
    ["a:b", "a", false],
  ])("[A5] the pattern %s matches the room %s: %s", (text, name, matches) => {
    expect(matchesPattern(text, name)).toBe(matches);
  });

  test("[A5] a pattern of stars is matched in no time", () => {
    expect(matchesPattern("*:".repeat(63) + "b", "a:".repeat(63) + "c")).toBe(false);
  });
});

describe("[A5] the union of grants", () => {
  test("[A5] what is granted in a room is the union of all patterns that match, and nothing else", () => {
    fc.assert(
      fc.property(rooms, room, (granting, name) => {
        const granted = grantedIn(granting, name);
        for (const capability of roomCapabilities) {
          const somewhere = Object.entries(granting).some(
            ([text, listed]) => matchesReference(text, name) && listed.includes(capability),
          );
          expect(granted.has(capability)).toBe(somewhere);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("[A5] another pattern never takes a right away", () => {
    fc.assert(
      fc.property(rooms, rooms, room, (some, others, name) => {
        fc.pre(Object.keys(some).every((text) => !(text in others)));
        const both = grantedIn({ ...some, ...others }, name);
        for (const capability of grantedIn(some, name)) expect(both.has(capability)).toBe(true);
      }),
    );
  });

  test("[A5] a room that no pattern matches has no rights", () => {
    expect(grantedIn({ "a:*": ["read"], b: ["publish"] }, "c").size).toBe(0);
    expect(grantedIn({}, "a").size).toBe(0);
    for (const name of ["constructor", "toString", "hasOwnProperty"])
      expect(grantedIn({ a: ["read"] }, name).size).toBe(0);
  });
});

describe("[A6] nobody grants more than they hold", () => {
  const held = fc.uniqueArray(fc.constantFrom(...capabilities)).map((listed) => new Set<Capability>(listed));

  test("[A6] what exceeds is what is asked under any pattern and not held", () => {
    fc.assert(
      fc.property(rooms, held, (asked, has) => {
        const all = Object.values(asked).flat();
        expect(exceeding(asked, has)).toEqual(
          capabilities.filter((capability) => all.some((each) => each === capability) && !has.has(capability)),
        );
      }),
    );
  });

  test("[A6] if nothing exceeds, no room gets a right that its giver lacks", () => {
    fc.assert(
      fc.property(rooms, held, room, (asked, has, name) => {
        const all = [...grantedIn(asked, name)];
        expect(exceeding(asked, has).length > 0 || all.every((capability) => has.has(capability))).toBe(true);
      }),
    );
  });

  test("[A6] holding admin alone gives nothing in rooms", () => {
    expect(exceeding({ "*": ["publish", "read"] }, new Set(["admin"]))).toEqual(["read", "publish"]);
    expect(exceeding({ "*": [...roomCapabilities] }, new Set(roomCapabilities))).toEqual([]);
    expect(exceeding({}, new Set())).toEqual([]);
  });
});
