/** What vitest's JSON reporter writes, as far as `npm test` reads it. */
import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";

export interface FileReport {
  /** The file's absolute path. */
  readonly name: string;
  readonly status: "passed" | "failed";
  /** `pending`: it began and did not end, or never began. `message` of the file says why it could not be read at all. */
  readonly assertionResults: readonly { readonly status: "passed" | "failed" | "pending" | "skipped" | "todo" }[];
}

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Empty when the process that would have written it ended before. */
export function readReport(file: string): readonly FileReport[] {
  try {
    return (JSON.parse(readFileSync(file, "utf8")) as { testResults: FileReport[] }).testResults;
  } catch {
    return [];
  }
}

/** Of a file whose process ended, the tests are missing or wait for ever. */
export function hasEnded({ assertionResults }: FileReport): boolean {
  return assertionResults.length > 0 && !assertionResults.some(({ status }) => status === "pending");
}

/** A file that could not be read counts as one that failed. */
export function tally(files: readonly FileReport[]): Tally {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { status, assertionResults } of files) {
    const before = counts.failed;
    for (const test of assertionResults) {
      if (test.status === "passed" || test.status === "failed") counts[test.status]++;
      else counts.skipped++;
    }
    if (status === "failed" && counts.failed === before) counts.failed++;
  }
  return counts;
}

/** More than these did not fail by chance. */
const fewFiles = 3;

/**
 * The relative paths of the few files that failed and that share a machine with browsers and servers of their own: a busy one can keep
 * them waiting for longer than they are patient. Empty if anything else failed: there is no chance in it but that of a seed.
 */
export function worthAnother(root: string, files: readonly FileReport[]): string[] {
  const failed = files.filter(({ status }) => status === "failed").map(({ name }) => relative(root, name));
  const isByChance = failed.length <= fewFiles && failed.every((name) => name.startsWith(join("test", "standalone")));
  return isByChance ? failed : [];
}

/** The test files below `folders` of `root` whose path holds one of `filters`, as vitest chooses them, and that have not ended in `files`. Relative paths. */
export function unfinished(
  root: string,
  folders: readonly string[],
  filters: readonly string[],
  files: readonly FileReport[],
): string[] {
  const ended = new Set(files.filter(hasEnded).map(({ name }) => name));
  return folders
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((file) => join(folder, file)),
    )
    .filter(
      (file) => file.endsWith(".test.ts") && (filters.length === 0 || filters.some((filter) => file.includes(filter))),
    )
    .filter((file) => !ended.has(join(root, file)));
}
