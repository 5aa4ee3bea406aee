import * as fc from "fast-check";
import { expect, test } from "vitest";
import { checked } from "../../src/core/words.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { WordList } from "../../src/protocol/words.ts";

const mask = (text: string, ...list: string[]): string | null => checked(text, { list, action: "mask" });
const block = (text: string, ...list: string[]): string | null => checked(text, { list, action: "block" });

test("[G8] a listed word is found whatever its case, its width, its accents' spelling and what is invisible in it", () => {
  for (const text of ["darn", "DaRn", "ｄａｒｎ", "𝓭𝓪𝓻𝓷", "d\u200Ba\u00ADrn", "so: darn!", "(darn)", "darn\ndarn"])
    expect(block(text, "Darn"), text).toBeNull();
  for (const [text, word] of [
    ["cafe\u0301", "café"],
    ["CAFÉ", "cafe\u0301"],
    ["STRASSE", "straße"],
    ["ﬁend", "fiend"],
    ["οδοσ", "ΟΔΟΣ"],
    ["οδος", "ΟΔΟΣ"],
    ["\u1112\u1161\u11ab", "한"],
    ["плохо", "ПЛОХО"],
    ["a very bad thing", "bad thing"],
    ["🖕", "🖕"],
  ] as const)
    expect(block(text, word), text).toBeNull();
});

test("[G8] a word within another one is another one", () => {
  for (const text of ["Scunthorpe", "classic", "darned", "a1darn", "darn2", "überdarn", "darné", "d arn", "d-arn", ""])
    expect(block(text, "cunt", "ass", "darn"), text).toBe(text);
  // A word that does not begin or end with a letter has no boundary there.
  expect(block("well#@!so", "#@!")).toBeNull();
  expect(block("C++ code", "c++")).toBeNull();
});

test("[G8] what is masked has a star for each letter, and the rest stays as it was", () => {
  expect(mask("Well, DARN it. Darned!", "darn")).toBe("Well, **** it. Darned!");
  expect(mask("bad thing, bad  thing", "bad thing")).toBe("*** *****, bad  thing");
  expect(mask("cafe\u0301 au lait", "café")).toBe("**** au lait");
  expect(mask("ﬁend ﬁsh", "fiend")).toBe("**** ﬁsh");
  expect(mask("bad bad thing", "bad", "bad bad thing")).toBe("*** *** *****");
  expect(mask("one two three", "one two", "two three")).toBe("*** *** *****");
  expect(mask("x", "y")).toBe("x");
  expect(mask("ＤＡＲＮ\u200B!", "darn")).toBe("****!");
});

test("[G8] what is masked holds no word any more", () => {
  const letters = fc.constantFrom(
    "a",
    "B",
    "é",
    "e\u0301",
    "ß",
    "ﬁ",
    "ｄ",
    "\u200B",
    " ",
    ".",
    "\u0301",
    "\u1112",
    "\u1161",
    "\u11ab",
    "🖕",
  );
  const word = fc
    .string({ unit: letters, minLength: 1, maxLength: 5 })
    .filter((text) => /[^\p{Z}\p{C}\p{M}]/u.test(text));
  fc.assert(
    fc.property(
      fc.string({ unit: letters, maxLength: 40 }),
      fc.array(word, { minLength: 1, maxLength: 4 }),
      (text, list) => {
        const masked = mask(text, ...list) ?? "";
        expect(masked.length).toBeLessThanOrEqual(text.length);
        expect(block(masked.replaceAll("*", "\n"), ...list)).not.toBeNull();
      },
    ),
    { numRuns: 500 },
  );
});

test("[G8] a list finds what each of its words finds alone, and every copy of it the same", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "B", "🖕", " ", "."), minLength: 1, maxLength: 8 });
  const lists = fc.array(
    text.filter((word) => word.trim() !== ""),
    { minLength: 1, maxLength: 12 },
  );
  fc.assert(
    fc.property(fc.array(text, { maxLength: 6 }), lists, (parts, list) => {
      const said = parts.join("");
      const expected = list.some((word) => block(said, word) === null) ? null : said;
      expect([block(said, ...list), block(said, ...list.toReversed()), block(said, ...list)]).toEqual([
        expected,
        expected,
        expected,
      ]);
    }),
    { numRuns: 500 },
  );
});

test("[G8] the time grows with the text alone, whatever is in the list", () => {
  const list = Array.from({ length: fixedLimits.words }, (_, index) => `${"a ".repeat(29)}${index}`.slice(0, 64));
  const words = { list, action: "mask" as const };
  checked("a", words);
  const startedMs = performance.now();
  expect(checked("a ".repeat(8_192), words)).toContain("a a");
  // A hundred times what it takes here.
  expect(performance.now() - startedMs).toBeLessThan(5_000);
});

test("[W7] a word list holds a thousand words of 64 characters, all of which can be seen", () => {
  const fits = (list: string[]): boolean => WordList.safeParse({ list, action: "mask" }).success;
  expect(fits(Array.from({ length: fixedLimits.words }, (_, index) => `${index}`))).toBe(true);
  expect(fits(Array.from({ length: fixedLimits.words + 1 }, (_, index) => `${index}`))).toBe(false);
  expect(fits(["w".repeat(fixedLimits.wordLength)])).toBe(true);
  expect(fits(["w".repeat(fixedLimits.wordLength + 1)])).toBe(false);
  for (const unseen of ["", " ", "\u200B", "\n", "\ud800"]) expect(fits([unseen])).toBe(false);
});
