/** Changing a message after it was told: edits and deletions. */
import { contentBytes, silenced, type Standing, unfitEdit } from "../../core/admission.ts";
import { endingsOf } from "../../core/happenings.ts";
import { may } from "../../core/rights.ts";
import { actorOfSession } from "../../protocol/actor.ts";
import type { DeleteFrame, EditFrame } from "../../protocol/clientFrames.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import type { Message } from "../../protocol/message.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import { ignored, isIgnored } from "./admittance.ts";
import { tellProducer } from "./cancel.ts";
import { crowded } from "./capacity.ts";
import { inquired } from "./inquiry.ts";
import type { Log } from "./log.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import type { Admitted, Entry, Outcome } from "./queue.ts";
import { senderOf } from "./rates.ts";
import { countReplies } from "./replies.ts";
import { keepRevision, unkeepable } from "./revisions.ts";
import { tombstoneContent } from "./rows.ts";
import { standingOf } from "./standing.ts";
import { endBefore } from "./streamEnd.ts";
import { viewerOf } from "./viewer.ts";

export function edit(parts: RoomParts, session: Session, frame: EditFrame, nowMs: number): Admitted {
  const { settings, policy } = stateOf(parts);
  const standing = standingOf(parts, session);
  const refused =
    mayNot(session, standing, "edit") ??
    silenced(session, standing, settings, nowMs) ??
    unfitEdit(frame, policy.limits) ??
    crowded(parts) ??
    parts.account.refusal(nowMs) ??
    parts.rates.payForChange(session, policy.limits, nowMs);
  if (refused !== null) return refused;
  const { id, text, data } = frame;
  const entry = inquired(parts, session, {
    said: frame,
    question: () => ({
      message: { ...(text === undefined ? {} : { text }), ...(data === undefined ? {} : { data }) },
      edit: id,
    }),
    unfit: (content) => unfitEdit(content, policy.limits),
    entryOf: (content) =>
      entryOf(session, contentBytes(content), (log) => applyEdit(parts, log, session, standing, content)),
  });
  return "error" in entry ? entry : { ok: true, entry, joins: false };
}

/** Also where the room is full: a deletion makes room. `redact` is for what must not stay anywhere, in no earlier version. */
export function remove(parts: RoomParts, session: Session, frame: DeleteFrame, nowMs: number): Admitted {
  const { settings, policy } = stateOf(parts);
  const standing = standingOf(parts, session);
  const refused =
    mayNot(session, standing, "delete") ??
    silenced(session, standing, settings, nowMs) ??
    parts.account.refusal(nowMs) ??
    parts.rates.payForChange(session, policy.limits, nowMs);
  if (refused !== null) return refused;
  const stream = parts.store.streams.get(frame.id);
  const entry = entryOf(session, 0, (log) => applyDeletion(parts, log, session, standing, frame));
  if (stream !== undefined)
    entry.waiters.push((outcome) => {
      if (outcome.ok && parts.store.streams.get(frame.id) === undefined) tellProducer(parts, stream, session.user);
    });
  return { ok: true, entry, joins: false };
}

function entryOf(session: Session, bytes: number, apply: Entry["apply"]): Entry {
  return { bytes, charged: true, sender: senderOf(session), apply, waiters: [] };
}

function applyEdit(parts: RoomParts, log: Log, session: Session, standing: Standing, frame: EditFrame): Outcome {
  const { store } = parts;
  const message = store.messages.get(frame.id, log.nowMs, viewerOf(parts, session));
  if (message === null) return refuse("not_found", "There is no such message.");
  const foreign = isForeign(session, standing, message, "edit");
  if (foreign !== null) return foreign;
  if (message.deletedAt !== null) return refuse("conflict", "The message was deleted.");
  if (message.status === "streaming") return refuse("conflict", "The message is being streamed.");
  if (frame.ifVersion !== undefined && frame.ifVersion !== message.version) {
    return refuse("conflict", `The message is at version ${message.version}.`);
  }
  const text = frame.text === undefined ? message.text : frame.text;
  const data = frame.data === undefined ? message.data : frame.data;
  if (text === null && data === null && message.attachments.length === 0)
    return refuse("invalid_field", "A message needs `text`, `data` or `attachments`.");
  if (isIgnored(parts, session, message, log.nowMs)) return ignored(message);
  const full = unkeepable(parts, message);
  if (full !== null) return full;
  const patch = { id: message.id, seq: log.next(), version: message.version + 1, text, data, editedAt: log.nowMs };
  keepRevision(parts, message);
  store.messages.saveEdit(patch);
  noteForeign(parts, log, session, message, "message.edited");
  log.changed({ type: "message", message: patch });
  return { ok: true, id: patch.id, seq: patch.seq, duplicate: false };
}

function applyDeletion(parts: RoomParts, log: Log, session: Session, standing: Standing, frame: DeleteFrame): Outcome {
  const { store } = parts;
  const message = store.messages.get(frame.id, log.nowMs, viewerOf(parts, session));
  if (message === null) return refuse("not_found", "There is no such message.");
  const foreign = isForeign(session, standing, message, "delete");
  if (foreign !== null) return foreign;
  // Deleted is deleted: a retry changes nothing.
  if (message.deletedAt !== null) return applyRedaction(parts, log, session, message, frame);
  const own = message.sender?.id === session.user;
  if (!own && isIgnored(parts, session, message, log.nowMs)) return ignored(message);
  const tombstone = { id: message.id, seq: log.next(), deletedAt: log.nowMs };
  const ended = endBefore(parts, tombstone, "cancelled");
  const hidden = store.messages.authorOfHidden(message.id) !== undefined;
  if (frame.redact === true) store.revisions.removeOf(message.id, fixedLimits.passRows);
  else keepRevision(parts, message);
  store.messages.saveDeletion(tombstone);
  if (message.attachments.length > 0) parts.files.removeOf([message.id], log.nowMs);
  noteForeign(parts, log, session, message, "message.deleted");
  const change = { type: "message" as const, message: { ...tombstone, ...ended, ...tombstoneContent } };
  log.changed(change, ended.status === undefined ? undefined : endingsOf(change.message));
  const reply = { replyTo: message.replyTo, sender: message.sender?.id ?? null, hidden, deleted: false };
  countReplies(store, log, [reply], -1);
  return { ok: true, id: tombstone.id, seq: tombstone.seq, duplicate: false };
}

/** Of what was deleted already, and of which more may be kept than the tombstone tells. */
function applyRedaction(parts: RoomParts, log: Log, session: Session, message: Message, frame: DeleteFrame): Outcome {
  const { store } = parts;
  const { id } = message;
  const isRedacted = frame.redact !== true || store.revisions.removeOf(id, fixedLimits.passRows) === 0;
  if (isRedacted) return { ok: true, id, seq: message.seq, duplicate: true };
  // An export that is under way has to come back to it.
  const patch = { id, seq: log.next() };
  store.messages.touch(patch);
  noteForeign(parts, log, session, message, "message.deleted");
  log.changed({ type: "message", message: patch }, null);
  return { ok: true, id, seq: patch.seq, duplicate: false };
}

/** Whether the session may do this to no message at all: known before the message is read. */
function mayNot(session: Session, { role }: Standing, verb: "edit" | "delete"): Refusal | null {
  const allowed = may(session, role, `${verb}:any`) || (session.user !== null && may(session, role, `${verb}:own`));
  return allowed ? null : refuse("forbidden", `This needs the capability \`${verb}:own\` or \`${verb}:any\`.`);
}

function isForeign(session: Session, { role }: Standing, message: Message, verb: "edit" | "delete"): Refusal | null {
  const own = session.user !== null && message.sender?.id === session.user;
  if (own || may(session, role, `${verb}:any`)) return null;
  return refuse("forbidden", `This needs the capability \`${verb}:any\`: the message is another's.`);
}

/** To change what another said is moderation. What it said is not written down. */
function noteForeign(
  { deeds }: RoomParts,
  log: Log,
  session: Session,
  { id, sender }: Message,
  action: "message.edited" | "message.deleted",
): void {
  if ((sender?.id ?? null) === session.user) return;
  const target = { message: id, ...(sender === null ? {} : { user: sender.id }) };
  deeds.add(actorOfSession(session), action, { target }, log.nowMs);
}
