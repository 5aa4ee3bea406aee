import { describe, expect, test } from "vitest";
import { StreamText } from "../../src/core/streamText.ts";
import { noWords, type WordList } from "../../src/protocol/words.ts";
import { dice } from "../support/dice.ts";

const masked = (...list: string[]): WordList => ({ list, action: "mask" });
const blocked = (...list: string[]): WordList => ({ list, action: "block" });

/** Appends piece after piece; what is shown after each. */
function shownOf(words: WordList, ...pieces: string[]): string[] {
  const text = new StreamText("");
  return pieces.map((piece) => {
    expect(text.append(text.length, piece, words)).toEqual({ ok: true, isNew: true });
    return text.shown;
  });
}

describe("where a piece belongs", () => {
  test("[J2] what is there already is dropped, what is new of it added, a hole and another text refused", () => {
    const text = new StreamText("one ");
    expect(text.append(4, "two ", noWords)).toEqual({ ok: true, isNew: true });
    expect(text.append(4, "two ", noWords)).toEqual({ ok: true, isNew: false });
    expect(text.append(0, "one t", noWords)).toEqual({ ok: true, isNew: false });
    expect(text.append(6, "o three", noWords)).toEqual({ ok: true, isNew: true });
    expect(text.append(14, "x", noWords)).toEqual({ ok: false, why: "hole" });
    expect(text.append(4, "tow", noWords)).toEqual({ ok: false, why: "other" });
    expect(text.append(11, "ee four", noWords)).toEqual({ ok: true, isNew: true });
    expect([text.shown, text.length, text.untold]).toEqual(["one two three four", 18, "two three four"]);
  });

  test("[J2] pieces in any order, cut anywhere, repeated and overlapping, make the same text", () => {
    const whole = "Ünïcode 👩‍👩‍👧 and 𝒷eyond — \u0000 “quotes”\n\n漢字 🏳️‍🌈.";
    for (let seed = 1; seed <= 200; seed++) {
      const random = dice(seed);
      const text = new StreamText("");
      for (let tries = 0; text.length < whole.length; tries++) {
        expect(tries).toBeLessThan(5_000);
        const at = Math.floor(random() * (whole.length + 1));
        const piece = whole.slice(at, at + Math.floor(random() * 8));
        const before = text.length;
        const appended = text.append(at, piece, noWords);
        if (!appended.ok) expect([appended.why, at > before]).toEqual(["hole", true]);
        expect(text.shown.isWellFormed()).toBe(true);
        expect(whole.startsWith(text.shown) && text.length - text.shown.length <= 1).toBe(true);
      }
      expect([text.shown, text.whole(noWords)]).toEqual([whole, whole]);
    }
  });

  test("[J2] half a character is shown when its other half has come, and goes on with nothing else", () => {
    const text = new StreamText("a");
    expect(text.append(1, "\ud83d", noWords)).toEqual({ ok: true, isNew: true });
    expect([text.length, text.shown, text.whole(noWords)]).toEqual([2, "a", "a"]);
    expect(text.append(2, "b", noWords)).toEqual({ ok: false, why: "half" });
    expect(text.append(2, "\ude00b", noWords)).toEqual({ ok: true, isNew: true });
    expect(text.append(4, "\ude00", noWords)).toEqual({ ok: false, why: "half" });
    expect([text.shown, text.untold]).toEqual(["a😀b", "😀b"]);
  });
});

describe("words that must not be said", () => {
  test("[J9] a listed word is masked in place before any of it is shown, in however many pieces it comes", () => {
    expect(shownOf(masked("bad"), "so b", "a", "d it is", " ")).toEqual(["so ", "so ", "so *** it ", "so *** it is "]);
    expect(shownOf(masked("bad"), "b", "admin", "ton bad")).toEqual(["", "", "badminton "]);
    expect(shownOf(masked("very bad"), "so very", " bad thing it was")).toEqual(["", "so **** *** thing "]);
  });

  test("[J9] a text without spaces is shown as far as no word can come about in it any more", () => {
    const text = new StreamText("");
    const [word, shown] = ["forbidden", "漢".repeat(40)];
    expect(text.append(0, shown, masked(word)).ok).toBe(true);
    expect(text.shown).toBe(shown.slice(0, 40 - 3 * word.length - 8));
    expect(text.append(40, `-forbidden-${shown}`, masked(word)).ok).toBe(true);
    expect(text.shown).toContain("-*********-漢");
    expect(text.whole(masked(word))).toBe(`${shown}-*********-${shown}`);
  });

  test("[J9] however its letters and its spaces are written, no beginning of a listed word is shown", () => {
    const bold = String.fromCodePoint(...Array.from("forbidden", (letter) => 0x1d3b9 + (letter.codePointAt(0) ?? 0)));
    for (const [word, written] of [
      ["forbidden".repeat(3), bold.repeat(3)],
      ["ß".repeat(20), "s".repeat(40)],
      ["가나다라마바사아자차", "가나다라마바사아자차".normalize("NFD")],
      ["very\u00a0bad", "very bad"],
    ] as const) {
      const text = new StreamText("");
      for (const piece of Array.from(`so ${written}`)) text.append(text.length, piece, masked(word));
      expect(text.shown).toBe("so ");
    }
  });

  test("[J9] where listed words are blocked, the piece that completes one is refused and nothing of it is kept", () => {
    const text = new StreamText("");
    expect(text.append(0, "so ba", blocked("bad")).ok).toBe(true);
    expect(text.append(5, "d it is", blocked("bad"))).toEqual({ ok: false, why: "word" });
    expect([text.shown, text.length]).toEqual(["so ", 5]);
    expect(text.append(5, "d", blocked("bad")).ok).toBe(true);
    expect([text.whole(blocked("bad")), text.kept(blocked("bad"))]).toEqual([null, "so "]);
  });

  test("[J9] in random pieces: nothing listed is ever shown, and what is not listed stays as it was", () => {
    const words = masked("foo", "bar baz", "ö");
    const atoms = [
      "foo",
      "food",
      "bar",
      "baz",
      "bar baz",
      " ",
      " ",
      ",",
      "ö",
      "öl",
      "F\u200boo",
      "FOO",
      "ＢＡＲ baz",
      "\n",
    ];
    for (let seed = 1; seed <= 150; seed++) {
      const random = dice(seed);
      const raw = Array.from({ length: 60 }, () => atoms[Math.floor(random() * atoms.length)] ?? "").join("");
      const text = new StreamText("");
      let shown = "";
      while (text.length < raw.length) {
        text.append(text.length, raw.slice(text.length, text.length + 1 + Math.floor(random() * 9)), words);
        // What readers have been told is never taken back.
        expect(text.shown.startsWith(shown)).toBe(true);
        shown = text.shown;
      }
      const whole = text.whole(words) ?? "";
      expect([seed, whole.startsWith(shown)]).toEqual([seed, true]);
      expect(whole.length).toBe(raw.length);
    }
  });

  test("[J9] what was masked is still known as a repeat, also after only the masked text is left", () => {
    const text = new StreamText("so *** it is ");
    expect(text.append(0, "so bad it is fine", masked("bad"))).toEqual({ ok: true, isNew: true });
    expect(text.append(0, "so mad it was", masked("bad"))).toEqual({ ok: false, why: "other" });
  });
});
