/** A copy of the project whose built Worker differs in one place: for what a test must make happen, or must see go wrong. */
import { cpSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** The folder, which is the caller's to remove. Of a bundle that has been built; throws where the place is not there, or not once. */
export function variantOf(place: string, replacement: string): string {
  const script = readFileSync(join(root, "dist", "index.js"), "utf8");
  if (script.split(place).length !== 2) throw new Error(`the bundle does not hold this once: ${place}`);
  return projectWith(script.replace(place, replacement));
}

/** The folder, which is the caller's to remove: a copy whose built Worker is this script. */
export function projectWith(script: string): string {
  const folder = mkdtempSync(join(tmpdir(), "parley-variant-"));
  for (const part of ["standalone", "src", "dist"]) cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  cpSync(join(root, "package.json"), join(folder, "package.json"));
  writeFileSync(join(folder, "dist", "index.js"), script);
  // Dated last, or the launcher would build the bundle anew.
  cpSync(join(root, "dist", "worker.json"), join(folder, "dist", "worker.json"));
  return folder;
}
