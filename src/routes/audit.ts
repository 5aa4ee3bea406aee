/** The audit log of a tenant: who changed what. */
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { tenantStub } from "../objects/stubs.ts";
import { AuditAction, AuditOrder, AuditPage } from "../protocol/audit.ts";
import { router } from "./app.ts";
import { adminSecurity, json, PageBound, PageLimit, pageLimit } from "./declared.ts";
import { admin, client } from "./middleware/authenticate.ts";
import { problem, problems } from "./problem.ts";

const Id = z.string().min(1).max(128).optional();

const read = createRoute({
  tags: ["tenant"],
  security: adminSecurity,
  middleware: [client, admin],
  method: "get",
  path: "/v1/audit",
  summary: "Read the audit log from its beginning, or the newest first; each entry proves the one before it",
  request: {
    query: z.strictObject({
      after: PageBound,
      limit: PageLimit,
      order: AuditOrder.optional(),
      action: AuditAction.optional(),
      actor: Id,
      target: Id,
      from: PageBound,
      to: PageBound,
    }),
  },
  responses: {
    200: json(
      AuditPage,
      "Entries by seq, and the newest of all. `after` is the last one that was read, in the order that was asked for.",
    ),
    ...problems,
  },
});

export const audit = router().openapi(read, async (c) => {
  const { order = "oldest", after, limit, from: fromMs, to: toMs, ...filter } = c.req.valid("query");
  const found = await tenantStub(c.env, c.get("identity").tenant).audit({
    ...filter,
    order,
    after: after ?? (order === "oldest" ? 0 : Number.MAX_SAFE_INTEGER),
    fromMs,
    toMs,
    limit: pageLimit(limit),
  });
  if (!found.ok) return problem(c, found);
  const { ok: _, ...page } = found;
  return c.json(page, 200);
});
