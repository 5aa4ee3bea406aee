/** Text of strangers, without what a terminal would obey: escape sequences, and what turns the direction of writing. */

// Controls of both kinds (a terminal takes 0x9b for ESC [), marks and overrides of direction, and separators that break lines.
const obeyed = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

export function harmless(text: string, spelt: (character: string) => string = visible): string {
  return text.replace(obeyed, spelt);
}

function visible(character: string): string {
  const known = { "\n": "\\n", "\r": "\\r", "\t": " " }[character];
  if (known !== undefined) return known;
  const code = character.charCodeAt(0).toString(16);
  return code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`;
}
