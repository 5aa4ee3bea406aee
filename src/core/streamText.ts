/**
 * The text of a message that is being streamed: what has come, and how much of that is shown. Offsets are in UTF-16 units and mean
 * the same in both.
 */
import { fixedLimits } from "../protocol/limits.ts";
import type { WordList } from "../protocol/words.ts";
import { folded, maskedInPlace } from "./words.ts";

export type Appended =
  /** `isNew`: something was added, and not all of it was there. */
  | { readonly ok: true; readonly isNew: boolean }
  /** `hole`: something before it is missing. `other`: another text stands there. `half`: it would tear a character apart. */
  | { readonly ok: false; readonly why: "hole" | "other" | "half" | "word" };

/** Of what has been shown, so much is looked at again: a listed entry may have begun there. */
const contextUnits = 4 * fixedLimits.wordLength;
/** A letter may be written in so many: a mathematical one in two, a syllable or a letter with two marks in three parts. */
const unitsPerLetter = 3;
/** Beside its letters an entry may have as many units that nobody sees, before it is only found at the end of the text. */
const spareUnits = 8;
const space = /[\t\n\r ]+/;

export class StreamText {
  /** As it came, but for what was masked before the room lost its memory. */
  #raw: string;
  #shown: string;
  /** What has come and is not shown: of what a listed word may still become, and half a character. */
  #held = "";
  /** Shown, and not told to readers yet. Kept apart: to cut it off the whole costs the whole. */
  #untold = "";

  constructor(text: string) {
    this.#raw = text;
    this.#shown = text;
  }

  /** Where the next piece belongs. */
  get length(): number {
    return this.#raw.length;
  }

  get shown(): string {
    return this.#shown;
  }

  get untold(): string {
    return this.#untold;
  }

  /** Readers have all that is shown. */
  told(): void {
    this.#untold = "";
  }

  /** A piece that is there already, wholly or in part, adds only what is new. */
  append(at: number, piece: string, words: WordList): Appended {
    if (at > this.length) return { ok: false, why: "hole" };
    const there = this.length - at;
    if (there > 0 && !this.#has(at, piece.slice(0, there), words)) return { ok: false, why: "other" };
    const fresh = piece.slice(there);
    if (fresh === "") return { ok: true, isNew: false };
    // Half a character goes on with its other half, and with nothing else.
    if (isHigh(this.#held, this.#held.length - 1) !== isLow(fresh, 0)) return { ok: false, why: "half" };
    const held = this.#held + fresh;
    const showing = this.#shownOf(held, words);
    if (showing === null) return { ok: false, why: "word" };
    this.#raw += fresh;
    this.#held = held.slice(showing.length);
    this.#shown += showing;
    this.#untold += showing;
    return { ok: true, isNew: true };
  }

  /** What stays if nothing more comes; null where it must not be said. */
  whole(words: WordList): string | null {
    const text = isHigh(this.#held, this.#held.length - 1) ? this.#raw.slice(0, -1) : this.#raw;
    const masked = maskedInPlace(text, words);
    return masked === text || words.action === "mask" ? masked : null;
  }

  /** The same where something must stay. */
  kept(words: WordList): string {
    return this.whole(words) ?? maskedInPlace(this.#shown, words);
  }

  /** What was masked is not known any more. */
  #has(at: number, piece: string, words: WordList): boolean {
    const there = this.#raw.slice(at, at + piece.length);
    if (there === piece) return true;
    if (words.action !== "mask" || words.list.length === 0) return false;
    for (let index = 0; index < piece.length; index++)
      if (there[index] !== piece[index] && there[index] !== "*") return false;
    return true;
  }

  /** What of it can be shown now; null where a word in it is not allowed. */
  #shownOf(held: string, words: WordList): string | null {
    const end = isHigh(held, held.length - 1) ? held.length - 1 : held.length;
    if (words.list.length === 0) return held.slice(0, end);
    const to = decided(held.slice(0, end), words.list);
    if (to === 0) return "";
    const begin = Math.max(0, this.#shown.length - contextUnits);
    const context = this.#raw.slice(begin + (isLow(this.#raw, begin) ? 1 : 0), this.#shown.length);
    // The letter before it: what is cut off there is no word by itself.
    const before = begin === 0 ? context : `x${context}`;
    const masked = maskedInPlace(before + held, words).slice(before.length, before.length + to);
    return masked === held.slice(0, to) || words.action === "mask" ? masked : null;
  }
}

/**
 * Up to where no listed entry can come about any more, whatever follows: behind as many spaces from the end as the longest entry has
 * words; in a text without any, as far back as it is long.
 */
function decided(held: string, list: readonly string[]): number {
  const { units, parts } = extentOf(list);
  let behind = held.length;
  for (let spaces = 0; behind > 0; behind--) {
    if (space.test(held[behind - 1] ?? "")) spaces += 1;
    if (spaces === parts) break;
  }
  const far = held.length - units - spareUnits;
  return Math.max(behind, isLow(held, far) ? far - 1 : far);
}

/** The units and the words of its longest entries, as they may be written: `ß` is `SS`, and one space may be another. */
interface Extent {
  readonly units: number;
  readonly parts: number;
}

const extents = new WeakMap<readonly string[], Extent>();

function extentOf(list: readonly string[]): Extent {
  const known = extents.get(list);
  if (known !== undefined) return known;
  let [units, parts] = [0, 1];
  for (const word of list.map(folded)) {
    units = Math.max(units, unitsPerLetter * word.length);
    parts = Math.max(parts, word.split(space).length);
  }
  extents.set(list, { units, parts });
  return { units, parts };
}

function isHigh(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLow(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff;
}
