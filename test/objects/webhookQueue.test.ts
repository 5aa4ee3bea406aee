import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { webhookObjectName, webhookStub } from "../../src/objects/stubs.ts";
import type { WebhookEvent } from "../../src/protocol/webhook.ts";

let made = 0;
const event = (id: string, data: unknown = {}): WebhookEvent => {
  return { id, type: "message.created", atMs: 0, tenant: "acme", room: "general", seq: 1, data };
};
const newEndpoint = () => `w${String(++made).padStart(12, "a").replaceAll(/[0-9]/g, "b")}`;

test("[N12] an event that an endpoint is given twice is in its queue once", async () => {
  const id = newEndpoint();
  const endpoint = webhookStub(env, "acme", id);
  await endpoint.accept([event("e:1:message.created"), event("e:2:message.created")]);
  await endpoint.accept([event("e:2:message.created", { other: true }), event("e:3:message.created")]);
  const events = await runInDurableObject(
    env.WEBHOOK_ENDPOINT.getByName(webhookObjectName("acme", id)),
    (_, { storage }) => storage.sql.exec<{ id: string }>("SELECT id FROM event ORDER BY delivery").toArray(),
  );
  expect(events.map((row) => row.id)).toEqual(["e:1:message.created", "e:2:message.created", "e:3:message.created"]);
});
