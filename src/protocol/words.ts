/** A tenant's list of words, and what becomes of a text that holds one. */
import * as z from "zod";
import { fixedLimits } from "./limits.ts";

export const WordList = z.strictObject({
  list: z
    .array(
      z
        .string()
        .min(1)
        .max(fixedLimits.wordLength)
        .regex(/[^\p{Z}\p{C}\p{M}]/u, "something that can be seen")
        .refine((word) => word.isWellFormed(), "holds a lone surrogate"),
    )
    .max(fixedLimits.words),
  /** Refuse the message, or store it with each letter of the word as `*`. */
  action: z.enum(["block", "mask"]),
});
export type WordList = z.infer<typeof WordList>;
export const noWords: WordList = { list: [], action: "block" };
