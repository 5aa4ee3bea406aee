/**
 * `npm run --silent trace`: takes what the deployed Worker has logged, line by line, and says the places in its one small script by file and line
 * of the source. Run it where the commit that is deployed is checked out and installed: the script is made anew, and is the same.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { SourceMap } from "node:module";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { createInterface } from "node:readline";
import { projectFolder } from "./bundle.ts";
import { Failure } from "./failure.ts";
import { rehearse } from "./rehearsal.ts";

const folder = mkdtempSync(join(tmpdir(), "parley-trace-"));
try {
  const map = mapOfDeployed();
  for await (const line of createInterface(process.stdin)) console.log(mapped(line, map));
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(`parley: ${error.message}`);
  process.exitCode = 1;
}

function mapOfDeployed(): SourceMap {
  try {
    rehearse(folder);
    return new SourceMap(JSON.parse(readFileSync(join(folder, "index.js.map"), "utf8")));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function mapped(line: string, map: SourceMap): string {
  return line.replaceAll(/[^\s("']*\bindex\.js:(\d+):(\d+)/g, (place, row, column) => {
    const entry = map.findEntry(Number(row) - 1, Number(column) - 1);
    if (!("originalSource" in entry)) return place;
    const source = relative(projectFolder, resolve(folder, entry.originalSource));
    return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  });
}
