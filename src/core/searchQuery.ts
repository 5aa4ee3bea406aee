/** What somebody searches for: `word`, `"a phrase"`, `begin*` and `-without`. Nothing of it reaches SQLite but words in quotes. */
import { fixedLimits } from "../protocol/limits.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import { wordsIn } from "./searchWords.ts";

/** Words that stand one after the other; of the last one only the beginning, where `isPrefix`. */
export interface Phrase {
  /** At least one, without case and accents. */
  readonly words: readonly string[];
  /** The same as they were typed: SQLite folds them by itself. */
  readonly written: readonly string[];
  readonly isPrefix: boolean;
}

export interface SearchQuery {
  /** All of them; at least one. */
  readonly wanted: readonly Phrase[];
  /** None of them. */
  readonly unwanted: readonly Phrase[];
}

type Parsed = { readonly ok: true; readonly query: SearchQuery } | Refusal;

const term = /(-?)(?:"([^"]*)("?)|([^\s"]+))(\*?)/gu;
const { searchQueryLength, searchWords, searchPrefixLength, searchPrefixes } = fixedLimits;

/** A sign between words is none and asks for nothing. `at` in a refusal counts characters of the query from 1. */
export function parseSearch(text: string): Parsed {
  if (text.length > searchQueryLength) return unfit(`\`q\` has at most ${searchQueryLength} characters.`);
  const wanted: Phrase[] = [];
  const unwanted: Phrase[] = [];
  for (const found of text.matchAll(term)) {
    const [, minus, quoted, end, bare = "", starBehind] = found;
    const at = found.index + 1;
    if (quoted !== undefined && end === "") return unfit(`\`q\`, character ${at}: the quotation has no end.`);
    if (quoted !== undefined && starBehind !== "")
      return unfit(`\`q\`, character ${at}: a \`*\` stands behind a word, not behind a phrase.`);
    const isPrefix = quoted === undefined && bare.endsWith("*");
    const phrase = phraseOf(quoted ?? bare, isPrefix, at);
    if ("error" in phrase) return phrase;
    if (phrase.words.length > 0) (minus === "" ? wanted : unwanted).push(phrase);
  }
  const words = [...wanted, ...unwanted].reduce((count, phrase) => count + phrase.words.length, 0);
  if (words > searchWords) return unfit(`\`q\` has at most ${searchWords} words.`);
  if ([...wanted, ...unwanted].filter(({ isPrefix }) => isPrefix).length > searchPrefixes)
    return unfit(`\`q\` has at most ${searchPrefixes} words with a \`*\`.`);
  if (wanted.length > 0) return { ok: true, query: { wanted, unwanted } };
  return unfit(
    words > 0 ? "`q` names only what is not to be found: name a word that is." : "`q` has no word to look for.",
  );
}

/** What is written as one may be several words: `don't` is `don` and behind it `t`. */
function phraseOf(written: string, isPrefix: boolean, at: number): Phrase | Refusal {
  const star = written.indexOf("*");
  if (star >= 0 && (!isPrefix || star < written.length - 1))
    return unfit(`\`q\`, character ${at + star}: a \`*\` stands at the end of a word.`);
  const found = Array.from(wordsIn(written));
  const words = found.map(({ folded }) => folded);
  const phrase = { words, written: found.map(({ start, end }) => written.slice(start, end)), isPrefix };
  if (!isPrefix || Array.from(words.at(-1) ?? "").length >= searchPrefixLength) return phrase;
  return unfit(`\`q\`, character ${at}: at least ${searchPrefixLength} letters stand before a \`*\`.`);
}

function unfit(detail: string): Refusal {
  return refuse("invalid_field", detail);
}

/** As FTS5 takes it. A word is letters and digits, so nothing in it can end its quotes. */
export function matchOf({ wanted, unwanted }: SearchQuery): string {
  const all = wanted.map(quotedPhrase).join(" AND ");
  return unwanted.length === 0 ? all : `(${all}) NOT (${unwanted.map(quotedPhrase).join(" OR ")})`;
}

function quotedPhrase({ written, isPrefix }: Phrase): string {
  return `"${written.join(" ")}"${isPrefix ? " *" : ""}`;
}

/** Each word without which nothing is found, as FTS5 takes it; the longest first: that is the one that is likely to be rare. */
export function neededWords({ wanted }: SearchQuery): string[] {
  const whole = wanted.flatMap(({ written, isPrefix }) => (isPrefix ? written.slice(0, -1) : written));
  return [...new Set(whole)].sort((one, other) => other.length - one.length).map((written) => `"${written}"`);
}
