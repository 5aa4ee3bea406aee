/**
 * Bytes in the bucket's folder that belong to no file. Miniflare's bucket writes what comes as it comes, and notes it when all has
 * come: of a body that was cut off the bytes stay, and nothing there knows of them any more.
 */
import { globSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Longer than one request may bring bytes (`uploadRequestMs`): what is older and not noted is not on its way either. */
const onItsWayMs = 4_200_000;
const everyMs = 600_000;

/** At the start nothing is on its way; after that every ten minutes. */
export function clearStrays(dataFolder: string): void {
  removeStrays(dataFolder, Date.now());
  setInterval(() => removeStrays(dataFolder, Date.now() - onItsWayMs), everyMs).unref();
}

/** The server runs on whatever happens here: what could not be looked through now is looked through the next time. */
export function removeStrays(dataFolder: string, beforeMs: number): void {
  try {
    // Listed before what is known is asked for: what is noted meanwhile is then known.
    const found = globSync(join(dataFolder, "r2/*/blobs/*")).filter((path) => isOlder(path, beforeMs));
    if (found.length === 0) return;
    const known = blobsOf(globSync(join(dataFolder, "r2/miniflare-R2BucketObject/*.sqlite")));
    for (const path of found) if (!known.has(basename(path))) rmSync(path, { force: true });
  } catch (error) {
    console.error(`warning  bytes of uploads that were cut off stay: ${String(error)}`);
  }
}

function isOlder(path: string, beforeMs: number): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && found.mtimeMs <= beforeMs;
}

/** What the buckets know. Throws where one of them cannot be read or is not as it is known here: then nothing may be removed. */
function blobsOf(databases: readonly string[]): ReadonlySet<unknown> {
  const buckets = databases.filter((path) => basename(path) !== alarmsOfAll);
  if (buckets.length === 0) throw new Error("there is no database of a bucket");
  return new Set(buckets.flatMap(notesIn));
}

/** No bucket's: workerd notes there when which object is to be woken. */
const alarmsOfAll = "metadata.sqlite";

function notesIn(path: string): unknown[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const notes = ["_mf_objects", "_mf_multipart_parts"].map((table) => `SELECT blob_id FROM ${table}`);
    return notes.flatMap((query) => database.prepare(query).all()).map((row) => row["blob_id"]);
  } finally {
    database.close();
  }
}
