/** Rows leave in three ways only: retention, expiry and erasure. Whatever else is done to a row, it stays. */
import { withoutReaction } from "../../core/reactions.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import type { Log } from "./log.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import type { Entry, Outcome } from "./queue.ts";
import { tombstoneContent } from "./rows.ts";
import { roomChange, type Store } from "./store/store.ts";
import { itself } from "./viewer.ts";

/** Rows that one pass touches: a flush is one transaction, and what it tells must stay sendable. The rest takes another pass. */
const passRows = 500;

/** One pass of retention below `oldest`. It says so in one `room` change, by which readers drop the messages too. */
export function retention(parts: RoomParts, oldest: number): Entry {
  const apply = (log: Log): Outcome => {
    const state = stateOf(parts);
    const reach = parts.store.messages.idAfter(passRows) ?? Infinity;
    const upTo = Math.min(oldest, reach, log.head + 1);
    if (upTo <= state.oldest) return { ok: true, id: 0, seq: state.seq, duplicate: true };
    const seq = log.next();
    parts.store.removeBelow(upTo, seq, seq);
    parts.files.removeBelow(upTo, log.nowMs);
    log.changed({ type: "room", room: roomChange({ ...state, seq, oldest: upTo }) });
    return { ok: true, id: 0, seq, duplicate: false };
  };
  return { bytes: 0, apply, waiters: [] };
}

/** Expiry. Returns when to come again, or null. Silent: readers drop an expired message by the server's time. */
export function sweepExpired({ store, files }: RoomParts, nowMs: number): number | null {
  const removed = store.transaction(() => {
    const ids = store.removeExpired(nowMs, passRows);
    files.removeOf(ids, nowMs);
    return ids;
  });
  return removed.length === passRows ? nowMs : store.messages.nextExpiryMs();
}

/**
 * One pass of the erasure of a user: messages become tombstones that name nobody, reactions, mentions and at last the member
 * go. What no change can tell (that a row is gone) raises the floor, so that a cursor from before starts over.
 * A pass that found nothing is a duplicate.
 */
export function erasure({ store, bans, files }: RoomParts, user: string): Entry {
  const apply = (log: Log): Outcome => {
    const before = log.head;
    eraseReactions(store, log, user);
    eraseMentions(store, log, user);
    files.removeOf(eraseMessages(store, log, user), log.nowMs);
    files.removeWaitingOf(user, log.nowMs);
    if (log.head === before) eraseMember(store, log, user);
    bans.lift(user);
    return { ok: true, id: 0, seq: log.head, duplicate: log.head === before };
  };
  return { bytes: 0, apply, waiters: [] };
}

function eraseReactions(store: Store, log: Log, user: string): void {
  for (const { message, emoji } of store.reactions.by(user, passRows)) {
    store.reactions.remove(message, emoji, user);
    const row = store.messages.get(message, log.nowMs, itself);
    if (row === null) continue;
    const first = store.reactions.of(message, emoji, fixedLimits.reactionUsersListed).map((reaction) => reaction.user);
    const patch = { id: message, seq: log.next(), reactions: withoutReaction(row.reactions, emoji, first) };
    store.messages.saveReactions(patch);
    log.changed({ type: "message", message: patch });
  }
}

function eraseMentions(store: Store, log: Log, user: string): void {
  for (const { id, mentions } of store.messages.mentioning(user, passRows)) {
    const patch = { id, seq: log.next(), mentions: mentions.filter((mentioned) => mentioned !== user) };
    store.messages.saveMentions(patch);
    log.changed({ type: "message", message: patch });
  }
}

function eraseMessages(store: Store, log: Log, user: string): number[] {
  const hides = store.messages.hasHidden(user);
  const ids = store.messages.by(user, passRows);
  for (const id of ids) {
    const tombstone = { id, seq: log.next(), deletedAt: log.nowMs };
    store.messages.erase(tombstone);
    log.changed({ type: "message", message: { ...tombstone, ...tombstoneContent, sender: null, nonce: null } });
  }
  if (hides) {
    // What was hidden has no author any more who would see it, and no change tells him that it is gone.
    store.raiseFloor(log.head);
    log.startOver(user);
  }
  return ids;
}

function eraseMember(store: Store, log: Log, user: string): void {
  if (store.members.get(user) === null) return;
  log.changed({ type: "member", member: { user, name: null, role: null, seq: log.next() } });
  store.eraseMember(user, log.head);
  log.unsettle();
}
