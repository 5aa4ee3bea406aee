/** Append all in one transaction, announce, answer. */
import { silenced } from "../../core/admission.ts";
import { unwelcome } from "../../core/welcome.ts";
import { refuse } from "../../protocol/refusals.ts";
import { refusalOf } from "../failures.ts";
import { barred, clear } from "./admittance.ts";
import { tellEnds } from "./listen.ts";
import { Log } from "./log.ts";
import { importing } from "./intake.ts";
import type { RoomParts } from "./parts.ts";
import { changesOf, type Entry, type Outcome } from "./queue.ts";
import type { Seat } from "./roster.ts";
import { standingOf } from "./standing.ts";
import { viewerOf } from "./viewer.ts";

/**
 * No `await` in here: readers see the order in which it was stored, and nothing can come between storing and telling.
 * One transaction for all, because each event's writes are a transaction and an fsync of their own on the thread that all
 * rooms share: 5,000 messages at once came to 42,000 a second this way and to 4,500 with an insert per message.
 * Returns what was given out, or null when nothing was. The platform holds every frame sent after the write until it is
 * durable, so "acked" means on disk.
 */
export function flush(parts: RoomParts, nowMs: number): Log | null {
  const { store, queue, roster } = parts;
  const entries = queue.take();
  if (entries.length === 0) return null;
  const appended = appendAll(parts, entries, nowMs);
  if (appended !== null) store.advance(appended.log.head);
  // Answers given earlier in this event go first: they were read before this flush.
  roster.deliver();
  entries.forEach((entry, index) => {
    const outcome = appended?.outcomes[index] ?? refuse("internal");
    if (entry.charged === true && !outcome.ok) parts.account.refund(changesOf(entry));
    for (const waiter of entry.waiters) answer(waiter, outcome);
  });
  if (appended !== null) cut(parts, appended.log, nowMs);
  const authors = appended?.log.authors ?? null;
  const veil = authors && { authors, viewerOf: (seat: Seat) => viewerOf(parts, seat.session) };
  roster.announce(appended?.log.frames() ?? [], veil);
  tellEnds(parts, nowMs);
  return appended?.log ?? null;
}

/** Whom it has barred hears nothing more, not even of what barred him; and who must begin anew is told nothing that says he need not. */
function cut(parts: RoomParts, { unsettled, startingOver }: Log, nowMs: number): void {
  if (unsettled) clear(parts, nowMs);
  if (startingOver.size === 0) return;
  for (const seat of parts.roster.seats)
    if (startingOver.has(seat.session.user ?? "")) parts.roster.close(seat, "resync");
}

/** It is stored: one that cannot be told must not keep the others from hearing of it. */
function answer(waiter: (outcome: Outcome) => void, outcome: Outcome): void {
  try {
    waiter(outcome);
  } catch (error) {
    console.error("an answer failed", error);
  }
}

interface Appended {
  readonly log: Log;
  readonly outcomes: readonly Outcome[];
}

/** Null when nothing was stored: then nobody is told of it, and everyone who waits is refused. */
function appendAll(parts: RoomParts, entries: readonly Entry[], nowMs: number): Appended | null {
  try {
    return appendTogether(parts, entries, nowMs);
  } catch (error) {
    parts.outbox.reload();
    console.error("a change failed; its flush is repeated without it", error);
  }
  try {
    return appendApart(parts, entries, nowMs);
  } catch (error) {
    parts.outbox.reload();
    console.error("a flush failed and was rolled back", error);
    return null;
  }
}

function appendTogether(parts: RoomParts, entries: readonly Entry[], nowMs: number): Appended {
  return append(parts, nowMs, (log) => entries.map((entry) => apply(parts, entry, log)));
}

/** Whom it concerns outside of the room is written down with it. */
function append(parts: RoomParts, nowMs: number, applyAll: (log: Log) => Outcome[]): Appended {
  const { store, outbox, announced, presence } = parts;
  const authorOfHidden = (id: number): string | null | undefined => store.messages.authorOfHidden(id);
  const log = new Log(store.head, nowMs, { authorOfHidden, isHeard: outbox.isHeard });
  return store.transaction(() => {
    const outcomes = applyAll(log);
    outbox.record(log.happenings, nowMs);
    announced.note(log.happenings, () => presence.users);
    return { log, outcomes };
  });
}

/** It has waited, and meanwhile its author may have become unwelcome, or been muted. */
function apply(parts: RoomParts, { by, charged, apply: change }: Entry, log: Log): Outcome {
  const { room } = parts.store;
  if (by === undefined || room === null) return change(log);
  if (room.deletedAtMs !== null) return refuse("room_deleted");
  if (parts.intake.state !== null) return importing();
  const standing = standingOf(parts, by);
  const refused =
    unwelcome(by, room.policy, log.nowMs) ??
    barred(parts, by, log.nowMs) ??
    (charged === true ? silenced(by, standing, room.settings, log.nowMs) : null);
  return refused ?? change(log);
}

/** Each in a transaction of its own within the one: what throws is rolled back and refused alone, its neighbours stay. */
function appendApart(parts: RoomParts, entries: readonly Entry[], nowMs: number): Appended {
  const attempt = (entry: Entry, log: Log): Outcome => {
    try {
      return log.attempt(() => parts.store.transaction(() => apply(parts, entry, log)));
    } catch (error) {
      return refusalOf(error);
    }
  };
  return append(parts, nowMs, (log) => entries.map((entry) => attempt(entry, log)));
}
