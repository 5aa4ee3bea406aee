/** Webhooks: what a tenant's server is told of, what it has asked for, and where it wants it sent. */
import * as z from "zod";
import { EndpointUrl } from "./endpoint.ts";
import { fixedLimits } from "./limits.ts";
import { TimeMs } from "./message.ts";
import { DisplayName, RoomName, TenantId } from "./names.ts";
import { RoomPattern } from "./roomPattern.ts";

/** What happens in rooms; the last ones are the tenant's own, with `room: null`. */
export const webhookEventTypes = [
  "message.created",
  "message.updated",
  "message.deleted",
  "reaction.added",
  "reaction.removed",
  "stream.ended",
  "member.updated",
  "member.removed",
  "presence.joined",
  "presence.left",
  "room.created",
  "room.updated",
  "room.deleted",
  "room.occupied",
  "room.vacated",
  "upload.ready",
  "limit.exceeded",
  "moderation.kicked",
  "moderation.banned",
  "moderation.unbanned",
  "moderation.muted",
  "moderation.unmuted",
  "moderation.flagged",
  "moderation.flag_resolved",
  "moderation.revoked",
  "tenant.suspended",
  "tenant.resumed",
] as const;
export const WebhookEventType = z.enum(webhookEventTypes);
export type WebhookEventType = z.infer<typeof WebhookEventType>;

/** Sent when somebody asks for it, and never subscribed to. */
export const testEventType = "webhook.test";

const groups = [...new Set(webhookEventTypes.map((type) => type.slice(0, type.indexOf("."))))];
/** A type, all of its group (`message.*`), or all there are, those included that will be added later. */
export const EventPattern = z.enum(["*", ...groups.map((group) => `${group}.*`), ...webhookEventTypes]);

/** Plain data. `id` is stable for ever: `<epoch>:<seq>:<type>` of a durable change, which has its `seq`; otherwise by chance. */
export const WebhookEvent = z.object({
  id: z.string().min(1).max(128),
  type: z.string(),
  atMs: TimeMs,
  tenant: TenantId,
  /** Null for what concerns the whole tenant. */
  room: RoomName.nullable(),
  seq: z.int().optional(),
  data: z.unknown(),
});
export type WebhookEvent = z.infer<typeof WebhookEvent>;

export const WebhookId = z.string().regex(/^w[a-z2-7]{12}$/, "a webhook endpoint's id");

/** What rooms go by: which endpoint wants to hear of what. Without `rooms` it is every room, and the tenant itself. */
export const Subscription = z.object({
  id: WebhookId,
  events: z.array(z.string()),
  rooms: z.array(z.string()).optional(),
  /** Nothing more is written down for it; what waits already is handed on, and waits there. */
  isDisabled: z.boolean().optional(),
});
export type Subscription = z.infer<typeof Subscription>;

/** Several events in one delivery: as many as these, or what there is after so long. */
export const Batch = z.strictObject({
  maxEvents: z.int().min(2).max(fixedLimits.webhookBatchEvents),
  waitMs: z.int().min(0).max(fixedLimits.webhookBatchMs),
});
export type Batch = z.infer<typeof Batch>;

const settings = {
  url: EndpointUrl,
  events: z.array(EventPattern).min(1).max(webhookEventTypes.length),
  /** Of which rooms; null for all, and for what concerns the whole tenant. */
  rooms: z.array(RoomPattern).min(1).max(fixedLimits.webhookRooms).nullable(),
  description: DisplayName.nullable(),
  isEnabled: z.boolean(),
  /** Null where each event is sent by itself. */
  batch: Batch.nullable(),
};

export const WebhookSettings = z.object(settings);
export type WebhookSettings = z.infer<typeof WebhookSettings>;
export const NewWebhook = z.strictObject(settings).partial().required({ url: true, events: true });
export const WebhookPatch = z.strictObject(settings).partial();
export type WebhookPatch = z.infer<typeof WebhookPatch>;

/** An endpoint as it is shown: never with its secret. */
export const WebhookEndpoint = WebhookSettings.extend({
  id: WebhookId,
  /** Why Parley has disabled it; null where it is enabled, or was disabled by whoever administers. */
  disabledReason: z.string().nullable(),
  /** Counts up with each rotation. */
  secretVersion: z.int(),
  /** Until then deliveries are signed with the earlier secret too. */
  previousSecretUntil: TimeMs.nullable(),
  createdAt: TimeMs,
});
export type WebhookEndpoint = z.infer<typeof WebhookEndpoint>;

export const deliveryStates = ["pending", "delivered", "failed"] as const;
export const DeliveryState = z.enum(deliveryStates);
export type DeliveryState = z.infer<typeof DeliveryState>;

/** One request to an endpoint, with its attempts. `failed` is a dead letter: it is attempted no more unless somebody asks for it. */
export const Delivery = z.object({
  delivery: z.int(),
  /** The `webhook-id`: of a single event the event's. */
  id: z.string(),
  state: DeliveryState,
  events: z.array(z.object({ id: z.string(), type: z.string(), room: RoomName.nullable() })),
  attempts: z.int(),
  /** Of the last answer; null where there was none. */
  status: z.int().nullable(),
  error: z.string().nullable(),
  createdAt: TimeMs,
  nextAttemptAt: TimeMs.nullable(),
  endedAt: TimeMs.nullable(),
});
export type Delivery = z.infer<typeof Delivery>;

/** With what is sent in it: JSON as the endpoint gets it in every attempt. Null where it has arrived, and is kept no longer. */
export const DeliveryDetails = Delivery.extend({ body: z.string().nullable() });
export type DeliveryDetails = z.infer<typeof DeliveryDetails>;

/** The newest first, with a number below `before`; null for every state. */
export interface DeliveryQuery {
  readonly state: DeliveryState | null;
  readonly before: number;
  readonly limit: number;
}

/** What an endpoint goes by, as its tenant says it. */
export interface Target {
  readonly url: EndpointUrl;
  readonly batch: Batch | null;
  /** What it wants to hear of. */
  readonly wanted: Subscription;
  /** The newest first; no secrets themselves: from what they are derived. */
  readonly secrets: readonly {
    readonly version: number;
    readonly masterKey: number;
    /** It signs no more from then on; null for the newest one. */
    readonly untilMs: number | null;
  }[];
  /** It is disabled, or its tenant is suspended: events wait. */
  readonly isPaused: boolean;
  readonly enabledAtMs: number;
}

/** Changes of a room by their seq, both included. */
export interface ReplaySpan {
  readonly room: string;
  readonly from: number;
  readonly to: number;
}

/** What a test has brought. */
export const TestResult = z.object({
  ok: z.boolean(),
  /** Of the answer; null where there was none. */
  status: z.int().nullable(),
  /** How long it took. */
  ms: z.int(),
  error: z.string().nullable(),
  /** The beginning of what it answered. */
  excerpt: z.string(),
});
export type TestResult = z.infer<typeof TestResult>;

/** How much waits at an endpoint. */
export const QueueState = z.object({
  /** Events that wait, also to be tried again. */
  waiting: z.int(),
  /** Dead letters. */
  failed: z.int(),
  /** Events for which there was no place, ever, and when the last one came. */
  dropped: z.int(),
  droppedAt: TimeMs.nullable(),
  /** Since then nothing has arrived, though it was tried; null where the last thing did. */
  failingSince: TimeMs.nullable(),
});
export type QueueState = z.infer<typeof QueueState>;
