/** Tells rooms what the tenant has decided: each that has sockets, at once, also those that sleep. */
import pLimit from "p-limit";

/** Each wakes an object, and all share one thread where this runs on one machine. */
const atOnce = 6;

export interface RoundsOptions {
  readonly rooms: () => readonly string[];
  /** Tells one room what is decided now. May throw: a room that cannot be told is told by the next round, or asks itself. */
  readonly tell: (room: string) => Promise<void>;
}

export class Rounds {
  readonly #options: RoundsOptions;
  #again = false;
  #going: Promise<void> | null = null;

  constructor(options: RoundsOptions) {
    this.#options = options;
  }

  /** One round; what is decided while it goes makes it go once more. */
  go(): Promise<void> {
    this.#again = true;
    this.#going ??= this.#run().finally(() => (this.#going = null));
    return this.#going;
  }

  async #run(): Promise<void> {
    const turns = pLimit(atOnce);
    while (this.#again) {
      this.#again = false;
      await Promise.allSettled(this.#options.rooms().map((room) => turns(() => this.#options.tell(room))));
    }
  }
}
