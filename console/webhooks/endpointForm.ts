/** An endpoint as its form holds it, and as the API takes it. */
import type { WebhookSettings } from "../../src/protocol/webhook.ts";

export type EndpointValues = {
  url: string;
  description: string;
  events: string[];
  rooms: string[];
  isEnabled: boolean;
  isBatched: boolean;
  maxEvents: number | string;
  waitMs: number | string;
};

export const newEndpoint: EndpointValues = {
  url: "",
  description: "",
  events: ["*"],
  rooms: [],
  isEnabled: true,
  isBatched: false,
  maxEvents: 20,
  waitMs: 1_000,
};

export function valuesOf({ url, description, events, rooms, isEnabled, batch }: WebhookSettings): EndpointValues {
  const { maxEvents, waitMs } = batch ?? newEndpoint;
  return {
    url,
    description: description ?? "",
    events,
    rooms: rooms ?? [],
    isEnabled,
    isBatched: batch !== null,
    maxEvents,
    waitMs,
  };
}

/** The whole of it: what is empty is null. A field of a number that was emptied is refused as such. */
export function settingsOf({
  url,
  description,
  events,
  rooms,
  isEnabled,
  isBatched,
  maxEvents,
  waitMs,
}: EndpointValues) {
  return {
    url: url.trim(),
    description: description === "" ? null : description,
    events,
    rooms: rooms.length === 0 ? null : rooms,
    isEnabled,
    batch: isBatched ? { maxEvents: numberOf(maxEvents), waitMs: numberOf(waitMs) } : null,
  };
}

function numberOf(value: number | string): number {
  return value === "" ? Number.NaN : Number(value);
}
