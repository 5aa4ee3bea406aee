/** How long messages are kept: by their age, by their number, or by both. */
import * as z from "zod";
import { fixedLimits } from "./limits.ts";

const days = z.int().max(fixedLimits.retentionDaysMax);
const messages = z.int().max(fixedLimits.retentionMessagesMax);

/** What a tenant has set for its rooms; null keeps them for ever. */
export const tenantRetention = { retentionDays: days.min(1).nullable(), retentionMessages: messages.min(1).nullable() };
/** What a room has set for itself: null is what the tenant has set, 0 keeps them for ever. */
export const roomRetention = { retentionDays: days.min(0).nullable(), retentionMessages: messages.min(0).nullable() };

export interface Retention {
  readonly retentionDays: number | null;
  readonly retentionMessages: number | null;
}
export const noRetention: Retention = { retentionDays: null, retentionMessages: null };
