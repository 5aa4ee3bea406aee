/** Makes the console's page and its assets, by Vite. What was made of the same sources is kept, so that a build without a change costs nothing. */
import { createHash } from "node:crypto";
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { projectFolder } from "./bundle.ts";

/** Everything that the console is made of. */
export const consoleSources = [
  "console",
  "src/client",
  "src/protocol",
  "standalone/buildConsole.ts",
  "standalone/viteConfig.ts",
];

const cacheFolder = join(projectFolder, "node_modules", ".cache", "parley-console");

/** Into `folder`, which must not be there yet. */
export async function buildConsole(folder: string): Promise<void> {
  const made = join(cacheFolder, hashOf([...consoleSources, "package-lock.json"]));
  if (!existsSync(made)) await make(made);
  cpSync(made, folder, { recursive: true });
}

async function make(made: string): Promise<void> {
  // Here, because Vite alone takes a while to load.
  const [{ build }, { consoleConfig }] = await Promise.all([import("vite"), import("./viteConfig.ts")]);
  const draft = `${made}.${process.pid}`;
  try {
    await build({ ...consoleConfig, build: { ...consoleConfig.build, outDir: draft } });
    for (const old of readdirSync(cacheFolder))
      if (!old.includes(".")) rmSync(join(cacheFolder, old), { recursive: true, force: true });
    renameSync(draft, made);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function hashOf(paths: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of paths.flatMap((path) => filesIn(join(projectFolder, path)))) {
    hash
      .update(`${relative(projectFolder, file)}\n`)
      .update(readFileSync(file))
      .update("\n");
  }
  return hash.digest("hex").slice(0, 32);
}

function filesIn(path: string): string[] {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((entry) => filesIn(join(path, entry)));
}
