/** Threads, which are flat: what a message may reply to, and how its parent counts it. */
import type { Happening } from "../../core/happenings.ts";
import type { Change } from "../../protocol/changes.ts";
import type { Message } from "../../protocol/message.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Log } from "./log.ts";
import type { Reply } from "./store/replies.ts";
import type { Store } from "./store/store.ts";
import { itself, sees, type Viewer } from "./viewer.ts";

/** Whether a message may not be replied to: `parent` as its author sees it, null where it does not. */
export function unanswerable(parent: Message | null): Refusal | null {
  if (parent === null) return refuse("not_found", "`replyTo`: there is no such message.");
  if (parent.deletedAt !== null) return refuse("conflict", "`replyTo`: the message was deleted.");
  if (parent.replyTo === null) return null;
  return refuse("invalid_field", `\`replyTo\`: the message is a reply itself, to message ${parent.replyTo}.`);
}

/**
 * Counts replies that have come (1) or gone (-1) at their parents: of each parent that is still there, one change. To be called
 * when they are stored, or are not any more. Of one that is hidden from others only those are told who see it. `happening`: as
 * of any change.
 */
export function countReplies(
  store: Store,
  log: Log,
  replies: readonly Reply[],
  by: 1 | -1,
  happening?: Happening | null,
): void {
  const counted = replies.filter(({ deleted }) => !deleted);
  for (const parent of new Set(counted.map(({ replyTo }) => replyTo))) {
    if (parent === null || store.messages.get(parent, log.nowMs, itself) === null) continue;
    const moved = counted.filter(({ replyTo }) => replyTo === parent);
    countAt(store, log, parent, { moved, by, happening });
  }
}

function countAt(
  { replies: counts, messages, veil }: Store,
  log: Log,
  id: number,
  {
    moved,
    by,
    happening,
  }: { readonly moved: readonly Reply[]; readonly by: 1 | -1; readonly happening: Happening | null | undefined },
): void {
  const seq = log.next();
  const shown = moved.filter(({ hidden }) => !hidden).length;
  if (shown === 0) veil.draw(id, { seq, authors: moved.map(({ sender }) => sender) });
  const replies = counts.count({ id, seq, by: by * shown });
  const change = (seen: number): Change => ({ type: "message", message: { id, seq, replies: seen } });
  const hidden = messages.hides ? counts.hiddenOf(id) : [];
  const unseen = moved.filter((reply) => reply.hidden);
  if (hidden.length === 0 && unseen.length === 0) return log.changed(change(replies), happening);
  const as = (viewer: Viewer): Change | null => {
    // A count that moved would tell of a reply that nobody sees.
    if (shown === 0 && !unseen.some(({ sender }) => sees(viewer, sender))) return null;
    const more = hidden.filter(({ sender }) => sees(viewer, sender));
    return change(more.reduce((sum, { count }) => sum + count, replies));
  };
  const authors = [...hidden, ...unseen].map(({ sender }) => sender);
  log.changed(change(replies), shown === 0 ? null : happening, { authors, as });
}
