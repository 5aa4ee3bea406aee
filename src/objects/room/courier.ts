/**
 * Hands on what waits in the room for another object: to each in its order, to none before it is on disk, and to each beside the others,
 * so that one that fails or does not answer holds up neither the room nor its neighbours.
 */
import { restMs } from "../../core/patience.ts";
import { fixedLimits } from "../../protocol/limits.ts";

/** What is handed on together. */
export interface Parcel<Event> {
  readonly events: readonly Event[];
  /** Of the oldest of what waits. */
  readonly sinceMs: number;
  /** The endpoint has them. */
  readonly delivered: () => void;
}

export interface CourierOptions<Event> {
  /** What it hands things to, for a log. */
  readonly kind: string;
  /** The endpoints for whom something may wait. */
  readonly endpoints: () => readonly string[];
  /** The oldest that an endpoint has not got; null where there is nothing. */
  readonly next: (endpoint: string) => Parcel<Event> | null;
  /** Resolves when the endpoint has them, with false where there is none. May be called twice for the same. */
  readonly hand: (endpoint: string, events: readonly Event[]) => Promise<boolean>;
  /** There is no such endpoint. */
  readonly drop: (endpoint: string) => void;
  /** Resolves when all that was written is on disk. */
  readonly sync: () => Promise<void>;
  /** Books `ring` by an alarm. */
  readonly book: (atMs: number) => void;
  /** The room is no more, nor what waited. */
  readonly isOver: () => boolean;
}

export class Courier<Event> {
  readonly #options: CourierOptions<Event>;
  /** Endpoints that are being handed something. */
  readonly #underway = new Set<string>();
  /** Until when one that has failed is left alone. */
  readonly #resting = new Map<string, number>();
  #isCalled = false;

  constructor(options: CourierOptions<Event>) {
    this.#options = options;
  }

  /** There is something new. To be called in the transaction that wrote it: the booking is committed with it. */
  call(): void {
    if (this.#isCalled) return;
    this.#isCalled = true;
    queueMicrotask(() => {
      this.#isCalled = false;
      this.#bookNext(Date.now());
      this.#setOut(Date.now());
    });
  }

  /** By the alarm, until nothing waits any more. It waits for nobody: another job may be due. */
  ring(nowMs: number): void {
    this.#bookNext(nowMs);
    this.#setOut(nowMs);
  }

  /** Also for what is underway: the memory of it may be lost. Who rests wakes nobody before. */
  #bookNext(nowMs: number): void {
    const againMs = nowMs + fixedLimits.outboxAgainMs;
    const times = this.#options.endpoints().map((endpoint) => {
      const restsUntilMs = this.#resting.get(endpoint) ?? 0;
      return restsUntilMs > nowMs ? restsUntilMs : againMs;
    });
    if (times.length > 0) this.#options.book(Math.min(...times));
  }

  #setOut(nowMs: number): void {
    for (const endpoint of this.#options.endpoints()) {
      const restsUntilMs = this.#resting.get(endpoint) ?? 0;
      if (!this.#underway.has(endpoint) && restsUntilMs <= nowMs) void this.#serve(endpoint);
    }
  }

  async #serve(endpoint: string): Promise<void> {
    this.#underway.add(endpoint);
    let parcel: Parcel<Event> | null = null;
    try {
      for (parcel = this.#options.next(endpoint); parcel !== null; parcel = this.#options.next(endpoint)) {
        // What was read is perhaps on its way to the disk, and what never gets there must not be told.
        await this.#options.sync();
        const { events } = parcel;
        const isThere =
          events.length === 0 || (await within(fixedLimits.outboxHandMs, this.#options.hand(endpoint, events)));
        if (isThere) parcel.delivered();
        else this.#options.drop(endpoint);
        this.#resting.delete(endpoint);
      }
    } catch (error) {
      this.#failed(endpoint, parcel?.sinceMs ?? Date.now(), error);
    } finally {
      this.#underway.delete(endpoint);
    }
  }

  /** Said once: until it takes something again it is known. */
  #failed(endpoint: string, sinceMs: number, error: unknown): void {
    if (this.#options.isOver()) return;
    if (!this.#resting.has(endpoint)) console.error(`${this.#options.kind} ${endpoint} took nothing`, String(error));
    const nowMs = Date.now();
    const untilMs = nowMs + restMs(sinceMs, nowMs);
    this.#resting.set(endpoint, untilMs);
    this.#options.book(untilMs);
  }
}

/** An object that hangs is given up; what it does with its call is its own affair. */
async function within<Answer>(ms: number, call: Promise<Answer>): Promise<Answer> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([call, over]);
  } finally {
    clearTimeout(timer);
  }
}
