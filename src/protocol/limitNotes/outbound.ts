/** What is said of limits: webhook endpoints, hooks and assistants. */
import type { FixedNotes } from "./note.ts";

export const outboundNotes: FixedNotes = {
  webhooksPerTenant: {
    what: "Webhook endpoints of a tenant",
    unit: "endpoints",
    code: "quota_exceeded",
    effect: "Remove one first.",
  },
  webhookMsMax: {
    what: "A receiver's whole answer",
    unit: "ms",
    code: null,
    effect: "The attempt has failed and is made again.",
  },
  webhookQueueEvents: {
    what: "Events waiting at an endpoint",
    unit: "events",
    code: null,
    effect: "Further ones are dropped and counted (`queue.dropped`).",
  },
  hookMsMax: {
    what: "What a hook may take",
    unit: "ms",
    code: "overloaded",
    effect: "As the tenant has set: let through, or refused.",
  },
  assistantsPerTenant: {
    what: "Assistants of a tenant",
    unit: "assistants",
    code: "quota_exceeded",
    effect: "Remove one first.",
  },
  assistantMsMax: {
    what: "One answer of an assistant",
    unit: "ms",
    code: null,
    effect: "It ends as `failed`; what was said stays.",
  },
  assistantWaiting: {
    what: "Questions waiting in a room",
    unit: "questions",
    code: null,
    effect: "The next one is told so.",
  },
};
