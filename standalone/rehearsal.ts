/** `wrangler deploy` without its upload: the Worker as one script, with its source map. */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { dirname, join } from "node:path";
import { projectFolder } from "./bundle.ts";
import { Failure } from "./failure.ts";

export const configPath = join(projectFolder, "wrangler.toml");

// Wrangler asks the network for its own updates, reports its use and writes logs into the home folder unless told all of these.
const quiet = {
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  DO_NOT_TRACK: "1",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_NO_SKILLS_UPDATE_PROMPTS: "true",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  X_LOCAL_EXPLORER: "false",
  X_LOCAL_OBSERVABILITY: "false",
};

/** Leaves `index.js` and `index.js.map` in the folder, beside `public`, where the static assets are or none. Throws a Failure with wrangler's own words. */
export function rehearse(folder: string, options: readonly string[] = []): void {
  const assets = join(folder, "public");
  mkdirSync(assets, { recursive: true });
  const wrangler = join(packageFolder("wrangler"), "bin", "wrangler.js");
  // An empty environment is the top level, said aloud: wrangler warns otherwise.
  const words = ["deploy", "--dry-run", "--env=", "--config", configPath, "--outdir", folder, "--assets", assets];
  const run = spawnSync(process.execPath, [wrangler, ...words, ...options], {
    cwd: projectFolder,
    encoding: "utf8",
    env: { ...process.env, ...quiet, WRANGLER_LOG_PATH: join(folder, "logs"), NO_COLOR: "1" },
  });
  if (run.error) throw run.error;
  if (run.status !== 0)
    throw new Failure(`${run.stdout}${run.stderr}`.replace(/^.*Logs were written to.*$/m, "").trim());
  rmSync(join(folder, "logs"), { recursive: true, force: true });
  rmSync(join(folder, "README.md"), { force: true });
}

/** Where a package is installed. */
export function packageFolder(name: string): string {
  // By import, a package that does not export its package.json cannot be asked for its place.
  const path = findPackageJSON(name, import.meta.url);
  if (path === undefined) throw new Failure(`the package ${name} is missing: run \`npm ci\``);
  return dirname(path);
}
