/** What may be inside a string or a JSON value that strangers will read. */
import { fixedLimits } from "./limits.ts";

/** Bytes of a well-formed string in UTF-8, without encoding it. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x80) bytes += unit >= 0x800 && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes;
}

/** Whether it has more bytes in UTF-8. A unit has three at most, so that a short text need not be counted, nor a long one. */
export function isLonger(text: string, bytes: number): boolean {
  return text.length > bytes || (text.length * 3 > bytes && utf8Length(text) > bytes);
}

/**
 * Why a parsed JSON value may not be stored, or null. It walks without recursion: `JSON.parse` accepts a million levels,
 * on which any recursive code (zod's, `JSON.stringify`, a reader's) would run out of stack.
 */
export function unfitJson(value: unknown): string | null {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    const next: unknown[] = [];
    for (const item of level) {
      if (typeof item === "string" && !item.isWellFormed()) return "holds a lone surrogate";
      if (typeof item !== "object" || item === null) continue;
      if (depth >= fixedLimits.dataDepth) return `is nested deeper than ${fixedLimits.dataDepth} levels`;
      for (const key of Object.keys(item)) {
        // A reader that merges objects would change its prototypes.
        if (key === "__proto__") return "has a key __proto__";
        if (!key.isWellFormed()) return "has a key with a lone surrogate";
      }
      next.push(...Object.values(item));
    }
    level = next;
  }
  return null;
}
