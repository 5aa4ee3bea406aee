/** Erasing a user: what is asked, and how far it is. */
import * as z from "zod";
import { TimeMs } from "./message.ts";

/** `erase`: what the user said is gone. `keep`: it stays, and nobody said it. */
export const ErasedMessages = z.enum(["erase", "keep"]);
export type ErasedMessages = z.infer<typeof ErasedMessages>;

export const ErasureId = z.string().regex(/^[A-Za-z0-9_-]{21}$/, "an erasure's id");

/** It does not say whose it is: it stays known when the user is forgotten. */
export const Erasure = z.object({
  id: ErasureId,
  messages: ErasedMessages,
  /**
   * - `running`: room by room.
   * - `ending`: nothing is left but the user's id, among what is revoked: until `forgottenAt` tokens from before could still live.
   * - `done`: that is gone too.
   */
  state: z.enum(["running", "ending", "done"]),
  /** That are done. */
  rooms: z.int(),
  createdAt: TimeMs,
  forgottenAt: TimeMs,
});
export type Erasure = z.infer<typeof Erasure>;
