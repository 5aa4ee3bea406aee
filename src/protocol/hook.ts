/** A tenant's hook: it is asked about what somebody wants to say before anybody hears it. */
import * as z from "zod";
import { EndpointUrl } from "./endpoint.ts";
import { fixedLimits } from "./limits.ts";
import { type Attachment, Data, Text } from "./message.ts";

export const Hook = z.strictObject({
  url: EndpointUrl,
  timeoutMs: z.int().min(fixedLimits.hookMsMin).max(fixedLimits.hookMsMax),
  /** What becomes of the message where the hook does not answer in time, or what is no answer. */
  onFailure: z.enum(["allow", "refuse"]),
});
export type Hook = z.infer<typeof Hook>;

/** What the hook is sent, by POST and signed as Standard Webhooks are (`webhook-id`, `webhook-timestamp`, `webhook-signature`). */
export interface HookQuestion {
  readonly tenant: string;
  readonly room: string;
  readonly user: string | null;
  /** As it was sent; of an edit only what it changes. */
  readonly message: {
    readonly text?: string | null;
    readonly data?: unknown;
    readonly replyTo?: number | null;
    readonly mentions?: readonly string[];
    /** Only of a message that carries files. */
    readonly attachments?: readonly Attachment[];
  };
  /** The message that is to be changed. */
  readonly edit?: number;
}

/** What it answers. Other fields are ignored, so that hooks may say more. */
export const HookAnswer = z.union([
  z.object({ allow: z.literal(true) }),
  z.object({ allow: z.literal(false), reason: Text.optional() }),
  z.object({ replace: z.object({ text: Text.nullable().optional(), data: Data.optional() }) }),
]);
export type HookAnswer = z.infer<typeof HookAnswer>;

/** Or why there is no answer, in words that may be shown. */
export type HookVerdict = HookAnswer | { readonly fault: string };
