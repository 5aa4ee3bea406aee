#!/usr/bin/env node
/** `parley`: runs what was built of this folder. Plain JavaScript, because Node 20 runs no TypeScript. */
import { existsSync } from "node:fs";

// A clone has the sources, and builds when they are newer. What is published has only what was built.
if (existsSync(new URL("main.ts", import.meta.url))) {
  const { buildWhenStale } = await import("./build.js");
  await buildWhenStale();
}
await import("../dist/cli/parley.js");
