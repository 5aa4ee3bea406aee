/** Work that many requests wait for and one of them does. */

/** Hands work to the platform, so that it ends also when the request that began it is gone (`waitUntil`). */
export type Keep = (work: Promise<unknown>) => void;

interface Flight<Value> {
  readonly done: Promise<Value>;
  readonly sinceMs: number;
}

export class Flights<Value> {
  readonly #underWay = new Map<string, Flight<Value>>();
  readonly #patienceMs: number;

  /** `patienceMs`: more than the work may take. Whoever waits that long goes without, and what takes that long is begun anew. */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** The names of what is under way. */
  names(nowMs: number): string[] {
    return [...this.#underWay.keys()].filter((name) => this.has(name, nowMs));
  }

  has(name: string, nowMs: number): boolean {
    const flight = this.#underWay.get(name);
    return flight !== undefined && nowMs - flight.sinceMs < this.#patienceMs;
  }

  /** What the work under this name yields, whoever began it; null when it takes too long. It throws what the work throws. */
  async join(name: string, work: () => Promise<Value>, keep: Keep, nowMs: number): Promise<Value | null> {
    const underWay = this.has(name, nowMs) ? this.#underWay.get(name) : undefined;
    const { done } = underWay ?? this.#begin(name, work, keep, nowMs);
    // A timer of this request's own: what another request began may never end for this one (workerd cancels by request).
    const { promise: late, resolve } = Promise.withResolvers<null>();
    const timer = setTimeout(resolve, this.#patienceMs, null);
    return Promise.race([done, late]).finally(() => clearTimeout(timer));
  }

  #begin(name: string, work: () => Promise<Value>, keep: Keep, nowMs: number): Flight<Value> {
    const done = work().finally(() => {
      if (this.#underWay.get(name) === flight) this.#underWay.delete(name);
    });
    const flight = { done, sinceMs: nowMs };
    this.#underWay.set(name, flight);
    keep(done.catch(() => undefined));
    return flight;
  }
}
