/** What a tenant has decided and the others need to know: a snapshot that the edge holds for a few seconds. */
import * as z from "zod";
import { Answering, AssistantId } from "./assistant.ts";
import { TenantBan } from "./ban.ts";
import { capabilities, type Capability } from "./capabilities.ts";
import { Hook } from "./hook.ts";
import { Issuer, issuerKey } from "./issuer.ts";
import { noWords, WordList } from "./words.ts";
import { defaultLimits, type LimitName } from "./limits.ts";
import { tenantLimits } from "./limits/tenant.ts";
import { noRetention, tenantRetention } from "./retention.ts";
import { Revocation } from "./revocation.ts";
import { Subscription } from "./webhook.ts";

export const limitNames = Object.keys(tenantLimits) as [LimitName, ...LimitName[]];

/**
 * Edges, rooms and tenants do not all run the same version of this code: a limit that is not known here is dropped, and one that
 * is not named has its default.
 */
export const Limits = z.object(
  Object.fromEntries(limitNames.map((name) => [name, z.int().min(1).default(defaultLimits[name])])) as Record<
    LimitName,
    z.ZodDefault<z.ZodInt>
  >,
);

/** Of a list of what is allowed: what is not understood is not. */
function known<Item extends z.ZodType>(item: Item) {
  return z.array(z.unknown()).transform((given) =>
    given.flatMap((one): z.output<Item>[] => {
      const parsed = item.safeParse(one);
      return parsed.success ? [parsed.data] : [];
    }),
  );
}

/** The limits that an operator sets; what is not named keeps its default. */
export const LimitsPatch = z.strictObject(
  Object.fromEntries(
    limitNames.map((name) => [name, z.int().min(1).max(tenantLimits[name].ceiling).optional()]),
  ) as Record<LimitName, z.ZodOptional<z.ZodInt>>,
);
export type LimitsPatch = z.infer<typeof LimitsPatch>;

/** WHATWG's, as in every host this runs on; the layer's types know no platform. */
declare const URL: { new (text: string): { readonly origin: string }; canParse(text: string): boolean };

const Origin = z
  .string()
  .regex(/^(\*|https?:\/\/[a-z0-9.-]+(:[0-9]{1,5})?|null)$/, "an origin such as https://app.example.com, or *")
  // Only what a browser sends can ever match: it leaves out the port that its scheme has anyway.
  .refine(
    (origin) => /^(\*|null)$/.test(origin) || (URL.canParse(origin) && new URL(origin).origin === origin),
    "not as a browser writes it",
  );

export const TenantSettings = z.strictObject({
  /** Pages of which origins may use this tenant, compared whole; `*` is any. Callers that are no page send no Origin. */
  origins: z.array(Origin).max(100),
  /** A room comes to be when somebody who may publish in it connects or publishes. */
  autoCreate: z.boolean(),
  /** What is looked for in the texts of messages; `data` is not looked at. */
  words: WordList,
  /** Who is asked about messages and edits before they are stored; null for nobody. */
  hook: Hook.nullable(),
  /** Whether the messages of its rooms can be searched, where they do not say it themselves. */
  search: z.boolean(),
  /** Of those rooms that do not say which assistant they have. */
  assistant: AssistantId.nullable(),
  /** How long its rooms keep messages, where they do not say it themselves. */
  ...tenantRetention,
});
export type TenantSettings = z.infer<typeof TenantSettings>;
export const defaultTenantSettings: TenantSettings = {
  origins: ["*"],
  autoCreate: true,
  words: noWords,
  hook: null,
  search: false,
  assistant: null,
  ...noRetention,
};

/** What travels with every call to a room: enough to make it, and to tell whether it has heard of the newest policy. */
export const Terms = z.object({ version: z.int(), limits: Limits, autoCreate: z.boolean() });
export type Terms = z.infer<typeof Terms>;

/**
 * The part of the policy that rooms go by, as it lies in a room's row. The larger version wins. What an older version of this
 * code has written or tells lacks what has come since: each such field has a default.
 */
export const RoomPolicy = Terms.extend({
  suspended: z.boolean().default(false),
  /** Of the last minute: whoever was let in by an older policy has come by then. */
  revocations: z.array(Revocation).default([]),
  words: z.object(WordList.shape).default(noWords),
  hook: z.object(Hook.shape).nullable().default(null),
  search: z.boolean().default(false),
  retentionDays: tenantRetention.retentionDays.default(null),
  retentionMessages: tenantRetention.retentionMessages.default(null),
  /** Until then there are more than these, and the tenant is asked. */
  revocationsAskedUntilMs: z.int().default(0),
  /** Shadow bans, and the others of the last minute: after that no edge lets in whom they mean. */
  bans: z.array(TenantBan).default([]),
  /** There are others such: the tenant is asked about everybody who is here, with each decision. */
  moreBans: z.boolean().default(false),
  /** Who is to hear of what. */
  webhooks: known(Subscription).default([]),
  assistant: AssistantId.nullable().default(null),
  /** All there are: what they say asks none of them. */
  assistants: known(Answering).default([]),
});
export type RoomPolicy = z.infer<typeof RoomPolicy>;

export const Policy = z.object({
  tenant: z.string(),
  version: z.int(),
  suspended: z.boolean(),
  keys: z.record(z.string(), known(z.enum(capabilities))),
  issuers: known(Issuer).default([]),
  limits: Limits,
  /** What the edge goes by. */
  settings: z.object(TenantSettings.pick({ origins: true, autoCreate: true }).shape),
  /** The newest of those in force. */
  revocations: z.array(Revocation).default([]),
  /** There are others: the tenant is asked about each credential that these do not mean. */
  moreRevocations: z.boolean().default(false),
  bans: z.array(TenantBan).default([]),
  /** There are others: the tenant is asked about each user who is not among these. */
  moreBans: z.boolean().default(false),
});
export type Policy = z.infer<typeof Policy>;

/** What an API key, or an identity provider by its `issuerKey`, may do at most; null for one that is not listed. */
export function ceilingOf(
  { keys, issuers }: Pick<Policy, "keys" | "issuers">,
  key: string,
): readonly Capability[] | null {
  if (Object.hasOwn(keys, key)) return keys[key] ?? null;
  return issuers.find(({ id }) => issuerKey(id) === key)?.capabilities ?? null;
}
