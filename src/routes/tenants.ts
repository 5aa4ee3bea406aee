/** The operator's plane: tenants. */
import { createRoute } from "@hono/zod-openapi";
import { customAlphabet } from "nanoid";
import pLimit from "p-limit";
import * as z from "zod";
import { formatApiKey, deriveSecret, newKeyId } from "../auth/apiKey.ts";
import { directoryStub, tenantStub } from "../objects/stubs.ts";
import { type Capability, capabilities } from "../protocol/capabilities.ts";
import { CreatedKey, NewKey, NewTenant, OperatorTenantPatch, TenantProfile } from "../protocol/http.ts";
import { TenantId } from "../protocol/names.ts";
import { refuse } from "../protocol/refusals.ts";
import { type Bindings, settingsOf } from "../env.ts";
import { router } from "./app.ts";
import { body, json, listed, listQuery, operatorSecurity, optionalBody, pageLimit } from "./declared.ts";
import { actorOf } from "./identity.ts";
import { unfitHook } from "./hook.ts";
import { operator } from "./middleware/authenticate.ts";
import { problem, problems } from "./problem.ts";

const newTenantId = customAlphabet("abcdefghijklmnopqrstuvwxyz234567", 12);
const askedAtOnce = 6;
const KeyVersion = z
  .string()
  .regex(/^[1-9][0-9]{0,3}$/, "a version of MASTER_KEY, 1 to 9999")
  .transform(Number);
const ofTenant = { params: z.strictObject({ tenant: TenantId }) };
const common = { tags: ["operator"], security: operatorSecurity, middleware: operator };

const create = createRoute({
  ...common,
  method: "post",
  path: "/v1/tenants",
  summary: "Create a tenant",
  request: { body: body(NewTenant) },
  responses: {
    201: json(z.object({ tenant: TenantProfile, key: CreatedKey }), "The tenant, and its first API key, shown once."),
    ...problems,
  },
});
const list = createRoute({
  ...common,
  method: "get",
  path: "/v1/tenants",
  summary: "List tenants: all, those whose id begins so, or those that still have API keys of a version of MASTER_KEY",
  request: { query: listQuery.extend({ prefix: z.string().max(40).optional(), keyVersion: KeyVersion.optional() }) },
  responses: {
    200: json(
      z.object({ items: z.array(z.object({ id: TenantId })), next: z.string().optional() }),
      "Tenants by id. With `keyVersion` a page may have few or none, and `next` all the same.",
    ),
    ...problems,
  },
});
const get = createRoute({
  ...common,
  method: "get",
  path: "/v1/tenants/{tenant}",
  summary: "Read a tenant",
  request: ofTenant,
  responses: { 200: json(TenantProfile, "The tenant."), ...problems },
});
const patch = createRoute({
  ...common,
  method: "patch",
  path: "/v1/tenants/{tenant}",
  summary: "Change a tenant's name, settings or limits",
  request: { ...ofTenant, body: optionalBody(OperatorTenantPatch) },
  responses: { 200: json(TenantProfile, "The tenant."), ...problems },
});
const remove = createRoute({
  ...common,
  method: "delete",
  path: "/v1/tenants/{tenant}",
  summary: "Delete a tenant: suspended at once, then everything of it is erased; its id is never given again",
  request: ofTenant,
  responses: {
    202: json(TenantProfile, "It is being deleted. When nothing is left there is no such tenant (404)."),
    ...problems,
  },
});
const suspend = createRoute({
  ...common,
  method: "post",
  path: "/v1/tenants/{tenant}/suspend",
  summary: "Suspend a tenant: its sockets close with 4510",
  request: ofTenant,
  responses: { 200: json(TenantProfile, "The tenant."), ...problems },
});
const resume = createRoute({
  ...common,
  method: "post",
  path: "/v1/tenants/{tenant}/resume",
  summary: "End a suspension",
  request: ofTenant,
  responses: { 200: json(TenantProfile, "The tenant."), ...problems },
});
const addKey = createRoute({
  ...common,
  method: "post",
  path: "/v1/tenants/{tenant}/keys",
  summary: "Make an API key for a tenant that has lost its own",
  request: { ...ofTenant, body: optionalBody(NewKey) },
  responses: { 201: json(z.object({ key: CreatedKey }), "The key, shown once."), ...problems },
});

export const tenants = router()
  .openapi(create, async (c) => {
    const { id = newTenantId(), ...profile } = c.req.valid("json");
    const unfit = unfitHook(c.env, profile.settings);
    if (unfit !== null) return problem(c, unfit);
    if (!(await directoryStub(c.env).reserve(id))) return problem(c, refuse("conflict", "The id is taken."));
    const key = await makeKey(c.env, id, capabilities, null);
    const created = await tenantStub(c.env, id).create(profile, key.listing, actorOf(c));
    // Also when it existed: then an earlier creation was cut off here, and the list is only now complete.
    await directoryStub(c.env).confirm(id);
    if (!created.ok) return problem(c, created);
    return c.json({ tenant: created.tenant, key: key.shown }, 201);
  })
  .openapi(list, async (c) => {
    const { prefix = "", after = "", limit, keyVersion } = c.req.valid("query");
    const found = await directoryStub(c.env).tenants({ prefix, after, limit: pageLimit(limit) + 1 });
    const page = listed(
      found.map((id) => ({ id })),
      pageLimit(limit),
      ({ id }) => id,
    );
    if (keyVersion === undefined) return c.json(page, 200);
    // Only the tenants themselves know; each question wakes one, so it is a page of them that is asked and not of those found.
    const turns = pLimit(askedAtOnce);
    const asked = page.items.map(({ id }) => turns(() => tenantStub(c.env, id).hasKeysOf(keyVersion)));
    const has = await Promise.all(asked);
    return c.json({ ...page, items: page.items.filter((_, index) => has[index]) }, 200);
  })
  .openapi(get, async (c) => {
    const found = await tenantStub(c.env, c.req.valid("param").tenant).describe();
    return found.ok ? c.json(found.tenant, 200) : problem(c, found);
  })
  .openapi(patch, async (c) => {
    const wanted = c.req.valid("json");
    const unfit = unfitHook(c.env, wanted.settings);
    if (unfit !== null) return problem(c, unfit);
    const changed = await tenantStub(c.env, c.req.valid("param").tenant).update(wanted, actorOf(c));
    return changed.ok ? c.json(changed.tenant, 200) : problem(c, changed);
  })
  .openapi(remove, async (c) => {
    const begun = await tenantStub(c.env, c.req.valid("param").tenant).delete(actorOf(c));
    return begun.ok ? c.json(begun.tenant, 202) : problem(c, begun);
  })
  .openapi(suspend, async (c) => {
    const changed = await tenantStub(c.env, c.req.valid("param").tenant).setSuspended(true, actorOf(c));
    return changed.ok ? c.json(changed.tenant, 200) : problem(c, changed);
  })
  .openapi(resume, async (c) => {
    const changed = await tenantStub(c.env, c.req.valid("param").tenant).setSuspended(false, actorOf(c));
    return changed.ok ? c.json(changed.tenant, 200) : problem(c, changed);
  })
  .openapi(addKey, async (c) => {
    const { tenant } = c.req.valid("param");
    const { name = null, capabilities: wanted = capabilities } = c.req.valid("json");
    const key = await makeKey(c.env, tenant, wanted, name);
    const added = await tenantStub(c.env, tenant).addKey(key.listing, actorOf(c));
    return added.ok ? c.json({ key: key.shown }, 201) : problem(c, added);
  });

/** A new API key: what is listed of it, and what is shown once. The secret is derived and stored nowhere. */
export async function makeKey(
  env: Bindings,
  tenant: string,
  wanted: readonly Capability[],
  name: string | null,
): Promise<{
  listing: { id: string; name: string | null; capabilities: Capability[] };
  shown: z.infer<typeof CreatedKey>;
}> {
  const { masterKeys } = settingsOf(env);
  const id = newKeyId(masterKeys);
  const secret = await deriveSecret(masterKeys, { tenant, keyId: id });
  if (secret === null) throw new Error("a new key is of a version that has no master key");
  return {
    listing: { id, name, capabilities: [...new Set(wanted)] },
    shown: { id, secret: formatApiKey({ tenant, keyId: id, secret }) },
  };
}
