import { exports } from "cloudflare:workers";
import { hc } from "hono/client";
import { expect, test } from "vitest";
import type { AppType } from "../../src/index.ts";
import { everything } from "../support/api.ts";
import { newTenant, newToken } from "./edge.ts";

const fetched: typeof fetch = (input, init) => exports.default.fetch(new Request(input, init));

test("[H3] a typed client calls the API and reads its answers by their declared types", async () => {
  const tenant = await newTenant();
  const token = await newToken(tenant, "ada", { "*": ["read", "publish"] });
  const client = hc<AppType>("http://parley.test", { fetch: fetched, headers: { Authorization: `Bearer ${token}` } });

  const health = await client.health.$get();
  if (!health.ok) throw new Error(`not well: ${health.status}`);
  const well: { ok: true; version: string } = await health.json();
  expect(well.ok).toBe(true);

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

test("[H3] a typed client knows the connections too: changes, tickets, who is here, what is unread", async () => {
  const tenant = await newTenant();
  const token = await newToken(tenant, "ada", { "*": everything });
  const client = hc<AppType>("http://parley.test", { fetch: fetched, headers: { Authorization: `Bearer ${token}` } });
  const { rooms, tickets, unread, events } = client.v1;
  const param = { room: "general" };
  const published = await rooms[":room"].messages.$post({ param, json: { text: "hello" } });
  expect(published.status).toBe(201);

  const changed = await rooms[":room"].changes.$get({ param, query: { after: "0", wait: "0" } });
  if (changed.status !== 200) throw new Error(`no changes: ${changed.status}`);
  const { cursor, changes, hasMore } = await changed.json();
  const at: string = cursor;
  const more: boolean = hasMore;
  expect([at, changes.length, more]).toEqual([expect.stringMatching(/:1$/), 1, false]);

  const made = await tickets.$post({ json: { room: "general" } });
  if (made.status !== 201) throw new Error(`no ticket: ${made.status}`);
  const { ticket, expiresAt } = await made.json();
  const until: number = expiresAt;
  expect(until).toBeGreaterThan(Date.now());

  const stream = await rooms[":room"].events.$get({ param, query: { ticket, cursor, presence: "none", backlog: "0" } });
  expect(stream.status).toBe(200);
  const reader = stream.body?.getReader();
  expect(new TextDecoder().decode((await reader?.read())?.value)).toMatch(/^retry: /);
  const present = await rooms[":room"].presence.$get({ param, query: { limit: "10" } });
  if (present.status !== 200) throw new Error(`nobody: ${present.status}`);
  const users: string[] = (await present.json()).items.map(({ user }) => user);
  expect(users).toEqual(["ada"]);
  await reader?.cancel();

  const counted = await unread.$get({ query: { rooms: "general,never:was" } });
  if (counted.status !== 200) throw new Error(`not counted: ${counted.status}`);
  const { general, "never:was": never } = (await counted.json()).rooms;
  expect([general, never]).toMatchObject([{ unread: 0, upTo: 0 }, { code: "not_found" }]);

  const many = await events.$get({ query: { rooms: "general" } });
  expect(many.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  await many.body?.cancel();
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
    // @ts-expect-error a ticket is for one room or for many
    client.v1.tickets.$post({ json: { room: null } }),
    // @ts-expect-error a stream of many rooms needs their names
    client.v1.events.$get({ query: {} }),
    // @ts-expect-error there is no such mode
    rooms[":room"].events.$get({ param: { room: "general" }, query: { presence: "some" } }),
  ]);
  expect(refusedAll.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400, 400, 400]);
});
