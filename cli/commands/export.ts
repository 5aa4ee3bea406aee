/** Everything of a room, a user or a tenant, as lines of JSON. */
import { createWriteStream } from "node:fs";
import { lstat, rename, unlink } from "node:fs/promises";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as z from "zod";
import { ExportKind } from "../../src/protocol/export.ts";
import type { Call } from "../api.ts";
import { command, type Context } from "../command.ts";
import { Failure, Refused, systemCode } from "../failure.ts";
import { fitting } from "../options.ts";
import { Seal } from "../seal.ts";
import { amount } from "../progress.ts";

export const exporting = command({
  name: "export",
  summary: "Export a room, a user or a tenant, and prove that it has come whole",
  more: "It is not held in memory. A file has its name only when all of it has come; until then it ends with .partial.\nAn export that was cut off cannot be gone on with: begin it again. A tenant takes the operator's key.",
  example:
    "npx parley export room general -o general.ndjson\nnpx parley export tenant acme -o acme.ndjson --key-file data/secrets.json",
  words: {
    what: { text: "room, user or tenant", schema: ExportKind },
    name: { text: "its name or id", schema: z.string() },
  },
  options: {
    out: { text: "the file; stdout unless said", value: "path", short: "o", schema: z.string().min(1).optional() },
    force: { text: "replace the file, where there is one", schema: z.boolean().default(false) },
  },
  async run({ what, name, out, force }, context) {
    const { api, terminal, json } = context;
    const { path, call } = askedFor(what, fitting(what, name));
    if (out !== undefined && !force) await expectNone(out, "");
    const response = await api.open(path, call);
    const seal = new Seal();
    await save(response, seal, out, context);
    const { bytes, lines } = seal;
    const end = seal.end();
    if (end === null) throw cutOff(seal, out);
    // Somebody else may have made it meanwhile.
    if (out !== undefined && !force) await expectNone(out, `; ${partial(out)} has all that came`);
    if (out !== undefined) await rename(partial(out), out);
    if (json) terminal[out === undefined ? "noteJson" : "json"]({ lines, bytes, counts: end.counts, hash: end.hash });
    else terminal.note(`${amount(lines, bytes)}, whole: ${end.hash}`);
  },
});

function askedFor(what: ExportKind, name: string): { readonly path: string; readonly call: Call } {
  const id = encodeURIComponent(name);
  if (what === "tenant") return { path: `/v1/tenants/${id}/export`, call: { method: "POST", as: "operator" } };
  return { path: `/v1/${what}s/${id}/export`, call: {} };
}

async function save(response: Response, seal: Seal, out: string | undefined, { terminal }: Context): Promise<void> {
  async function* counted(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    for await (const chunk of body) {
      seal.take(chunk);
      terminal.progress(amount(seal.lines, seal.bytes));
      yield chunk;
    }
  }
  try {
    const target = out === undefined ? terminal.sink() : await newFile(partial(out));
    await pipeline(counted(response.body === null ? Readable.from([]) : response.body), target);
  } catch (error) {
    // Where nothing was begun, it would keep us waiting.
    await response.body?.cancel().catch(() => undefined);
    if (error instanceof Refused) throw error;
    const code = systemCode(error);
    if (code !== undefined && /^E(ACCES|EXIST|NOSPC|NOENT|ISDIR|ROFS|PERM)$/.test(code))
      throw new Failure(`the file cannot be written: ${code}`);
    throw cutOff(seal, out);
  } finally {
    terminal.progress("");
  }
}

/** What is there is perhaps the only copy that somebody has. */
async function expectNone(out: string, left: string): Promise<void> {
  const found = await lstat(out).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return null;
    throw new Failure(`the file cannot be written: ${systemCode(error) ?? "unknown reason"}`);
  });
  if (found !== null) throw new Failure(`there is a file of that name: --force replaces it${left}`);
}

/** For its owner's eyes: it holds what was said, and what is hidden. One that is there may be read by others, or be a link to elsewhere. */
async function newFile(path: string): Promise<Writable> {
  await unlink(path).catch((error: unknown) => {
    if (systemCode(error) !== "ENOENT") throw error;
  });
  return createWriteStream(path, { mode: 0o600, flags: "wx" });
}

function cutOff({ lines, bytes }: Seal, out: string | undefined): Failure {
  const left = out === undefined ? "" : `; ${partial(out)} has what came`;
  return new Failure(`the export was cut off after ${amount(lines, bytes)}${left}. Throw it away and begin again.`);
}

function partial(out: string): string {
  return `${out}.partial`;
}
