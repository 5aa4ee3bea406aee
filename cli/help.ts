/** What can be asked of a command line: all commands, or one. */
import { type Command, commonOptions, type Option } from "./command.ts";
import { padded } from "./table.ts";
import { styled, type Terminal } from "./terminal.ts";

export function helpOfAll(terminal: Terminal, commands: readonly Command[], version: string): void {
  terminal.line(styled("bold", "parley"), ` ${version}: rooms with ordered, durable messages, from the command line`);
  terminal.line();
  const width = Math.max(...commands.map(({ name }) => name.length));
  for (const { name, summary } of commands) terminal.line("  ", styled("cyan", padded(name, width)), "  ", summary);
  terminal.line();
  terminal.line("The server is --url or PARLEY_URL (http://127.0.0.1:8787), the key PARLEY_KEY or --key-file.");
  terminal.line("All of it takes --json. Exit codes: 0 done, 1 refused, 2 wrong usage, 3 not reached.");
  terminal.line("More of each: parley <command> --help");
}

export function helpOf(terminal: Terminal, command: Command): void {
  terminal.line(styled("bold", usageOf(command)));
  terminal.line();
  terminal.line(command.summary, ".");
  for (const line of command.more?.split("\n") ?? []) terminal.line(line);
  terminal.line();
  const rows: [string, string][] = Object.entries(command.words).map(([name, { text }]) => [name, text]);
  for (const [name, option] of Object.entries({ ...command.options, ...commonOptions }))
    rows.push([flagOf(name, option), option.text]);
  const width = Math.max(...rows.map(([left]) => left.length));
  for (const [left, right] of rows) terminal.line("  ", styled("cyan", padded(left, width)), "  ", right);
  terminal.line();
  terminal.line(styled("dim", "Example"));
  for (const line of command.example.split("\n")) terminal.line("  ", line);
}

/** `parley publish <room> [text] [options]` */
export function usageOf({ name, words }: Command): string {
  const places = Object.entries(words).map(([word, { schema }]) =>
    schema.safeParse(undefined).success ? `[${word}]` : `<${word}>`,
  );
  return ["parley", name, ...places, "[options]"].join(" ");
}

function flagOf(name: string, { value, short }: Option): string {
  const flag = value === undefined ? `--${name}` : `--${name} <${value}>`;
  return short === undefined ? flag : `-${short}, ${flag}`;
}
