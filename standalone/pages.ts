/** Pages that Vite makes. What was made of the same sources is kept, so that a build without a change costs nothing. */
import { createHash } from "node:crypto";
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import type { InlineConfig } from "vite";
import { projectFolder } from "./bundle.ts";

export interface Page {
  readonly name: string;
  /** Files and folders of the project that it is made of. */
  readonly sources: readonly string[];
  /** Loaded when it is needed, because Vite alone takes a while. */
  readonly config: () => Promise<InlineConfig>;
}

/** Into `folder`, which must not be there yet. */
export async function buildPage(page: Page, folder: string): Promise<void> {
  const cacheFolder = join(projectFolder, "node_modules", ".cache", `parley-${page.name}`);
  const made = join(cacheFolder, hashOf([...page.sources, "standalone/pages.ts", "package-lock.json"]));
  if (!existsSync(made)) await make(page, cacheFolder, made);
  cpSync(made, folder, { recursive: true });
}

async function make(page: Page, cacheFolder: string, made: string): Promise<void> {
  const [{ build }, config] = await Promise.all([import("vite"), page.config()]);
  const draft = `${made}.${process.pid}`;
  try {
    await build({ ...config, build: { ...config.build, outDir: draft } });
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
