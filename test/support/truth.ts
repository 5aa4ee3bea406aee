/** What a room holds, as it says over HTTP, and how a reader differs from it. */
import type { Member, Message, RoomSettings } from "../../src/protocol/message.ts";
import type { Page } from "../../src/protocol/serverFrames.ts";
import { type Call, call } from "./api.ts";
import type { Reader } from "./reader.ts";

export interface Truth {
  readonly cursor: string;
  readonly oldest: number;
  readonly settings: RoomSettings;
  /** The time of which it is true. */
  readonly nowMs: number;
  readonly messages: readonly Message[];
  /** Those that are members: removed ones were dropped by some readers and are kept by others. */
  readonly members: readonly Member[];
}

/** Read in several calls, so nothing may happen in the room meanwhile; only time may pass. */
export async function truthOf(room: string, credential: string, now: () => number): Promise<Truth> {
  const get = <T>(path: string): Promise<T> => ask<T>(`/v1/rooms/${room}${path}`, { credential });
  const sinceMs = now();
  const { cursor, oldest, settings } = await get<Pick<Truth, "cursor" | "oldest" | "settings">>("");
  const messages: Message[] = [];
  for (let after = 0, more = true; more;) {
    const page = await get<Page>(`/messages?after=${after}&limit=200`);
    messages.push(...page.messages);
    after = page.messages.at(-1)?.id ?? 0;
    more = page.hasMore;
  }
  const members: Member[] = [];
  for (let after: string | undefined = ""; after !== undefined;) {
    const page: { items: Member[]; next?: string } = await get(`/members?limit=200&after=${encodeURIComponent(after)}`);
    members.push(...page.items.filter(({ role }) => role !== null));
    after = page.next;
  }
  const expired = messages.filter(({ expiresAt }) => expiresAt !== null && expiresAt <= sinceMs);
  if (expired.length > 0) throw new Error(`the room still told of expired messages: ${canonical(expired)}`);
  const nowMs = now();
  return {
    cursor,
    oldest,
    settings,
    nowMs,
    messages: messages.filter(({ expiresAt }) => expiresAt === null || expiresAt > nowMs),
    members: members.sort((one, other) => (one.user < other.user ? -1 : 1)),
  };
}

/** What is answered; a refusal throws. */
export async function ask<T>(path: string, options: Call): Promise<T> {
  const response = await call(path, options);
  const text = await response.text();
  if (!response.ok) throw new Error(`${options.method ?? "GET"} ${path}: ${response.status} ${text}`);
  return (text === "" ? null : JSON.parse(text)) as T;
}

/**
 * Null when the reader holds exactly what the room holds from the reader's `start` on. Its members only count when the
 * answer that it asked for after a reset was delivered.
 */
export function differenceOf(
  reader: Reader,
  truth: Truth,
  { withMembers = true }: { readonly withMembers?: boolean } = {},
): string | null {
  const { start, oldest, cursor, settings, complaints } = reader;
  if (complaints.length > 0) return `complaints: ${complaints.join("; ")}`;
  const from = Math.max(start ?? 1, truth.oldest);
  const expected = truth.messages.filter(({ id }) => id >= from);
  const about = `(start ${start}, oldest ${oldest}, cursor ${cursor})`;
  return (
    differ(`messages ${about}`, reader.messages(truth.nowMs), expected) ??
    (withMembers ? differ("members", reader.members(), truth.members) : null) ??
    differ("settings", settings, truth.settings) ??
    differ("oldest", oldest, truth.oldest) ??
    differ("cursor", cursor, truth.cursor)
  );
}

function differ(what: string, got: unknown, expected: unknown): string | null {
  if (canonical(got) === canonical(expected)) return null;
  if (!Array.isArray(got) || !Array.isArray(expected))
    return `${what}: got ${canonical(got)}, expected ${canonical(expected)}`;
  const [had, wanted] = [got, expected].map((rows) => new Set(rows.map(canonical)));
  const wrong = [...(had ?? [])].filter((row) => wanted?.has(row) === false);
  const missing = [...(wanted ?? [])].filter((row) => had?.has(row) === false);
  return `${what}: holds wrongly ${wrong.slice(0, 3).join(" ")}; lacks ${missing.slice(0, 3).join(" ")}`;
}

/** JSON with sorted keys: a merged patch has its fields in another order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)))
      : part,
  );
}
