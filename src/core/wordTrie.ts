/** A list of words, as it is looked for in a text: letter by letter, all words at once. */

/** Some letters further on the way of a word, so many as all words share that go on here; `ends` where one does. */
export interface Trie {
  /** Code points, as everywhere in here. */
  letters: readonly number[];
  readonly next: Map<number, Trie>;
  ends: boolean;
}

/** `words` as they are looked for: folded. A word of nothing visible would be everywhere. */
export function trieOf(words: Iterable<string>): Trie {
  const trie: Trie = { letters: [], next: new Map(), ends: false };
  for (const word of words) if (word !== "") add(trie, lettersOf(word));
  return trie;
}

function add(trie: Trie, letters: readonly number[]): void {
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
  node.next.set(next.letters[0] ?? 0, fork);
  next.letters = next.letters.slice(at);
  fork.next.set(next.letters[0] ?? 0, next);
  return fork;
}

export function lettersOf(text: string): number[] {
  const letters: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const letter = text.codePointAt(at) ?? 0;
    letters.push(letter);
    if (letter > 0xffff) at++;
  }
  return letters;
}

export function holds(letters: readonly number[], trie: Trie): boolean {
  for (let index = 0; index < letters.length; index++) if (endOf(letters, index, trie) > 0) return true;
  return false;
}

/** Where the longest word ends that begins here, or 0. */
export function endOf(letters: readonly number[], start: number, trie: Trie): number {
  const first = trie.next.get(letters[start] ?? 0);
  if (first === undefined || isJoined(letters, start)) return 0;
  let end = 0;
  let index = start;
  for (let node: Trie | undefined = first; node !== undefined; node = node.next.get(letters[index] ?? -1)) {
    for (const letter of node.letters) if (letter !== letters[index++]) return end;
    if (node.ends && !isJoined(letters, index)) end = index;
  }
  return end;
}

/** Whether this letter and the one before it belong to one word: then none begins or ends between them. */
function isJoined(letters: readonly number[], at: number): boolean {
  return at > 0 && at < letters.length && isLetter(letters[at - 1] ?? 0) && isLetter(letters[at] ?? 0);
}

/** Of the letters that nearly all texts are made of: 0 where it is not known yet, 1 for a letter, 2 for none. */
const kinds = new Uint8Array(0x10000);

/** A text of 131,072 letters asks this of each of them twice, on the thread that all rooms share. */
function isLetter(letter: number): boolean {
  const known = kinds[letter];
  if (known !== undefined && known !== 0) return known === 1;
  const is = /^[\p{L}\p{N}\p{M}]/u.test(String.fromCodePoint(letter));
  if (letter < kinds.length) kinds[letter] = is ? 1 : 2;
  return is;
}
