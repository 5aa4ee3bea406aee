import { expect, test, vi } from "vitest";
import { asOperator, call, newTenant, newToken } from "./edge.ts";

async function statusOf(credential: string): Promise<number> {
  return (await call("/v1/rooms/general/messages", { method: "POST", credential, body: { text: "hi" } })).status;
}

test("[A16] a tenant's keys rotate without one failed request, and the removed one opens nothing", async () => {
  const first = await newTenant({ publishPerRoomPerSecond: 10_000, publishPerUserPerSecond: 10_000 });
  const rooms = { "*": ["read", "publish"] };
  const oldToken = await newToken(first, "ada", rooms);
  const answers: number[] = [];
  const goOn = async (...credentials: string[]): Promise<void> => {
    for (let round = 0; round < 20; round++) answers.push(...(await Promise.all(credentials.map(statusOf))));
  };
  await goOn(first.key, oldToken);

  const made = await call("/v1/keys", { method: "POST", credential: first.key, body: { name: "second" } });
  const { id: keyId, secret: key } = (await made.json<{ key: { id: string; secret: string } }>()).key;
  const second = { ...first, key, keyId };
  const newTokenOfSecond = newToken(second, "ada", rooms);
  await goOn(first.key, oldToken, second.key, await newTokenOfSecond);

  const removed = await call(`/v1/keys/${first.keyId}`, { method: "DELETE", credential: second.key });
  expect(removed.status).toBe(204);
  await goOn(second.key, await newTokenOfSecond);
  expect(new Set(answers)).toEqual(new Set([201]));
  try {
    vi.useFakeTimers({ now: Date.now() + 5_000, toFake: ["Date"] });
    expect([await statusOf(first.key), await statusOf(oldToken)]).toEqual([401, 401]);
    expect([await statusOf(second.key), await statusOf(await newTokenOfSecond)]).toEqual([201, 201]);
  } finally {
    vi.useRealTimers();
  }
});

/** Page by page, to the end. */
async function tenantsWith(version: number): Promise<string[]> {
  const found: string[] = [];
  for (let after: string | undefined = ""; after !== undefined;) {
    const path = `/v1/tenants?keyVersion=${version}&limit=2${after === "" ? "" : `&after=${after}`}`;
    const page: { items: { id: string }[]; next?: string } = await (await asOperator(path)).json();
    expect(page.items.length).toBeLessThanOrEqual(2);
    found.push(...page.items.map(({ id }) => id));
    after = page.next;
  }
  return found;
}

test("[A16] the operator is told page by page who has keys of a master key's version", async () => {
  const ids = (await Promise.all(Array.from({ length: 5 }, () => newTenant()))).map(({ id }) => id);
  expect(await tenantsWith(1)).toEqual(expect.arrayContaining(ids));
  // The version in a key's id is compared whole.
  for (const version of [2, 10, 11, 9_999]) expect(await tenantsWith(version)).toEqual([]);
});
