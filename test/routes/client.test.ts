import { exports } from "cloudflare:workers";
import { hc } from "hono/client";
import { expect, test } from "vitest";
import type { AppType } from "../../src/index.ts";
import { newTenant, newToken } from "./edge.ts";

const fetched: typeof fetch = (input, init) => exports.default.fetch(new Request(input, init));

test("[H3] a typed client calls the API and reads its answers by their declared types", async () => {
  const tenant = await newTenant();
  const token = await newToken(tenant, "ada", { "*": ["read", "publish"] });
  const client = hc<AppType>("http://parley.test", { fetch: fetched, headers: { Authorization: `Bearer ${token}` } });

  const health: { ok: true; version: string } = await (await client.health.$get()).json();
  expect(health.ok).toBe(true);

  const { messages } = client.v1.rooms[":room"];
  const published = await messages.$post({ param: { room: "general" }, json: { text: "hello", nonce: "typed-nonce" } });
  if (published.status !== 201) throw new Error(`not published: ${published.status}`);
  const { message, cursor } = await published.json();
  const id: number | undefined = message?.id;
  const at: string = cursor;
  expect([id, at]).toEqual([1, expect.stringMatching(/:1$/)]);

  const page = await messages.$get({ param: { room: "general" }, query: { limit: "10" } });
  if (page.status !== 200) throw new Error(`no page: ${page.status}`);
  const texts: (string | null)[] = (await page.json()).messages.map(({ text }) => text);
  expect(texts).toEqual(["hello"]);

  const missing = await messages[":id"].$get({ param: { room: "general", id: "4711" } });
  if (missing.status !== 404) throw new Error(`found: ${missing.status}`);
  const { code, requestId } = await missing.json();
  const said: string = code;
  expect([said, requestId]).toEqual(["not_found", missing.headers.get("x-request-id")]);
});

test("[H3] a typed client does not compile with a wrong body, and the API refuses it", async () => {
  const tenant = await newTenant();
  const client = hc<AppType>("http://parley.test", {
    fetch: fetched,
    headers: { Authorization: `Bearer ${tenant.key}` },
  });
  const { rooms, tokens } = client.v1;
  const refusedAll = await Promise.all([
    // @ts-expect-error text is a string
    rooms[":room"].messages.$post({ param: { room: "general" }, json: { text: 1 } }),
    // @ts-expect-error a token needs its rooms
    tokens.$post({ json: { user: "ada" } }),
    // @ts-expect-error there is no such capability
    tokens.$post({ json: { user: "ada", rooms: { "*": ["fly"] } } }),
    // @ts-expect-error there is no such role
    rooms[":room"].members[":user"].$put({ param: { room: "general", user: "bo" }, json: { role: "king" } }),
  ]);
  expect(refusedAll.map(({ status }) => status)).toEqual([400, 400, 400, 400]);
});
