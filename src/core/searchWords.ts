/** The words of a text, as SQLite's tokenizer `unicode61 remove_diacritics 2` finds them: what is marked is what was found. */

/** A word where it stands in its text, in UTF-16 units. */
export interface Word {
  /** Without case and accents. */
  readonly folded: string;
  readonly start: number;
  readonly end: number;
}

/** Letters, digits and private use; inside of a word also the accents that SQLite knows as such. */
const word =
  /[\p{L}\p{N}\p{Co}][\p{L}\p{N}\p{Co}\u0300-\u0304\u0306-\u030c\u030f\u0311\u031b\u0323-\u0328\u032d\u032e\u0330\u0331]*/gu;

export function* wordsIn(text: string): Generator<Word> {
  for (const found of text.matchAll(word)) {
    const [written] = found;
    yield { folded: folded(written), start: found.index, end: found.index + written.length };
  }
}

/** Other forms of a small letter: a final sigma, a long s, the sign of the millionth. */
const variant = /[\u017f\u00b5\u03c2\u03d0\u03d1\u03d5\u03d6\u03f0\u03f1\u03f5]/g;
const plain = /^[\x20-\x7e]*$/;

export function folded(written: string): string {
  if (plain.test(written)) return written.toLowerCase();
  return written
    .normalize("NFD")
    .replaceAll(/[\u0300-\u036f]/g, "")
    .toLowerCase()
    .replaceAll(variant, (letter) => letter.toUpperCase().toLowerCase())
    .normalize("NFC");
}
