/** The built Worker in `dist/`, and what the launcher must know of wrangler.toml to run it. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import * as z from "zod";
import { Failure, systemCode } from "./failure.ts";

export const projectFolder = resolve(import.meta.dirname, "..");
export const bundleFolder = join(projectFolder, "dist");

const description = "worker.json";

/** The module by which requests come in: beside the Worker's own, so that it can import it. */
export const edgeModule = "edge.js";

// Importing wrangler to read its configuration takes 219 MB and half a second at each start: the build writes this instead.
export const Bundle = z.strictObject({
  version: z.string(),
  // Part of every object's address on disk: a renamed worker starts with empty rooms.
  name: z.string(),
  compatibilityDate: z.string(),
  compatibilityFlags: z.array(z.string()),
  vars: z.record(z.string(), z.string()),
  objects: z.array(z.strictObject({ binding: z.string(), className: z.string() })),
  ratelimits: z.array(
    z.strictObject({ name: z.string(), limit: z.int(), period: z.union([z.literal(10), z.literal(60)]) }),
  ),
  buckets: z.array(z.strictObject({ binding: z.string(), name: z.string() })),
  assets: z.strictObject({
    binding: z.string(),
    runWorkerFirst: z.array(z.string()),
    htmlHandling: z.string().optional(),
    notFoundHandling: z.string().optional(),
  }),
});
export type Bundle = z.infer<typeof Bundle>;

export function descriptionIn(folder: string): string {
  return join(folder, description);
}

/** Throws a Failure when it was written by another version of the build. */
export function readBundle(folder = bundleFolder): Bundle {
  const parsed = Bundle.safeParse(JSON.parse(readFileSync(descriptionIn(folder), "utf8")));
  if (!parsed.success)
    throw new Failure(`${descriptionIn(folder)} was written by another version: run \`npm run build\``);
  return parsed.data;
}

/** True when there is no bundle, or something it is made of changed after its build began. */
export function isStale(): boolean {
  const builtMs = modifiedMs(descriptionIn(bundleFolder));
  const sources = [
    "src",
    "public",
    "console",
    "examples/chat",
    "docs",
    "standalone/pages",
    "wrangler.toml",
    "package-lock.json",
    "standalone/build.ts",
    "standalone/buildConsole.ts",
    "standalone/buildDemo.ts",
    "standalone/lean",
    "standalone/pages.ts",
    "standalone/rehearsal.ts",
    "standalone/viteConfig.ts",
    "standalone/bundle.ts",
    "standalone/edge.js",
  ];
  return builtMs === undefined || sources.some((source) => newestMs(join(projectFolder, source)) > builtMs);
}

function newestMs(path: string): number {
  const ownMs = modifiedMs(path);
  if (ownMs === undefined) return 0;
  if (!statSync(path).isDirectory()) return ownMs;
  // A folder's own time tells of files removed from it.
  return readdirSync(path).reduce((newest, entry) => Math.max(newest, newestMs(join(path, entry))), ownMs);
}

function modifiedMs(path: string): number | undefined {
  try {
    return statSync(path).mtimeMs;
  } catch (error) {
    // An editor replaces files while we look.
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
