/** How fast one may speak, as the room has said it: who keeps to it is not refused, and what is not refused keeps its order. */

/** What the network bunches up and other devices of the same user take is left free. */
const share = 0.8;

export class Pace {
  #perMs = Infinity;
  #burst = Infinity;
  #left = Infinity;
  #atMs = 0;

  /** Begins full: it is the room's to refuse what is too much. */
  set({ perSecond, burst }: { readonly perSecond: number; readonly burst: number }): void {
    const isNew = this.#burst === Infinity;
    this.#perMs = perSecond / 1_000;
    this.#burst = Math.max(1, burst * share);
    this.#left = isNew ? this.#burst : Math.min(this.#left, this.#burst);
  }

  /** Takes one, or says how long to wait for it. */
  take(nowMs: number): number {
    if (this.#burst === Infinity) return 0;
    // A clock that was set back gives nothing.
    this.#left = Math.min(this.#burst, this.#left + Math.max(0, nowMs - this.#atMs) * this.#perMs);
    this.#atMs = nowMs;
    if (this.#left < 1) return Math.ceil((1 - this.#left) / this.#perMs);
    this.#left -= 1;
    return 0;
  }
}
