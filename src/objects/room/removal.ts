/**
 * Rows leave in three ways only: retention, expiry and erasure. Whatever else is done to a row, it stays. Webhook endpoints are
 * told of none of them: whoever asked for it knows, and what waits for them tells nothing of what has gone.
 */
import { withoutReaction } from "../../core/reactions.ts";
import type { ErasedMessages } from "../../protocol/erasure.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { type ErasureMarks, markBehind } from "./erasureMarks.ts";
import type { Log } from "./log.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import type { Entry, Outcome } from "./queue.ts";
import { countReplies } from "./replies.ts";
import { tombstoneContent } from "./rows.ts";
import { roomChange } from "./store/roomRow.ts";
import type { Store } from "./store/store.ts";
import { endBefore } from "./streamEnd.ts";
import { itself } from "./viewer.ts";

const { passRows, searchedPassRows } = fixedLimits;
/** A pass of an erasure: what it tells must stay sendable. */
const erasureRows = 500;
/** One whose messages are taken out of the index, too. */
const searchedErasureRows = 4 * searchedPassRows;

/**
 * One pass of retention: the messages below what `oldestOf` says now go, at most so many rows, and readers drop them by one
 * `room` change. Reactions to them are shown nobody any more, and may take further passes, of which nobody is told.
 */
export function retention(parts: RoomParts, oldestOf: (nowMs: number) => number, rows: number = passRows): Entry {
  const { store, files } = parts;
  const apply = (log: Log): Outcome => {
    const state = stateOf(parts);
    const reach = store.ages.idAfter(rows) ?? Infinity;
    const upTo = Math.max(state.oldest, Math.min(oldestOf(log.nowMs), reach, log.head + 1));
    const isMoving = upTo > state.oldest;
    if (!isMoving && !store.reactions.areBelow(upTo)) return { ok: true, id: 0, seq: state.seq, duplicate: true };
    store.reactions.removeBelow(upTo, rows);
    if (!isMoving) return { ok: true, id: 0, seq: state.seq, duplicate: false };
    const seq = log.next();
    store.removeBelow(upTo, seq, seq);
    files.removeBelow(upTo, log.nowMs);
    log.changed({ type: "room", room: roomChange({ ...state, seq, oldest: upTo }) }, null);
    return { ok: true, id: 0, seq, duplicate: false };
  };
  return { bytes: 0, apply, waiters: [] };
}

/**
 * One pass of expiry. Of the messages themselves nobody is told: readers drop them by the server's time. Those that they replied
 * to have fewer replies. A pass that found nothing is a duplicate.
 */
export function expiry({ store, files, keeper }: RoomParts): Entry {
  const rows = keeper.rowsOf("expiry", Date.now());
  const apply = (log: Log): Outcome => {
    const expired = store.ages.expired(log.nowMs, rows);
    let budget = rows;
    const gone = expired.filter(({ id }) => {
      budget -= store.reactions.removeOf(id, budget);
      if (budget > 0) budget -= store.revisions.removeOf(id, budget);
      // Where the reactions to one message are more than a pass, it goes with the last of them.
      return budget > 0;
    });
    const ids = gone.map(({ id }) => id);
    store.removeExpired(ids, log.head);
    files.removeOf(ids, log.nowMs);
    countReplies(store, log, gone, -1, null);
    return { ok: true, id: 0, seq: log.head, duplicate: expired.length === 0 };
  };
  return { bytes: 0, apply, waiters: [] };
}

/**
 * One pass of the erasure of a user: messages become tombstones that name nobody, or stay and name nobody; reactions, mentions
 * and at last the member go. What no change can tell (that a row is gone) raises the floor, so that a cursor from before starts
 * over. A pass that found nothing from the beginning is a duplicate.
 */
export function erasure(parts: RoomParts, user: string, messages: ErasedMessages, marks: ErasureMarks): Entry {
  const { store, files } = parts;
  const apply = (log: Log): Outcome => {
    const before = log.head;
    const wasMoved = marks.areMoved;
    const reactions = eraseReactions(store, log, user, marks);
    eraseMentions(store, log, user, marks);
    erasePins(store, log, user);
    store.veil.erase(user);
    if (messages === "erase") files.removeOf(eraseMessages(parts, log, user, marks), log.nowMs);
    else files.disown(disownMessages(parts, log, user, marks));
    files.removeWaitingOf(user, log.nowMs);
    // Reactions to what retention has removed move no head.
    const isAll = reactions === 0 && log.head === before;
    if (isAll) marks.reset();
    if (isAll && !wasMoved) eraseMember(store, log, user);
    eraseBeside(parts, user);
    return { ok: true, id: 0, seq: log.head, duplicate: isAll && !wasMoved && log.head === before };
  };
  return { bytes: 0, apply, waiters: [] };
}

/** What is no history. Of a room that was deleted it may be all that is left. Belongs into a transaction. */
export function eraseBeside({ bans, outbox, announced, exceeded }: RoomParts, user: string): void {
  bans.lift(user);
  outbox.erase(user);
  announced.erase(user);
  exceeded.erase(user);
}

/** Answers how many there were. */
function eraseReactions(store: Store, log: Log, user: string, marks: ErasureMarks): number {
  const found = store.reactions.by(user, marks.reaction, erasureRows);
  marks.reaction = markBehind(
    found.map(({ message }) => message),
    erasureRows,
  );
  for (const { message, emoji } of found) {
    store.reactions.remove(message, emoji, user);
    const row = store.messages.get(message, log.nowMs, itself);
    if (row === null) continue;
    const first = store.reactions.of(message, emoji, fixedLimits.reactionUsersListed).map((reaction) => reaction.user);
    const patch = { id: message, seq: log.next(), reactions: withoutReaction(row.reactions, emoji, first) };
    store.messages.saveReactions(patch);
    log.changed({ type: "message", message: patch }, null);
  }
  return found.length;
}

function eraseMentions(store: Store, log: Log, user: string, marks: ErasureMarks): void {
  const found = store.traces.mentioning(user, marks.mention, erasureRows);
  marks.mention = markBehind(
    found.map(({ id }) => id),
    erasureRows,
  );
  for (const { id, mentions } of found) {
    const patch = { id, seq: log.next(), mentions: mentions.filter((mentioned) => mentioned !== user) };
    store.messages.saveMentions(patch);
    log.changed({ type: "message", message: patch }, null);
  }
}

/** What he has pinned stays so, by nobody. */
function erasePins(store: Store, log: Log, user: string): void {
  for (const { message, at } of store.pins.by(user)) {
    const patch = { id: message, seq: log.next(), pinned: { by: null, at } };
    store.messages.touch(patch);
    store.pins.save(message, patch.pinned);
    log.changed({ type: "message", message: patch }, null);
  }
}

function eraseMessages(parts: RoomParts, log: Log, user: string, marks: ErasureMarks): number[] {
  const { store } = parts;
  const hides = store.messages.hasHidden(user);
  const rows = store.search.isThere ? searchedErasureRows : erasureRows;
  const said = store.traces.by(user, marks.message, rows);
  const ids = said.map(({ id }) => id);
  marks.message = markBehind(ids, rows);
  for (const id of ids) {
    const tombstone = { id, seq: log.next(), deletedAt: log.nowMs };
    const ended = endBefore(parts, tombstone, "cancelled");
    store.messages.erase(tombstone);
    const message = { ...tombstone, ...ended, ...tombstoneContent, sender: null, nonce: null };
    log.changed({ type: "message", message }, null);
  }
  countReplies(store, log, said, -1, null);
  if (hides) startOver(store, log, user);
  return ids;
}

/** What was said stays, and nobody said it. */
function disownMessages(parts: RoomParts, log: Log, user: string, marks: ErasureMarks): number[] {
  const { store } = parts;
  const hides = store.messages.hasHidden(user);
  const ids = store.traces.by(user, marks.message, erasureRows).map(({ id }) => id);
  marks.message = markBehind(ids, erasureRows);
  for (const id of ids) {
    const patch = { id, seq: log.next() };
    // Nobody is left who could go on with it.
    const ended = endBefore(parts, patch, "interrupted");
    store.messages.disown(patch);
    log.changed({ type: "message", message: { ...patch, ...ended, sender: null, nonce: null } }, null);
  }
  if (hides) startOver(store, log, user);
  return ids;
}

/** What was hidden has no author any more who would see it, and no change tells him that it is gone. */
function startOver(store: Store, log: Log, user: string): void {
  store.raiseFloor(log.head);
  log.startOver(user);
}

function eraseMember(store: Store, log: Log, user: string): void {
  if (store.members.get(user) === null) return;
  log.changed({ type: "member", member: { user, name: null, role: null, seq: log.next() } }, null);
  store.eraseMember(user, log.head);
  log.unsettle();
}
