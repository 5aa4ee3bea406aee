/** What a run happened on, for its title and its record. */
import { cpus } from "node:os";
import { createRequire } from "node:module";
import * as z from "zod";

const Package = z.object({ version: z.string() });

export function machine() {
  const load = createRequire(import.meta.url);
  const version = (name: string) => Package.parse(load(`${name}/package.json`)).version;
  return {
    processors: cpus().length,
    model: cpus()[0]?.model ?? "unknown",
    node: process.version,
    workerd: version("workerd"),
    ws: version("ws"),
  };
}
