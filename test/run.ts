/** `npm test`: builds, runs every test, and closes with one line of counts. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
}

const quiet = {
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_HIDE_BANNER: "true",
  DO_NOT_TRACK: "1",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
};
// A file or a pipe is read later, by someone without these colours.
if (!process.stdout.isTTY) Object.assign(quiet, { NO_COLOR: "1", FORCE_COLOR: "0" });
const root = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "parley-test-"));
const filters = process.argv.slice(2);

/** The tests that drive whole processes come by themselves: beside a busy neighbour their waits would say little. */
const runs = ["workerd", "node"].map((project) => run(project));
rmSync(folder, { recursive: true });

const sum = (count: (report: Report) => number): number =>
  runs.reduce((total, { report }) => total + (report === null ? 0 : count(report)), 0);
const failedRuns = runs.filter(({ status }) => status !== 0).length;
const failed = Math.max(
  sum(({ numFailedTests }) => numFailedTests),
  failedRuns,
);
console.log(
  `${sum(({ numPassedTests }) => numPassedTests)} passed, ${failed} failed, ${sum(({ numPendingTests, numTodoTests }) => numPendingTests + numTodoTests)} skipped`,
);
process.exitCode = failed === 0 ? 0 : 1;

function run(project: string): { readonly status: number | null; readonly report: Report | null } {
  if (project === "workerd") node("standalone/build.ts");
  const output = join(folder, `${project}.json`);
  const { status } = node(
    "node_modules/vitest/vitest.mjs",
    "run",
    "--project",
    project,
    "--reporter=dot",
    "--reporter=json",
    `--outputFile.json=${output}`,
    "--passWithNoTests",
    ...filters,
  );
  try {
    return { status, report: JSON.parse(readFileSync(output, "utf8")) as Report };
  } catch {
    return { status: 1, report: null };
  }
}

function node(...words: string[]): { readonly status: number | null } {
  return spawnSync(process.execPath, words, { cwd: root, stdio: "inherit", env: { ...process.env, ...quiet } });
}
