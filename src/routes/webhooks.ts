/** The tenant's own plane: the webhook endpoints to which events are sent. */
import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import { customAlphabet } from "nanoid";
import * as z from "zod";
import { webhookSecret } from "../auth/webhookSecret.ts";
import { tenantStub, webhookStub } from "../objects/stubs.ts";
import type { Lost } from "../objects/tenant/outbox.ts";
import { unfitEndpoint } from "../protocol/endpoint.ts";
import { CreatedWebhook, WebhookDetails } from "../protocol/http.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import {
  NewWebhook,
  type QueueState,
  TestResult,
  WebhookEndpoint,
  WebhookId,
  WebhookPatch,
} from "../protocol/webhook.ts";
import { settingsOf } from "../env.ts";
import { type AppEnv, router } from "./app.ts";
import { adminSecurity, body, json, optionalBody } from "./declared.ts";
import { actorOf } from "./identity.ts";
import { admin, client } from "./middleware/authenticate.ts";
import { problem, problems } from "./problem.ts";

const newWebhookId = customAlphabet("abcdefghijklmnopqrstuvwxyz234567", 12);
const common = { tags: ["webhooks"], security: adminSecurity, middleware: [client, admin] };
const ofWebhook = { params: z.strictObject({ webhook: WebhookId }) };

const list = createRoute({
  ...common,
  method: "get",
  path: "/v1/webhooks",
  summary: "List webhook endpoints, without their secrets",
  responses: { 200: json(z.object({ items: z.array(WebhookEndpoint) }), "The endpoints."), ...problems },
});
const add = createRoute({
  ...common,
  method: "post",
  path: "/v1/webhooks",
  summary: "Have events sent to an address, signed as Standard Webhooks are",
  request: { body: body(NewWebhook) },
  responses: { 201: json(CreatedWebhook, "The endpoint, and its secret, shown once."), ...problems },
});
const get = createRoute({
  ...common,
  method: "get",
  path: "/v1/webhooks/{webhook}",
  summary: "Read an endpoint, and how much waits there",
  request: ofWebhook,
  responses: { 200: json(WebhookDetails, "The endpoint."), ...problems },
});
const patch = createRoute({
  ...common,
  method: "patch",
  path: "/v1/webhooks/{webhook}",
  summary: "Change an endpoint; enabled again, what waits is sent",
  request: { ...ofWebhook, body: optionalBody(WebhookPatch) },
  responses: { 200: json(WebhookEndpoint, "The endpoint."), ...problems },
});
const remove = createRoute({
  ...common,
  method: "delete",
  path: "/v1/webhooks/{webhook}",
  summary: "Remove an endpoint, with all that waits there",
  request: ofWebhook,
  responses: { 204: { description: "Removed." }, ...problems },
});
const rotate = createRoute({
  ...common,
  method: "post",
  path: "/v1/webhooks/{webhook}/rotate-secret",
  summary: "Make a new secret; for 24 hours deliveries are signed with the old one too",
  request: ofWebhook,
  responses: { 200: json(CreatedWebhook, "The endpoint, and its new secret, shown once."), ...problems },
});
const test = createRoute({
  ...common,
  method: "post",
  path: "/v1/webhooks/{webhook}/test",
  summary: "Send an event `webhook.test` now, also where the endpoint is disabled, and say what it answered",
  request: ofWebhook,
  responses: { 200: json(TestResult, "What came of it."), ...problems },
});

export const webhooks = router()
  .openapi(list, async (c) => c.json({ items: await tenantStub(c.env, c.get("identity").tenant).webhooks() }, 200))
  .openapi(add, async (c) => {
    const { url, events, ...said } = c.req.valid("json");
    const { tenant } = c.get("identity");
    const unfit = unfitUrl(c, url);
    if (unfit !== null) return problem(c, unfit);
    const { rooms = null, description = null, isEnabled = true, batch = null } = said;
    const id = `w${newWebhookId()}`;
    const masterKey = settingsOf(c.env).masterKeys.current;
    const settings = { url, events: [...new Set(events)], rooms, description, isEnabled, batch };
    const added = await tenantStub(c.env, tenant).addWebhook({ id, settings, masterKey }, actorOf(c));
    return added.ok ? c.json(await withSecret(c, added.webhook, masterKey), 201) : problem(c, added);
  })
  .openapi(get, async (c) => {
    const { webhook: id } = c.req.valid("param");
    const { tenant } = c.get("identity");
    const found = await tenantStub(c.env, tenant).webhook(id);
    if (!found.ok) return problem(c, found);
    const queue = await webhookStub(c.env, tenant, id).waiting();
    return c.json({ ...found.webhook, queue: withLost(queue, found.lost) }, 200);
  })
  .openapi(patch, async (c) => {
    const wanted = c.req.valid("json");
    const unfit = wanted.url === undefined ? null : unfitUrl(c, wanted.url);
    if (unfit !== null) return problem(c, unfit);
    const { webhook: id } = c.req.valid("param");
    const changed = await tenantStub(c.env, c.get("identity").tenant).updateWebhook(id, wanted, actorOf(c));
    return changed.ok ? c.json(changed.webhook, 200) : problem(c, changed);
  })
  .openapi(remove, async (c) => {
    const { webhook: id } = c.req.valid("param");
    const removed = await tenantStub(c.env, c.get("identity").tenant).removeWebhook(id, actorOf(c));
    return removed.ok ? c.body(null, 204) : problem(c, removed);
  })
  .openapi(rotate, async (c) => {
    const { webhook: id } = c.req.valid("param");
    const masterKey = settingsOf(c.env).masterKeys.current;
    const rotated = await tenantStub(c.env, c.get("identity").tenant).rotateWebhook(id, masterKey, actorOf(c));
    return rotated.ok ? c.json(await withSecret(c, rotated.webhook, masterKey), 200) : problem(c, rotated);
  })
  .openapi(test, async (c) => {
    const { webhook: id } = c.req.valid("param");
    const probed = await webhookStub(c.env, c.get("identity").tenant, id).probe();
    return probed.ok ? c.json(probed.result, 200) : problem(c, probed);
  });

async function withSecret(
  c: Context<AppEnv>,
  webhook: WebhookEndpoint,
  masterKey: number,
): Promise<{ webhook: WebhookEndpoint; secret: string }> {
  const { tenant } = c.get("identity");
  const name = { tenant, endpoint: webhook.id, version: webhook.secretVersion, masterKey };
  const secret = await webhookSecret(settingsOf(c.env).masterKeys, name);
  if (secret === null) throw new Error("the first master key is always known");
  return { webhook, secret };
}

/** Why a tenant may not have events sent there, or null. */
function unfitUrl(c: Context<AppEnv>, url: string): Refusal | null {
  const isPrivateAllowed = settingsOf(c.env).privateEndpoints;
  const unfit = unfitEndpoint(url, isPrivateAllowed);
  if (unfit !== null) return refuse("invalid_field", `\`url\`: ${unfit}.`);
  // On one machine other servers have the same name and other ports.
  const part = isPrivateAllowed ? "host" : "hostname";
  const isOwn = new URL(url)[part] === new URL(c.req.url)[part];
  return isOwn ? refuse("invalid_field", "`url`: must lead to another server than this one.") : null;
}

/** Whether there was no place at the endpoint or at its tenant, is one to whoever looks. */
function withLost(queue: QueueState, lost: Lost): QueueState {
  const times = [queue.droppedAt, lost.atMs].filter((at) => at !== null);
  return {
    ...queue,
    dropped: queue.dropped + lost.events,
    droppedAt: times.length === 0 ? null : Math.max(...times),
  };
}
