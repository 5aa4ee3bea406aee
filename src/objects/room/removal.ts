/** Rows leave in three ways only: retention, expiry and erasure. Whatever else is done to a row, it stays. */
import type { Reactions } from "../../protocol/message.ts";
import { withoutReaction } from "../../core/reactions.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { nothing } from "./edit.ts";
import type { Log } from "./log.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import type { Entry } from "./queue.ts";
import { roomChange, type Store } from "./store.ts";

/** Messages swept at once. A row is small, and the sweep comes again at once for the rest. */
const sweepLimit = 1_000;

/** Retention: removes every message below `oldest` and says so in one `room` change, by which readers drop them too. */
export function retention(parts: RoomParts, oldest: number): Entry {
  return {
    bytes: 0,
    waiters: [],
    apply: (log) => {
      const state = stateOf(parts);
      if (oldest <= state.oldest) return { ok: true, id: 0, seq: state.seq, duplicate: true };
      const upTo = Math.min(oldest, log.head + 1);
      const seq = log.next();
      parts.store.removeBelow(upTo, seq, seq);
      log.changed({ type: "room", room: roomChange({ ...state, seq, oldest: upTo }) });
      return { ok: true, id: 0, seq, duplicate: false };
    },
  };
}

/** Expiry. Returns when to come again, or null. Silent: readers drop an expired message by the server's time. */
export function sweepExpired({ store }: RoomParts, nowMs: number): number | null {
  const removed = store.transaction(() => store.removeExpired(nowMs, sweepLimit));
  return removed === sweepLimit ? nowMs : store.nextExpiryMs();
}

/**
 * Erasure of a user: messages become tombstones that name nobody, reactions and the member go. What cannot be told by a
 * change (that a row is gone) raises the floor, so that a cursor from before starts over.
 */
export function erasure({ store }: RoomParts, user: string): Entry {
  return {
    bytes: 0,
    waiters: [],
    apply: (log) => {
      eraseReactions(store, log, user);
      for (const id of store.messagesOf(user)) {
        const tombstone = { id, seq: log.next(), deletedAt: log.nowMs };
        store.eraseMessage(tombstone);
        log.changed({ type: "message", message: { ...tombstone, ...nothing, sender: null, nonce: null } });
      }
      const member = store.member(user);
      if (member !== null) {
        log.changed({ type: "member", member: { user, name: null, role: null, seq: log.next() } });
        store.eraseMember(user, log.head);
      }
      return { ok: true, id: 0, seq: log.head, duplicate: false };
    },
  };
}

function eraseReactions(store: Store, log: Log, user: string): void {
  for (const { message, emoji } of store.reactedBy(user)) {
    store.removeReaction(message, emoji, user);
    const row = store.message(message, log.nowMs);
    if (row === null) continue;
    const first = store.reactions(message, emoji, fixedLimits.reactionUsersListed).map((reaction) => reaction.user);
    const reactions: Reactions = withoutReaction(row.reactions, emoji, first);
    const patch = { id: message, seq: log.next(), reactions };
    store.saveReactions(patch);
    log.changed({ type: "message", message: patch });
  }
}
