/** What a command is: its name, what it takes, and what it does. Whatever it is given is parsed here. */
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import * as z from "zod";
import { type Access, accessOf } from "./access.ts";
import { Api } from "./api.ts";
import { UsageError } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

/** A word of the command line, by where it stands. */
export interface Word {
  readonly text: string;
  readonly schema: z.ZodType;
}

/** `--name`. Without `value` it is a flag. */
export interface Option extends Word {
  /** What stands for its value in the help. */
  readonly value?: string;
  readonly short?: string;
  /** It may be given several times, and is a list. */
  readonly isMany?: true;
}

type Values<Words extends Readonly<Record<string, Word>>> = {
  readonly [Name in keyof Words]: z.output<Words[Name]["schema"]>;
};

/** What a command has beside what it was given. */
export interface Context {
  readonly terminal: Terminal;
  /** The answer is for a machine. */
  readonly json: boolean;
  readonly access: Access;
  readonly api: Api;
}

/** As it is declared. `words` are in their order, and the last may be left out. */
interface Declared<Words extends Readonly<Record<string, Word>>, Options extends Readonly<Record<string, Option>>> {
  /** One word or two: `room list`. */
  readonly name: string;
  readonly summary: string;
  /** More of it, for its own help. */
  readonly more?: string;
  readonly example: string;
  readonly words: Words;
  readonly options: Options;
  readonly run: (given: Values<Words> & Values<Options>, context: Context) => Promise<void>;
}

export interface Command extends Pick<Declared<never, never>, "name" | "summary" | "more" | "example"> {
  readonly words: Readonly<Record<string, Word>>;
  readonly options: Readonly<Record<string, Option>>;
  readonly run: (given: Readonly<Record<string, unknown>>, context: Context) => Promise<void>;
}

export const commonOptions = {
  url: {
    text: "the server; or PARLEY_URL, or else http://127.0.0.1:8787",
    value: "address",
    schema: z.string().optional(),
  },
  "key-file": {
    text: "a file that holds the API key, in place of PARLEY_KEY",
    value: "path",
    schema: z.string().optional(),
  },
  json: { text: "JSON, for programs", schema: z.boolean().default(false) },
  help: { text: "this", short: "h", schema: z.boolean().default(false) },
} as const satisfies Record<string, Option>;

const Common = z.object({ url: z.string().optional(), "key-file": z.string().optional(), json: z.boolean() });

export function command<
  const Words extends Readonly<Record<string, Word>>,
  const Options extends Readonly<Record<string, Option>>,
>(declared: Declared<Words, Options>): Command {
  const { run, ...rest } = declared;
  // What `read` gives has been parsed by these same schemas.
  const parsed = (given: Readonly<Record<string, unknown>>): Values<Words> & Values<Options> => given as never;
  return { ...rest, run: (given, context) => run(parsed(given), context) };
}

/** What was given, as the command's schemas read it. Throws a UsageError. */
export function read(asked: Command, args: readonly string[]): Readonly<Record<string, unknown>> {
  const options = { ...asked.options, ...commonOptions };
  const { values, positionals } = split(options, args);
  const names = Object.keys(asked.words);
  if (positionals.length > names.length) throw new UsageError("there is a word too many: put quotes around a text");
  const given: Record<string, unknown> = {};
  names.forEach((name, at) => (given[name] = fit(asked.words[name], positionals[at], `<${name}>`)));
  for (const [name, option] of Object.entries(options)) given[name] = fit(option, values[name], `--${name}`);
  return given;
}

export function contextOf(given: Readonly<Record<string, unknown>>, terminal: Terminal): Context {
  const { url, "key-file": keyFile, json } = Common.parse(given);
  const access = accessOf({ url, keyFile, environment: process.env, terminal });
  return { terminal, json, access, api: new Api(access, terminal) };
}

function split(options: Readonly<Record<string, Option>>, args: readonly string[]) {
  const config: ParseArgsOptionsConfig = {};
  for (const [name, { value, short, isMany = false }] of Object.entries(options))
    config[name] = { type: value === undefined ? "boolean" : "string", multiple: isMany, ...(short && { short }) };
  const parsed = parsedBy(config, args);
  const once = new Set<string>();
  for (const token of parsed.tokens) {
    if (token.kind !== "option" || token.value === undefined || config[token.name]?.multiple === true) continue;
    // Which of the two was meant is not for us to say.
    if (once.has(token.name)) throw new UsageError(`--${token.name} is given twice`);
    once.add(token.name);
  }
  return parsed;
}

function parsedBy(options: ParseArgsOptionsConfig, args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true, tokens: true });
  } catch (error) {
    throw new UsageError(complaint(error, args, Object.keys(options)));
  }
}

/** In our words: those of the parser repeat what was given. */
function complaint(error: unknown, args: readonly string[], known: readonly string[]): string {
  const named = args.flatMap((arg) => /^--([a-z][a-z-]*)/.exec(arg)?.[1] ?? []);
  if (named.includes("key"))
    return "a key does not belong on the command line, where others on this machine see it and the shell remembers it: put it into PARLEY_KEY, or into a file and name that with --key-file";
  const unknown = named.find((name) => !known.includes(name));
  if (unknown !== undefined) return `there is no option --${unknown}`;
  const needy = /'(?:-\w, )?--([a-z-]+)[ '<]/.exec(error instanceof Error ? error.message : "")?.[1];
  return needy !== undefined && known.includes(needy)
    ? `--${needy}: a value is missing, or one too many; one that begins with - is written --${needy}=…`
    : "there is no such option; what begins with - and is a text stands behind --";
}

function fit(word: Word | undefined, value: unknown, name: string): unknown {
  const parsed = word?.schema.safeParse(value);
  if (parsed?.success === true) return parsed.data;
  if (value === undefined) throw new UsageError(`${name} is missing`);
  throw new UsageError(`${name}: ${parsed?.error.issues[0]?.message ?? "not allowed"}`);
}
