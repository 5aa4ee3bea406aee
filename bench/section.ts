/** One group of an audience, what its coming cost the runtime, and what has arrived at it. */
import type { Audience } from "./audience.ts";
import type { Group, GroupResult } from "./audienceJob.ts";
import { dialects } from "./dialects.ts";
import type { Holdings } from "./memory.ts";
import { Sequence } from "./sequence.ts";
import { Tally } from "./tally.ts";

/** Messages of each room that are published together, numbered from `first`. */
export interface Batch {
  readonly phase: "first warm-up" | "alone" | "warm-up" | "steady" | "burst";
  readonly first: number;
  readonly count: number;
}

export class Section {
  readonly audience: Audience;
  readonly #by: Group["by"];
  readonly #grown: Holdings;
  readonly #sequence: Sequence;
  readonly #tallies = new Map<Batch["phase"], Tally>();

  /** Of rooms in which so many messages were published before it came. */
  constructor(by: Group["by"], audience: Audience, { grown, head }: { grown: Holdings; head: number }) {
    this.audience = audience;
    this.#by = by;
    this.#grown = grown;
    this.#sequence = new Sequence(audience.places, head);
  }

  /** From now on messages of this batch are looked for. Its tally is also kept here. */
  expect({ phase, first, count }: Batch): Tally {
    const shape = { sockets: this.audience.places, messages: count, first, timedFrom: first };
    const tally = new Tally(dialects.parley, shape);
    this.#tallies.set(phase, tally);
    this.audience.listen((frame, place, readUs) => {
      tally.take(frame, place, readUs);
      this.#sequence.take(frame, place);
    });
    return tally;
  }

  /** Frames and events that held changes, until now. */
  get frames(): number {
    return this.#sequence.frames;
  }

  get acked(): number {
    return this.#sum((tally) => tally.acked);
  }

  get refused(): number {
    return this.#sum((tally) => tally.refused);
  }

  get firstRefusal(): string | null {
    return [...this.#tallies.values()].find(({ firstRefusal }) => firstRefusal !== null)?.firstRefusal ?? null;
  }

  /** In the end, when every place must stand at the head. */
  result(head: number): GroupResult {
    const { connections, places } = this.audience;
    return {
      by: this.#by,
      connections,
      places,
      kilobytesPerPlace: this.#grown.kilobytes / places,
      openFilesPerPlace: this.#grown.openFiles / places,
      ...this.#latenciesMs("steady"),
      burstMs: this.#latenciesMs("burst").maxMs,
      missing: this.#sum((tally) => tally.missing),
      duplicates: this.#sum((tally) => tally.duplicates),
      broken: this.#sequence.brokenAt(head),
    };
  }

  #latenciesMs(phase: Batch["phase"]): ReturnType<Tally["latenciesMs"]> {
    const tally = this.#tallies.get(phase);
    if (tally === undefined) throw new Error(`nothing was published in ${phase}`);
    return tally.latenciesMs();
  }

  #sum(figure: (tally: Tally) => number): number {
    return [...this.#tallies.values()].reduce((sum, tally) => sum + figure(tally), 0);
  }
}
