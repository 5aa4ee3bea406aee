/** What a tenant has used, for itself and for the operator. */
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { tenantStub } from "../objects/stubs.ts";
import { TenantId } from "../protocol/names.ts";
import type { Refusal } from "../protocol/refusals.ts";
import { UsagePage, UsageUnit } from "../protocol/usage.ts";
import type { Bindings } from "../env.ts";
import { router } from "./app.ts";
import { adminSecurity, json, operatorSecurity, PageBound, PageLimit, pageLimit } from "./declared.ts";
import { admin, client, operator } from "./middleware/authenticate.ts";
import { problem, problems } from "./problem.ts";

const query = z.strictObject({ from: PageBound, to: PageBound, by: UsageUnit.optional(), limit: PageLimit });
const responses = {
  200: json(UsagePage, "Hours or days, in order, without a gap. They begin with the one in which `from` lies."),
  ...problems,
};

const own = createRoute({
  tags: ["tenant"],
  security: adminSecurity,
  middleware: [client, admin],
  method: "get",
  path: "/v1/usage",
  summary: "Read what was used, by hours (the last 24) or days (the last 30), UTC",
  request: { query },
  responses,
});
const ofTenant = createRoute({
  tags: ["operator"],
  security: operatorSecurity,
  middleware: operator,
  method: "get",
  path: "/v1/tenants/{tenant}/usage",
  summary: "Read what a tenant has used",
  request: { params: z.strictObject({ tenant: TenantId }), query },
  responses,
});

export const usage = router()
  .openapi(own, async (c) => {
    const found = await read(c.env, c.get("identity").tenant, c.req.valid("query"));
    return found.ok ? c.json(found.page, 200) : problem(c, found);
  })
  .openapi(ofTenant, async (c) => {
    const found = await read(c.env, c.req.valid("param").tenant, c.req.valid("query"));
    return found.ok ? c.json(found.page, 200) : problem(c, found);
  });

/** With one span more than is shown: it says where to read on. */
async function read(
  env: Bindings,
  tenant: string,
  { from: fromMs, to: toMs, by = "hour", limit }: z.infer<typeof query>,
): Promise<{ ok: true; page: UsagePage } | Refusal> {
  const size = pageLimit(limit);
  const found = await tenantStub(env, tenant).usage({ by, fromMs, toMs, limit: size + 1 });
  if (!found.ok) return found;
  const next = found.items[size];
  const items = found.items.slice(0, size);
  return { ok: true, page: next === undefined ? { items } : { items, next: String(next.from) } };
}
