/** `npm test`: builds, runs every test, and closes with one line of counts. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { type Leak, leaksIn, passOn } from "./output.ts";
import { type FileReport, hasEnded, readReport, tally, unfinished, worthAnother } from "./report.ts";

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
const again = runs.flatMap(({ repeated }) => repeated);
const attempts = again.length === 0 ? "" : ` (at the second attempt: ${again.join(" ")})`;
console.log(`${passed} passed, ${failures} failed, ${skipped} skipped${attempts}`);
process.exitCode = failures === 0 && leaks.length === 0 ? 0 : 1;

interface Run {
  readonly isGreen: boolean;
  readonly files: readonly FileReport[];
}

/**
 * What runs once more, which is said, and counts as it ends then: what had not ended when workerd ended by itself in the middle of a file
 * (https://github.com/cloudflare/workerd/pull/6637), and what waited for a browser or a server longer than its patience, alone this time.
 */
async function run(project: "workerd" | "node"): Promise<Run & { readonly repeated: readonly string[] }> {
  if (project === "workerd") await node("standalone/build.ts");
  const first = await vitest(project, filters);
  const isCut = project === "workerd" && first.crashed && tally(first.files.filter(hasEnded)).failed === 0;
  const repeated = isCut ? unfinished(root, workerdFolders, filters, first.files) : worthAnother(root, first.files);
  if (first.isGreen || repeated.length === 0) return { ...first, repeated: [] };
  console.log(`${isCut ? "workerd ended by itself" : "failed"}; once more: ${repeated.join(" ")}`);
  const kept = first.files.filter((file) => !repeated.includes(relative(root, file.name)));
  const second = await vitest(project, repeated, isCut ? undefined : 1);
  return { isGreen: second.isGreen, files: [...kept, ...second.files], repeated };
}

async function vitest(
  project: string,
  files: readonly string[],
  workers = availableParallelism() + (project === "workerd" ? 1 : 0),
): Promise<Run & { readonly crashed: boolean }> {
  const output = join(folder, `${project}.json`);
  const { status, crashed } = await node(
    "node_modules/vitest/vitest.mjs",
    "run",
    "--project",
    project,
    "--reporter=dot",
    "--reporter=json",
    `--outputFile.json=${output}`,
    `--maxWorkers=${workers}`,
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
