import { type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { failToStart, type Server, startServer } from "../support/process.ts";
import { unspeakable } from "../support/unspeakable.ts";

const script = resolve(import.meta.dirname, "../../standalone/backup.ts");
const work = mkdtempSync(join(tmpdir(), "parley-backup-"));
const copy = join(work, "copy");
let server: Server;
let restored: Server;

beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await Promise.all([server.remove(), restored.remove()]);
  rmSync(work, { recursive: true, force: true });
});

async function send<Answer>(on: Server, method: string, path: string, body?: unknown): Promise<Answer> {
  const headers = { Authorization: `Bearer ${server.demoKey}`, "Content-Type": "application/json" };
  const options = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const answer = await fetch(`${on.url}/v1/rooms/${path}`, options);
  expect([method, path, answer.status]).toEqual([method, path, method === "POST" ? 201 : 200]);
  return (await answer.json()) as Answer;
}

interface Upload {
  readonly upload: string;
  readonly put: { readonly url: string; readonly method: string; readonly headers: Record<string, string> };
}

interface Changes {
  readonly from: number;
  readonly changes: readonly { readonly message?: { readonly text: string } }[];
  readonly hasMore: boolean;
  readonly cursor: string;
  readonly gap?: { readonly reason: string };
}

async function textsOf(on: Server, room: string): Promise<string[]> {
  const texts: string[] = [];
  for (let after = "0", more = true; more;) {
    const page: Changes = await send<Changes>(on, "GET", `${room}/changes?after=${after}`);
    for (const { message } of page.changes) if (message !== undefined) texts.push(message.text);
    ({ cursor: after, hasMore: more } = page);
  }
  return texts;
}

async function publish(on: Server, room: string, text: string): Promise<number> {
  return (await send<{ message: { id: number } }>(on, "POST", `${room}/messages`, { text })).message.id;
}

async function cursorOf(on: Server, room: string): Promise<string> {
  return (await send<{ cursor: string }>(on, "GET", room)).cursor;
}

function asServer(): Record<string, string> {
  return { Authorization: `Bearer ${server.demoKey}` };
}

async function upload(text: string): Promise<string> {
  const body = { name: "said.txt", type: "text/plain", size: text.length };
  const made = await send<Upload>(server, "POST", "quiet/uploads", body);
  const { url, method, headers } = made.put;
  const put = await fetch(new URL(url, server.url), { method, headers: { ...headers, ...asServer() }, body: text });
  expect(put.ok).toBe(true);
  return made.upload;
}

function backUp(folder: string, from = server.dataDir): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [script, folder], { encoding: "utf8", env: { ...process.env, DATA_DIR: from } });
}

test("[S5] a backup of a running server holds of each room a beginning of its history, whole up to there, and all that was acked before", async () => {
  await publish(server, "quiet", unspeakable);
  await send(server, "PATCH", "quiet", { settings: { search: true } });
  const file = await upload("what the file says");
  await send(server, "POST", "quiet/messages", { text: "with a file", attachments: [file] });
  for (let n = 0; n < 8; n++) await publish(server, "busy", `before ${n}`);
  const isWhole = async () => (await send<{ complete: boolean }>(server, "GET", "quiet/search?q=file")).complete;
  await expect.poll(isWhole, { timeout: 30_000 }).toBe(true);
  const over = new AbortController();
  let written = 0;
  const writer = (async () => {
    for (; !over.signal.aborted; written++) await publish(server, "busy", `during ${written}`).catch(() => delay(20));
  })();
  // Not `spawnSync`: this process is the one that writes meanwhile.
  const child = spawn(process.execPath, [script, copy], { env: { ...process.env, DATA_DIR: server.dataDir } });
  await once(child, "close");
  over.abort();
  await writer;
  expect(child.exitCode).toBe(0);
  expect(written).toBeGreaterThan(0);
  const dataDir = join(work, "restored");
  cpSync(copy, dataDir, { recursive: true });
  // The keys work as before: they are derived from the master key, which is in the backup.
  restored = await startServer({ dataDir, env: { GENERATION: "2" } });
  const [texts, all] = [await textsOf(restored, "busy"), await textsOf(server, "busy")];
  expect(texts.length).toBeGreaterThanOrEqual(8);
  expect(texts).toEqual(all.slice(0, texts.length));
  expect(await textsOf(restored, "quiet")).toEqual([unspeakable, "with a file"]);
  const found = (on: Server) => send<{ items: object[]; complete: boolean }>(on, "GET", "quiet/search?q=fil*");
  const { items, complete } = await found(restored);
  expect([items.length, complete, items]).toEqual([1, true, (await found(server)).items]);
  const content = await fetch(`${restored.url}/v1/uploads/${file}/content`, { headers: asServer() });
  expect([content.status, await content.text()]).toEqual([200, "what the file says"]);
});

test("[S5] a backup is for its owner's eyes, as the data is, has the secrets, and is never half there", () => {
  const entries = readdirSync(copy, { recursive: true, withFileTypes: true });
  for (const entry of entries)
    expect([entry.name, statSync(join(entry.parentPath, entry.name)).mode & 0o077]).toEqual([entry.name, 0]);
  expect(readFileSync(join(copy, "secrets.json"), "utf8")).toBe(
    readFileSync(join(server.dataDir, "secrets.json"), "utf8"),
  );
  expect(entries.filter(({ name }) => /-wal$|-shm$|lock/.test(name))).toEqual([]);
  for (const [folder, from, line] of [
    [copy, server.dataDir, /^parley: .*copy is not empty\n$/],
    [join(work, "other"), work, /^parley: .* holds no data: set DATA_DIR\n$/],
  ] as const) {
    const refused = backUp(folder, from);
    expect({ ...refused, stdout: "" }).toMatchObject({ status: 1, stderr: expect.stringMatching(line) });
  }
});

test("[S6] cursors of what came after the backup are told `gap: epoch`, also when the restored room has passed them", async () => {
  await publish(server, "busy", "after the backup, and lost");
  const lost = await cursorOf(server, "busy");
  for (let head = 0, past = Number(lost.split(":")[1]); head <= past;)
    head = await publish(restored, "busy", "another history");
  const page = await send<Changes>(restored, "GET", `busy/changes?after=${lost}`);
  expect(page).toMatchObject({ gap: { reason: "epoch" }, reset: true, from: 0 });
  const now = await cursorOf(restored, "busy");
  expect(await send<Changes>(restored, "GET", `busy/changes?after=${now}`)).toMatchObject({ changes: [] });
});

test("[S6] no server starts over a backup with a GENERATION that its readers know, nor goes back to one", async () => {
  await restored.stop();
  const [over, back] = await Promise.all([
    failToStart({ dataDir: copy, env: { GENERATION: "1" } }),
    failToStart({ dataDir: restored.dataDir }),
  ]);
  expect([over.code, back.code]).toEqual([1, 1]);
  expect(over.stderr).toMatch(/^parley: .*is restored from a backup: set GENERATION to a number above 1 .*\n$/);
  expect(back.stderr).toMatch(/^parley: .*was served with GENERATION=2: it never goes back\n$/);
});

function delay(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
