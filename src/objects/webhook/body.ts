/** What is sent: the body of a delivery, which is the same text in every attempt. */
import type { WebhookEvent } from "../../protocol/webhook.ts";

/** One event as Standard Webhooks has it, `type`, `timestamp` and `data`, with what tells where it belongs. */
export function eventBody({ id, type, atMs, tenant, room, seq, data }: WebhookEvent): string {
  const timestamp = new Date(atMs).toISOString();
  return JSON.stringify({ type, timestamp, id, tenant, room, ...(seq === undefined ? {} : { seq }), data });
}

/** Of one event its own; of a batch the events in the order in which they came. */
export function deliveryBody({
  isBatch,
  createdAtMs,
  bodies,
}: {
  readonly isBatch: boolean;
  readonly createdAtMs: number;
  readonly bodies: readonly string[];
}): string {
  if (!isBatch) return bodies[0] ?? "";
  const timestamp = new Date(createdAtMs).toISOString();
  return `{"type":"batch","timestamp":"${timestamp}","data":{"events":[${bodies.join()}]}}`;
}
