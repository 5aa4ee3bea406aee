/** The tenant's own plane: the identity providers whose tokens it takes. */
import { createRoute } from "@hono/zod-openapi";
import { customAlphabet } from "nanoid";
import * as z from "zod";
import { exceeding } from "../auth/grants.ts";
import { tenantStub } from "../objects/stubs.ts";
import { roomCapabilities } from "../protocol/capabilities.ts";
import { unfitEndpoint } from "../protocol/endpoint.ts";
import { IssuerListing } from "../protocol/http.ts";
import { IssuerId, NewIssuer } from "../protocol/issuer.ts";
import { refuse } from "../protocol/refusals.ts";
import { settingsOf } from "../env.ts";
import { router } from "./app.ts";
import { adminSecurity, body, json } from "./declared.ts";
import { actorOf } from "./identity.ts";
import { admin, client } from "./middleware/authenticate.ts";
import { problem, problems } from "./problem.ts";

const newIssuerId = customAlphabet("abcdefghijklmnopqrstuvwxyz234567", 12);
const common = { tags: ["tenant"], security: adminSecurity, middleware: [client, admin] };

const list = createRoute({
  ...common,
  method: "get",
  path: "/v1/issuers",
  summary: "List the identity providers whose tokens are taken",
  responses: { 200: json(z.object({ items: z.array(IssuerListing) }), "The identity providers."), ...problems },
});
const add = createRoute({
  ...common,
  method: "post",
  path: "/v1/issuers",
  summary: "Take the tokens of an identity provider, by the keys at its `jwksUrl`",
  request: { body: body(NewIssuer) },
  responses: { 201: json(IssuerListing, "The identity provider."), ...problems },
});
const remove = createRoute({
  ...common,
  method: "delete",
  path: "/v1/issuers/{issuer}",
  summary: "Take the tokens of an identity provider no more",
  request: { params: z.strictObject({ issuer: IssuerId }) },
  responses: { 204: { description: "Removed." }, ...problems },
});

export const issuers = router()
  .openapi(list, async (c) => c.json({ items: await tenantStub(c.env, c.get("identity").tenant).issuers() }, 200))
  .openapi(add, async (c) => {
    const { tenant, capabilities } = c.get("identity");
    const held = roomCapabilities.filter((capability) => capabilities.includes(capability));
    const { name = null, rooms = {}, capabilities: ceiling = held, ...said } = c.req.valid("json");
    const unfit = unfitEndpoint(said.jwksUrl, settingsOf(c.env).privateEndpoints);
    if (unfit !== null) return problem(c, refuse("invalid_field", `\`jwksUrl\`: ${unfit}.`));
    const beyond = ceiling.filter((capability) => !held.includes(capability));
    if (beyond.length > 0)
      return problem(c, refuse("forbidden", `This key does not have ${beyond.join(", ")} itself.`));
    const unreachable = exceeding(rooms, new Set(ceiling));
    if (unreachable.length > 0)
      return problem(c, refuse("invalid_field", `\`rooms\`: \`capabilities\` lacks ${unreachable.join(", ")}.`));
    const issuer = {
      ...said,
      id: `i${newIssuerId()}`,
      name,
      rooms,
      algorithms: [...new Set(said.algorithms)],
      capabilities: [...new Set(ceiling)],
    };
    const added = await tenantStub(c.env, tenant).addIssuer(issuer, actorOf(c));
    return added.ok ? c.json(added.issuer, 201) : problem(c, added);
  })
  .openapi(remove, async (c) => {
    const { tenant } = c.get("identity");
    const removed = await tenantStub(c.env, tenant).removeIssuer(c.req.valid("param").issuer, actorOf(c));
    return removed.ok ? c.body(null, 204) : problem(c, removed);
  });
