/** What a run happened on, for its title and its record. */
import { cpus } from "node:os";
import { createRequire } from "node:module";
import * as z from "zod";
import { newRuntimePath } from "../standalone/runtime.ts";

const Package = z.object({ version: z.string() });

export function machine() {
  const load = createRequire(import.meta.url);
  const version = (name: string) => Package.parse(load(`${name}/package.json`)).version;
  return {
    processors: cpus().length,
    model: cpus()[0]?.model ?? "unknown",
    node: process.version,
    workerd:
      newRuntimePath() === undefined
        ? version("workerd")
        : version(`workerd-november-${process.platform}-${process.arch}`),
    ws: version("ws"),
  };
}
