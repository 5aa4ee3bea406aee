/** What a tenant has revoked before its time. */
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import type { RevocationListing } from "../objects/tenant/revocations.ts";
import { tenantStub } from "../objects/stubs.ts";
import { NewRevocation, Revocation } from "../protocol/http.ts";
import { router } from "./app.ts";
import { adminSecurity, body, json, listed, PageBound, PageLimit, pageLimit } from "./declared.ts";
import { actorOf } from "./identity.ts";
import { admin, client } from "./middleware/authenticate.ts";
import { forgetPolicy } from "./policies.ts";
import { problem, problems } from "./problem.ts";

const common = { tags: ["tenant"], security: adminSecurity, middleware: [client, admin] };

const create = createRoute({
  ...common,
  method: "post",
  path: "/v1/revocations",
  summary:
    "Revoke what was issued to a user, as a token, by a key, or at all before a time; open connections close with 4502",
  request: { body: body(NewRevocation) },
  responses: { 201: json(z.object({ revocation: Revocation }), "It is in force in every open room."), ...problems },
});
const list = createRoute({
  ...common,
  method: "get",
  path: "/v1/revocations",
  summary: "List the revocations in force, the newest first",
  request: { query: z.strictObject({ after: PageBound, limit: PageLimit }) },
  responses: {
    200: json(z.object({ items: z.array(Revocation), next: z.string().optional() }), "Revocations by id."),
    ...problems,
  },
});

export const revocations = router()
  .openapi(create, async (c) => {
    const { user = null, token = null, key = null, issuedBefore = null, reason = null } = c.req.valid("json");
    const asked = { user, token, key, issuedBeforeMs: issuedBefore, reason };
    const { tenant } = c.get("identity");
    const made = await tenantStub(c.env, tenant).revoke(asked, actorOf(c));
    // This edge need not wait.
    forgetPolicy(tenant);
    return made.ok ? c.json({ revocation: shown(made.revocation) }, 201) : problem(c, made);
  })
  .openapi(list, async (c) => {
    const { after: before = Number.MAX_SAFE_INTEGER, limit: asked } = c.req.valid("query");
    const limit = pageLimit(asked);
    const found = await tenantStub(c.env, c.get("identity").tenant).revocations({ before, limit: limit + 1 });
    return c.json(
      listed(found.map(shown), limit, ({ id }) => String(id)),
      200,
    );
  });

function shown({ issuedBeforeMs, atMs, untilMs, ...revocation }: RevocationListing): z.infer<typeof Revocation> {
  return { ...revocation, issuedBefore: issuedBeforeMs, at: atMs, until: untilMs };
}
