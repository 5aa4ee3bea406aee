/**
 * The room's account with its tenant: places for sockets and credits for changes, taken in advance and spent here, so that no
 * message costs a question. All of it is memory: what is lost with it is lost, and nobody gets it twice.
 */
import { type Allowance, spend } from "../../core/allowance.ts";
import { demand } from "../../core/demand.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import type { RoomPolicy } from "../../protocol/policy.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { LimitLevel } from "../../protocol/serverFrames.ts";
import type { Grant, RoomCounts, Statement } from "../account.ts";
import { failureOf, refusalOf } from "../failures.ts";
import type { Door } from "./door.ts";
import type { Queue } from "./queue.ts";

export interface AccountOptions {
  /** Asks the tenant. May throw, as every call to another object. */
  readonly ask: (statement: Omit<Statement, "room" | "policyVersion" | "sockets" | "work">) => Promise<Grant | Refusal>;
  readonly queue: Queue;
  readonly door: Door;
  /** How many sockets are open. */
  readonly sockets: () => number;
  readonly onPolicy: (policy: RoomPolicy) => void;
  /** Something can go on that had to wait. */
  readonly onSettled: () => void;
}

/** What is asked: what is not named is nothing. */
interface Asked {
  readonly credits?: number;
  readonly counts?: RoomCounts | null;
  /** Whoever asks for more than what has been decided lets somebody in, or has changes that wait. */
  readonly door?: "shut" | "same";
}

const askAgainMs = 1_000 / fixedLimits.asksPerSecond;
const rate = { perSecond: fixedLimits.asksPerSecond, burst: fixedLimits.asksBurst };

export class Account {
  readonly #options: AccountOptions;
  #places: number;
  /** At the door: those that wait for a place, and those that have one and are no socket yet. */
  #waiting = 0;
  readonly #admitted = new Set<string>();
  #credits = 0;
  #creditsUntilMs = 0;
  /** Fewer than this are left: time to ask for more, before somebody must wait. */
  #lowAt = 0;
  /** Changes that were tried since the last question. */
  #tried = 0;
  #askedAtMs = -Infinity;
  #asks: Allowance | undefined;
  #asking: Promise<Refusal | null> | null = null;
  #low: readonly LimitLevel[] = [];
  #short: { readonly refusal: Refusal; readonly untilMs: number } | null = null;
  #renewing: Promise<Refusal | null> | null = null;
  /** The tenant had no place left; until then it is not asked again. */
  #fullUntilMs = -Infinity;
  /** A timer will ask for those who wait. */
  #isBooked = false;

  constructor(options: AccountOptions) {
    this.#options = options;
    // What the room held before it lost its memory is still written down at its tenant.
    this.#places = options.sockets();
  }

  // Credits.

  /** Whether the tenant has just said that there are not so many. To be asked for what changes something, before it pays for anything else. */
  refusal(nowMs: number, credits = 1): Refusal | null {
    this.#tried += credits;
    if (this.#short === null || this.#short.untilMs <= nowMs || this.#credits >= credits) return null;
    return this.#shortOf(credits, { ...this.#short.refusal, retryAfterMs: this.#short.untilMs - nowMs });
  }

  /** Takes so many credits, or none where there are not so many. */
  spend(credits: number, nowMs: number): boolean {
    if (this.#credits < credits || nowMs >= this.#creditsUntilMs) return false;
    this.#credits -= credits;
    return true;
  }

  /** What is left of the tenant's limits, as of the last answer, where it is little. */
  get levels(): readonly LimitLevel[] {
    return this.#low;
  }

  /** Of changes that were refused when they were to be stored. */
  refund(credits: number): void {
    this.#credits += credits;
  }

  /** To be called at the end of every event: asks for more where changes wait, or will soon. */
  settle(nowMs: number): void {
    const waiting = this.#options.queue.held > 0;
    const low = this.#credits < this.#lowAt && nowMs < this.#creditsUntilMs;
    if ((!waiting && !low) || this.#asking !== null) return;
    const spent = spend(this.#asks, rate, nowMs);
    if (spent.ok) {
      this.#asks = spent.allowance;
      void this.#ask({ credits: this.#demand(nowMs) });
    } else if (waiting && !this.#isBooked) {
      this.#isBooked = true;
      setTimeout(() => {
        this.#isBooked = false;
        // Whatever the clock says that was set back meanwhile: another timer would keep the room awake for as long.
        if (this.#asking === null) void this.#ask({ credits: this.#demand(Date.now()) });
      }, spent.retryAfterMs);
    }
  }

  // Places.

  /**
   * A place for one more socket, and an open door, or why there is none. With one, `entered` must be called whatever becomes of
   * it.
   */
  async enter(connection: string): Promise<Refusal | null> {
    this.#waiting += 1;
    try {
      while (!this.#hasPlace || !this.#options.door.isOpen) {
        // What was asked before this one came may not have been meant for it.
        const own = this.#asking === null;
        if (own && !this.#hasPlace && Date.now() < this.#fullUntilMs) return full();
        const credits = this.#credits < 1 ? fixedLimits.creditsMin : 0;
        const refused = await (this.#asking ?? this.#ask({ credits }));
        if (refused !== null) return refused;
        if (!own || this.#hasPlace) continue;
        this.#fullUntilMs = Date.now() + askAgainMs;
        return full();
      }
      this.#admitted.add(connection);
      this.#options.door.enter(connection);
      return null;
    } finally {
      this.#waiting -= 1;
    }
  }

  /** It is one of the sockets now, or was refused. */
  entered(connection: string): void {
    this.#admitted.delete(connection);
    this.#options.door.entered(connection);
  }

  /** For one that stays by another credential. If it may, `entered` must be called whatever becomes of it. */
  async reenter(connection: string): Promise<Refusal | null> {
    const { door } = this.#options;
    while (!door.isOpen) {
      const refused = await (this.#asking ?? this.#ask({}));
      if (refused !== null) return refused;
    }
    door.enter(connection);
    return null;
  }

  get #hasPlace(): boolean {
    return this.#options.sockets() + this.#admitted.size < this.#places;
  }

  // The rest.

  /** Gives back what is not needed, and says how the room stands. A refusal where the tenant may not have heard it. */
  async report(counts: RoomCounts): Promise<Refusal | null> {
    await this.#answered();
    const { queue } = this.#options;
    // What waits here is not to be stored if its sender is revoked meanwhile.
    return this.#ask(queue.length + queue.held > 0 ? { counts } : { counts, door: "shut" });
  }

  /** The newest policy, by one question for all who come meanwhile. */
  renew(): Promise<Refusal | null> {
    const ask = async (): Promise<Refusal | null> => {
      await this.#answered();
      return this.#ask({ door: "same" });
    };
    return (this.#renewing ??= ask().finally(() => (this.#renewing = null)));
  }

  /** The room is no more: its places are the tenant's again, and the next room of its name asks for its own. */
  forget(): void {
    this.#places = 0;
  }

  /** A room that has sockets and an open door is told each of the tenant's decisions; any other with sockets asks for the last one. */
  async recall(): Promise<Refusal | null> {
    if (this.#options.sockets() === 0 || this.#options.door.hasHeard(Date.now())) return null;
    return this.renew();
  }

  /** Whether the tenant tells the room whatever it decides, at once. */
  get isTold(): boolean {
    return this.#options.sockets() > 0 && this.#options.door.isOpen;
  }

  #demand(nowMs: number): number {
    const tried = this.#tried;
    this.#tried = 0;
    const sinceMs = nowMs - this.#askedAtMs;
    this.#askedAtMs = nowMs;
    return demand({ waiting: this.#options.queue.held, tried, sinceMs });
  }

  /** One question at a time, so that they arrive in their order. Whoever had waited, too, may be the first to ask. */
  async #answered(): Promise<void> {
    while (this.#asking !== null) await this.#asking;
  }

  #ask(asked: Asked): Promise<Refusal | null> {
    this.#asking = this.#exchange(asked).finally(() => {
      this.#asking = null;
      this.#options.onSettled();
    });
    return this.#asking;
  }

  async #exchange({ credits = 0, counts = null, door }: Asked): Promise<Refusal | null> {
    const sockets = this.#options.sockets() + this.#admitted.size + this.#waiting;
    // A full room asks for each in advance, a small one for itself.
    const places = sockets + Math.floor(sockets / 8);
    this.#places = Math.min(this.#places, places);
    const returned = this.#unspent(counts !== null);
    const said = this.#options.door.say(door ?? "open", Date.now());
    try {
      const answer = await this.#options.ask({ places, credits, returned, counts, ...said });
      if (!answer.ok) return this.#failed(answer);
      this.#options.door.answered(said, Date.now());
      return this.#take(answer, credits);
    } catch (error) {
      console.error("the tenant could not be asked", String(error));
      const isFull = failureOf(error) === "full";
      return this.#failed(isFull ? refusalOf(error) : refuse("overloaded", undefined, { retryAfterMs: 1_000 }));
    }
  }

  /** At a report, and when their time is over. */
  #unspent(all: boolean): number {
    if (!all && Date.now() < this.#creditsUntilMs) return 0;
    const returned = this.#credits;
    this.#credits = 0;
    this.#lowAt = 0;
    return returned;
  }

  #take({ places, credits, short, low, policy }: Grant, wanted: number): null {
    const nowMs = Date.now();
    this.#low = low;
    this.#places = places;
    this.#credits += credits;
    this.#creditsUntilMs = nowMs + fixedLimits.creditsMs;
    this.#lowAt = wanted > fixedLimits.creditsMin ? Math.ceil(credits / 2) : 0;
    if (policy !== null) this.#options.onPolicy(policy);
    this.#options.queue.release((needed) => this.spend(needed, nowMs));
    if (short !== null && wanted > 0) this.#runShort(short, nowMs);
    return null;
  }

  #failed(refusal: Refusal): Refusal {
    this.#runShort(refusal, Date.now());
    return refusal;
  }

  /** Until the tenant can be asked again, or has more. */
  #runShort(refusal: Refusal, nowMs: number): void {
    const next = spend(this.#asks, rate, nowMs);
    const retryAfterMs = Math.max(refusal.retryAfterMs ?? 0, next.ok ? 0 : next.retryAfterMs);
    this.#short = { refusal, untilMs: nowMs + retryAfterMs };
    this.#options.queue.refuseHeld((needed) => this.#shortOf(needed, { ...refusal, retryAfterMs }));
  }

  /** What the tenant says is when the next one will be there: a batch needs more of them than one. */
  #shortOf(needed: number, refusal: Refusal): Refusal {
    const { error, retryAfterMs = 0, limit } = refusal;
    const missing = needed - 1 - this.#credits;
    if (error !== "rate_limited" || limit === undefined || missing <= 0) return refusal;
    return { ...refusal, retryAfterMs: retryAfterMs + Math.ceil((missing * limit.windowMs) / limit.limit) };
  }
}

function full(): Refusal {
  return refuse("connection_limit", "The tenant has as many connections as it may.");
}
