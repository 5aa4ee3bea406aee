/** Changing a message after it was told: edits and deletions. */
import { fitsEdit, silenced, type Standing, type Verdict } from "../../core/admission.ts";
import { may } from "../../core/rights.ts";
import type { DeleteFrame, EditFrame } from "../../protocol/clientFrames.ts";
import type { Message } from "../../protocol/message.ts";
import { refuse } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import type { Log } from "./log.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import { crowded } from "./publish.ts";
import type { Admitted, Outcome } from "./queue.ts";
import { standingOf } from "./standing.ts";
import type { Store } from "./store.ts";

export function edit(parts: RoomParts, session: Session, frame: EditFrame, nowMs: number): Admitted {
  const { settings, policy } = stateOf(parts);
  const standing = standingOf(parts, session);
  const mayEdit = mayChange(session, standing, "edit");
  if (!mayEdit.ok) return mayEdit;
  const heard = silenced(session, standing, settings, nowMs);
  if (!heard.ok) return heard;
  const fits = fitsEdit(frame, policy.limits);
  if (!fits.ok) return fits;
  const limited = crowded(parts) ?? parts.rates.payForChange(session, policy.limits, nowMs);
  if (limited !== null) return limited;
  const bytes = (frame.text?.length ?? 0) + (frame.data === undefined ? 0 : JSON.stringify(frame.data).length);
  return {
    ok: true,
    entry: { bytes, apply: (log) => applyEdit(parts.store, log, session, standing, frame), waiters: [] },
    joins: false,
  };
}

/** `redact` is for what must not stay anywhere: a deletion clears the row, a redaction every earlier version too. */
export function remove(parts: RoomParts, session: Session, frame: DeleteFrame, nowMs: number): Admitted {
  const standing = standingOf(parts, session);
  const mayDelete = mayChange(session, standing, "delete");
  if (!mayDelete.ok) return mayDelete;
  const limited = parts.rates.payForChange(session, stateOf(parts).policy.limits, nowMs);
  if (limited !== null) return limited;
  return {
    ok: true,
    entry: { bytes: 0, apply: (log) => applyDeletion(parts.store, log, session, standing, frame), waiters: [] },
    joins: false,
  };
}

function applyEdit(store: Store, log: Log, session: Session, standing: Standing, frame: EditFrame): Outcome {
  const message = store.message(frame.id, log.nowMs);
  if (message === null) return refuse("not_found", "There is no such message.");
  const owned = ownedBy(session, standing, message, "edit");
  if (!owned.ok) return owned;
  if (message.deletedAt !== null) return refuse("conflict", "The message was deleted.");
  if (frame.ifVersion !== undefined && frame.ifVersion !== message.version) {
    return refuse("conflict", `The message is at version ${message.version}.`);
  }
  const text = frame.text === undefined ? message.text : frame.text;
  const data = frame.data === undefined ? message.data : frame.data;
  if (text === null && data === null) return refuse("invalid_field", "A message needs `text` or `data`.");
  const patch = { id: message.id, seq: log.next(), version: message.version + 1, text, data, editedAt: log.nowMs };
  store.saveEdit(patch);
  log.changed({ type: "message", message: patch });
  return { ok: true, id: patch.id, seq: patch.seq, duplicate: false };
}

function applyDeletion(store: Store, log: Log, session: Session, standing: Standing, frame: DeleteFrame): Outcome {
  const message = store.message(frame.id, log.nowMs);
  if (message === null) return refuse("not_found", "There is no such message.");
  const owned = ownedBy(session, standing, message, "delete");
  if (!owned.ok) return owned;
  // Deleted is deleted: a retry changes nothing.
  if (message.deletedAt !== null) return { ok: true, id: message.id, seq: message.seq, duplicate: true };
  const tombstone = { id: message.id, seq: log.next(), deletedAt: log.nowMs };
  store.saveDeletion(tombstone);
  log.changed({ type: "message", message: { ...tombstone, ...nothing } });
  return { ok: true, id: tombstone.id, seq: tombstone.seq, duplicate: false };
}

/** The content of a deleted message. */
export const nothing = {
  text: null,
  data: null,
  mentions: [],
  attachments: [],
  reactions: {},
} satisfies Partial<Message>;

/** Whether the session may do this to any message at all: known before the message is read. */
function mayChange(session: Session, { role }: Standing, verb: "edit" | "delete"): Verdict {
  const allowed = may(session, role, `${verb}:any`) || (session.user !== null && may(session, role, `${verb}:own`));
  return allowed ? { ok: true } : refuse("forbidden", `This needs the capability \`${verb}:own\` or \`${verb}:any\`.`);
}

function ownedBy(session: Session, { role }: Standing, message: Message, verb: "edit" | "delete"): Verdict {
  const own = session.user !== null && message.sender?.id === session.user;
  return own || may(session, role, `${verb}:any`)
    ? { ok: true }
    : refuse("forbidden", `This needs the capability \`${verb}:any\`: the message is another's.`);
}
