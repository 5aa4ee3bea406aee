/** Importing a history into a room that has none. Nobody is in the room meanwhile. */
import { nanoid } from "nanoid";
import type { Actor } from "../../protocol/actor.ts";
import type { RoomLine, RoomRow } from "../../protocol/export.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import { crowded } from "./capacity.ts";
import { absent } from "./existence.ts";
import { importing } from "./intake.ts";
import type { RoomParts } from "./parts.ts";
import { headCursor } from "./position.ts";

/** What an import brings in one call. The line of the room itself comes last, by `endImport`. */
export interface ImportBatch {
  readonly import: string;
  /** Lines that came before: a batch that comes twice is taken once. */
  readonly from: number;
  /** Of the first row, in the body: for whoever is to find what is refused. */
  readonly line: number;
  /** The files' bytes are another room's: they are told of, and not there. */
  readonly skipFiles: boolean;
  readonly rows: readonly Exclude<RoomRow, RoomLine>[];
}

/** Rows that one pass removes of an import that was given up. */
const passRows = 10_000;

/** Refused where anything was ever said or done: what is there is never mixed with what comes, nor lost for it. */
export function beginImport(
  parts: RoomParts,
  nowMs: number,
  flush: () => void,
): { readonly ok: true; readonly import: string } | Refusal {
  const { store, intake, imported, queue, roster } = parts;
  const refused = absent(store);
  if (refused !== null) return refused;
  // Not a conflict: it may yet be given up, and then this one is taken.
  if (intake.state !== null) return importing();
  flush();
  if (store.head > 0 || !imported.isEmpty)
    return refuse("conflict", "Only a room in which nothing has happened yet takes an import.");
  const id = nanoid();
  store.transaction(() => intake.begin(id, nowMs));
  parts.indexer.notice(nowMs);
  parts.bookIntake(nowMs + fixedLimits.importIdleMs);
  queue.refuseHeld(importing);
  roster.closeAll("resync");
  return { ok: true, import: id };
}

/** Stored, and seen by nobody yet. What is refused here gives the whole import up. */
export function takeRows(parts: RoomParts, batch: ImportBatch, nowMs: number): { readonly ok: true } | Refusal {
  const { store, intake } = parts;
  const state = intakeOf(parts, batch.import);
  if (state === null) return refuse("conflict", "This import is over.");
  const lines = batch.from + batch.rows.length;
  if (lines <= state.lines) return { ok: true };
  if (batch.from !== state.lines) return refuse("conflict", "Something of this import is missing.");
  const full = crowded(parts);
  if (full !== null) return full;
  try {
    return store.transaction(() => {
      let { seq } = state;
      for (const [index, row] of batch.rows.entries()) {
        const unfit = row.type === "file" && batch.skipFiles ? null : take(parts, row, seq);
        if (unfit !== null) return refuse("invalid_field", `Line ${batch.line + index}: ${unfit}.`);
        if ((row.type === "message" || row.type === "member") && row.seq !== null) seq = row.seq;
      }
      intake.took({ lines, seq }, nowMs);
      return { ok: true };
    });
  } catch (error) {
    intake.forget();
    if (!String(error).includes("UNIQUE constraint")) throw error;
    const last = batch.line + batch.rows.length - 1;
    return refuse("invalid_field", `Lines ${batch.line} to ${last}: something stands there twice.`);
  }
}

/** Why a row cannot be taken, or null. Two changes never have the same seq, and they come in its order. */
function take({ imported }: RoomParts, row: ImportBatch["rows"][number], seq: number): string | null {
  if ((row.type === "message" || row.type === "member") && row.seq !== null && row.seq <= seq)
    return `seq ${row.seq} comes after ${seq}`;
  if (row.type === "message") imported.saveMessage(row);
  else if (row.type === "member") imported.saveMember(row);
  else if (row.type === "ban") imported.saveBan(row);
  else if (row.type === "revision") return imported.saveRevision(row) ? null : "no message has had this version";
  else if (row.type === "file") return imported.saveFile(row) ? null : "no message carries this file";
  else if (!imported.saveReaction(row)) return "no message says that it has this reaction";
  return null;
}

export interface ImportEnd {
  readonly import: string;
  /** All of them, but for the room's own. */
  readonly lines: number;
  readonly room: RoomLine;
}

/** The last step: what has come is the room's history, under another epoch. */
export function endImport(
  parts: RoomParts,
  { import: id, lines, room }: ImportEnd,
  actor: Actor,
  nowMs: number,
): { readonly ok: true; readonly cursor: string } | Refusal {
  const { store, intake, imported, bans, deeds, files, keeper, indexer } = parts;
  const state = intakeOf(parts, id);
  if (state === null) return refuse("conflict", "This import is over.");
  if (state.lines !== lines) return refuse("conflict", "Something of this import is missing.");
  if (state.seq > room.head) return refuse("invalid_field", "The room's line: `head` is below a change.");
  if (!imported.agrees) return refuse("invalid_field", "The reactions are not those that the messages tell of.");
  store.transaction(() => {
    store.adopt({ ...room, epoch: nanoid() }, nowMs);
    files.removeBelow(room.oldest, nowMs);
    intake.end();
    deeds.add(actor, "room.imported", { after: { head: room.head } }, nowMs);
  });
  bans.reload();
  keeper.adopted(nowMs);
  parts.streaming.adopted(nowMs);
  indexer.notice(nowMs);
  return { ok: true, cursor: headCursor(parts) };
}

/** What it has brought is removed, and the room is as it was. */
export function giveUpImport(parts: RoomParts, id: string, nowMs: number): void {
  if (intakeOf(parts, id) === null) return;
  parts.intake.giveUp();
  parts.bookIntake(nowMs);
}

/** Ends an import that nobody goes on with, pass by pass. Answers when to come again, or null. */
export function sweepIntake({ store, intake, imported, bans, indexer }: RoomParts, nowMs: number): number | null {
  const { state } = intake;
  if (state === null) return null;
  const idleAtMs = state.touchedAtMs + fixedLimits.importIdleMs;
  if (!state.givenUp && nowMs < idleAtMs) return idleAtMs;
  const isMore = store.transaction(() => {
    intake.giveUp();
    const more = imported.removeSome(passRows) === passRows;
    if (!more) intake.end();
    return more;
  });
  store.reload();
  bans.reload();
  indexer.notice(nowMs);
  return isMore ? nowMs : null;
}

function intakeOf({ store, intake }: RoomParts, id: string): RoomParts["intake"]["state"] {
  if (absent(store) !== null) return null;
  const { state } = intake;
  return state?.id === id && !state.givenUp ? state : null;
}
