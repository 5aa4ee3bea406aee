import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startServer } from "../support/process.ts";
import { unspeakable } from "../support/unspeakable.ts";

test("[T15] nothing that a deleted tenant's users said is left on the disk", async () => {
  const server = await startServer();
  try {
    const send = async (path: string, method: string, credential: string, body?: unknown): Promise<Response> =>
      fetch(server.url + path, {
        method,
        headers: { Authorization: `Bearer ${credential}`, "Content-Type": "application/json", "Parley-User": "ada" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    const made = await send("/v1/tenants", "POST", server.operatorKey, { id: "gone", name: unspeakable });
    const { key } = (await made.json()) as { key: { secret: string } };
    for (const room of ["one", "two", "three"]) {
      const said = await send(`/v1/rooms/${room}/messages`, "POST", key.secret, {
        text: `${unspeakable} ${"x".repeat(9_000)}`,
      });
      expect(said.status).toBe(201);
      await send(`/v1/rooms/${room}/members/bo`, "PUT", key.secret, { role: "member", name: unspeakable });
    }
    expect(filesWith(server.dataDir, unspeakable).length).toBeGreaterThanOrEqual(4);
    expect((await send("/v1/tenants/gone", "DELETE", server.operatorKey)).status).toBe(202);
    const isGone = async (): Promise<number> => (await send("/v1/tenants/gone", "GET", server.operatorKey)).status;
    await expect.poll(isGone, { timeout: 30_000, interval: 200 }).toBe(404);
    expect(filesWith(server.dataDir, unspeakable)).toEqual([]);
    await server.stop();
    expect(filesWith(server.dataDir, unspeakable)).toEqual([]);
  } finally {
    await server.remove();
  }
});

function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => readFileSync(path, "latin1").includes(text));
}
