/** Who wants to hear of what. */
import { matchesPattern } from "../protocol/roomPattern.ts";
import type { Subscription, WebhookEventType } from "../protocol/webhook.ts";

/** The endpoints that are to hear of this event of this room, or of the whole tenant (`room: null`). Asked with every change: mostly there are none. */
export function wantedBy(
  subscriptions: readonly Subscription[],
  room: string | null,
  type: WebhookEventType,
): readonly string[] {
  if (subscriptions.length === 0) return [];
  return subscriptions.filter((one) => one.isDisabled !== true && isWanted(one, room, type)).map(({ id }) => id);
}

/** Whether the endpoint wants it, be it disabled or not. */
export function isWanted(subscription: Subscription, room: string | null, type: WebhookEventType): boolean {
  return includesRoom(subscription, room) && includesType(subscription, type);
}

/** What is of no room goes to those that name none. */
function includesRoom({ rooms }: Subscription, room: string | null): boolean {
  if (rooms === undefined) return true;
  return room !== null && rooms.some((pattern) => matchesPattern(pattern, room));
}

function includesType({ events }: Subscription, type: WebhookEventType): boolean {
  const group = `${type.slice(0, type.indexOf("."))}.*`;
  return events.includes("*") || events.includes(group) || events.includes(type);
}
