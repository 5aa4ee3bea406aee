/** A room's export on its way into a room: checked line by line, handed on in batches. */
import type * as z from "zod";
import { type RoomStub, roomStub } from "../objects/stubs.ts";
import type { Actor } from "../protocol/actor.ts";
import { ExportEnd, ExportHead, type ExportKind, exportVersion, type RoomLine, RoomRow } from "../protocol/export.ts";
import type { Imported } from "../protocol/http.ts";
import { fixedLimits } from "../protocol/limits.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import type { Bindings } from "../env.ts";
import { Digest, type Line, type Lines } from "./lines.ts";

type Imports = ({ readonly ok: true } & Omit<Imported, "room">) | Refusal;

interface Place {
  readonly tenant: string;
  readonly room: string;
}

/** The body is this room's export and nothing else. */
export async function importRoom(env: Bindings, place: Place, lines: Lines, actor: Actor): Promise<Imports> {
  const begins = await headOf(lines, "room");
  if (!begins.ok) return begins;
  const begun = await roomStub(env, place.tenant, place.room).beginImport(null);
  return begun.ok ? takeRoom(env, { ...begins, place, import: begun.import, isAll: true }, lines, actor) : begun;
}

export interface Begun {
  readonly head: ExportHead;
  readonly place: Place;
  readonly import: string;
  /** Nothing comes after it. */
  readonly isAll: boolean;
}

/** What is refused on the way gives the whole import up. Where this is cut off itself, the room notices by its silence. */
export async function takeRoom(
  env: Bindings,
  { head, place: { tenant, room }, import: id, isAll }: Begun,
  lines: Lines,
  actor: Actor,
): Promise<Imports> {
  const stub = roomStub(env, tenant, room);
  // Files are found by tenant, room and id: in another room they are told of, and not there.
  const load = new Load(stub, id, head.tenant !== tenant || head.room !== room);
  const taken = await takeAll(load, lines, isAll, actor).catch(async (error: unknown) => {
    await stub.giveUpImport(id);
    throw error;
  });
  if (!taken.ok) await stub.giveUpImport(id);
  return taken;
}

async function takeAll(load: Load, lines: Lines, isAll: boolean, actor: Actor): Promise<Imports> {
  let room: RoomLine | null = null;
  for (;;) {
    const line = await lines.next();
    if (line === null) return cutOff();
    if (!line.ok) return line;
    if (room !== null) {
      const refused = await matchEnd(load, line, isAll ? lines : null);
      if (refused !== null) return refused;
      const ended = await load.stub.endImport({ import: load.id, lines: load.sent, room }, actor);
      return ended.ok ? { ok: true, counts: load.counts, hash: load.hash, cursor: ended.cursor } : ended;
    }
    const row = RoomRow.safeParse(line.value);
    if (!row.success) return unfit(line, row.error);
    if (row.data.type === "room") room = row.data;
    const refused = await load.add(row.data, line);
    if (refused !== null) return refused;
  }
}

/** `rest` is to have nothing more in it. */
async function matchEnd(load: Load, last: Line, rest: Lines | null): Promise<Refusal | null> {
  const refused = await load.send();
  if (refused !== null) return refused;
  load.hash = await load.digest.hex();
  const { counts, hash } = load;
  return unlike(last, { kind: "room", counts, hash }) ?? (rest === null ? null : nothingMore(rest));
}

/** Why this is not the end of what came before it, or null. */
export function unlike(
  last: Line,
  { kind, counts, hash }: { readonly kind: ExportKind; readonly counts: Record<string, number>; readonly hash: string },
): Refusal | null {
  const end = ExportEnd.safeParse(last.value);
  if (!end.success) return unfit(last, end.error);
  const isEnd = end.data.kind === kind && end.data.hash === hash && canonical(end.data.counts) === canonical(counts);
  return isEnd ? null : refuse("invalid_field", `Line ${last.number}: this is not the end of the lines before it.`);
}

export async function nothingMore(lines: Lines): Promise<Refusal | null> {
  const more = await lines.next();
  if (more === null || !more.ok) return more;
  return refuse("invalid_field", `Line ${more.number}: nothing comes after the end.`);
}

/** What is on its way to the room, in batches. */
class Load {
  readonly stub: RoomStub;
  readonly id: string;
  readonly digest = new Digest();
  readonly counts: Record<string, number> = {};
  /** Lines that the room has. */
  sent = 0;
  /** Of all lines, when they have all come. */
  hash = "";
  #rows: Exclude<RoomRow, RoomLine>[] = [];
  #text = "";

  readonly #skipFiles: boolean;
  /** Of the first of the rows. */
  #line = 0;

  constructor(stub: RoomStub, id: string, skipFiles: boolean) {
    this.stub = stub;
    this.id = id;
    this.#skipFiles = skipFiles;
  }

  async add(row: RoomRow, { text, number }: Line): Promise<Refusal | null> {
    this.counts[row.type] = (this.counts[row.type] ?? 0) + 1;
    this.#text += `${text}\n`;
    if (this.#rows.length === 0) this.#line = number;
    if (row.type !== "room") this.#rows.push(row);
    const isFull =
      this.#rows.length >= fixedLimits.importBatchLines || this.#text.length >= fixedLimits.importBatchUnits;
    return isFull ? this.send() : null;
  }

  async send(): Promise<Refusal | null> {
    await this.digest.add(this.#text);
    this.#text = "";
    if (this.#rows.length === 0) return null;
    const given = { from: this.sent, line: this.#line, skipFiles: this.#skipFiles, rows: this.#rows };
    const taken = await this.stub.takeRows({ import: this.id, ...given });
    this.sent += this.#rows.length;
    this.#rows = [];
    return taken.ok ? null : taken;
  }
}

export async function headOf(
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

export function cutOff(): Refusal {
  return refuse("bad_request", "The export was cut off: its last line is missing.");
}

export function unfit({ number }: Line, { issues: [issue] }: Pick<z.ZodError, "issues">): Refusal {
  const where = issue === undefined || issue.path.length === 0 ? "" : `\`${issue.path.join(".")}\`: `;
  return refuse("invalid_field", `Line ${number}: ${where}${issue?.message ?? "not allowed"}.`);
}

function canonical(counts: Readonly<Record<string, number>>): string {
  return JSON.stringify(Object.entries(counts).sort(([one], [other]) => (one < other ? -1 : 1)));
}
