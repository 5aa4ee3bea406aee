/** The tenant's own plane: what became of the events that were sent to a webhook endpoint. */
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { tenantStub, webhookStub } from "../objects/stubs.ts";
import { ReplayAnswer, ReplayBody } from "../protocol/http.ts";
import { refuse } from "../protocol/refusals.ts";
import { Delivery, DeliveryDetails, DeliveryState, WebhookId } from "../protocol/webhook.ts";
import { router } from "./app.ts";
import { adminSecurity, body, json, listed, MessageIdText, PageBound, PageLimit, pageLimit } from "./declared.ts";
import { actorOf } from "./identity.ts";
import { admin, client } from "./middleware/authenticate.ts";
import { problem, problems } from "./problem.ts";

const common = { tags: ["webhooks"], security: adminSecurity, middleware: [client, admin] };
const ofWebhook = z.strictObject({ webhook: WebhookId });
const ofDelivery = { params: ofWebhook.extend({ delivery: MessageIdText }) };

const list = createRoute({
  ...common,
  method: "get",
  path: "/v1/webhooks/{webhook}/deliveries",
  summary: "List deliveries, the newest first: those of the last day, those that wait, and dead letters of two weeks",
  request: {
    params: ofWebhook,
    query: z.strictObject({ state: DeliveryState.optional(), after: PageBound, limit: PageLimit }),
  },
  responses: {
    200: json(z.object({ items: z.array(Delivery), next: z.string().optional() }), "Deliveries."),
    ...problems,
  },
});
const get = createRoute({
  ...common,
  method: "get",
  path: "/v1/webhooks/{webhook}/deliveries/{delivery}",
  summary: "Read a delivery, and while it has not arrived what is sent in it",
  request: ofDelivery,
  responses: { 200: json(DeliveryDetails, "The delivery."), ...problems },
});
const replay = createRoute({
  ...common,
  method: "post",
  path: "/v1/webhooks/{webhook}/replay",
  summary: "Send events of a room's history once more, with the ids of then and as things stand now",
  request: { params: ofWebhook, body: body(ReplayBody) },
  responses: { 202: json(ReplayAnswer, "They wait to be sent."), ...problems },
});
const retry = createRoute({
  ...common,
  method: "post",
  path: "/v1/webhooks/{webhook}/deliveries/{delivery}/retry",
  summary: "Send a delivery again that failed or waits, at once and with all its attempts before it",
  request: ofDelivery,
  responses: { 202: json(Delivery, "It is being sent."), ...problems },
});

export const deliveries = router()
  .openapi(list, async (c) => {
    const { webhook: id } = c.req.valid("param");
    const { state = null, after: before = Number.MAX_SAFE_INTEGER, limit: asked } = c.req.valid("query");
    const { tenant } = c.get("identity");
    const found = await tenantStub(c.env, tenant).webhook(id);
    if (!found.ok) return problem(c, found);
    const limit = pageLimit(asked);
    const items = await webhookStub(c.env, tenant, id).deliveries({ state, before, limit: limit + 1 });
    return c.json(
      listed(items, limit, ({ delivery }) => String(delivery)),
      200,
    );
  })
  .openapi(get, async (c) => {
    const { webhook: id, delivery: number } = c.req.valid("param");
    const endpoint = webhookStub(c.env, c.get("identity").tenant, id);
    const delivery = await endpoint.deliveryDetails(Number(number));
    return delivery === null ? problem(c, refuse("not_found", "There is no such delivery.")) : c.json(delivery, 200);
  })
  .openapi(replay, async (c) => {
    const { webhook: id } = c.req.valid("param");
    const span = c.req.valid("json");
    const { tenant } = c.get("identity");
    const deed = { action: "webhook.replayed" as const, ...span };
    const noted = await tenantStub(c.env, tenant).noteWebhook(id, deed, actorOf(c));
    if (!noted.ok) return problem(c, noted);
    const replayed = (await webhookStub(c.env, tenant, id).replay(span)) ?? refuse("not_found");
    return replayed.ok ? c.json({ events: replayed.events, next: replayed.next }, 202) : problem(c, replayed);
  })
  .openapi(retry, async (c) => {
    const { webhook: id, delivery: number } = c.req.valid("param");
    const { tenant } = c.get("identity");
    const endpoint = webhookStub(c.env, tenant, id);
    const delivery = await endpoint.delivery(Number(number));
    if (delivery === null) return problem(c, refuse("not_found", "There is no such delivery."));
    if (delivery.state === "delivered") return problem(c, refuse("conflict", "It has arrived: replay its events."));
    const deed = { action: "webhook.delivery_retried" as const, delivery: Number(number) };
    const noted = await tenantStub(c.env, tenant).noteWebhook(id, deed, actorOf(c));
    if (!noted.ok) return problem(c, noted);
    await endpoint.retry(Number(number));
    return c.json((await endpoint.delivery(Number(number))) ?? delivery, 202);
  });
