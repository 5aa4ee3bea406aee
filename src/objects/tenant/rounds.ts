/** Tells rooms what the tenant has decided: each that it may concern, at once, also those that sleep. */
import pLimit from "p-limit";
import { type Concern, everybody } from "../../core/concern.ts";
import { fixedLimits } from "../../protocol/limits.ts";

/** On one machine all share one thread, and this is only enough not to wait for any; between machines each takes its time. */
const atOnce = 32;
/** When no edge can hold an older policy: what slipped in by one until then is closed by a second round. */
export const policyGoneMs = 6_000;

export interface RoundsOptions<Policy> {
  /** Those that have sockets. */
  readonly rooms: () => readonly string[];
  /** Of these, those that one of the decisions may concern. */
  readonly concerned: (rooms: readonly string[], concerns: readonly Concern[]) => readonly string[];
  /** What is decided now. */
  readonly policy: () => Policy;
  /** One of so many. May throw: a room that could not be told is told by the next round, or asks itself. */
  readonly tell: (room: string, policy: Policy, rooms: number) => Promise<void>;
  /** Is to call `goAgain` by an alarm. */
  readonly book: (atMs: number) => void;
  readonly isBooked: () => boolean;
}

interface Decision {
  readonly concern: Concern;
  readonly atMs: number;
}

export class Rounds<Policy> {
  readonly #options: RoundsOptions<Policy>;
  /** As far as is known: after a loss of memory there may be one round too many. */
  #decidedAtMs: number;
  /** Whom the next round is about. */
  #untold: Concern[] = [];
  /** What the second round is about; null after a loss of memory. */
  #recent: Decision[] | null = null;
  #going: Promise<number> | null = null;

  constructor(options: RoundsOptions<Policy>, nowMs: number) {
    this.#options = options;
    this.#decidedAtMs = nowMs;
  }

  /** To be called when something has been decided. Resolves when every room has been told it that could be. */
  async go(concern: Concern, nowMs: number): Promise<void> {
    this.#decidedAtMs = nowMs;
    if (this.#options.rooms().length === 0) return;
    this.#recall(this.#options.isBooked()).push({ concern, atMs: nowMs });
    // Booked first: the second round must come whatever becomes of this one.
    this.#options.book(nowMs + policyGoneMs);
    this.#untold.push(concern);
    await this.#tellAll();
  }

  /** The round that the alarm was booked for. One that came too early for the newest decision, or missed a room, books another. */
  async goAgain(nowMs: number): Promise<void> {
    const decisions = this.#recall(true);
    this.#untold.push(...decisions.map(({ concern }) => concern));
    const missed = await this.#tellAll();
    const goesOnMs = missed > 0 ? fixedLimits.revocationPushMs : policyGoneMs;
    this.#recent = decisions.filter(({ atMs }) => nowMs < atMs + goesOnMs);
    const secondMs = this.#decidedAtMs + policyGoneMs;
    if (nowMs < secondMs) this.#options.book(secondMs);
    else if (this.#recent.length > 0) this.#options.book(nowMs + policyGoneMs);
  }

  /** What was decided before a loss of memory may have been about anybody. */
  #recall(isBooked: boolean): Decision[] {
    return (this.#recent ??= isBooked ? [{ concern: everybody, atMs: this.#decidedAtMs }] : []);
  }

  /** What is decided while a round goes makes it go once more. Answers how often a room was missed. */
  #tellAll(): Promise<number> {
    this.#going ??= this.#run().finally(() => (this.#going = null));
    return this.#going;
  }

  async #run(): Promise<number> {
    const { rooms, concerned, policy, tell } = this.#options;
    const turns = pLimit(atOnce);
    let missed = 0;
    while (this.#untold.length > 0) {
      const concerns = this.#untold.splice(0);
      const newest = policy();
      const meant = concerned(rooms(), concerns);
      const told = await Promise.allSettled(meant.map((room) => turns(() => tell(room, newest, meant.length))));
      missed += told.filter(({ status }) => status === "rejected").length;
    }
    return missed;
  }
}
