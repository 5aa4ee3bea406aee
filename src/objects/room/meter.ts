/**
 * What the room has done since it last told its tenant. All of it is memory: what it did between its last report and the end of
 * its memory is told by nobody, and nothing is told twice.
 */
import type { Work } from "../../core/work.ts";

/** A room that stores nothing tells its tenant as often as this that it is awake all the same. */
const dueAfterMs = 60_000;

export class Meter {
  #sinceMs: number;
  #wakings = 1;
  #flushed = 0;
  #to1 = 0;
  #to4 = 0;
  #to16 = 0;
  #to64 = 0;
  #more = 0;

  constructor(wokeAtMs: number) {
    this.#sinceMs = wokeAtMs;
  }

  /** Each flush in one of them: they are added up when they are told. */
  flushed(messages: number): void {
    if (messages === 0) return;
    this.#flushed += messages;
    if (messages === 1) this.#to1++;
    else if (messages <= 4) this.#to4++;
    else if (messages <= 16) this.#to16++;
    else if (messages <= 64) this.#to64++;
    else this.#more++;
  }

  isDue(nowMs: number): boolean {
    return nowMs - this.#sinceMs >= dueAfterMs;
  }

  /** All of it, and begins anew. A clock that was set back makes no time undone. */
  take(nowMs: number): Work {
    const flushesTo4 = this.#to1 + this.#to4;
    const flushesTo16 = flushesTo4 + this.#to16;
    const flushesTo64 = flushesTo16 + this.#to64;
    const work = {
      wakings: this.#wakings,
      awakeMs: Math.max(0, nowMs - this.#sinceMs),
      flushes: flushesTo64 + this.#more,
      flushed: this.#flushed,
      flushesTo1: this.#to1,
      flushesTo4,
      flushesTo16,
      flushesTo64,
    };
    this.#sinceMs = nowMs;
    this.#wakings = this.#flushed = this.#to1 = this.#to4 = this.#to16 = this.#to64 = this.#more = 0;
    return work;
  }
}
