/** A room as it is exported, page by page, and what it holds of one user. */
import type { Actor } from "../../protocol/actor.ts";
import type { MemberLine, MessageLine, RoomLine } from "../../protocol/export.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import { type ExportPage, PageOfLines } from "../exports.ts";
import type { ReactionMark } from "./archive.ts";
import { absent } from "./existence.ts";
import { importing } from "./intake.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import { epochOf } from "./position.ts";

/** Where an export stands. First what has no place in the log, then the log itself up to its head. */
export interface RoomPosition {
  /** The history that is being exported, and what had been erased of it. */
  readonly epoch: string;
  readonly floor: number;
  readonly part: "members" | "bans" | "changes";
  /** The last user, of members and bans. */
  readonly after: string;
  readonly seq: number;
  /** Not all of a message's reactions are out. */
  readonly reactions: { readonly message: number; readonly after: ReactionMark } | null;
}

export type RoomExport =
  | ({ readonly ok: true; readonly epoch: string; readonly head: number } & ExportPage<RoomPosition>)
  | Refusal;

const noReaction: ReactionMark = { emoji: "", user: "" };

/** A room that is being imported is none yet. */
export function exportable({ store, intake }: RoomParts): Refusal | null {
  return absent(store) ?? (intake.state === null ? null : importing());
}

/** Written down once, with the first page. */
export function beginExport({ store, deeds }: RoomParts, actor: Actor, nowMs: number): void {
  store.transaction(() => deeds.add(actor, "room.exported", {}, nowMs));
}

/**
 * All pages together are the room as it stood when the last one was read: what changed after its page was read comes again, with
 * a larger seq. Something that was erased meanwhile could not be told in this way, so that the export is over then.
 */
export function exportPage(parts: RoomParts, position: RoomPosition | null, nowMs: number): RoomExport {
  const { epoch, floor } = stateOf(parts);
  const from = position ?? { epoch, floor, part: "members", after: "", seq: 0, reactions: null };
  if (from.epoch !== epoch || from.floor !== floor)
    return refuse("resync", "Something was erased while it was exported: begin anew.");
  const page = new PageOfLines();
  const next = fill(parts, page, from, nowMs);
  return { ok: true, epoch: epochOf(parts), head: parts.store.head, ...page.upTo(next) };
}

function fill(parts: RoomParts, page: PageOfLines, from: RoomPosition, nowMs: number): RoomPosition | null {
  const { archive } = parts;
  let position = from;
  if (position.part === "members") {
    const members = page.addAll(archive.silentMembers(position.after, page.room), asItIs);
    if (!members.all) return { ...position, after: members.last?.user ?? position.after };
    position = { ...position, part: "bans", after: "" };
  }
  if (position.part === "bans") {
    const bans = page.addAll(archive.bans(position.after, page.room, nowMs), asItIs);
    if (!bans.all) return { ...position, after: bans.last?.user ?? position.after };
    position = { ...position, part: "changes", after: "" };
  }
  return fillChanges(parts, page, position, nowMs);
}

function fillChanges(parts: RoomParts, page: PageOfLines, from: RoomPosition, nowMs: number): RoomPosition | null {
  const { archive } = parts;
  let seq = from.seq;
  if (from.reactions !== null) {
    const { message, after } = from.reactions;
    // Of one that has changed since, all comes again.
    const rest = archive.seqOf(message) === seq ? addReactions(parts, page, message, after) : null;
    if (rest !== null) return { ...from, reactions: { message, after: rest } };
  }
  for (const change of archive.changedSince(seq, page.room, nowMs)) {
    if (page.isFull) return { ...from, seq, reactions: null };
    page.add(change);
    seq = change.seq ?? seq;
    if (change.type === "message" && change.attachments.length > 0) page.addEach(archive.filesOn(change.id));
    if (hasRevisions(change)) page.addEach(archive.revisionsOn(change.id));
    const rest = hasReactions(change) ? addReactions(parts, page, change.id, noReaction) : null;
    if (rest !== null && change.type === "message")
      return { ...from, seq, reactions: { message: change.id, after: rest } };
  }
  if (page.isFull) return { ...from, seq, reactions: null };
  page.add(roomLine(parts));
  return null;
}

function hasRevisions(change: MessageLine | MemberLine): change is MessageLine {
  return change.type === "message" && (change.version > 1 || change.deletedAt !== null);
}

function hasReactions(change: MessageLine | MemberLine): change is MessageLine {
  return change.type === "message" && Object.keys(change.reactions).length > 0;
}

/** Null when all are out, else the last one that is. */
function addReactions(
  { archive }: RoomParts,
  page: PageOfLines,
  message: number,
  after: ReactionMark,
): ReactionMark | null {
  const { last, all } = page.addAll(archive.reactionsOn(message, after, page.room), asItIs);
  return all ? null : last === null ? after : { emoji: last.emoji, user: last.user };
}

function roomLine(parts: RoomParts): RoomLine {
  const { seq, oldest, floor, settings } = stateOf(parts);
  const { head } = parts.store;
  return { type: "room", head, seq, oldest, floor, settings, createdAt: parts.archive.createdAtMs };
}

/** Where the export of a user stands in a room. */
export interface UserPosition {
  readonly part: "messages" | "reactions" | "files";
  readonly message: number;
  /** The last emoji on it, or the last file. */
  readonly after: string;
}

/** First how he stands here, then what he said, then to what he reacted, and files of his that nothing of that carries. Each line names the room. */
export function userPage(
  { name: room, archive }: RoomParts,
  user: string,
  position: UserPosition | null,
  nowMs: number,
): ExportPage<UserPosition> {
  const page = new PageOfLines();
  const inRoom = <Line extends { readonly type: string }>({ type, ...line }: Line) => ({ type, room, ...line });
  if (position === null) {
    page.addEach([archive.memberRow(user), archive.banOn(user, nowMs)].filter((line) => line !== null).map(inRoom));
    page.addEach(archive.pinsBy(user).map(inRoom));
  }
  let { part, message, after }: UserPosition = position ?? { part: "messages", message: 0, after: "" };
  if (part === "messages") {
    for (const line of archive.messagesBy(user, message, page.room, nowMs)) {
      if (page.isFull) return page.upTo({ part, message, after });
      // Who else has pinned it is another's affair.
      const pinned = line.pinned?.by === user ? line.pinned : line.pinned && { ...line.pinned, by: null };
      page.add(inRoom({ ...line, pinned }));
      page.addEach(archive.filesOn(line.id).map(inRoom));
      if (hasRevisions(line)) page.addEach(archive.revisionsOn(line.id).map(inRoom));
      message = line.id;
    }
    [part, message] = ["reactions", 0];
  }
  if (part === "reactions") {
    const { last, all } = page.addAll(archive.reactionsBy(user, { message, emoji: after }, page.room), inRoom);
    if (!all) return page.upTo({ part, message: last?.message ?? message, after: last?.emoji ?? after });
    [part, after] = ["files", ""];
  }
  const { last, all } = page.addAll(archive.filesBeside(user, after, page.room), inRoom);
  return page.upTo(all ? null : { part, message, after: last?.id ?? after });
}

function asItIs<Line>(line: Line): Line {
  return line;
}
