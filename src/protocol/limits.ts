/** Every limit, each with its reason: they stand in limits/, by what they are about. No zod in here: the SDK imports it. */
import { assistantLimits } from "./limits/assistants.ts";
import { credentialLimits } from "./limits/credentials.ts";
import { dataLimits } from "./limits/data.ts";
import { fileLimits } from "./limits/files.ts";
import { flushLimits } from "./limits/flush.ts";
import { heldLimits } from "./limits/held.ts";
import { messageLimits } from "./limits/messages.ts";
import { moderationLimits } from "./limits/moderation.ts";
import { outboundLimits } from "./limits/outbound.ts";
import { pageLimits } from "./limits/pages.ts";
import { presenceLimits } from "./limits/presence.ts";
import { retentionLimits } from "./limits/retention.ts";
import { searchLimits } from "./limits/search.ts";
import { socketLimits } from "./limits/sockets.ts";
import { streamLimits } from "./limits/streams.ts";
import { tenantLimits } from "./limits/tenant.ts";

/** Those that the operator sets for each tenant. */
export type LimitName = keyof typeof tenantLimits;
export type Limits = Readonly<Record<LimitName, number>>;

// The table's own keys are its type; `fromEntries` forgets them.
export const defaultLimits = Object.fromEntries(
  Object.entries(tenantLimits).map(([name, limit]) => [name, limit.default]),
) as Limits;

/** Those that are the same for everyone. */
export const fixedLimits = {
  ...messageLimits,
  ...pageLimits,
  ...presenceLimits,
  ...streamLimits,
  ...flushLimits,
  ...socketLimits,
  ...heldLimits,
  ...credentialLimits,
  ...moderationLimits,
  ...fileLimits,
  ...outboundLimits,
  ...assistantLimits,
  ...retentionLimits,
  ...searchLimits,
  ...dataLimits,
} as const;
