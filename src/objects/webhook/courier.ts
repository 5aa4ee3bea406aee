/**
 * Brings what is due to the endpoint: in the order in which it came, several at a time but of each room one, and what failed
 * later again without holding up what comes after it.
 */
import { nextAttemptMs } from "../../core/retries.ts";
import type { Posted } from "../../outbound/post.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import type { Target } from "../../protocol/webhook.ts";
import { deliveryBody } from "./body.ts";
import type { Attempt, Deliveries } from "./deliveries.ts";
import type { Standing } from "./standing.ts";

/** Of what is due, so many are looked at for lanes that are free. */
const considered = 100;
const goneStatus = 410;

export interface CourierOptions {
  readonly deliveries: Deliveries;
  readonly standing: Standing;
  /** Never throws. */
  readonly send: (target: Target, letter: { id: string; body: string; attempt: number }) => Promise<Posted>;
  /** Is to call `go` by an alarm. */
  readonly book: (atMs: number) => void;
  /** There is a reason to give up, which the tenant is to hear. */
  readonly onGivingUp: () => void;
  /** A delivery has come to an end, or to another attempt. */
  readonly onEnded: () => void;
  /** Keeps the object while it lasts. */
  readonly keep: (work: Promise<void>) => void;
  /** There is no such endpoint any more. */
  readonly onGone: () => void;
}

export class Courier {
  readonly #options: CourierOptions;
  readonly #underway = new Set<string>();
  #isOver = false;

  constructor(options: CourierOptions) {
    this.#options = options;
  }

  /** Everything has been erased: what is under way has nothing to report to any more. */
  stop(): void {
    this.#isOver = true;
  }

  /** Begins what may be begun, and books what is to come. Throws where the tenant cannot be asked. */
  async go(): Promise<void> {
    const { standing, deliveries, book, keep, onGone } = this.#options;
    if (this.#isOver || deliveries.dueMs === null) return;
    const target = await standing.target(Date.now());
    if (this.#isOver) return;
    if (target === null) return onGone();
    const nowMs = Date.now();
    if (target.isPaused || standing.givingUp !== null) return book(nowMs + fixedLimits.webhookPausedMs);
    for (const number of this.#chosen(nowMs)) {
      const attempt = deliveries.begin(number, nowMs + fixedLimits.webhookLeaseMs);
      this.#underway.add(attempt.lane);
      keep(this.#deliver(attempt, target));
    }
    const dueMs = deliveries.dueMs ?? null;
    // What is due and was not begun waits for what is under way, whose end begins it; the alarm only if that is lost.
    if (dueMs !== null) book(dueMs <= nowMs ? nowMs + fixedLimits.webhookLeaseMs : dueMs);
  }

  /** One that did not take the last thing is tried with one thing at a time. */
  #chosen(nowMs: number): number[] {
    const { deliveries, standing } = this.#options;
    const places = (standing.isFailing ? 1 : fixedLimits.webhooksAtOnce) - this.#underway.size;
    if (places <= 0) return [];
    const taken = new Set(this.#underway);
    const chosen: number[] = [];
    for (const { number, lane } of deliveries.due(nowMs, considered)) {
      if (chosen.length === places) break;
      if (taken.has(lane)) continue;
      taken.add(lane);
      chosen.push(number);
    }
    return chosen;
  }

  async #deliver(attempt: Attempt, target: Target): Promise<void> {
    const { id, attempts, lane } = attempt;
    const letter = { id, body: deliveryBody(attempt), attempt: attempts };
    const posted = await this.#options.send(target, letter).finally(() => this.#underway.delete(lane));
    if (this.#isOver) return;
    if (posted.ok) this.#arrived(attempt, posted);
    else this.#failed(attempt, posted, target);
    this.#options.onEnded();
    // Whatever is wrong then is tried again by the alarm that is booked.
    await this.go().catch(() => undefined);
  }

  #arrived({ number }: Attempt, { status }: Posted): void {
    const { deliveries, standing } = this.#options;
    deliveries.succeed(number, status ?? 0, Date.now());
    standing.arrived();
  }

  #failed({ number, step }: Attempt, { status, error, retryAfterMs }: Posted, target: Target): void {
    const { deliveries, standing, onGivingUp } = this.#options;
    const nowMs = Date.now();
    const againMs = nextAttemptMs({ made: step, retryAfterMs, nowMs, chance: Math.random() });
    deliveries.fail(number, { status, error }, againMs, nowMs);
    const failingMs = standing.failed(target, nowMs);
    if (status === goneStatus) standing.giveUp("It answered 410: it is gone.");
    else if (failingMs >= fixedLimits.webhookFailingMs) standing.giveUp("Nothing has arrived there for five days.");
    else return;
    onGivingUp();
  }
}
