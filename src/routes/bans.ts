/** Bans of a tenant: imposed, listed and lifted. */
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { tenantStub } from "../objects/stubs.ts";
import { BanBody, TenantBan } from "../protocol/http.ts";
import { noEndMs } from "../protocol/message.ts";
import { UserId } from "../protocol/names.ts";
import { refuse } from "../protocol/refusals.ts";
import { router } from "./app.ts";
import { adminSecurity, endOf, json, listed, listQuery, optionalBody, pageLimit } from "./declared.ts";
import { actorOf } from "./identity.ts";
import { admin, client } from "./middleware/authenticate.ts";
import { problem, problems } from "./problem.ts";

const common = { tags: ["moderation"], security: adminSecurity, middleware: [client, admin] };
const ofUser = { params: z.strictObject({ user: UserId }) };
const noContent = { 204: { description: "Done." }, ...problems };

const list = createRoute({
  ...common,
  method: "get",
  path: "/v1/bans",
  summary: "List who is banned from all rooms, with the reasons",
  request: { query: listQuery },
  responses: {
    200: json(z.object({ items: z.array(TenantBan), next: z.string().optional() }), "Users by id."),
    ...problems,
  },
});
const put = createRoute({
  ...common,
  method: "put",
  path: "/v1/bans/{user}",
  summary: "Ban a user from all rooms, until a time or until unbanned; with `shadow` unnoticed",
  request: { ...ofUser, body: optionalBody(BanBody) },
  responses: noContent,
});
const remove = createRoute({
  ...common,
  method: "delete",
  path: "/v1/bans/{user}",
  summary: "End a ban from all rooms",
  request: ofUser,
  responses: noContent,
});

export const bans = router()
  .openapi(list, async (c) => {
    const { after = "", limit: asked } = c.req.valid("query");
    const limit = pageLimit(asked);
    const found = await tenantStub(c.env, c.get("identity").tenant).bans({ after, limit: limit + 1 });
    const items = found.map(({ user, untilMs, reason, shadow, atMs }) => {
      return { user, until: endOf(untilMs), reason, shadow, at: atMs };
    });
    return c.json(
      listed(items, limit, ({ user }) => user),
      200,
    );
  })
  .openapi(put, async (c) => {
    const { user } = c.req.valid("param");
    const identity = c.get("identity");
    if (user === identity.user) return problem(c, refuse("conflict", "Nobody does this to himself."));
    const { until = noEndMs, reason = null, shadow = false } = c.req.valid("json");
    const banned = await tenantStub(c.env, identity.tenant).ban(user, { untilMs: until, reason, shadow }, actorOf(c));
    return banned.ok ? c.body(null, 204) : problem(c, banned);
  })
  .openapi(remove, async (c) => {
    const { user } = c.req.valid("param");
    const identity = c.get("identity");
    if (user === identity.user) return problem(c, refuse("conflict", "Nobody does this to himself."));
    const lifted = await tenantStub(c.env, identity.tenant).ban(user, null, actorOf(c));
    return lifted.ok ? c.body(null, 204) : problem(c, lifted);
  });
