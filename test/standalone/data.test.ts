/** A tenant that moves to another machine, and a user who is forgotten on the disk. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Server, startServer } from "../support/process.ts";

interface Asked {
  readonly method?: string;
  readonly credential: string;
  readonly user?: string;
  readonly body?: unknown;
  readonly lines?: string;
}

async function ask(
  server: Server,
  path: string,
  { method = "GET", credential, user, body, lines }: Asked,
): Promise<Response> {
  return fetch(server.url + path, {
    method,
    headers: {
      Authorization: `Bearer ${credential}`,
      ...(user === undefined ? {} : { "Parley-User": user }),
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...(lines === undefined ? {} : { "Content-Type": "application/x-ndjson" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(lines === undefined ? {} : { body: lines }),
  });
}

async function newTenant(server: Server, id: string): Promise<string> {
  // Its rooms have an index, too, of what is exported, imported, erased and rewritten here.
  const body = { id, name: "Acme", settings: { search: true } };
  const made = await ask(server, "/v1/tenants", { method: "POST", credential: server.operatorKey, body });
  expect(made.status).toBe(201);
  return ((await made.json()) as { key: { secret: string } }).key.secret;
}

const bodyOf = (text: string): string => text.trimEnd().split("\n").slice(1, -1).join("\n");
const endOf = (text: string): { hash: string; counts: Record<string, number> } =>
  JSON.parse(text.trimEnd().split("\n").at(-1) ?? "{}");

/** A room's export of so many messages, with edits, tombstones, threads, reactions, members and expiry among them. */
function historyOf(messages: number): string {
  const rows: object[] = [];
  let seq = 0;
  for (let index = 1; index <= messages; index++) {
    const id = ++seq;
    const deleted = index % 50 === 0;
    const edited = index % 20 === 0 && !deleted;
    rows.push({
      type: "message",
      id,
      seq: edited || deleted ? ++seq : id,
      version: edited ? 2 : 1,
      sender: index % 7 === 0 ? null : { id: `user-${index % 90}`, name: `User ${index % 90}` },
      nonce: index % 3 === 0 ? `nonce-of-${index}` : null,
      digest: index % 3 === 0 ? index.toString(16).padStart(16, "0") : null,
      text: deleted ? null : `message ${index} ${"tëxt ".repeat(index % 60)}`,
      data: index % 11 === 0 && !deleted ? { index, list: [1, null, "x"] } : null,
      replyTo: index % 9 === 0 ? id - 1 : null,
      replies: 0,
      mentions: index % 13 === 0 && !deleted ? ["user-1"] : [],
      attachments: [],
      reactions: index % 17 === 0 && !deleted ? { "👍": { count: 2, users: ["user-1", "user-2"] } } : {},
      status: "sent",
      createdAt: 1_700_000_000_000 + index,
      editedAt: edited ? 1_700_000_100_000 : null,
      deletedAt: deleted ? 1_700_000_100_000 : null,
      expiresAt: index % 100 === 1 ? 4_000_000_000_000 : null,
      hidden: index % 500 === 3,
    });
    if (index % 17 === 0 && !deleted)
      for (const user of ["user-1", "user-2"])
        rows.push({ type: "reaction", message: id, emoji: "👍", user, at: index });
    if (index % 400 === 0)
      rows.push({ ...memberOf(`user-${index}`), seq: ++seq, role: index % 800 === 0 ? null : "member" });
  }
  rows.unshift({ ...memberOf("reader"), readUpTo: 7 });
  const settings = { frozen: true };
  rows.push({ type: "room", head: seq, seq: 0, oldest: 1, floor: 0, settings, createdAt: 1 });
  const lines = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  const counts: Record<string, number> = {};
  for (const { type } of rows as { type: string }[]) counts[type] = (counts[type] ?? 0) + 1;
  const hash = createHash("sha256").update(lines).digest("hex");
  const head = { type: "export", version: 1, kind: "room", tenant: "acme", room: "big", at: 1 };
  return `${JSON.stringify(head)}\n${lines}${JSON.stringify({ type: "end", kind: "room", counts, hash })}\n`;
}

function memberOf(user: string): object {
  const rest = { mutedUntil: null, reason: null, readUpTo: null, spokeAt: null };
  return { type: "member", user, name: null, role: null, seq: null, ...rest };
}

const marker = "mrkq7zx";
let old: Server;
let fresh: Server;
let key: string;
let erasure: string;

/** The erasure takes its first step when every edge has heard of it: meanwhile the others are tested. */
beforeAll(async () => {
  [old, fresh] = await Promise.all([startServer(), startServer()]);
  key = await newTenant(old, "acme");
  const user = `user-${marker}`;
  for (const room of ["one", "two"]) {
    const path = `/v1/rooms/${room}`;
    const say = { method: "POST", credential: key, user };
    for (let index = 0; index < 10; index++) {
      const body = { text: `${marker} ${"x".repeat(index * 500)}`, nonce: `nonce-${marker}-${index}` };
      await ask(old, `${path}/messages`, { ...say, body });
    }
    await ask(old, `${path}/messages/1/reactions/%F0%9F%91%8D`, { ...say, method: "PUT" });
    const body = { role: "member", name: `${marker} M` };
    await ask(old, `${path}/members/${user}`, { method: "PUT", credential: key, body });
  }
  expect(filesWith(old.dataDir, marker).length).toBeGreaterThanOrEqual(3);
  const begun = await ask(old, `/v1/users/${user}`, { method: "DELETE", credential: key });
  erasure = ((await begun.json()) as { id: string }).id;
});
afterAll(() => Promise.all([old.remove(), fresh.remove()]));

test("[D12] [Q10] a tenant of 10,000 messages moves to a fresh server, every room equal byte for byte", async () => {
  await ask(old, "/v1/rooms/big", { method: "PUT", credential: key, body: {} });
  const given = historyOf(10_000);
  const taken = await ask(old, "/v1/rooms/big/import", { method: "POST", credential: key, lines: given });
  expect(await taken.json()).toMatchObject({ room: "big", hash: endOf(given).hash });
  for (const text of ["one", "two"])
    await ask(old, "/v1/rooms/small/messages", { method: "POST", credential: key, user: "ada", body: { text } });
  await ask(old, "/v1/bans/eve", { method: "PUT", credential: key, body: { reason: "spam" } });

  const all = await ask(old, "/v1/tenants/acme/export", { method: "POST", credential: old.operatorKey });
  const text = await all.text();
  const freshKey = await newTenant(fresh, "acme");
  const asOperator = { method: "POST", credential: fresh.operatorKey };
  const cut = await ask(fresh, "/v1/tenants/acme/import", { ...asOperator, lines: text.slice(0, -200_000) });
  expect(cut.status).toBe(400);
  // What the cut one left is removed step by step: until then the room says to come again.
  const move = async (): Promise<unknown> =>
    (await ask(fresh, "/v1/tenants/acme/import", { ...asOperator, lines: text })).json();
  await expect.poll(move, { timeout: 30_000, interval: 500 }).toMatchObject({ tenant: "acme", hash: endOf(text).hash });
  for (const room of ["big", "small"]) {
    const path = `/v1/rooms/${room}/export`;
    const [before, after] = await Promise.all([
      (await ask(old, path, { credential: key })).text(),
      (await ask(fresh, path, { credential: freshKey })).text(),
    ]);
    expect(bodyOf(after) === bodyOf(before)).toBe(true);
    expect(endOf(after)).toEqual(endOf(before));
  }
  const search = async (): Promise<unknown> =>
    (await ask(fresh, '/v1/rooms/big/search?q="message 77"', { credential: freshKey })).json();
  const sought = { items: [{ message: { text: expect.stringContaining("message 77 ") } }], complete: true };
  await expect.poll(search, { timeout: 30_000, interval: 500 }).toMatchObject(sought);
  expect(await (await ask(fresh, "/v1/bans", { credential: freshKey })).json()).toMatchObject({
    items: [{ user: "eve", reason: "spam" }],
  });
  // Sent again it changes nothing.
  const again = await ask(fresh, "/v1/tenants/acme/import", { ...asOperator, lines: text });
  expect(await again.json()).toMatchObject({ rooms: 0, skipped: ["big", "one", "small", "two"] });
});

test("[D21] [Q8] what is left of an erased user on the disk goes with `npm run vacuum`", async () => {
  const state = async (): Promise<string> =>
    ((await (await ask(old, `/v1/erasures/${erasure}`, { credential: key })).json()) as { state: string }).state;
  await expect.poll(state, { timeout: 30_000, interval: 200 }).toBe("ending");
  await old.stop();
  const script = resolve(import.meta.dirname, "../../standalone/vacuum.ts");
  const run = spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", script], {
    env: { ...process.env, DATA_DIR: old.dataDir },
    encoding: "utf8",
  });
  expect([run.stderr, run.status]).toEqual(["", 0]);
  // For a day the id is among what is revoked, and in the erasure: nowhere else, and nothing else of him.
  expect(filesWith(old.dataDir, marker).every((path) => path.includes("parley-Tenant"))).toBe(true);
  for (const trace of [`${marker} `, `nonce-${marker}`]) expect(filesWith(old.dataDir, trace)).toEqual([]);
  // What was rewritten is read as before.
  await old.start();
  const found = await ask(old, "/v1/rooms/one/messages", { credential: key, user: "ada" });
  expect(((await found.json()) as { messages: object[] }).messages[0]).toMatchObject({
    id: 1,
    text: null,
    sender: null,
  });
  const sought = await ask(old, "/v1/rooms/small/search?q=two", { credential: key, user: "ada" });
  expect(await sought.json()).toMatchObject({ items: [{ message: { text: "two" } }] });
});

function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => readFileSync(path, "latin1").includes(text));
}
