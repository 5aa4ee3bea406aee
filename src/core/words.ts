/** Words that a tenant does not want to read, found whatever their case, their width and what is invisible between their letters. */
import { type Refusal, refuse } from "../protocol/refusals.ts";
import type { WordList } from "../protocol/words.ts";

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
  if (!holds(folded(text), trie)) return text;
  if (words.action === "block") return null;
  const masked = maskedIn(text, trie, () => "*");
  // What normalises to something else as a whole than in its parts is not taken apart: then nothing of it is said.
  return holds(folded(masked), trie) ? masked.replaceAll(/\S/gu, "*") : masked;
}

/**
 * As `checked`, and always masked, but that nothing moves: each UTF-16 unit of a word becomes a `*`, so that offsets in the text
 * still mean what they meant.
 */
export function maskedInPlace(text: string, words: WordList): string {
  if (words.list.length === 0) return text;
  const trie = compiled(words);
  if (!holds(folded(text), trie)) return text;
  const masked = maskedIn(text, trie, (written) => "*".repeat(written.length));
  return holds(folded(masked), trie) ? masked.replaceAll(/\S/g, "*") : masked;
}

/** Some letters further on the way of a word, so many as all words share that go on here; `ends` where one does. */
interface Trie {
  letters: readonly string[];
  readonly next: Map<string, Trie>;
  ends: boolean;
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
  const trie = compilations.get(content) ?? trieOf(list);
  known.set(list, trie);
  // The last is the newest.
  compilations.delete(content);
  compilations.set(content, trie);
  for (const oldest of compilations.keys()) if (compilations.size > compilationsKept) compilations.delete(oldest);
  return trie;
}

function trieOf(list: readonly string[]): Trie {
  const trie: Trie = { letters: [], next: new Map(), ends: false };
  for (const word of list) {
    const letters = Array.from(folded(word));
    // A word of nothing visible would be everywhere.
    if (letters.length > 0) add(trie, letters);
  }
  return trie;
}

function add(trie: Trie, letters: readonly string[]): void {
  let node = trie;
  let at = 0;
  for (let letter = letters[0]; letter !== undefined; letter = letters[at]) {
    const next = node.next.get(letter);
    if (next === undefined) {
      node.next.set(letter, { letters: letters.slice(at), next: new Map(), ends: true });
      return;
    }
    const differs = next.letters.findIndex((shared, index) => shared !== letters[at + index]);
    at += differs < 0 ? next.letters.length : differs;
    node = differs < 0 ? next : forked(node, next, differs);
  }
  node.ends = true;
}

/** What leads from `node` to `next` gets a fork on the way. */
function forked(node: Trie, next: Trie, at: number): Trie {
  const fork: Trie = { letters: next.letters.slice(0, at), next: new Map(), ends: false };
  node.next.set(next.letters[0] ?? "", fork);
  next.letters = next.letters.slice(at);
  fork.next.set(next.letters[0] ?? "", next);
  return fork;
}

/** Without case, without compatible forms, without what cannot be seen. Upper case, because lower case depends on what stands around. */
export function folded(text: string): string {
  return text
    .normalize("NFKC")
    .replaceAll(/\p{Cf}/gu, "")
    .toUpperCase()
    .normalize("NFKC");
}

function holds(text: string, trie: Trie): boolean {
  const letters = Array.from(text);
  return letters.some((_, index) => endOf(letters, index, trie) > 0);
}

/** Where the longest word ends that begins here, or 0. */
function endOf(letters: readonly string[], start: number, trie: Trie): number {
  if (isJoined(letters[start - 1], letters[start])) return 0;
  let end = 0;
  let index = start;
  for (let node: Trie | undefined = trie; node !== undefined; node = node.next.get(letters[index] ?? "")) {
    for (const letter of node.letters) if (letter !== letters[index++]) return end;
    if (node.ends && !isJoined(letters[index - 1], letters[index])) end = index;
  }
  return end;
}

/** Whether both belong to one word: then none begins or ends between them. */
function isJoined(one: string | undefined, other: string | undefined): boolean {
  return isLetter(one) && isLetter(other);
}

function isLetter(letter: string | undefined): boolean {
  return letter !== undefined && /^[\p{L}\p{N}\p{M}]/u.test(letter);
}

/** What is written as one, so that it can be folded by itself: a sign with its marks, or a syllable of Hangul in its parts. */
const cluster =
  /[\u1100-\u115f\ua960-\ua97c][\u1160-\u11a7\ud7b0-\ud7c6]*[\u11a8-\u11ff\ud7cb-\ud7fb]*|\P{M}[\p{M}\p{Cf}]*|\p{M}+/gu;

function maskedIn(text: string, trie: Trie, star: (written: string) => string): string {
  const clusters = text.match(cluster) ?? [];
  const letters: string[] = [];
  const clusterOf: number[] = [];
  clusters.forEach((written, index) => {
    for (const letter of folded(written)) {
      letters.push(letter);
      clusterOf.push(index);
    }
  });
  const hidden = new Set<number>();
  for (let index = 0; index < letters.length; index++) {
    const end = endOf(letters, index, trie);
    for (let at = index; at < end; at++) hidden.add(clusterOf[at] ?? 0);
  }
  return clusters
    .map((written, index) => (hidden.has(index) && /\S/u.test(written) ? star(written) : written))
    .join("");
}
