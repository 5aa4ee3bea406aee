/** The tenant's own plane: its profile, its keys, its tokens, its rooms. */
import { createRoute } from "@hono/zod-openapi";
import { nanoid } from "nanoid";
import * as z from "zod";
import { exceeding } from "../auth/grants.ts";
import { mintToken } from "../auth/token.ts";
import { tenantStub } from "../objects/stubs.ts";
import {
  CreatedKey,
  CreatedToken,
  Key,
  NewKey,
  NewToken,
  RoomListing,
  TenantPatch,
  TenantProfile,
} from "../protocol/http.ts";
import { fixedLimits } from "../protocol/limits.ts";
import { KeyId } from "../protocol/names.ts";
import { refuse } from "../protocol/refusals.ts";
import { settingsOf } from "../env.ts";
import { router } from "./app.ts";
import { adminSecurity, body, json, listed, listQuery, optionalBody, pageLimit } from "./declared.ts";
import { unfitHook } from "./hook.ts";
import { actorOf } from "./identity.ts";
import { admin, client } from "./middleware/authenticate.ts";
import { problem, problems } from "./problem.ts";
import { makeKey } from "./tenants.ts";

const common = { tags: ["tenant"], security: adminSecurity, middleware: [client, admin] };

const get = createRoute({
  ...common,
  method: "get",
  path: "/v1/tenant",
  summary: "Read one's own settings and limits",
  responses: { 200: json(TenantProfile, "The tenant."), ...problems },
});
const patch = createRoute({
  ...common,
  method: "patch",
  path: "/v1/tenant",
  summary: "Change one's own name or settings",
  request: { body: optionalBody(TenantPatch) },
  responses: { 200: json(TenantProfile, "The tenant."), ...problems },
});
const listKeys = createRoute({
  ...common,
  method: "get",
  path: "/v1/keys",
  summary: "List API keys, without their secrets",
  responses: { 200: json(z.object({ items: z.array(Key) }), "The keys."), ...problems },
});
const addKey = createRoute({
  ...common,
  method: "post",
  path: "/v1/keys",
  summary: "Make an API key",
  request: { body: optionalBody(NewKey) },
  responses: { 201: json(z.object({ key: CreatedKey }), "The key, shown once."), ...problems },
});
const removeKey = createRoute({
  ...common,
  method: "delete",
  path: "/v1/keys/{key}",
  summary: "Remove an API key, and all tokens that it signed",
  request: { params: z.strictObject({ key: KeyId }) },
  responses: { 204: { description: "Removed." }, ...problems },
});
const addToken = createRoute({
  ...common,
  middleware: client,
  method: "post",
  path: "/v1/tokens",
  summary: "Make a token for a user",
  request: { body: body(NewToken) },
  responses: { 201: json(CreatedToken, "The token."), ...problems },
});
const listRooms = createRoute({
  ...common,
  method: "get",
  path: "/v1/rooms",
  summary: "List rooms; the counts are at most 10 seconds old",
  request: { query: listQuery.extend({ prefix: z.string().max(128).optional() }) },
  responses: {
    200: json(z.object({ items: z.array(RoomListing), next: z.string().optional() }), "Rooms by name."),
    ...problems,
  },
});

export const tenant = router()
  .openapi(get, async (c) => {
    const found = await tenantStub(c.env, c.get("identity").tenant).describe();
    return found.ok ? c.json(found.tenant, 200) : problem(c, found);
  })
  .openapi(patch, async (c) => {
    const wanted = c.req.valid("json");
    const unfit = unfitHook(c.env, wanted.settings);
    if (unfit !== null) return problem(c, unfit);
    const changed = await tenantStub(c.env, c.get("identity").tenant).update(wanted, actorOf(c));
    return changed.ok ? c.json(changed.tenant, 200) : problem(c, changed);
  })
  .openapi(listKeys, async (c) => c.json({ items: await tenantStub(c.env, c.get("identity").tenant).keys() }, 200))
  .openapi(addKey, async (c) => {
    const { tenant: owner, capabilities: held } = c.get("identity");
    const { name = null, capabilities: wanted = held } = c.req.valid("json");
    const beyond = wanted.filter((capability) => !held.includes(capability));
    if (beyond.length > 0)
      return problem(c, refuse("forbidden", `This key does not have ${beyond.join(", ")} itself.`));
    const key = await makeKey(c.env, owner, wanted, name);
    const added = await tenantStub(c.env, owner).addKey(key.listing, actorOf(c));
    return added.ok ? c.json({ key: key.shown }, 201) : problem(c, added);
  })
  .openapi(removeKey, async (c) => {
    const removed = await tenantStub(c.env, c.get("identity").tenant).removeKey(c.req.valid("param").key, actorOf(c));
    return removed.ok ? c.body(null, 204) : problem(c, removed);
  })
  .openapi(addToken, async (c) => {
    const { tenant: owner, key, token: presented, capabilities: held } = c.get("identity");
    if (presented !== null) return problem(c, refuse("forbidden", "This takes an API key, not a token."));
    const { user, name, rooms, expiresInSeconds = fixedLimits.tokenSecondsDefault } = c.req.valid("json");
    const beyond = exceeding(rooms, new Set(held));
    if (beyond.length > 0)
      return problem(c, refuse("forbidden", `This key does not have ${beyond.join(", ")} itself.`));
    const minted = await mintToken(
      settingsOf(c.env).masterKeys,
      { tenant: owner, keyId: key },
      { user, name, rooms, expiresInSeconds, tokenId: nanoid() },
      Date.now(),
    );
    if (minted === null)
      return problem(
        c,
        refuse("too_large", `A token may have ${fixedLimits.tokenBytes} bytes: name fewer rooms, or patterns.`),
      );
    return c.json({ token: minted.token, expiresAt: minted.expiresAtMs }, 201);
  })
  .openapi(listRooms, async (c) => {
    const { prefix = "", after = "", limit } = c.req.valid("query");
    const found = await tenantStub(c.env, c.get("identity").tenant).rooms({
      prefix,
      after,
      limit: pageLimit(limit) + 1,
    });
    return c.json(
      listed(found, pageLimit(limit), ({ name }) => name),
      200,
    );
  });
