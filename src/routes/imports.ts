/** What was exported, taken in again. All of a room, or nothing. */
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { type RoomStub, roomStub } from "../objects/stubs.ts";
import type { Actor } from "../protocol/actor.ts";
import {
  ExportEnd,
  ExportHead,
  type ExportKind,
  exportType,
  exportVersion,
  type RoomLine,
  RoomRow,
} from "../protocol/export.ts";
import { Imported } from "../protocol/http.ts";
import { fixedLimits } from "../protocol/limits.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import type { Bindings } from "../env.ts";
import { router } from "./app.ts";
import { adminSecurity, inRoom, json } from "./declared.ts";
import { actorOf } from "./identity.ts";
import { Digest, type Line, Lines } from "./lines.ts";
import { admin, client } from "./middleware/authenticate.ts";
import { problem, problems } from "./problem.ts";

const body = { required: true, content: { [exportType]: { schema: z.string() } } };

const intoRoom = createRoute({
  tags: ["data"],
  security: adminSecurity,
  middleware: [client, admin],
  method: "post",
  path: "/v1/rooms/{room}/import",
  summary: "Import a room's export into a new room, whole or not at all; its history gets another epoch",
  request: { params: inRoom, body },
  responses: { 201: json(Imported, "It is the room's history now."), ...problems },
});

export const imports = router().openapi(intoRoom, async (c) => {
  const { room } = c.req.valid("param");
  const lines = new Lines(c.req.raw);
  const { tenant } = c.get("identity");
  const imported = lines.unfit ?? (await importRoom(c.env, { tenant, room }, lines, actorOf(c)));
  if (!imported.ok) return problem(c, imported);
  const { counts, hash, cursor } = imported;
  return c.json({ room, counts, hash, cursor }, 201);
});

type Imports = ({ readonly ok: true } & Omit<Imported, "room">) | Refusal;

/** What is refused on the way gives the whole import up. Where this is cut off itself, the room notices by its silence. */
async function importRoom(
  env: Bindings,
  { tenant, room }: { readonly tenant: string; readonly room: string },
  lines: Lines,
  actor: Actor,
): Promise<Imports> {
  const begins = await headOf(lines, "room");
  if (!begins.ok) return begins;
  const { head } = begins;
  const stub = roomStub(env, tenant, room);
  const begun = await stub.beginImport();
  if (!begun.ok) return begun;
  // Files are found by tenant, room and id: in another room they are told of, and not there.
  const load = new Load(stub, begun.import, head.tenant === tenant && head.room === room);
  const taken = await takeAll(load, lines, actor).catch(async (error: unknown) => {
    await stub.giveUpImport(begun.import);
    throw error;
  });
  if (!taken.ok) await stub.giveUpImport(begun.import);
  return taken;
}

async function takeAll(load: Load, lines: Lines, actor: Actor): Promise<Imports> {
  let room: RoomLine | null = null;
  for (;;) {
    const line = await lines.next();
    if (line === null) return cutOff();
    if (!line.ok) return line;
    if (room !== null) return endImport(load, room, line, lines, actor);
    const row = RoomRow.safeParse(line.value);
    if (!row.success) return unfit(line, row.error);
    if (row.data.type === "room") room = row.data;
    const refused = await load.add(row.data, line.text);
    if (refused !== null) return refused;
  }
}

async function endImport(load: Load, room: RoomLine, last: Line, lines: Lines, actor: Actor): Promise<Imports> {
  const end = ExportEnd.safeParse(last.value);
  if (!end.success) return unfit(last, end.error);
  const { kind, counts, hash } = end.data;
  const refused = await load.send();
  if (refused !== null) return refused;
  const found = await load.digest.hex();
  if (kind !== "room" || found !== hash || !isSame(counts, load.counts))
    return refuse("invalid_field", `Line ${last.number}: this is not the end of the lines before it.`);
  const more = await lines.next();
  if (more !== null)
    return more.ok ? refuse("invalid_field", `Line ${more.number}: nothing comes after the end.`) : more;
  const ended = await load.stub.endImport({ import: load.id, lines: load.sent, room }, actor);
  return ended.ok ? { ok: true, counts, hash, cursor: ended.cursor } : ended;
}

/** What is on its way to the room, in batches. */
class Load {
  readonly stub: RoomStub;
  readonly id: string;
  readonly digest = new Digest();
  readonly counts: Record<string, number> = {};
  /** Lines that the room has. */
  sent = 0;
  #rows: Exclude<RoomRow, RoomLine>[] = [];
  #text = "";

  readonly #withFiles: boolean;

  constructor(stub: RoomStub, id: string, withFiles: boolean) {
    this.stub = stub;
    this.id = id;
    this.#withFiles = withFiles;
  }

  async add(row: RoomRow, text: string): Promise<Refusal | null> {
    this.counts[row.type] = (this.counts[row.type] ?? 0) + 1;
    this.#text += `${text}\n`;
    if (row.type !== "room" && (row.type !== "file" || this.#withFiles)) this.#rows.push(row);
    const isFull =
      this.#rows.length >= fixedLimits.importBatchLines || this.#text.length >= fixedLimits.importBatchUnits;
    return isFull ? this.send() : null;
  }

  async send(): Promise<Refusal | null> {
    await this.digest.add(this.#text);
    this.#text = "";
    if (this.#rows.length === 0) return null;
    const taken = await this.stub.takeRows({ import: this.id, from: this.sent, rows: this.#rows });
    this.sent += this.#rows.length;
    this.#rows = [];
    return taken.ok ? null : taken;
  }
}

async function headOf(
  lines: Lines,
  kind: ExportKind,
): Promise<Refusal | { readonly ok: true; readonly head: ExportHead }> {
  const line = await lines.next();
  if (line === null) return cutOff();
  if (!line.ok) return line;
  const version = (line.value as { version?: unknown } | null)?.version;
  if (typeof version === "number" && version !== exportVersion)
    return refuse(
      "invalid_field",
      `Line 1: this is version ${version} of exports, and ${exportVersion} is taken here.`,
    );
  const head = ExportHead.safeParse(line.value);
  if (!head.success) return unfit(line, head.error);
  return head.data.kind === kind
    ? { ok: true, head: head.data }
    : refuse("invalid_field", `Line 1: not a ${kind}'s export.`);
}

function cutOff(): Refusal {
  return refuse("bad_request", "The export was cut off: its last line is missing.");
}

function unfit({ number }: Line, { issues: [issue] }: Pick<z.ZodError, "issues">): Refusal {
  const where = issue === undefined || issue.path.length === 0 ? "" : `\`${issue.path.join(".")}\`: `;
  return refuse("invalid_field", `Line ${number}: ${where}${issue?.message ?? "not allowed"}.`);
}

function isSame(one: Readonly<Record<string, number>>, other: Readonly<Record<string, number>>): boolean {
  return canonical(one) === canonical(other);
}

function canonical(counts: Readonly<Record<string, number>>): string {
  return JSON.stringify(Object.entries(counts).sort(([one], [other]) => (one < other ? -1 : 1)));
}
