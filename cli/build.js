/** Makes `dist/cli/parley.js`: the command line in one file that needs no packages. */
import { mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const projectFolder = fileURLToPath(new URL("..", import.meta.url));
const built = join(projectFolder, "dist", "cli", "parley.js");
/** What it is made of. */
const sources = ["cli", "bench", "src/client", "src/core", "src/protocol", "package.json", "package-lock.json"];

/** By `npm run build` and, in a clone, the first call after a change. */
export async function buildCli() {
  // Not before it is needed: to load it takes longer than many a command.
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [join(projectFolder, "cli", "main.ts")],
    outfile: built,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    // Two that ws takes only where they are installed, and a package in CommonJS asks for its parts.
    external: ["bufferutil", "utf-8-validate"],
    banner: { js: 'import { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);' },
    write: false,
    logLevel: "warning",
  });
  mkdirSync(dirname(built), { recursive: true });
  const draft = `${built}.${process.pid}`;
  // Moved in whole: several may be started at once.
  writeFileSync(draft, outputFiles[0].contents);
  renameSync(draft, built);
}

export async function buildWhenStale() {
  const newestMs = Math.max(...sources.map((source) => newestOf(join(projectFolder, source))));
  const builtMs = statSync(built, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (newestMs > builtMs) await buildCli();
}

/** A folder's own time tells of files that were removed from it. */
function newestOf(path) {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return 0;
  const within = found.isDirectory() ? readdirSync(path).map((name) => newestOf(join(path, name))) : [];
  return Math.max(found.mtimeMs, ...within);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildCli();
