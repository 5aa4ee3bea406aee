/** Tells rooms what the tenant has decided: each that has sockets, at once, also those that sleep. */
import pLimit from "p-limit";
import { fixedLimits } from "../../protocol/limits.ts";

/** On one machine all share one thread, and this is only enough not to wait for any; between machines each takes its time. */
const atOnce = 32;
/** When no edge can hold an older policy: what slipped in by one until then is closed by a second round. */
export const policyGoneMs = 6_000;

export interface RoundsOptions<Policy> {
  readonly rooms: () => readonly string[];
  /** What is decided now. */
  readonly policy: () => Policy;
  /** One of so many. May throw: a room that could not be told is told by the next round, or asks itself. */
  readonly tell: (room: string, policy: Policy, rooms: number) => Promise<void>;
  /** Is to call `goAgain` by an alarm. */
  readonly book: (atMs: number) => void;
}

export class Rounds<Policy> {
  readonly #options: RoundsOptions<Policy>;
  /** As far as is known: after a loss of memory there may be one round too many. */
  #decidedAtMs: number;
  #again = false;
  #going: Promise<number> | null = null;

  constructor(options: RoundsOptions<Policy>, nowMs: number) {
    this.#options = options;
    this.#decidedAtMs = nowMs;
  }

  /** To be called when something has been decided. Resolves when every room has been told it that could be. */
  async go(nowMs: number): Promise<void> {
    this.#decidedAtMs = nowMs;
    if (this.#options.rooms().length === 0) return;
    // Booked first: the second round must come whatever becomes of this one.
    this.#options.book(nowMs + policyGoneMs);
    await this.#tellAll();
  }

  /** The round that the alarm was booked for. One that came too early for the newest decision, or missed a room, books another. */
  async goAgain(nowMs: number): Promise<void> {
    const missed = await this.#tellAll();
    const secondMs = this.#decidedAtMs + policyGoneMs;
    if (nowMs < secondMs) this.#options.book(secondMs);
    else if (missed > 0 && nowMs < this.#decidedAtMs + fixedLimits.revocationPushMs)
      this.#options.book(nowMs + policyGoneMs);
  }

  /** What is decided while a round goes makes it go once more. Answers how many rooms the last one missed. */
  #tellAll(): Promise<number> {
    this.#again = true;
    this.#going ??= this.#run().finally(() => (this.#going = null));
    return this.#going;
  }

  async #run(): Promise<number> {
    const { rooms, policy, tell } = this.#options;
    const turns = pLimit(atOnce);
    let missed = 0;
    while (this.#again) {
      this.#again = false;
      const newest = policy();
      const active = rooms();
      const told = await Promise.allSettled(active.map((room) => turns(() => tell(room, newest, active.length))));
      missed = told.filter(({ status }) => status === "rejected").length;
    }
    return missed;
  }
}
