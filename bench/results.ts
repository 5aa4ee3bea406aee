/** Every repeat of every measurement of a run, and the medians that are quoted. */
import type { FanOutResult } from "./fanOutJob.ts";
import type { BurstMeasure } from "./measure.ts";
import { median } from "./percentile.ts";
import type { PeerName } from "./peers.ts";
import type { Sizes } from "./sizes.ts";
import type { CaseMeasure } from "./trialRun.ts";

/** The names of a measure's numbers. */
type FigureOf<Measure> = { [Key in keyof Measure]: Measure[Key] extends number ? Key : never }[keyof Measure];

type Repeats<Measure> = Map<PeerName, Measure[]>;

export class Results {
  readonly #fanOut = new Map<string, Repeats<FanOutResult>>();
  readonly #burst: Repeats<BurstMeasure> = new Map();
  readonly trials: CaseMeasure[] = [];
  sizes: Sizes | undefined;
  /** What could not be measured, in words. */
  readonly failures: string[] = [];
  readonly skipped: string[] = [];

  addFanOut(load: string, peer: PeerName, measure: FanOutResult): void {
    const repeats: Repeats<FanOutResult> = this.#fanOut.get(load) ?? new Map();
    this.#fanOut.set(load, repeats);
    append(repeats, peer, measure);
  }

  addBurst(peer: PeerName, measure: BurstMeasure): void {
    append(this.#burst, peer, measure);
  }

  /** Undefined where nothing was measured. */
  fanOut(load: string, peer: PeerName): FanOutResult | undefined {
    const repeats = this.#fanOut.get(load)?.get(peer);
    if (repeats === undefined) return undefined;
    const values = (figure: FigureOf<FanOutResult>) => repeats.map((repeat) => repeat[figure]);
    return {
      cpuUsPerDelivery: median(values("cpuUsPerDelivery")),
      deliveriesPerSecond: median(values("deliveriesPerSecond")),
      p50Ms: median(values("p50Ms")),
      p99Ms: median(values("p99Ms")),
      maxMs: median(values("maxMs")),
      generatorBusy: median(values("generatorBusy")),
      othersBusy: median(values("othersBusy")),
      missing: sum(values("missing")),
      duplicates: sum(values("duplicates")),
      refused: sum(values("refused")),
      firstRefusal: firstRefusal(repeats),
      closed: repeats.flatMap((repeat) => repeat.closed),
    };
  }

  burst(peer: PeerName): BurstMeasure | undefined {
    const repeats = this.#burst.get(peer);
    if (repeats === undefined) return undefined;
    const values = (figure: FigureOf<BurstMeasure>) => repeats.map((repeat) => repeat[figure]);
    return {
      ackedPerSecond: median(values("ackedPerSecond")),
      deliveredPerSecond: median(values("deliveredPerSecond")),
      cpuUsPerMessage: median(values("cpuUsPerMessage")),
      quietP99Ms: median(values("quietP99Ms")),
      quietWorstMs: median(values("quietWorstMs")),
      calmP99Ms: median(values("calmP99Ms")),
      missing: sum(values("missing")),
      duplicates: sum(values("duplicates")),
      refused: sum(values("refused")),
      firstRefusal: firstRefusal(repeats),
      rounds: repeats.flatMap((repeat) => repeat.rounds),
    };
  }

  toJSON() {
    const fanOut = Object.fromEntries([...this.#fanOut].map(([load, repeats]) => [load, Object.fromEntries(repeats)]));
    const { trials, sizes, failures, skipped } = this;
    return { fanOut, burst: Object.fromEntries(this.#burst), trials, sizes, failures, skipped };
  }
}

function append<Measure>(repeats: Repeats<Measure>, peer: PeerName, measure: Measure): void {
  repeats.set(peer, [...(repeats.get(peer) ?? []), measure]);
}

/** Losses are added up: a loss in one repeat of three must not vanish in a median. */
function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function firstRefusal(repeats: readonly { firstRefusal: string | null }[]): string | null {
  return repeats.find((repeat) => repeat.firstRefusal !== null)?.firstRefusal ?? null;
}
