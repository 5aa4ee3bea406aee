/** Where in a text is what was searched for, and how well the text answers it. */
import { fixedLimits } from "../protocol/limits.ts";
import type { TextRange } from "../protocol/search.ts";
import type { Phrase } from "./searchQuery.ts";
import { type Word, wordsIn } from "./searchWords.ts";

export interface Matches {
  /** In order, without overlaps. */
  readonly ranges: readonly TextRange[];
  /** How often each phrase stands there. */
  readonly counts: readonly number[];
  /** Of the whole text. */
  readonly words: number;
}

export function matchesIn(text: string, phrases: readonly Phrase[]): Matches {
  const words = Array.from(wordsIn(text));
  const counts = phrases.map(() => 0);
  const ranges: [number, number][] = [];
  words.forEach(({ start }, first) => {
    phrases.forEach((phrase, index) => {
      if (!standsAt(words, first, phrase)) return;
      counts[index] = (counts[index] ?? 0) + 1;
      const end = words[first + phrase.words.length - 1]?.end ?? start;
      const last = ranges.at(-1);
      if (last === undefined || last[0] + last[1] <= start) ranges.push([start, end - start]);
      else last[1] = Math.max(last[1], end - last[0]);
    });
  });
  return { ranges, counts, words: words.length };
}

function standsAt(words: readonly Word[], first: number, { words: wanted, isPrefix }: Phrase): boolean {
  return wanted.every((one, offset) => {
    const found = words[first + offset]?.folded;
    if (found === undefined) return false;
    return isPrefix && offset === wanted.length - 1 ? found.startsWith(one) : found === one;
  });
}

/** About so many units around the first match, cut between words. Null where there is no text. */
export function excerptOf(text: string, ranges: readonly TextRange[]): TextRange | null {
  const { searchExcerpt } = fixedLimits;
  if (text === "") return null;
  if (text.length <= searchExcerpt) return [0, text.length];
  const [at = 0, length = 0] = ranges[0] ?? [];
  const earliest = Math.min(at - Math.floor(searchExcerpt / 4), text.length - searchExcerpt);
  const start = earliest <= 0 ? 0 : Math.min(at, nextGap(text, earliest));
  const latest = Math.max(at + length, start + searchExcerpt);
  const end = latest >= text.length ? text.length : Math.max(at + length, lastGap(text, latest));
  return [start, end - start];
}

/** How far a cut looks for a gap between words: what has none is cut where no sign is cut in two. */
const gapSearched = 40;

function nextGap(text: string, at: number): number {
  const gap = text.slice(at, at + gapSearched).search(/(?<=\s)\S/);
  return gap < 0 ? between(text, at) : at + gap;
}

function lastGap(text: string, at: number): number {
  const gap = text.slice(at - gapSearched, at).search(/\s\S*$/);
  return gap < 0 ? between(text, at) : at - gapSearched + gap;
}

function between(text: string, at: number): number {
  return /[\udc00-\udfff]/.test(text[at] ?? "") ? at + 1 : at;
}

export interface Ranked {
  readonly id: number;
  readonly score: number;
}

const k1 = 1.2;
const b = 0.75;

/**
 * BM25 among these, the best first and of equals the newest. How rare a word is counts for nothing: each of them has every word.
 * What is left of the formula: how often the words stand there, and in how short a text.
 */
export function ranked(
  candidates: readonly { readonly id: number; readonly text: string }[],
  phrases: readonly Phrase[],
): Ranked[] {
  const found = candidates.map(({ id, text }) => ({ id, ...matchesIn(text, phrases) }));
  const average = found.reduce((sum, { words }) => sum + words, 0) / Math.max(1, found.length);
  return found
    .map(({ id, counts, words }) => ({ id, score: scoreOf(counts, words / Math.max(1, average)) }))
    .sort(byRank);
}

export function byRank(one: Ranked, other: Ranked): number {
  return other.score - one.score || other.id - one.id;
}

function scoreOf(counts: readonly number[], length: number): number {
  const score = counts.reduce((sum, count) => sum + (count * (k1 + 1)) / (count + k1 * (1 - b + b * length)), 0);
  // A `next` must name it exactly.
  return Math.round(score * 1e6) / 1e6;
}
