/** Calls for the flush: at once, at the end of a span, or when the last one is durable. */
import { flushDelayMs } from "../../core/pace.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import type { Queue } from "./queue.ts";
import type { Roster } from "./roster.ts";

export interface PacerOptions {
  readonly storage: DurableObjectStorage;
  readonly queue: Queue;
  readonly roster: Roster;
  readonly flush: (nowMs: number) => void;
}

export class Pacer {
  readonly #storage: DurableObjectStorage;
  readonly #queue: Queue;
  readonly #roster: Roster;
  readonly #flush: (nowMs: number) => void;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isPrompt = false;
  #flushes = 0;
  #flushedAtMs = 0;
  #durableAtMs: number | null = 0;
  #commitsMs: readonly [number, number] = [0, 0];

  constructor({ storage, queue, roster, flush }: PacerOptions) {
    this.#storage = storage;
    this.#queue = queue;
    this.#roster = roster;
    this.#flush = flush;
  }

  /** To be called at the end of every event that may have queued something. The timer ends with the flush: the room still sleeps. */
  settle(nowMs: number): void {
    if (this.#queue.length === 0) return;
    const delayMs = flushDelayMs({
      nowMs,
      queued: this.#queue.length,
      queuedBytes: this.#queue.bytes,
      sockets: this.#roster.size,
      flushedAtMs: this.#flushedAtMs,
      durableAtMs: this.#durableAtMs,
      commitsMs: this.#commitsMs,
    });
    if (delayMs === 0 && !this.#isBusy(nowMs)) this.flushNow(nowMs);
    else if (delayMs < Infinity) this.#flushAfter(delayMs);
  }

  /**
   * A writer who never pauses has his next frames read before anything else of this thread gets its turn: with a flush in each of
   * his events another room waited 4 s. A timer, however short, lets go first what the thread has read already
   * (docs/decisions/0017; for why the room's gate stays open, 0063).
   */
  #isBusy(nowMs: number): boolean {
    const sinceMs = nowMs - this.#flushedAtMs;
    return sinceMs >= 0 && sinceMs < fixedLimits.busyMs;
  }

  /** Sooner, never later: a queue that is full does not wait for the end of a span. */
  #flushAfter(delayMs: number): void {
    const prompt = delayMs === 0;
    if (this.#timer !== null && (this.#isPrompt || !prompt)) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#isPrompt = prompt;
    this.#timer = setTimeout(() => this.flushNow(Date.now()), delayMs);
  }

  flushNow(nowMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#queue.length === 0) return;
    this.#flush(nowMs);
    this.#flushedAtMs = nowMs;
    this.#durableAtMs = null;
    const flushed = ++this.#flushes;
    const durable = (): void => this.#durable(flushed);
    // A commit that fails resets the object; there is nobody left to tell.
    void this.#storage.sync().then(durable, durable);
  }

  /** Only the newest flush counts: an older one that becomes durable later says nothing about the disk now. */
  #durable(flushed: number): void {
    if (flushed !== this.#flushes) return;
    const nowMs = Date.now();
    this.#commitsMs = [Math.max(0, nowMs - this.#flushedAtMs), this.#commitsMs[0]];
    this.#durableAtMs = nowMs;
    this.settle(nowMs);
  }
}
