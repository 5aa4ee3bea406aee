/** What a tenant has decided and the others need to know: a snapshot that the edge holds for a few seconds. */
import * as z from "zod";
import { capabilities } from "./capabilities.ts";
import { type LimitName, tenantLimits } from "./limits.ts";

const limitNames = Object.keys(tenantLimits) as [LimitName, ...LimitName[]];

export const Limits = z.record(z.enum(limitNames), z.int().min(1));

/** The limits that an operator sets; what is not named keeps its default. */
export const LimitsPatch = z.strictObject(
  Object.fromEntries(
    limitNames.map((name) => [name, z.int().min(1).max(tenantLimits[name].ceiling).optional()]),
  ) as Record<LimitName, z.ZodOptional<z.ZodInt>>,
);
export type LimitsPatch = z.infer<typeof LimitsPatch>;

const Origin = z
  .string()
  .regex(/^(\*|https?:\/\/[a-z0-9.-]+(:[0-9]{1,5})?|null)$/, "an origin such as https://app.example.com, or *");

export const TenantSettings = z.strictObject({
  /** Pages of which origins may use this tenant, compared whole; `*` is any. Callers that are no page send no Origin. */
  origins: z.array(Origin).max(100),
  /** A room comes to be when somebody who may publish in it connects or publishes. */
  autoCreate: z.boolean(),
});
export type TenantSettings = z.infer<typeof TenantSettings>;
export const defaultTenantSettings: TenantSettings = { origins: ["*"], autoCreate: true };

/** The part of the policy that rooms go by. The larger version wins. */
export const RoomPolicy = z.object({ version: z.int(), limits: Limits, autoCreate: z.boolean() });
export type RoomPolicy = z.infer<typeof RoomPolicy>;

export const Policy = z.object({
  tenant: z.string(),
  version: z.int(),
  suspended: z.boolean(),
  keys: z.record(z.string(), z.array(z.enum(capabilities))),
  limits: Limits,
  settings: TenantSettings,
});
export type Policy = z.infer<typeof Policy>;
