import { describe, expect, test } from "vitest";
import { matchOf, neededWords, parseSearch } from "../../src/core/searchQuery.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";

function parsed(text: string): string {
  const found = parseSearch(text);
  return found.ok ? matchOf(found.query) : `${found.error}: ${found.detail}`;
}

describe("what is asked for", () => {
  test.each([
    ["hello", '"hello"'],
    ["  hello   world ", '"hello" AND "world"'],
    ['"next week" deploy', '"next week" AND "deploy"'],
    ["deploy*", '"deploy" *'],
    ["deploy -draft", '("deploy") NOT ("draft")'],
    ['a b -c -"d e" -fo*', '("a" AND "b") NOT ("c" OR "d e" OR "fo" *)'],
    // As one writes it, in several words: one after the other.
    ["don't", '"don t"'],
    ["v1.2.3", '"v1 2 3"'],
    ["ada@example.com*", '"ada example com" *'],
    ["state-of-the-art", '"state of the art"'],
    // Signs between words ask for nothing.
    ["hello - world & more!", '"hello" AND "world" AND "more"'],
    ['one"two"three', '"one" AND "two" AND "three"'],
    ["Größe", '"Größe"'],
    ["日本語", '"日本語"'],
  ])("[Q1] %s is %s", (text, match) => {
    expect(parsed(text)).toBe(match);
  });

  test.each([
    "AND",
    "a OR b",
    "NOT x",
    "NEAR(a b, 5)",
    "text:secret",
    "{text} : x",
    "^first",
    "a + b",
    "(a",
    "a)",
    "a\u0000b",
  ])("[Q1] %j is words and nothing else: what means something to FTS5 cannot be said", (text) => {
    expect(parsed(text).replaceAll(/"[\p{L}\p{N} ]+"/gu, "w")).toMatch(/^w( AND w)*$/);
  });

  test("[Q1] the words that are needed, the longest first, without those of which only the beginning is said", () => {
    const found = parseSearch('the "deployment of" the prod* -never');
    expect(found.ok && neededWords(found.query)).toEqual(['"deployment"', '"the"', '"of"']);
  });
});

describe("what cannot be asked for", () => {
  const { searchQueryLength, searchWords, searchPrefixLength, searchPrefixes } = fixedLimits;
  test.each([
    ['hello "open', "character 7: the quotation has no end"],
    ['"a b"*', "character 1: a `*` stands behind a word"],
    ["ab wo*rd", "character 6: a `*` stands at the end"],
    ["*", "at least 2 letters"],
    ["ab **", "character 4: a `*` stands at the end"],
    ["x a*", "character 3: at least 2 letters"],
    ["-this", "only what is not to be found"],
    ['-"this or" -that', "only what is not to be found"],
    ["?! -", "no word to look for"],
    ["   ", "no word to look for"],
    ['""', "no word to look for"],
    ["👍", "no word to look for"],
    ["'; --", "no word to look for"],
    ["\\", "no word to look for"],
  ])("[Q9] %s is refused, and said why and where", (text, why) => {
    expect(parsed(text)).toContain("invalid_field: `q`");
    expect(parsed(text)).toContain(why);
  });

  test("[Q9] [W7] its length, its words and the letters before a star have bounds", () => {
    expect(parseSearch("a".repeat(searchQueryLength)).ok).toBe(true);
    expect(parseSearch("a".repeat(searchQueryLength + 1)).ok).toBe(false);
    const words = Array.from({ length: searchWords }, (_, index) => `w${index}`).join(" ");
    expect(parseSearch(words).ok).toBe(true);
    expect(parseSearch(`${words} -more`).ok).toBe(false);
    expect(parseSearch(`${"é".repeat(searchPrefixLength)}*`).ok).toBe(true);
    // Also those that are not to be found: they cost the same.
    const beginnings = Array.from({ length: searchPrefixes }, (_, index) => `be${index}*`).join(" ");
    expect(parseSearch(`whole ${beginnings}`).ok).toBe(true);
    for (const more of ["more*", "-more*"]) expect(parseSearch(`${beginnings} ${more}`).ok).toBe(false);
    // Counted as one reads it: an accent is no letter, half a sign neither.
    expect(parseSearch(`${"e\u0301".repeat(searchPrefixLength - 1)}*`).ok).toBe(false);
    expect(parseSearch(`${"𝒜".repeat(searchPrefixLength - 1)}*`).ok).toBe(false);
  });
});
