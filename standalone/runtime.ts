/** Which workerd runs the Worker. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "./bundle.ts";

/**
 * Only a workerd of November 2026 says how much a socket's peer has not taken (docs/decisions/0011). It was published for
 * Linux alone, so it is an optional package beside the pinned one, which the tools and the tests in workerd use.
 */
export function newRuntimePath(): string | undefined {
  const path = join(
    projectFolder,
    "node_modules",
    `workerd-november-${process.platform}-${process.arch}`,
    "bin",
    "workerd",
  );
  return existsSync(path) ? path : undefined;
}

export function oldRuntimeWarning(path: string | undefined): string | undefined {
  if (path !== undefined) return undefined;
  return "warning  this system's workerd cannot tell who does not read: a slow reader is not cut and costs memory";
}
