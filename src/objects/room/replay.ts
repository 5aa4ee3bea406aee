/** What webhook endpoints were told of a span of the history, once more: of what was published in it, and of what has last changed in it. */
import type { WebhookEvent } from "../../protocol/webhook.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { RoomParts } from "./parts.ts";
import { epochOf } from "./position.ts";
import { eventsSince } from "./tidings.ts";

export interface Span {
  /** Seqs, both included. */
  readonly from: number;
  readonly to: number;
  /** Where the last page ended; absent for the first one. */
  readonly after?: number;
  /** Events on a page. */
  readonly limit: number;
}

export interface ReplayPage {
  readonly ok: true;
  /** In order of seq, with the things as they stand now and the ids of then. */
  readonly events: readonly WebhookEvent[];
  /** `after` of the next page; null where there is none. */
  readonly next: number | null;
  /** Another one than on the page before: this is another history, of which nothing was asked. */
  readonly epoch: string;
}

export function replay(parts: RoomParts, { from, to, after, limit }: Span, nowMs: number): ReplayPage | Refusal {
  const { room } = parts.store;
  if (room === null) return refuse("not_found", "There is no such room.");
  if (room.deletedAtMs !== null) return refuse("room_deleted");
  const found = eventsSince(parts, after ?? from - 1, limit, nowMs);
  const events = found.filter(({ seq = 0 }) => seq <= to);
  const last = events.at(-1)?.seq ?? to;
  const isWhole = events.length < limit || last >= to;
  return { ok: true, events, next: isWhole ? null : last, epoch: epochOf(parts) };
}
