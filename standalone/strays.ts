/**
 * Bytes in the bucket's folder that belong to no file. Miniflare's bucket writes what comes as it comes, and notes it when all has
 * come: of a body that was cut off the bytes stay, and nothing there knows of them any more.
 */
import { globSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Longer than one request may bring bytes (`uploadRequestMs`): what is older and not noted is not on its way either. */
const onItsWayMs = 2 * 3_600_000;
const everyMs = 3_600_000;

/** At the start nothing is on its way; after that every hour. */
export function clearStrays(dataFolder: string): void {
  removeStrays(dataFolder, Date.now());
  setInterval(() => removeStrays(dataFolder, Date.now() - onItsWayMs), everyMs).unref();
}

function removeStrays(dataFolder: string, beforeMs: number): void {
  // Listed before what is known is asked for: what is noted meanwhile is then known.
  const found = globSync(join(dataFolder, "r2/*/blobs/*")).filter((path) => isOlder(path, beforeMs));
  if (found.length === 0) return;
  const known = blobsOf(globSync(join(dataFolder, "r2/miniflare-R2BucketObject/*.sqlite")));
  for (const path of found) if (!known(basename(path))) rmSync(path, { force: true });
}

function isOlder(path: string, beforeMs: number): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && found.mtimeMs <= beforeMs;
}

/** Which of them the bucket knows. Where its notes are not as they are known here, it knows all. */
function blobsOf(databases: readonly string[]): (blob: string) => boolean {
  const known = databases.map(notesIn).filter((notes) => notes !== null);
  return known.length === 0 ? () => true : (blob) => known.some((notes) => notes.has(blob));
}

/** Null where it is not a bucket's. */
function notesIn(path: string): ReadonlySet<unknown> | null {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const tables = ["_mf_objects", "_mf_multipart_parts"];
    const there = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    if (!tables.every((table) => there.some(({ name }) => name === table))) return null;
    return new Set(
      tables.flatMap((table) => database.prepare(`SELECT blob_id FROM ${table}`).all()).map((row) => row["blob_id"]),
    );
  } finally {
    database.close();
  }
}
