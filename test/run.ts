/** `npm test`: builds, runs every test, and closes with one line of counts. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { type Leak, leaksIn, passOn } from "./output.ts";

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
Object.assign(quiet, process.stdout.isTTY ? { FORCE_COLOR: "1" } : { NO_COLOR: "1", FORCE_COLOR: "0" });
const root = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "parley-test-"));
const filters = process.argv.slice(2);
const serverLogs = join(folder, "servers");
mkdirSync(serverLogs);
const leaks: Leak[] = [];

/** The tests that drive whole processes come after the others. Most of their time they wait, so several files run at once. */
const runs = [await run("workerd"), await run("node")];
leaks.push(...leaksIn(serverLogs));
rmSync(folder, { recursive: true });
for (const leak of leaks) console.error(`a key, a token or a message was printed: ${leak}`);

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
process.exitCode = failed === 0 && leaks.length === 0 ? 0 : 1;

async function run(project: string): Promise<{ readonly status: number | null; readonly report: Report | null }> {
  if (project === "workerd") await node("standalone/build.ts");
  const output = join(folder, `${project}.json`);
  const status = await node(
    "node_modules/vitest/vitest.mjs",
    "run",
    "--project",
    project,
    "--reporter=dot",
    "--reporter=json",
    `--outputFile.json=${output}`,
    `--maxWorkers=${availableParallelism() + (project === "workerd" ? 1 : 0)}`,
    "--passWithNoTests",
    ...filters,
  );
  try {
    return { status, report: JSON.parse(readFileSync(output, "utf8")) as Report };
  } catch {
    return { status: 1, report: null };
  }
}

async function node(...words: string[]): Promise<number | null> {
  const env = { ...process.env, ...quiet, PARLEY_SERVER_LOGS: serverLogs };
  const child = spawn(process.execPath, words, { cwd: root, stdio: ["inherit", "pipe", "pipe"], env });
  const ended = once(child, "close");
  const [name = ""] = words.filter((word) => word === "workerd" || word === "node");
  const printed = [
    passOn(child.stdout, process.stdout, `the output of ${name}`),
    passOn(child.stderr, process.stderr, `the errors of ${name}`),
  ];
  leaks.push(...(await Promise.all(printed)).flat());
  await ended;
  return child.exitCode;
}
