/** What a search in a room is asked for, and what it answers. */
import * as z from "zod";
import { Cursor } from "./cursor.ts";
import { Message } from "./message.ts";

export const SearchOrder = z.enum(["relevance", "newest"]);
export type SearchOrder = z.infer<typeof SearchOrder>;

/**
 * Where in a message's text: the first UTF-16 unit, and how many. Never inside of a surrogate pair. No markup: whoever shows a
 * text escapes it as ever, and takes these parts of it out of what was said, where no text can pretend to be one.
 */
export const TextRange = z.tuple([z.int().min(0), z.int().min(1)]);
export type TextRange = z.infer<typeof TextRange>;

export const Found = z.object({
  message: Message,
  /** What has matched, in order, without overlaps: the first 100. */
  highlights: z.array(TextRange),
  /** The part of the text around the first of them, for a list. */
  excerpt: TextRange.nullable(),
});
export type Found = z.infer<typeof Found>;

export const SearchAnswer = z.object({
  items: z.array(Found),
  /** There may be more: asked for with `?next=`. A page may have few items, or none, and a `next`. */
  next: z.string().optional(),
  cursor: Cursor,
  /** Whether all messages of the room are in the index; else only the newer ones are found yet. */
  complete: z.boolean(),
});
export type SearchAnswer = z.infer<typeof SearchAnswer>;

/** Where a search goes on: at this id and below, and of what is ranked together behind one that had this score. */
export interface SearchMark {
  readonly upTo: number;
  readonly behind: { readonly score: number; readonly id: number } | null;
}

export function formatSearchMark({ upTo, behind }: SearchMark): string {
  return behind === null ? `${upTo}` : `${upTo}_${behind.id}_${behind.score}`;
}

const whole = /^(0|[1-9][0-9]{0,15})$/;

export const SearchNext = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,15})(_[1-9][0-9]{0,15}_[0-9]{1,4}(\.[0-9]{1,17})?)?$/, "not the `next` of a search")
  .transform((text): SearchMark => {
    const [upTo = "", id = "", score = ""] = text.split("_");
    return { upTo: Number(upTo), behind: whole.test(id) ? { score: Number(score), id: Number(id) } : null };
  });
