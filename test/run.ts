/** `npm test`: builds, runs every test, and closes with one line of counts. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { type Leak, leaksIn, passOn } from "./output.ts";
import { type FileReport, hasEnded, readReport, tally, unfinished } from "./report.ts";

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
/** As in vitest.config.ts. */
const workerdFolders = ["protocol", "core", "auth", "objects", "routes", "fuzz"].map((name) => join("test", name));
const serverLogs = join(folder, "servers");
mkdirSync(serverLogs);
const leaks: Leak[] = [];

/** The tests that drive whole processes come after the others. Most of their time they wait, so several files run at once. */
const runs = [await run("workerd"), await run("node")];
leaks.push(...leaksIn(serverLogs));
rmSync(folder, { recursive: true });
for (const leak of leaks) console.error(`a key, a token or a message was printed: ${leak}`);

const { passed, failed, skipped } = tally(runs.flatMap(({ files }) => files));
const failures = Math.max(failed, runs.filter(({ isGreen }) => !isGreen).length);
console.log(`${passed} passed, ${failures} failed, ${skipped} skipped`);
process.exitCode = failures === 0 && leaks.length === 0 ? 0 : 1;

interface Run {
  readonly isGreen: boolean;
  readonly files: readonly FileReport[];
}

/** workerd can end by itself in the middle of a file (https://github.com/cloudflare/workerd/pull/6637): what had not ended runs once more, and it is said. */
async function run(project: "workerd" | "node"): Promise<Run> {
  if (project === "workerd") await node("standalone/build.ts");
  const first = await vitest(project, filters);
  const files = first.files.filter(hasEnded);
  if (first.isGreen || !first.crashed || tally(files).failed > 0) return first;
  const again = unfinished(root, workerdFolders, filters, files);
  if (again.length === 0) return first;
  console.log(`workerd ended by itself; once more: ${again.join(" ")}`);
  const second = await vitest(project, again);
  return { isGreen: second.isGreen, files: [...files, ...second.files] };
}

async function vitest(project: string, files: readonly string[]): Promise<Run & { readonly crashed: boolean }> {
  const output = join(folder, `${project}.json`);
  const { status, crashed } = await node(
    "node_modules/vitest/vitest.mjs",
    "run",
    "--project",
    project,
    "--reporter=dot",
    "--reporter=json",
    `--outputFile.json=${output}`,
    `--maxWorkers=${availableParallelism() + (project === "workerd" ? 1 : 0)}`,
    "--passWithNoTests",
    ...files,
  );
  return { isGreen: status === 0, crashed, files: readReport(output) };
}

async function node(...words: string[]): Promise<{ readonly status: number | null; readonly crashed: boolean }> {
  const env = { ...process.env, ...quiet, PARLEY_SERVER_LOGS: serverLogs };
  const child = spawn(process.execPath, words, { cwd: root, stdio: ["inherit", "pipe", "pipe"], env });
  const ended = once(child, "close");
  const [name = ""] = words.filter((word) => word === "workerd" || word === "node");
  const printed = [
    passOn(child.stdout, process.stdout, `the output of ${name}`),
    passOn(child.stderr, process.stderr, `the errors of ${name}`),
  ];
  const streams = await Promise.all(printed);
  leaks.push(...streams.flatMap((stream) => stream.leaks));
  await ended;
  return { status: child.exitCode, crashed: streams.some((stream) => stream.crashed) };
}
