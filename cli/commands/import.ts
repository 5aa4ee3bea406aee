/** What was exported, taken in again. */
import { open as openFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import * as z from "zod";
import { Imported, ImportedTenant, RoomInfo } from "../../src/protocol/http.ts";
import { command, type Context } from "../command.ts";
import { Failure, systemCode } from "../failure.ts";
import { expectPipe } from "../input.ts";
import { fitting } from "../options.ts";
import { amount, counted } from "../progress.ts";
import { Seal } from "../seal.ts";

/** For the answer to the first piece. */
const refusalMs = 200;

const Kind = z.enum(["room", "tenant"]);

export const importing = command({
  name: "import",
  summary: "Import what was exported: a room, or a tenant with its rooms",
  more: "A room is made, and must be one in which nothing has happened yet; it is taken whole or not at all. So is each room\nof a tenant, which must be there, and takes the operator's key: sent again, it goes on with the rooms that are missing.",
  example: "npx parley import room general general.ndjson\nzcat acme.ndjson.gz | npx parley import tenant acme",
  words: {
    what: { text: "room or tenant", schema: Kind },
    name: { text: "its name or id, as it will be called here", schema: z.string() },
    file: { text: "the export; what comes in by stdin unless said", schema: z.string().default("-") },
  },
  options: {},
  async run({ what, name, file }, context) {
    const id = fitting(what, name);
    if (what === "room") await intoRoom(id, file, context);
    else await intoTenant(id, file, context);
  },
});

async function intoRoom(room: string, file: string, context: Context): Promise<void> {
  const { api, terminal, json } = context;
  const chunks = await chunksOf(file);
  await api.ask(`/v1/rooms/${room}`, RoomInfo, { method: "PUT" });
  const left = "The room is as it was.";
  const taken = await send({ path: `/v1/rooms/${room}/import`, schema: Imported, chunks, left }, context);
  if (json) return terminal.json(taken);
  terminal.line(`Room ${room} has it: ${countsOf(taken.counts)}, hash ${taken.hash}`);
}

async function intoTenant(tenant: string, file: string, context: Context): Promise<void> {
  const { terminal, json } = context;
  const chunks = await chunksOf(file);
  const left = "Rooms that have come whole are there: sent again, it goes on with the others.";
  const about = { path: `/v1/tenants/${tenant}/import`, schema: ImportedTenant, chunks, left, as: "operator" } as const;
  const taken = await send(about, context);
  if (json) return terminal.json(taken);
  terminal.line(`Tenant ${tenant} has it: ${counted(taken.rooms, "room")}, hash ${taken.hash}`);
  if (taken.skipped.length > 0) terminal.note(`Were there already, and are as they were: ${taken.skipped.join(", ")}`);
}

interface Sending<Schema> {
  readonly path: string;
  readonly schema: Schema;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** What there is when it was not all taken, for a person. */
  readonly left: string;
  readonly as?: "operator";
}

async function send<Schema extends z.ZodType>(
  { path, schema, chunks, left, as }: Sending<Schema>,
  { api, terminal }: Context,
): Promise<z.output<Schema>> {
  const seal = new Seal();
  async function* lines(): AsyncIterable<Uint8Array> {
    for await (const chunk of chunks) {
      seal.take(chunk);
      terminal.progress(`${amount(seal.lines, seal.bytes)} sent`);
      yield chunk;
      // The server hangs up behind a refusal, and who is writing then does not hear it. Most come for what the first lines say.
      if (seal.bytes === chunk.length) await delay(refusalMs);
    }
  }
  try {
    // It is answered when the last line has been taken, however long that is.
    const { signal } = new AbortController();
    return await api.ask(path, schema, { method: "POST", lines: lines(), signal, ...(as && { as }) });
  } catch (error) {
    terminal.progress("");
    terminal.note(`${amount(seal.lines, seal.bytes)} had been sent. ${left}`);
    throw error;
  } finally {
    terminal.progress("");
  }
}

async function chunksOf(file: string): Promise<AsyncIterable<Uint8Array>> {
  if (file === "-") {
    expectPipe();
    return readable(process.stdin);
  }
  try {
    const handle = await openFile(file);
    // It can be opened, and then not be read: before anything has been made for it.
    if ((await handle.stat()).isDirectory()) throw Object.assign(new Error(), { code: "EISDIR" });
    return readable(handle.createReadStream());
  } catch (error) {
    throw unreadable(error);
  }
}

/** What goes wrong here is not the server's. */
async function* readable(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    yield* chunks;
  } catch (error) {
    throw unreadable(error);
  }
}

function unreadable(error: unknown): Failure {
  return new Failure(`the file cannot be read: ${systemCode(error) ?? "unknown reason"}`);
}

function countsOf(counts: Readonly<Record<string, number>>): string {
  const named = Object.entries(counts).map(([type, count]) => counted(count, type));
  return named.join(", ");
}
