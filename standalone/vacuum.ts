/**
 * `npm run vacuum`: rewrites every database under `DATA_DIR`, while no server runs on it. What was removed lies in free pages until
 * then, where whoever reads the disk finds it; an object cannot do this by itself.
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { readEnvironment } from "./environment.ts";
import { Failure } from "./failure.ts";
import { Lock } from "./lock.ts";

try {
  const { DATA_DIR: folder } = readEnvironment(process.env);
  const lock = await Lock.take(folder);
  process.on("exit", () => lock.release());
  const databases = databasesIn(folder);
  const before = bytesOf(databases);
  for (const path of databases) rewrite(path);
  console.log(`ok: ${databases.length} databases, ${before} bytes before and ${bytesOf(databases)} after`);
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(`parley: ${error.message}`);
  process.exitCode = 1;
}

function rewrite(path: string): void {
  const database = new DatabaseSync(path);
  database.exec("VACUUM");
  // The log beside it holds the pages as they were, until it is taken over and cut.
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  database.close();
}

function databasesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".sqlite"))
    .map(({ parentPath, name }) => join(parentPath, name));
}

function bytesOf(paths: readonly string[]): number {
  return paths.reduce((sum, path) => sum + statSync(path).size, 0);
}
