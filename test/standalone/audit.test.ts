import { execFile } from "node:child_process";
import { globSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, type LiveTenant, makeTenant } from "../chaos/tenant.ts";
import type { AuditEntry, AuditHead } from "../../src/protocol/audit.ts";
import { type Server, startServer } from "../support/process.ts";

let server: Server;
let tenant: LiveTenant;
beforeAll(async () => {
  server = await startServer();
  tenant = await makeTenant(server, "acme");
});
afterAll(() => server.remove());

interface Verdict {
  readonly code: number;
  readonly said: string;
}

interface Options {
  readonly since?: AuditHead;
  readonly key?: string;
  readonly command?: readonly string[];
}

/** By npm, and by itself. */
const byNpm = ["npm", "run", "--silent", "verify-audit", "--"];
const byNode = [process.execPath, join(import.meta.dirname, "../../cli/parley.js"), "verify-audit"];

function verify(source: string, { since, key = tenant.key, command = byNode }: Options = {}): Promise<Verdict> {
  const [program = "", ...given] = command;
  const flags = since === undefined ? [] : ["--since", `${since.seq}:${since.hash}`];
  return new Promise((resolve) => {
    execFile(
      program,
      [...given, source, ...flags],
      { env: { ...process.env, PARLEY_KEY: key } },
      (error, out, complaint) => resolve({ code: Number(error?.code ?? 0), said: `${out}${complaint}`.trim() }),
    );
  });
}

async function read(): Promise<{ items: AuditEntry[]; head: AuditHead }> {
  return (await call(`${server.url}/v1/audit?limit=200`, { credential: tenant.key })).json() as Promise<{
    items: AuditEntry[];
    head: AuditHead;
  }>;
}

async function rename(...names: string[]): Promise<void> {
  for (const name of names)
    await call(`${server.url}/v1/tenant`, { method: "PATCH", credential: tenant.key, body: { name } });
}

/** What somebody with the disk does: the database of the tenant's object, while nobody else has it. */
async function tamper(sql: string): Promise<void> {
  await server.stop();
  for (const file of globSync(join(server.dataDir, "**/*.sqlite"))) {
    const database = new DatabaseSync(file);
    const isOurs =
      database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'audit'").get() !== undefined &&
      database.prepare("SELECT 1 FROM tenant WHERE name = 'name 9'").get() !== undefined;
    if (isOurs) database.exec(`DROP TRIGGER IF EXISTS audit_changed; DROP TRIGGER IF EXISTS audit_removed; ${sql}`);
    database.close();
  }
  await server.start();
}

test("[T10] [T11] the command proves a log of several pages, from a server and from a file, and goes on from a head that was kept", async () => {
  await rename("name 1");
  const early = (await read()).head;
  const keep = (user: string): Promise<Response> =>
    call(`${server.url}/v1/rooms/lobby/mutes/${user}`, { method: "PUT", credential: tenant.key, body: {} });
  await call(`${server.url}/v1/rooms/lobby`, { method: "PUT", credential: tenant.key, body: {} });
  const muted = await Promise.all(Array.from({ length: 205 }, (_, index) => keep(`user-${index}`)));
  expect(new Set(muted.map(({ status }) => status))).toEqual(new Set([204]));
  await rename("name 9");
  await expect.poll(async () => (await read()).head.seq, { timeout: 30_000 }).toBe(209);

  const { head } = await read();
  const ok = { code: 0, said: `ok: 209 entries, head 209 ${head.hash}` };
  expect(await verify(server.url, { command: byNpm })).toEqual(ok);
  expect(await verify(server.url, { since: early })).toEqual(ok);
  expect(await verify(server.url, { since: { ...early, hash: "0".repeat(64) } })).toMatchObject({
    code: 1,
    said: expect.stringMatching(/^parley: broken at entry 2: its hash was 0{64} before$/),
  });

  const { items } = await read();
  const file = join(server.dataDir, "kept.ndjson");
  const lines = (entries: readonly unknown[]): void =>
    writeFileSync(file, `${entries.map((entry) => JSON.stringify(entry)).join("\n")}\n`);
  lines(items);
  expect(await verify(file, { key: "" })).toMatchObject({ code: 0, said: expect.stringMatching(/^ok: 200 entries/) });
  lines([
    { items: items.slice(0, 90), head },
    { items: items.slice(90), head },
  ]);
  expect(await verify(file)).toMatchObject({
    code: 1,
    said: expect.stringMatching(/^parley: broken at entry 201: it is missing/),
  });
  lines(items.slice(2));
  expect(await verify(file, { since: early })).toMatchObject({
    code: 0,
    said: expect.stringMatching(/^ok: 198 entries/),
  });
  lines([...items.slice(0, 6), ...items.slice(7)]);
  expect(await verify(file)).toMatchObject({
    code: 1,
    said: expect.stringMatching(/^parley: broken at entry 7: it is missing/),
  });
});

test("[T11] the command finds what somebody with the disk has done, and never says the key", async () => {
  const { head } = await read();
  await tamper("UPDATE audit SET at = at - 1000 WHERE seq = 7");
  expect(await verify(server.url)).toMatchObject({
    code: 1,
    said: expect.stringMatching(/^parley: broken at entry 7: its hash/),
  });
  await tamper("UPDATE audit SET at = at + 1000 WHERE seq = 7; DELETE FROM audit WHERE seq > 207");
  await rename("name 10", "name 11", "name 12");
  expect(await verify(server.url)).toMatchObject({ code: 0, said: expect.stringMatching(/^ok: 210 entries/) });
  const cut = await verify(server.url, { since: head });
  expect(cut).toEqual({ code: 1, said: `parley: broken at entry 209: its hash was ${head.hash} before` });

  const wrong = `${tenant.key.slice(0, -1)}${tenant.key.endsWith("A") ? "B" : "A"}`;
  const unreadable = [
    [server.url, wrong],
    ["http://127.0.0.1:1", tenant.key],
    ["/nowhere.ndjson", tenant.key],
  ] as const;
  const verdicts = await Promise.all(unreadable.map(([source, key]) => verify(source, { key })));
  expect(verdicts).toMatchObject([
    { code: 1, said: expect.stringMatching(/^parley: The token or API key is not valid\./) },
    { code: 3, said: "parley: 127.0.0.1:1 is not reached: bad port." },
    { code: 1, said: "parley: /nowhere.ndjson cannot be read: ENOENT" },
  ]);
});
