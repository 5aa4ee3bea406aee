/**
 * `npm run load -- chat soak`: a scenario at a time, each with a server of its own, and its figure in a line.
 * Those of `script.ts` take `--users=500 --per-place=10 --seconds=1800` and `--runner=node` (or `k6`, the default where there is one).
 */
import { parseArgs } from "node:util";
import { killGroups } from "../bench/groups.ts";
import { credits } from "./credits.ts";
import { guesses } from "./guesses.ts";
import { hostile } from "./hostile.ts";
import { besides } from "./neighbours.ts";
import { retention } from "./retention.ts";
import { playScript, scriptNames, type Wish } from "./script.ts";
import { search } from "./search.ts";
import { stalled } from "./stalled.ts";
import { streams } from "./streams.ts";
import { uploads } from "./uploads.ts";

process.once("exit", killGroups);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(130));

const { values, positionals: asked } = parseArgs({
  allowPositionals: true,
  options: {
    users: { type: "string" },
    "per-place": { type: "string" },
    seconds: { type: "string" },
    runner: { type: "string" },
  },
});
const scenarios: Readonly<Record<string, () => Promise<string>>> = {
  credits,
  flood: () => besides("flood"),
  quota: () => besides("quota"),
  excess: () => besides("excess"),
  guesses,
  hostile,
  retention,
  search,
  stalled,
  streams,
  uploads,
  ...Object.fromEntries(scriptNames.map((name) => [name, () => playScript(name, wish())])),
};
const unknown = asked.filter((name) => !Object.hasOwn(scenarios, name));
if (asked.length === 0 || unknown.length > 0) {
  console.error(`name one or more of ${Object.keys(scenarios).join(", ")}`);
  process.exit(2);
}
try {
  for (const name of asked) console.log(`${name}: ${await scenarios[name]?.()}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

function wish(): Wish {
  const { users, seconds, runner } = values;
  if (runner !== undefined && runner !== "k6" && runner !== "node") throw new Error("--runner is k6 or node");
  return {
    runner,
    sizes: { ...whole("users", users), ...whole("perPlace", values["per-place"]), ...whole("seconds", seconds) },
  };
}

function whole(name: string, text: string | undefined): Record<string, number> {
  if (text === undefined) return {};
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} takes a whole number from 1, not "${text}"`);
  return { [name]: value };
}
