/**
 * Makes `parley/api`: what the API takes and answers, as types alone, for `hc<AppType>(url)` in a project that knows nothing
 * of Cloudflare, zod or our sources.
 *
 * The compiler has written every route's schema out in full when it declared it. Those texts are put together here, without
 * the routers around them, which would bring the whole server along; and what differs by its status alone is said once: each
 * operation has twelve refusals.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { projectFolder } from "./bundle.ts";
import { Failure } from "./failure.ts";

const declared = join(projectFolder, "node_modules/.cache/tsc");
const path = join(projectFolder, "dist/client/types/api.d.ts");

declare();
const api = apiOf(readFileSync(join(declared, "src/src/index.d.ts"), "utf8"));
mkdirSync(dirname(path), { recursive: true });
writeFileSync(path, api);
console.log(`api: ${api.length} bytes of types`);

/** Of what has not changed nothing is declared again. */
function declare(): void {
  const tsc = join(projectFolder, "node_modules/.bin/tsc");
  const run = spawnSync(tsc, ["-b", "src"], { cwd: projectFolder, encoding: "utf8" });
  if (run.error) throw run.error;
  if (run.status !== 0) throw new Failure(`${run.stdout}${run.stderr}`);
}

/** `index` is the declaration of the Worker, which names the routes of the API. */
function apiOf(index: string): string {
  const [, list = ""] = /ExtractSchema<([^>]*)>/.exec(index) ?? [];
  const names = [...list.matchAll(/typeof (\w+)/g)].map(([, name = ""]) => name);
  if (names.length === 0) throw new Failure("the Worker's declaration names no routes");
  const schemas = names.map((name) => {
    const [, file = ""] = new RegExp(`import \\{ ${name} \\} from "\\./(\\S+)\\.ts"`).exec(index) ?? [];
    return `type ${schemaName(name)} = ${schemaOf(join(declared, "src-routes/src", `${file}.d.ts`), name)};`;
  });
  return `/** What Parley's API takes and answers: \`hc<AppType>(url)\` of \`hono/client\`. Written by \`npm run build:client\`. */
import type { Hono } from "hono";
import type { BlankEnv } from "hono/types";

${schemas.join("\n")}
export type AppType = Hono<BlankEnv, ${names.map(schemaName).join(" & ")}, "/">;
`;
}

function schemaName(route: string): string {
  return `${route.slice(0, 1).toUpperCase()}${route.slice(1)}Schema`;
}

/** The second of what its router is made of: environment, schema, base. One for each operation, joined by `&`. */
function schemaOf(declaration: string, name: string): string {
  const text = readFileSync(declaration, "utf8");
  const start = text.indexOf("{", text.indexOf(`declare const ${name}: `));
  const { end } = listAt(text, start, " & ");
  if (!text.startsWith(', "/">;', end)) throw new Failure(`${name} is declared otherwise than others`);
  const schema = text.slice(start, end);
  if (/import\("(?!hono\/)/.test(schema)) throw new Failure(`${name} is declared by the names of other types`);
  return merged(schema);
}

/** Where the bracket that opens at `start` is closed. No text of a type of ours holds a brace. */
function endOf(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    if (text[at] === "{") depth++;
    if (text[at] === "}") depth--;
    if (depth === 0) return at + 1;
  }
  throw new Failure("a declaration does not end");
}

/** Endpoints that differ by their status alone become one with all of theirs. */
function merged(schema: string): string {
  const endpoint = /\{\s+output: /g;
  let whole = "";
  let done = 0;
  for (let found = endpoint.exec(schema); found !== null; found = endpoint.exec(schema)) {
    const { members, end } = listAt(schema, found.index, " | ");
    whole += schema.slice(done, found.index) + union(members);
    endpoint.lastIndex = done = end;
  }
  whole += schema.slice(done);
  // Beside a field that may be missing, "whatever else" may be missing too; the compiler forgets that when it writes it down.
  return whole
    .replaceAll(/(\[x: string\]: import\("hono\/utils\/types"\)\.JSONValue);/g, "$1 | undefined;")
    .replaceAll(/\n\s+/g, " ");
}

/** Objects with a sign between them. */
function listAt(
  text: string,
  start: number,
  sign: string,
): { readonly members: readonly string[]; readonly end: number } {
  const members: string[] = [];
  for (let at = start; ; at += sign.length) {
    const end = endOf(text, at);
    members.push(text.slice(at, end));
    if (!text.startsWith(`${sign}{`, end)) return { members, end };
    at = end;
  }
}

function union(members: readonly string[]): string {
  const status = /^( {12}status: )(.+);$/m;
  const statuses = new Map<string, string[]>();
  for (const member of members) {
    const [, , own = ""] = status.exec(member) ?? [];
    const rest = member.replace(status, "$1*;");
    statuses.set(rest, [...(statuses.get(rest) ?? []), own]);
  }
  return [...statuses].map(([rest, own]) => rest.replace("status: *;", `status: ${own.join(" | ")};`)).join(" | ");
}
