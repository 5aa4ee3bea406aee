/** What a tenant has used. */
import * as z from "zod";
import { TimeMs } from "./message.ts";

/** Hours and days are those of UTC. */
export const UsageUnit = z.enum(["hour", "day"]);
export type UsageUnit = z.infer<typeof UsageUnit>;

/**
 * What was used in one hour or day. What a room does is counted when the room says so, which is within 10 seconds. Spans follow
 * each other without a gap: one in which nothing happened is listed too, with zeros, and with the connections and the storage
 * as they stood. The last one is not over yet.
 */
export const UsageSpan = z.object({
  /** When it begins. */
  from: TimeMs,
  /** Messages that were stored, whatever became of them: expired, deleted, or gone with their room. */
  messages: z.int(),
  /** UTF-8 bytes of their text, and of their data as JSON, as they were published. */
  bytes: z.int(),
  /** All that took a seq: these messages, edits, deletions, reactions, counts of replies, members, settings. */
  changes: z.int(),
  /** Credits that rooms wanted and did not get, at the tenant's rate or its quota. */
  creditsRefused: z.int(),
  /**
   * The most connections at once, in all rooms together: WebSockets and event streams, one of many rooms once in each. Those of
   * less than 10 seconds may be missing.
   */
  connectionsPeak: z.int(),
  /**
   * How long rooms were awake, all together, until each last said so: of each waking the time after that is missing, which is ten
   * seconds where the room falls asleep by itself. A room that sleeps takes none, whoever is connected to it.
   */
  awakeMs: z.int(),
  /** Bytes of the rooms' databases at its end. */
  storageBytes: z.int(),
  /** Files that were completed, and their bytes. */
  uploads: z.int(),
  uploadedBytes: z.int(),
  /** Bytes of the files that are there, at its end. */
  fileBytes: z.int(),
});
export type UsageSpan = z.infer<typeof UsageSpan>;

/** `next` is given as `from` to read on. */
export const UsagePage = z.object({ items: z.array(UsageSpan), next: z.string().optional() });
export type UsagePage = z.infer<typeof UsagePage>;
