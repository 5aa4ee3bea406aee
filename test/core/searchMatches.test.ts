import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { excerptOf, matchesIn, ranked } from "../../src/core/searchMatches.ts";
import { parseSearch, type Phrase } from "../../src/core/searchQuery.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";

function phrases(text: string): readonly Phrase[] {
  const found = parseSearch(text);
  if (!found.ok) throw new Error(found.detail);
  return found.query.wanted;
}
const marked = (text: string, query: string): string[] =>
  matchesIn(text, phrases(query)).ranges.map(([start, length]) => text.slice(start, start + length));

describe("what is marked", () => {
  test("[Q6] words, phrases and beginnings, as they stand in the text", () => {
    expect(marked("Hello, hello world", "HELLO")).toEqual(["Hello", "hello"]);
    expect(marked("the café, the Cafe\u0301s", "cafe*")).toEqual(["café", "Cafe\u0301s"]);
    expect(marked("we don't; don or t", `"don't"`)).toEqual(["don't"]);
    expect(marked("a b a b a", `"a b a"`)).toEqual(["a b a b a"]);
    expect(marked("naïve Größe STRASSE", "naive grosse größe")).toEqual(["naïve", "Größe"]);
    expect(marked("nothing", "absent")).toEqual([]);
  });

  test("[Q6] ranges count UTF-16 units, in order, without overlaps, and never cut a sign in two", () => {
    const { ranges } = matchesIn("👍🏽 yes 𝒜𝒷 yes", phrases("yes 𝒜𝒷"));
    expect(ranges).toEqual([
      [5, 3],
      [9, 4],
      [14, 3],
    ]);
    const words = fc.array(fc.constantFrom("ab", "AB", "abc", "é", "e\u0301", "👍", "𝒜", "-", " ", "\u0000", "日本"), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(words, fc.constantFrom("ab", "ab*", '"ab abc"', "e", "𝒜 日本", 'ab "ab ab"'), (parts, query) => {
        const text = parts.join(" ");
        const found = matchesIn(text, phrases(query)).ranges;
        let at = 0;
        for (const [start, length] of found) {
          expect(start).toBeGreaterThanOrEqual(at);
          expect(text.slice(start, start + length).isWellFormed()).toBe(true);
          at = start + length;
        }
        expect(at).toBeLessThanOrEqual(text.length);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  test("[Q6] an excerpt is around the first match, between words, and at most so long unless the match is longer", () => {
    const long = "lorem ipsum dolor sit amet ".repeat(40);
    expect(excerptOf("", [])).toBeNull();
    expect(excerptOf("short", [])).toEqual([0, 5]);
    for (const at of [0, 10, 500, long.length]) {
      const text = `${long.slice(0, at)} needle ${long.slice(at)}`;
      const { ranges } = matchesIn(text, phrases("needle"));
      const [start = 0, length = 0] = excerptOf(text, ranges) ?? [];
      expect(length).toBeLessThanOrEqual(fixedLimits.searchExcerpt);
      expect(length).toBeGreaterThan(fixedLimits.searchExcerpt / 2);
      const cut = text.slice(start, start + length);
      expect(cut).toContain("needle");
      expect(
        cut
          .trim()
          .split(/\s+/)
          .filter((word) => !`${long} needle`.split(/\s+/).includes(word)).length,
      ).toBeLessThan(at % 27 === 0 ? 1 : 3);
    }
    const signs = "👍".repeat(300);
    const [start = 0, length = 0] = excerptOf(`${signs} needle ${signs}`, [[601, 6]]) ?? [];
    expect(`${signs} needle ${signs}`.slice(start, start + length).isWellFormed()).toBe(true);
  });
});

test("[Q5] the best has the words more often in fewer words; of equals the newest comes first", () => {
  const texts = ["one word among a great many other words", "word", "word word word", "word", "a word word"];
  const order = ranked(
    texts.map((text, index) => ({ id: index + 1, text })),
    phrases("word"),
  ).map(({ id }) => id);
  expect(order).toEqual([3, 5, 4, 2, 1]);
});
