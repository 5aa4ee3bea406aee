/** Files of the room: who may bring one, which message may carry it, and who sees it. */
import { silenced } from "../../core/admission.ts";
import type { Attachment } from "../../protocol/message.ts";
import { type Refusal, type RefusalCode, refuse } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import type { StoredFile } from "../../protocol/upload.ts";
import { isShadowed } from "./admittance.ts";
import { crowded } from "./capacity.ts";
import { type Caller, open } from "./existence.ts";
import type { RoomFile } from "./files.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import { lacks, standingOf } from "./standing.ts";
import { viewerOf } from "./viewer.ts";

/** Whether the session may bring a file now: as for a message, but that it takes the right to upload. Null when it may. */
export function unwantedFile(parts: RoomParts, session: Session, nowMs: number): Refusal | null {
  const { settings, policy } = stateOf(parts);
  return (
    lacks(parts, session, "upload") ??
    silenced(session, standingOf(parts, session), settings, nowMs) ??
    crowded(parts) ??
    parts.rates.payForChange(session, policy.limits, nowMs)
  );
}

/** Takes in a file whose bytes are all there, and tells of it once. */
export function keepFile(
  parts: RoomParts,
  session: Session,
  file: StoredFile,
  nowMs: number,
): { readonly ok: true; readonly file: StoredFile } | Refusal {
  const refused = lacks(parts, session, "upload");
  if (refused !== null) return refused;
  parts.store.transaction(() => {
    // What is not to be heard of in a message is not heard of before.
    if (parts.files.add(file) && !isShadowed(parts, session, nowMs)) {
      const { user, atMs: createdAt } = file;
      parts.outbox.add("upload.ready", { file: { ...attachmentOf(file), user, createdAt } }, nowMs);
    }
  });
  const kept = parts.files.get(file.id);
  // It was removed before its maker heard that it had been taken in.
  return kept === null ? unknownFile : { ok: true, file: toldOf(parts, kept) };
}

/** Why a message of this session's cannot carry these uploads, or null. */
export function unattachable(parts: RoomParts, session: Session, ids: readonly string[] = []): Refusal | null {
  if (ids.length === 0) return null;
  if (new Set(ids).size < ids.length) return refuse("invalid_field", "`attachments`: each upload only once.");
  if (parts.store.room === null) return noUpload;
  for (const id of ids) {
    const file = parts.files.get(id);
    // Another user's is as good as unknown, whether it is attached or not.
    if (file === null || (file.user !== null && file.user !== session.user)) return noUpload;
    if (file.message !== null) return refuse("conflict", "`attachments`: another message carries this upload.");
  }
  return null;
}

const noUpload = refuse("not_found", "`attachments`: there is no such upload.");

/** As a message carries them. */
export function attachmentsOf({ files }: RoomParts, ids: readonly string[] = []): Attachment[] {
  return ids.flatMap((id) => files.get(id) ?? []).map(attachmentOf);
}

function attachmentOf({ id, name, type, size, width, height }: Attachment): Attachment {
  const extent = { ...(width === undefined ? {} : { width }), ...(height === undefined ? {} : { height }) };
  return { id, name, type, size, ...extent };
}

/** The file, for whoever is shown the message that carries it; while none does, for whoever brought it. */
export function fileFor(
  parts: RoomParts,
  caller: Caller,
  id: string,
  nowMs: number,
): { readonly ok: true; readonly file: StoredFile } | Refusal {
  const refused = open(parts, caller);
  if (refused !== null) return tellsOfTheRoom.has(refused.error) ? unknownFile : refused;
  const file = parts.files.get(id);
  if (file === null || !isShown(parts, caller.session, file, nowMs)) return unknownFile;
  return { ok: true, file: toldOf(parts, file) };
}

function toldOf({ name: room }: RoomParts, file: RoomFile): StoredFile {
  const { user, atMs } = file;
  return { ...attachmentOf(file), room, user, atMs };
}

/** Whoever may not be in the room must not learn that there is such a file in it. */
const tellsOfTheRoom: ReadonlySet<RefusalCode> = new Set(["forbidden", "banned", "not_found", "room_deleted"]);
const unknownFile = refuse("not_found", "There is no such upload.");

function isShown(parts: RoomParts, session: Session, { user, message }: RoomFile, nowMs: number): boolean {
  if (message === null) return user === session.user;
  if (lacks(parts, session, "read") !== null) return false;
  return parts.store.messages.get(message, nowMs, viewerOf(parts, session)) !== null;
}
