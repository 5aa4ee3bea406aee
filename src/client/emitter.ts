/** Typed events. A listener that throws harms no other, and nothing of the client's own. */

export interface ListenOptions {
  /** Ends the listening, as the function that is returned does. */
  readonly signal?: AbortSignal | undefined;
}

export class Emitter<Events> {
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>();

  /** Gives a function that ends it. */
  on<Name extends keyof Events>(
    name: Name,
    listener: (event: Events[Name]) => void,
    { signal }: ListenOptions = {},
  ): () => void {
    // Each its own, so that the same function may listen twice.
    const own = (event: Events[Name]): void => listener(event);
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    const off = (): void => {
      listeners.delete(own);
      signal?.removeEventListener("abort", off);
    };
    if (signal?.aborted !== true) {
      listeners.add(own);
      signal?.addEventListener("abort", off);
    }
    return off;
  }

  protected emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) safely(() => listener(event as never));
  }
}

/** What it throws is told as any uncaught error is, after what we are at. */
export function safely(call: () => void): void {
  try {
    call();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
