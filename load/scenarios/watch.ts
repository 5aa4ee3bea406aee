/** Waits until something comes true, which is looked at whenever something has happened. */
import type { Ground } from "./ground.ts";

export class Watch {
  readonly #ground: Ground;
  readonly #waiting = new Set<() => void>();

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  /** Something has happened. */
  look(): void {
    for (const look of this.#waiting) look();
  }

  /** False when it has not come true in time. */
  until(condition: () => boolean, withinMs: number): Promise<boolean> {
    if (condition()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const end = (holds: boolean): void => {
        this.#waiting.delete(look);
        cancel();
        resolve(holds);
      };
      const look = (): void => {
        if (condition()) end(true);
      };
      const cancel = this.#ground.after(withinMs, () => end(condition()));
      this.#waiting.add(look);
    });
  }
}
