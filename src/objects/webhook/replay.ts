/** Events of a room's history, once more: read from the room, page by page, and given to one endpoint. */
import { isWanted } from "../../core/subscriptions.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import type { Refusal } from "../../protocol/refusals.ts";
import { type ReplaySpan, type Subscription, type WebhookEvent, WebhookEventType } from "../../protocol/webhook.ts";
import type { RoomStub } from "../stubs.ts";

const pageEvents = 200;

export interface Replaying {
  readonly room: Pick<RoomStub, "replay">;
  readonly wanted: Subscription;
  /** How many the endpoint has place for. */
  readonly places: () => number;
  /** False where it is no more. */
  readonly take: (events: readonly WebhookEvent[]) => boolean;
}

/** How many were given, and the seq at which to go on: null where the span is done. */
export type Replayed = { readonly ok: true; readonly events: number; readonly next: number | null } | Refusal;

/** Null where the endpoint was removed meanwhile. */
export async function replay({ room, wanted, places, take }: Replaying, span: ReplaySpan): Promise<Replayed | null> {
  const { from, to } = span;
  let given = 0;
  let after = from - 1;
  let epoch: string | null = null;
  while (given < fixedLimits.webhookReplayEvents && places() >= pageEvents) {
    const page = await room.replay({ from, to, after, limit: pageEvents });
    if (!page.ok) return page;
    // Another history has begun there, of which nothing was asked.
    if (epoch !== null && page.epoch !== epoch) return { ok: true, events: given, next: null };
    ({ epoch } = page);
    const events = page.events.filter(({ type }) => wants(wanted, span.room, type));
    if (!take(events)) return null;
    given += events.length;
    if (page.next === null) return { ok: true, events: given, next: null };
    after = page.next;
  }
  return { ok: true, events: given, next: after + 1 };
}

function wants(wanted: Subscription, room: string, type: string): boolean {
  const known = WebhookEventType.safeParse(type);
  return known.success && isWanted(wanted, room, known.data);
}
