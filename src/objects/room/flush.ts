/** Append all in one transaction, announce, answer. */
import { refuse } from "../../protocol/refusals.ts";
import { Log } from "./log.ts";
import type { RoomParts } from "./parts.ts";
import type { Entry, Outcome } from "./queue.ts";
import type { Store } from "./store.ts";

/**
 * No `await` in here: readers see the order in which it was stored, and nothing can come between storing and telling.
 * One transaction for all, because each event's writes are a transaction and an fsync of their own on the thread that all rooms
 * share: 5,000 messages at once came to 42,000 a second this way and to 4,500 with an insert per message.
 * Returns what was given out, or null when nothing waited. The platform holds every frame sent after the write until it is durable, so "acked" means on disk.
 */
export function flush({ store, queue, roster }: RoomParts, nowMs: number): Log | null {
  const entries = queue.take();
  if (entries.length === 0) return null;
  const log = new Log(store.head, nowMs);
  const outcomes = appendAll(store, log, entries);
  // Answers given earlier in this event go first: they were read before this flush.
  roster.deliver();
  const news = outcomes === null ? null : log.frames();
  if (news !== null) roster.broadcast(news);
  entries.forEach((entry, index) => {
    const outcome = outcomes?.[index] ?? refuse("internal");
    for (const waiter of entry.waiters) waiter(outcome);
  });
  roster.deliver();
  return log;
}

/** Null when nothing was stored: then nobody is told of it, and everyone who waits is refused. */
function appendAll(store: Store, log: Log, entries: readonly Entry[]): Outcome[] | null {
  try {
    const outcomes = store.transaction(() => entries.map((entry) => attempt(store, log, entry)));
    store.advance(log.head);
    return outcomes;
  } catch (error) {
    console.error("a flush failed and was rolled back", error);
    return null;
  }
}

/** A bad item is rolled back and refused alone; its neighbours stay. */
function attempt(store: Store, log: Log, entry: Entry): Outcome {
  try {
    return log.attempt(() => store.transaction(() => entry.apply(log)));
  } catch (error) {
    console.error("a change failed and was rolled back", error);
    return refuse("internal");
  }
}
