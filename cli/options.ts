/** What several commands take. */
import * as z from "zod";
import { Bound } from "../src/protocol/message.ts";
import { RoomName, TenantId, UserId } from "../src/protocol/names.ts";
import type { ExportKind } from "../src/protocol/export.ts";
import type { Option, Word } from "./command.ts";
import { UsageError } from "./failure.ts";

export const roomWord = { text: "the room's name", schema: RoomName } satisfies Word;
export const tenantWord = { text: "the tenant's id", schema: TenantId } satisfies Word;
export const userWord = { text: "the user's id", schema: UserId } satisfies Word;

export const asOption = {
  text: "the user who does it; without one it is the tenant's server",
  value: "user",
  schema: UserId.optional(),
} satisfies Option;

/** How many of a list, and after which. */
export const pageOptions = {
  limit: { text: "how many at most, 100 unless said", value: "number", schema: count(1, 10_000).default(100) },
  after: { text: "begin after this one", value: "name", schema: z.string().max(128).default("") },
} satisfies Record<string, Option>;

export const MessageNumber = z
  .string()
  .regex(/^\d{1,16}$/, "a message's id, a whole number")
  .transform(Number)
  .pipe(Bound);

/** The name of such a thing. Throws a UsageError. */
export function fitting(what: ExportKind, name: string): string {
  const parsed = { room: RoomName, tenant: TenantId, user: UserId }[what].safeParse(name);
  if (parsed.success) return parsed.data;
  throw new UsageError(`<name>: ${parsed.error.issues[0]?.message ?? "not allowed"}`);
}

export function count(least: number, most: number) {
  const fits = (value: number): boolean => value >= least && value <= most;
  return z
    .string()
    .regex(/^\d{1,9}$/, `a whole number from ${least} to ${most}`)
    .transform(Number)
    .refine(fits, `a whole number from ${least} to ${most}`);
}
