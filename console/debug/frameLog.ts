/** What went over a connection, both ways, as it was: the last thousand of it. */

export interface LoggedFrame {
  /** Counts from 1; the log begins later where it has let go of the first ones. */
  readonly number: number;
  readonly atMs: number;
  /** `note` is of the browser: opened, closed, failed. */
  readonly direction: "in" | "out" | "note";
  /** Of a batch, all of them. */
  readonly type: string;
  /** In UTF-8. */
  readonly bytes: number;
  readonly text: string;
}

export const framesKept = 1_000;
const encoder = new TextEncoder();

export class FrameLog {
  #frames: LoggedFrame[] = [];
  #count = 0;
  #shown: readonly LoggedFrame[] = [];
  #isTelling = false;
  readonly #listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** The oldest first. The same value until something is told. */
  readonly get = (): readonly LoggedFrame[] => this.#shown;

  add(direction: LoggedFrame["direction"], text: string, type = typeOf(text)): void {
    const bytes = direction === "note" ? 0 : encoder.encode(text).length;
    this.#frames.push({ number: ++this.#count, atMs: Date.now(), direction, type, bytes, text });
    // Now and then, and not with each: it moves all of them.
    if (this.#frames.length >= framesKept * 2) this.#frames = this.#frames.slice(-framesKept);
    this.#changed();
  }

  clear(): void {
    this.#frames = [];
    this.#changed();
  }

  /** Once for all that comes in quick succession: a busy room says hundreds of things a second. */
  #changed(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    setTimeout(() => {
      this.#isTelling = false;
      this.#shown = this.#frames.slice(-framesKept);
      for (const listener of this.#listeners) listener();
    }, 50);
  }
}

function typeOf(text: string): string {
  try {
    const parsed: unknown = JSON.parse(text);
    const types = (Array.isArray(parsed) ? parsed : [parsed]).map(ownType);
    return types.length === 1 ? (types[0] ?? "") : `batch: ${types.join(", ")}`;
  } catch {
    return "not JSON";
  }
}

function ownType(frame: unknown): string {
  const type: unknown = typeof frame === "object" && frame !== null && "type" in frame ? frame.type : undefined;
  return typeof type === "string" ? type : "no type";
}
