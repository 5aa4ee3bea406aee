/** `parley`: finds the command that was given, runs it, and says how it went by the exit code. */
import { version } from "../package.json";
import { type Command, contextOf, read } from "./command.ts";
import { commands } from "./commands.ts";
import { tell } from "./complaint.ts";
import { exits, UsageError } from "./failure.ts";
import { helpOf, helpOfAll, usageOf } from "./help.ts";
import { Terminal } from "./terminal.ts";

const terminal = new Terminal(process.stdout, process.stderr, process.env);
const args = process.argv.slice(2);

// Who reads has had enough, as `head` does: nobody is left to tell.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

/** What was asked for, for the complaint. */
let usage: string | null = null;

try {
  await run();
} catch (error) {
  process.exitCode = tell(error, terminal, { json: args.includes("--json"), usage });
}

async function run(): Promise<void> {
  const asked = args[0] === "help" ? [...args.slice(1), "--help"] : args;
  const [first] = asked;
  if (first === undefined || first === "--help" || first === "-h") return helpOfAll(terminal, commands, version);
  if (first === "--version" || first === "-v") return terminal.line(version);
  const found = commandIn(asked);
  if (found === undefined) throw new UsageError(unknown(first));
  usage = usageOf(found);
  const rest = asked.slice(found.name.split(" ").length);
  if (rest.some((arg) => arg === "--help" || arg === "-h")) return helpOf(terminal, found);
  const given = read(found, rest);
  await found.run(given, contextOf(given, terminal));
}

/** The one with the longest name that the line begins with. */
function commandIn(words: readonly string[]): Command | undefined {
  return commands.find(({ name }) => name === words.slice(0, 2).join(" ") || name === words[0]);
}

function unknown(first: string): string {
  const within = commands.filter(({ name }) => name.startsWith(`${first} `)).map(({ name }) => name);
  if (within.length > 0) return `one of: ${within.join(", ")}`;
  return "there is no such command: parley --help names them all";
}

process.exitCode ??= exits.done;
