/**
 * `npm run backup -- <folder>`: a copy of DATA_DIR, of a server that runs or of one that does not. Each database is copied as of
 * one moment, by SQLite itself: a plain copy of the files would tear it from its write-ahead log.
 */
import { type Dirent, existsSync, mkdirSync, readdirSync } from "node:fs";
import { constants, copyFile, mkdir, readdir, rename } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Failure, systemCode } from "./failure.ts";
import { readGeneration, writeGeneration } from "./generation.ts";

const usage = "usage: npm run backup -- <folder> (of the data in DATA_DIR, ./data unless set)";

/**
 * In this order, so that each is known to whoever must find it: alarms before what rings by them (one too many finds nothing to
 * do), rooms before the tenant that lists them, tenants before the directory that lists them, files after the messages that
 * carry them. A room that is made meanwhile may be listed and empty, as one whose maker was cut off.
 */
const order = ["metadata", "Room", "Assistant", "WebhookEndpoint", "Tenant", "Directory"];

try {
  await backup();
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(`parley: ${error.message}`);
  process.exitCode = 1;
}

async function backup(): Promise<void> {
  // A backup is as secret as the data.
  process.umask(0o077);
  const [given, ...more] = process.argv.slice(2);
  if (given === undefined || more.length > 0) throw new Failure(usage);
  const from = resolve(process.env["DATA_DIR"] || "./data");
  const to = resolve(given);
  if (!existsSync(join(from, "do"))) throw new Failure(`${from} holds no data: set DATA_DIR`);
  if (existsSync(to) && readdirSync(to).length > 0) throw new Failure(`${to} is not empty`);
  // Under another name until it is whole, so that nobody restores a part.
  const draft = `${to}.part`;
  if (existsSync(draft)) throw new Failure(`${draft} is there already: a backup that goes on, or one that was cut off`);
  mkdirSync(draft, { recursive: true });
  const databases = (await databasesIn(join(from, "do"))).toSorted((one, other) => rank(one) - rank(other));
  for (const path of databases) await copyDatabase(path, join(draft, relative(from, path)));
  // The list of files first: one that comes meanwhile is not in it, and one that goes is missing to no message that stays.
  const lists = await databasesIn(join(from, "r2"));
  for (const path of lists) await copyDatabase(path, join(draft, relative(from, path)));
  const blobs = (await filesIn(join(from, "r2"))).filter((path) => /[/\\]blobs[/\\]/.test(path));
  for (const path of blobs) await copyIfThere(path, join(draft, relative(from, path)));
  await copyIfThere(join(from, "secrets.json"), join(draft, "secrets.json"));
  writeGeneration(draft, { generation: readGeneration(from).generation, copied: true });
  await rename(draft, to);
  console.log(`${databases.length + lists.length} databases and ${blobs.length} files are in ${to}`);
}

function rank(path: string): number {
  const kind = basename(dirname(path)).split("-").at(-1) ?? "";
  const name = basename(path) === "metadata.sqlite" ? "metadata" : kind;
  const found = order.indexOf(name);
  return found < 0 ? order.length : found;
}

async function databasesIn(folder: string): Promise<string[]> {
  return (await filesIn(folder)).filter((path) => path.endsWith(".sqlite"));
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error): Dirent[] => {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

/** As of one moment, compact, with what the write-ahead log holds. Its writer goes on meanwhile. */
async function copyDatabase(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  const database = new DatabaseSync(from, { readOnly: true, timeout: 10_000 });
  try {
    database.prepare("VACUUM INTO ?").run(to);
  } finally {
    database.close();
  }
}

/** What went since it was listed is not needed any more. */
async function copyIfThere(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
}
