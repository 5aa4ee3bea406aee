/** The next that a webhook endpoint is handed: what waits for it, and when it has that and is behind, the rows. */
import { isWanted } from "../../core/subscriptions.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import type { WebhookEvent, WebhookEventType } from "../../protocol/webhook.ts";
import type { Parcel } from "./courier.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import { eventsOf, eventsSince } from "./tidings.ts";

/** What it no longer wants goes with the rest; all of it, if there is no such endpoint any more. Null where nothing is left. */
export function nextParcel(parts: RoomParts, endpoint: string, nowMs: number): Parcel<WebhookEvent> | null {
  if (parts.store.room === null) return null;
  const subscription = stateOf(parts).policy.webhooks.find(({ id }) => id === endpoint);
  if (subscription === undefined) {
    parts.outbox.drop(endpoint);
    return null;
  }
  const wants = (type: WebhookEventType): boolean => isWanted(subscription, parts.name, type);
  return fromOutbox(parts, endpoint, wants, nowMs) ?? fromRows(parts, endpoint, wants, nowMs);
}

type Wants = (type: WebhookEventType) => boolean;

function fromOutbox(parts: RoomParts, endpoint: string, wants: Wants, nowMs: number): Parcel<WebhookEvent> | null {
  const { outbox } = parts;
  const waiting = outbox.waiting(endpoint, fixedLimits.outboxBatchEvents);
  const [oldest] = waiting;
  if (oldest === undefined) return null;
  const events = takeSome(eventsOf(parts, waiting, nowMs));
  const last = waiting[events.length - 1] ?? oldest;
  return {
    events: events.flatMap((event) => (event !== null && wants(event.type) ? [event] : [])),
    sinceMs: oldest.atMs,
    delivered: () => outbox.taken(endpoint, last.position),
  };
}

function fromRows(parts: RoomParts, endpoint: string, wants: Wants, nowMs: number): Parcel<WebhookEvent> | null {
  const { outbox } = parts;
  const after = outbox.behind(endpoint);
  if (after === null) return null;
  const events = takeSome(eventsSince(parts, after, fixedLimits.outboxBatchEvents, nowMs));
  const last = events.at(-1);
  if (last?.seq === undefined) {
    // Nothing has come between: what comes next is written again.
    outbox.saveBehind(endpoint, null);
    return null;
  }
  const { seq } = last;
  return {
    events: events.filter(({ type }) => wants(type)),
    sinceMs: last.atMs,
    // The room may have been deleted meanwhile, and made again.
    delivered: () => outbox.behind(endpoint) === after && outbox.saveBehind(endpoint, seq),
  };
}

/** As many from the beginning as may be held at once, and always one. */
function takeSome<Event>(events: readonly Event[]): readonly Event[] {
  let units = 0;
  const count = events.findIndex((event) => (units += JSON.stringify(event).length) > fixedLimits.outboxBatchUnits);
  return count < 0 ? events : events.slice(0, Math.max(1, count));
}
