/** Makes `dist/`: the Worker in one file, its static assets, and `worker.json` for the launcher. */
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { unstable_getDurableObjectClassNameToUseSQLiteMap, unstable_readConfig, type Unstable_Config } from "wrangler";
import { buildConsole } from "./buildConsole.ts";
import { buildDemo } from "./buildDemo.ts";
import { Bundle, bundleFolder, descriptionIn, edgeModule, projectFolder } from "./bundle.ts";
import { Failure } from "./failure.ts";
import { writePages } from "./pages/pages.ts";
import { configPath, packageFolder, rehearse } from "./rehearsal.ts";

/** The name of each of these holds a hash of what is in it. */
const keptForever = `
/console/assets/*
  Cache-Control: public, max-age=31536000, immutable
`;

try {
  await build();
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function build(): Promise<void> {
  const startedMs = Date.now();
  // Made aside: a failed build leaves the bundle that works, and several may run at once.
  const draft = `${bundleFolder}.${process.pid}`;
  try {
    copyAssets(join(draft, "public"));
    await buildConsole(join(draft, "public", "console"));
    await buildDemo(join(draft, "public", "demo"));
    // Here nothing reads a stack by its map, and no script is loaded from afar.
    rehearse(draft, ["--minify=false"]);
    cpSync(join(import.meta.dirname, edgeModule), join(draft, edgeModule));
    describe(draft, startedMs);
    moveIn(draft);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  report((Date.now() - startedMs) / 1000);
}

function copyAssets(folder: string): void {
  mkdirSync(join(folder, "assets"), { recursive: true });
  const written = join(projectFolder, "public");
  if (existsSync(written)) cpSync(written, folder, { recursive: true });
  cpSync(scalarPath(), join(folder, "assets", "scalar.js"));
  writePages(folder);
  appendFileSync(join(folder, "_headers"), keptForever);
}

/** The API reference's script, served from our own assets so that /docs asks no other host. */
function scalarPath(): string {
  return join(packageFolder("@scalar/api-reference"), "dist", "browser", "standalone.js");
}

function describe(folder: string, startedMs: number): void {
  const config = unstable_readConfig({ config: configPath }, { hideWarnings: true });
  const path = descriptionIn(folder);
  writeFileSync(path, `${JSON.stringify(Bundle.parse(bundleOf(config)), null, 2)}\n`);
  // Dated at the build's beginning: a file saved while it ran makes the next start build again.
  utimesSync(path, startedMs / 1000, startedMs / 1000);
}

function bundleOf(config: Unstable_Config): unknown {
  const { assets } = config;
  return {
    version: packageVersion(),
    name: config.name,
    compatibilityDate: config.compatibility_date,
    compatibilityFlags: config.compatibility_flags,
    vars: varsOf(config),
    objects: sqliteObjects(config),
    ratelimits: config.ratelimits.map(({ name, simple }) => ({ name, limit: simple.limit, period: simple.period })),
    buckets: config.r2_buckets.map(({ binding, bucket_name }) => ({ binding, name: bucket_name })),
    assets: {
      binding: assets?.binding,
      runWorkerFirst: assets?.run_worker_first ?? [],
      htmlHandling: assets?.html_handling,
      notFoundHandling: assets?.not_found_handling,
    },
  };
}

/** Without what only Cloudflare vouches for: here a header of that name would be the client's own word. */
function varsOf({ vars }: Unstable_Config): Unstable_Config["vars"] {
  const { CLIENT_ADDRESS_HEADER: _, LOG: __, ...others } = vars;
  return others;
}

function sqliteObjects(config: Unstable_Config): { binding: string; className: string }[] {
  const usesSqlite = unstable_getDurableObjectClassNameToUseSQLiteMap(config.migrations);
  return config.durable_objects.bindings.map(({ name, class_name }) => {
    if (!usesSqlite.get(class_name))
      throw new Failure(`wrangler.toml: the class ${class_name} is not among new_sqlite_classes`);
    return { binding: name, className: class_name };
  });
}

// File by file, because a folder cannot be replaced in one step and servers may be starting. The description makes a bundle, so it comes last.
function moveIn(draft: string): void {
  const made = new Set(filesIn(draft));
  const description = descriptionIn("");
  for (const file of [...made].filter((name) => name !== description).concat(description)) {
    mkdirSync(dirname(join(bundleFolder, file)), { recursive: true });
    renameSync(join(draft, file), join(bundleFolder, file));
  }
  for (const file of filesIn(bundleFolder))
    if (!made.has(file) && !/^(client|cli)\//.test(file)) rmSync(join(bundleFolder, file), { force: true });
}

function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

function report(seconds: number): void {
  const script = readFileSync(join(bundleFolder, "index.js"));
  const kilobytes = (bytes: number): string => `${Math.ceil(bytes / 1024)} KB`;
  const sizes = `${kilobytes(script.byteLength)}, ${kilobytes(gzipSync(script).byteLength)} gzip`;
  console.log(`built ${basename(bundleFolder)} (${sizes}) in ${seconds.toFixed(1)} s`);
}

function packageVersion(): string {
  return JSON.parse(readFileSync(join(projectFolder, "package.json"), "utf8")).version;
}
