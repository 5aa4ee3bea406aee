/** The end of every event of a room: what it has queued is flushed or waits, and what is due later is booked. */
import type { Session } from "../../protocol/session.ts";
import type { Alarms } from "../alarms.ts";
import { flush } from "./flush.ts";
import { Mark } from "./mark.ts";
import { Pacer } from "./pacer.ts";
import type { RoomParts } from "./parts.ts";
import { type Admitted, type Entry, type Outcome, settle } from "./queue.ts";
import type { Job } from "./jobs.ts";

/** A room's part of the time in which many write down what one push has done. */
const writeSpreadMs = 1;
/** How old the tenant's directory of rooms may be. */
const reportAfterMs = 10_000;

export class Turn {
  readonly #parts: RoomParts;
  readonly #alarms: Alarms<Job>;
  readonly #pacer: Pacer;
  readonly #mark: Mark;
  #later: ReturnType<typeof setTimeout> | null = null;

  constructor(storage: DurableObjectStorage, parts: RoomParts, alarms: Alarms<Job>) {
    const { queue, roster, store } = parts;
    this.#parts = parts;
    this.#alarms = alarms;
    this.#pacer = new Pacer({ storage, queue, roster, flush: (nowMs) => this.#flush(nowMs) });
    this.#mark = new Mark(store, roster);
  }

  /** For a job of the tenant's: one pass. */
  async work(make: (parts: RoomParts) => Entry): Promise<"more" | "done"> {
    const { room } = this.#parts.store;
    if (room === null || room.deletedAtMs !== null) return "done";
    const outcome = await this.settled({ ok: true, entry: make(this.#parts), joins: false }, null);
    return outcome.ok && !outcome.duplicate ? "more" : "done";
  }

  /** Resolves when the flush has stored it: the answer leaves when that is on disk. */
  settled(admitted: Admitted, by: Session | null): Promise<Outcome> {
    return new Promise((resolve) => {
      settle(this.#parts.queue, admitted, by, resolve);
      this.settle(Date.now());
    });
  }

  /** At the end of every event: what is to be told joins the queue, and the queue is flushed or waits. */
  settle(nowMs: number): void {
    this.#foldPresence(nowMs);
    this.#foldStreams(nowMs);
    this.#parts.account.settle(nowMs);
    this.#pacer.settle(nowMs);
    this.stayed(nowMs);
  }

  /** Who only reads or types keeps the room awake as well. It says so without an alarm, which would wake it once more. */
  stayed(nowMs: number): void {
    const { store, meter, account } = this.#parts;
    if (meter.isDue(nowMs) && store.room !== null) void account.renew();
  }

  /**
   * Writes down who has gone when all rooms that were told have closed their sockets: each write is a commit on the disk, and on
   * one machine the last rooms would wait for those of the first. The timer keeps what is known of it in memory.
   */
  settleLater(rooms: number): void {
    this.#later ??= setTimeout(
      () => {
        this.#later = null;
        this.scheduleReport();
        this.wake();
      },
      rooms * writeSpreadMs * (1 + Math.random()),
    );
  }

  /** The end of an event that no client sent. */
  wake(): void {
    this.settle(Date.now());
    this.#parts.roster.deliver();
  }

  #foldPresence(nowMs: number): void {
    const { store, presence, queue } = this.#parts;
    if (store.room === null || store.room.deletedAtMs !== null) return;
    const entry = presence.fold(store, store.room.policy.limits.presenceMembers, nowMs);
    if (entry !== null) queue.add(entry);
    if (presence.dueMs !== null) this.#alarms.schedule("presence", presence.dueMs);
  }

  #foldStreams(nowMs: number): void {
    const { store, streaming, queue } = this.#parts;
    if (store.room === null) return;
    const entry = streaming.fold(nowMs, queue.length > 0);
    if (entry !== null) queue.add(entry);
  }

  /** Whether who has gone is about to be written down, for all at once. */
  get settlesLater(): boolean {
    return this.#later !== null;
  }

  flushNow(nowMs: number): void {
    this.#pacer.flushNow(nowMs);
  }

  #flush(nowMs: number): void {
    const { store } = this.#parts;
    const headBefore = store.head;
    const log = flush(this.#parts, nowMs);
    if (log === null) return;
    this.#parts.meter.flushed(log.published);
    if (store.head > headBefore) this.#mark.forget();
    this.#parts.keeper.notice(nowMs, log);
    if (store.head > headBefore) this.#parts.indexer.notice(nowMs);
    // What was only told changes no count.
    if (store.head > headBefore) this.scheduleReport();
    // A reader that was cut while all were told may have been a user's last.
    this.#foldPresence(nowMs);
  }

  scheduleReport(): void {
    if (this.#parts.store.room !== null) this.#alarms.schedule("report", Date.now() + reportAfterMs);
  }
}
