/** Words that a tenant does not want to read, found whatever their case, their width and what is invisible between their letters. */
import { type Refusal, refuse } from "../protocol/refusals.ts";
import type { WordList } from "../protocol/words.ts";
import { endOf, holds, lettersOf, type Trie, trieOf } from "./wordTrie.ts";

/** The content as it may be stored, or a refusal that names no word: whoever is refused is not to learn how to get round it. */
export function censored<Content extends { readonly text?: string | null | undefined }>(
  content: Content,
  words: WordList,
): { readonly ok: true; readonly content: Content } | Refusal {
  if ((content.text ?? null) === null) return { ok: true, content };
  const text = checked(content.text ?? "", words);
  if (text === null) return refuse("content_rejected", "The text holds a word that is not allowed here.");
  return { ok: true, content: text === content.text ? content : { ...content, text } };
}

/**
 * Null for a text that must not be said; else the text, with listed words masked where that is what the tenant wants. One pass:
 * at each place no more is looked at than the longest word has letters.
 */
export function checked(text: string, words: WordList): string | null {
  if (words.list.length === 0) return text;
  const trie = compiled(words);
  if (!holds(lettersOf(folded(text)), trie)) return text;
  if (words.action === "block") return null;
  const masked = maskedIn(text, trie, () => "*");
  // What normalises to something else as a whole than in its parts is not taken apart: then nothing of it is said.
  return holds(lettersOf(folded(masked)), trie) ? masked.replaceAll(/\S/gu, "*") : masked;
}

/**
 * As `checked`, and always masked, but that nothing moves: each UTF-16 unit of a word becomes a `*`, so that offsets in the text
 * still mean what they meant.
 */
export function maskedInPlace(text: string, words: WordList): string {
  if (words.list.length === 0) return text;
  const trie = compiled(words);
  if (!holds(lettersOf(folded(text)), trie)) return text;
  const masked = maskedIn(text, trie, (written) => "*".repeat(written.length));
  return holds(lettersOf(folded(masked)), trie) ? masked.replaceAll(/\S/g, "*") : masked;
}

/** A list is compiled once, also where each room, and each policy of it, has a copy of its own: the newest few lists are known. */
const compilations = new Map<string, Trie>();
const compilationsKept = 8;
/** What is known by its content need not be read again to be found. */
const known = new WeakMap<readonly string[], Trie>();

function compiled({ list }: WordList): Trie {
  const found = known.get(list);
  if (found !== undefined) return found;
  const content = JSON.stringify(list);
  const trie = compilations.get(content) ?? trieOf(list.map(folded));
  known.set(list, trie);
  // The last is the newest.
  compilations.delete(content);
  compilations.set(content, trie);
  for (const oldest of compilations.keys()) if (compilations.size > compilationsKept) compilations.delete(oldest);
  return trie;
}

/** Without case, without compatible forms, without what cannot be seen. Upper case, because lower case depends on what stands around. */
export function folded(text: string): string {
  return text
    .normalize("NFKC")
    .replaceAll(/\p{Cf}/gu, "")
    .toUpperCase()
    .normalize("NFKC");
}

/** What is written as one, so that it can be folded by itself: a sign with its marks, or a syllable of Hangul in its parts. */
const cluster =
  /[\u1100-\u115f\ua960-\ua97c][\u1160-\u11a7\ud7b0-\ud7c6]*[\u11a8-\u11ff\ud7cb-\ud7fb]*|\P{M}[\p{M}\p{Cf}]*|\p{M}+/uy;
const space = /^\s+$/u;

/** A text, letter by letter as it is looked for, and from where to where of it the cluster of each letter is. */
interface Laid {
  readonly letters: number[];
  readonly begins: number[];
  readonly ends: number[];
}

/** Most texts are ASCII, of which each sign is one by itself. Of the rest each different cluster is folded once. */
function laid(text: string): Laid {
  const [letters, begins, ends]: [number[], number[], number[]] = [[], [], []];
  const folds = new Map<string, readonly number[]>();
  for (let at = 0, end = 0; at < text.length; at = end) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80 && !(text.charCodeAt(at + 1) >= 0x80)) {
      end = at + 1;
      letters.push(unit >= 0x61 && unit <= 0x7a ? unit - 0x20 : unit);
      begins.push(at);
      ends.push(end);
      continue;
    }
    cluster.lastIndex = at;
    end = cluster.test(text) ? cluster.lastIndex : at + 1;
    const written = text.slice(at, end);
    const its = folds.get(written) ?? lettersOf(folded(written));
    folds.set(written, its);
    for (const letter of its) {
      letters.push(letter);
      begins.push(at);
      ends.push(end);
    }
  }
  return { letters, begins, ends };
}

function maskedIn(text: string, trie: Trie, star: (written: string) => string): string {
  const { letters, begins, ends } = laid(text);
  const parts: string[] = [];
  let copied = 0;
  let done = 0;
  for (let index = 0; index < letters.length; index++) {
    const wordEnd = endOf(letters, index, trie);
    for (let at = Math.max(index, done); at < wordEnd; at++) {
      const [begin = 0, end = 0] = [begins[at], ends[at]];
      // Another letter of the same cluster, or what stands between words.
      if (begin < copied || space.test(text.slice(begin, end))) continue;
      parts.push(text.slice(copied, begin), star(text.slice(begin, end)));
      copied = end;
    }
    done = Math.max(done, wordEnd);
  }
  parts.push(text.slice(copied));
  return parts.join("");
}
