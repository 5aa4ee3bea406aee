/** `npm run load -- credits flood quota excess retention search streams uploads`: a scenario at a time, each with a server of its own, and its figure in a line. */
import { killGroups } from "../bench/groups.ts";
import { credits } from "./credits.ts";
import { besides } from "./neighbours.ts";
import { retention } from "./retention.ts";
import { search } from "./search.ts";
import { streams } from "./streams.ts";
import { uploads } from "./uploads.ts";

process.once("exit", killGroups);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(130));

const scenarios: Readonly<Record<string, () => Promise<string>>> = {
  credits,
  flood: () => besides("flood"),
  quota: () => besides("quota"),
  excess: () => besides("excess"),
  retention,
  search,
  streams,
  uploads,
};
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(scenarios, name));
if (asked.length === 0 || unknown.length > 0) {
  console.error(`name one or more of ${Object.keys(scenarios).join(", ")}`);
  process.exit(2);
}
for (const name of asked) console.log(`${name}: ${await scenarios[name]?.()}`);
