/** `npm run example <name>`: builds what `parley/client` is, if that has not been done, and starts the example. */
import { spawnSync } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { join } from "node:path";

const here = import.meta.dirname;
const [name = ""] = process.argv.slice(2);
const names = globSync("*/main.ts", { cwd: here }).map((path) => path.split("/")[0]);
if (!names.includes(name)) {
  console.error(`npm run example ${names.join(" | ")}`);
  process.exit(1);
}
if (!existsSync(join(here, "../dist/client/client.js")))
  spawnSync(process.execPath, [join(here, "../standalone/buildClient.ts")], { stdio: "inherit" });
await import(`./${name}/main.ts`);
