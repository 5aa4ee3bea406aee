import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ask, call, makeTenant, newToken } from "../chaos/tenant.ts";
import { type Server, startServer } from "../support/process.ts";

const first = `1:${"first-master-key-".repeat(2)}`;
const second = `2:${"second-master-key-".repeat(2)}`;

test("[A16] master keys rotate over restarts: old keys and tokens work while theirs is listed, and the operator sees who is left", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "parley-"));
  let server: Server | undefined;
  const startWith = async (MASTER_KEY: string): Promise<Server> => {
    await server?.stop();
    server = await startServer({ dataDir, env: { MASTER_KEY } });
    return server;
  };
  const statusOf = async ({ url }: Server, credential: string): Promise<number> =>
    (await call(`${url}/v1/rooms/general/messages`, { method: "POST", credential, body: { text: "hi" } })).status;
  const withKeysOf = async ({ url, operatorKey }: Server, version: number): Promise<string[]> => {
    const address = `${url}/v1/tenants?keyVersion=${version}`;
    const { items } = await ask<{ items: { id: string }[] }>(address, { credential: operatorKey });
    return items.map(({ id }) => id).filter((id) => id !== "demo");
  };
  try {
    const before = await startWith(first);
    const tenants = [await makeTenant(before, "acme"), await makeTenant(before, "later")];
    const oldKey = tenants[0]?.key ?? "";
    const oldToken = await newToken({ url: before.url, key: oldKey }, "ada");
    expect(await statusOf(before, oldToken)).toBe(201);

    const both = await startWith(`${second},${first}`);
    expect([await statusOf(both, oldKey), await statusOf(both, oldToken)]).toEqual([201, 201]);
    expect([await withKeysOf(both, 1), await withKeysOf(both, 2)]).toEqual([["acme", "later"], []]);
    const made = await ask<{ key: { secret: string } }>(`${both.url}/v1/keys`, {
      method: "POST",
      credential: oldKey,
      body: {},
    });
    const newKey = made.key.secret;
    expect(newKey).toMatch(/^parley_acme_2k/);
    expect(await withKeysOf(both, 2)).toEqual(["acme"]);
    const [, , oldKeyId] = oldKey.split("_");
    expect((await call(`${both.url}/v1/keys/${oldKeyId}`, { method: "DELETE", credential: newKey })).status).toBe(204);
    expect(await withKeysOf(both, 1)).toEqual(["later"]);
    const token = await newToken({ url: both.url, key: newKey }, "ada");

    const after = await startWith(second);
    expect([await statusOf(after, newKey), await statusOf(after, token)]).toEqual([201, 201]);
    for (const credential of [oldKey, oldToken, tenants[1]?.key ?? ""])
      expect(await statusOf(after, credential)).toBe(401);
    expect(await withKeysOf(after, 1)).toEqual(["later"]);
  } finally {
    await server?.remove();
    rmSync(dataDir, { recursive: true, force: true });
  }
});
