/** The mark after waking: what was on its way when the memory went is noticed at once, not at the next message. */
import { markFrame } from "../../core/replay.ts";
import type { Roster } from "./roster.ts";
import type { Store } from "./store/store.ts";

export class Mark {
  #timer: ReturnType<typeof setTimeout> | null;

  /** Due at the end of the event that woke the room, if anybody is there to be told. */
  constructor(store: Store, roster: Roster) {
    const tell = (): void => {
      this.#timer = null;
      roster.announce([markFrame(store.head)]);
    };
    this.#timer = roster.size > 0 && store.room !== null ? setTimeout(tell, 0) : null;
  }

  /** A flush has told the head already. */
  forget(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
