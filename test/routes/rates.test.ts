/** What is counted at the edge, with the platform's own counters. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import worker from "../../src/index.ts";
import { refused } from "./answers.ts";
import { askUpgrade, call, newTenant, newToken } from "./edge.ts";

let addresses = 0;
const newAddress = (): string => `192.0.2.${++addresses}`;

/** A period must not end in the middle of a test: the platform's are cut by the clock. */
async function withinOnePeriod(seconds: number, neededMs: number): Promise<void> {
  const leftMs = seconds * 1_000 - (Date.now() % (seconds * 1_000));
  if (leftMs < neededMs) await new Promise((resolve) => setTimeout(resolve, leftMs + 20));
}

test("[T19] [W7] after 20 credentials of an address that prove nothing it hears only that, but a right one is let in", async () => {
  const tenant = await newTenant();
  const headers = { "Test-Client-Address": newAddress() };
  const wrong = { credential: `${tenant.key.slice(0, -4)}AAAA`, headers };
  await withinOnePeriod(60, 4_000);
  for (let attempt = 0; attempt < 20; attempt++) await refused(await call("/v1/tenant", wrong), 401, "token_invalid");
  for (const path of ["/v1/tenant", "/v1/tenants", "/v1/rooms/general/messages", "/v1/rooms/general/events"]) {
    const answer = await call(path, wrong);
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "60"]);
    await refused(answer, 429, "rate_limited");
  }
  const upgrade = { Authorization: "Bearer nonsense", ...headers };
  await refused(await askUpgrade("general", upgrade), 429, "rate_limited");
  expect((await call("/v1/tenant", { credential: tenant.key, headers })).status).toBe(200);
  // Neither another address nor a token that was right once is kept out.
  await refused(await call("/v1/tenant", { ...wrong, headers: { "Test-Client-Address": newAddress() } }), 401);
  await refused(await call("/v1/tenant", { headers }), 401, "token_missing");
});

/** The platform's own counters take half a minute to be used up; these are used up by the third request. */
function counting(binding: "ADDRESS_RATE" | "KEY_RATE"): { readonly keys: string[]; readonly env: typeof env } {
  const keys: string[] = [];
  const limit = async ({ key }: { key: string }): Promise<{ success: boolean }> => ({ success: keys.push(key) <= 2 });
  return { keys, env: { ...env, [binding]: { limit } } };
}

test("[T19] requests of an address are counted before anything else is done for them", async () => {
  const counted = counting("ADDRESS_RATE");
  const ask = (): Promise<Response> => {
    const request = new Request("http://parley.test/v1/nothing", { headers: { "Test-Client-Address": "192.0.2.99" } });
    return Promise.resolve(worker.fetch(request, counted.env, createExecutionContext()));
  };
  expect([(await ask()).status, (await ask()).status]).toEqual([404, 404]);
  const third = await ask();
  expect(third.headers.get("retry-after")).toBe("10");
  await refused(third, 429, "rate_limited");
  expect(new Set(counted.keys)).toEqual(new Set(["192.0.2.99"]));
});

test("[T19] a key is counted together with the tokens that it signed, over every transport", async () => {
  const tenant = await newTenant();
  const token = await newToken(tenant, "ada", { "*": ["read"] });
  const counted = counting("KEY_RATE");
  const ask = (path: string, credential: string, headers = {}): Promise<Response> => {
    const sent = { Authorization: `Bearer ${credential}`, "Test-Client-Address": "192.0.2.98", ...headers };
    const request = new Request(`http://parley.test${path}`, { headers: sent });
    return Promise.resolve(worker.fetch(request, counted.env, createExecutionContext()));
  };
  expect((await ask("/v1/tenant", tenant.key)).status).toBe(200);
  expect((await ask("/v1/limits", token)).status).toBe(200);
  await refused(await ask("/v1/limits", token), 429, "rate_limited");
  await refused(await ask("/v1/rooms/general/events", token), 429, "rate_limited");
  await refused(await ask("/v1/rooms/general/socket", token, { Upgrade: "websocket" }), 429, "rate_limited");
  expect(new Set(counted.keys)).toEqual(new Set([`${tenant.id}.${tenant.keyId}`]));
});
