/**
 * Takes what FTS5 leaves behind out of the index. A word that is taken out is gone from its page at once, but where a page begins
 * stays written down as the beginning of its first word, also when nobody says that word any more. Only merging makes borders anew.
 */
import { fixedLimits } from "../../protocol/limits.ts";
import type { SearchIndex } from "./store/searchIndex.ts";

const { searchBorders, searchMergePages, searchMergePauseMs, searchCleanPauseMs } = fixedLimits;

/** `upTo`: what had been taken out when it began, and is gone when it ends. */
type Task =
  | { readonly kind: "looking"; readonly upTo: number; readonly behind: number }
  | { readonly kind: "merging"; readonly upTo: number; readonly isBegun: boolean };

export class Cleaner {
  readonly #search: SearchIndex;
  #task: Task | null = null;
  /** Whoever removes messages all the time must not have the whole index merged all the time. */
  #notBeforeMs = -Infinity;
  readonly #owed = new Map<string, number>();

  constructor(search: SearchIndex) {
    this.#search = search;
  }

  /** One step. Answers when to come for the next one; null where nothing is left of what was taken out. */
  step(nowMs: number): number | null {
    const { taken, clean } = this.#search.removals();
    if (taken === clean) return null;
    if (this.#task === null && nowMs < this.#notBeforeMs) return this.#notBeforeMs;
    const task = this.#task ?? { kind: "looking", upTo: taken, behind: 0 };
    this.#task = task.kind === "looking" ? this.#look(task, taken) : this.#merge(task, nowMs);
    if (this.#task !== null) return nowMs + searchMergePauseMs;
    return taken === task.upTo ? null : Math.max(this.#notBeforeMs, nowMs + searchMergePauseMs);
  }

  get isMerging(): boolean {
    return this.#task?.kind === "merging";
  }

  /** Whether all is gone that had been taken out when this was asked for the first time under this name. */
  isRidOf(name: string): boolean {
    const { taken, clean } = this.#search.removals();
    const owed = this.#owed.get(name) ?? taken;
    if (clean < owed) this.#owed.set(name, owed);
    else this.#owed.delete(name);
    return clean >= owed;
  }

  /** To be called when there is another index, or none. */
  reset(): void {
    this.#task = null;
    this.#owed.clear();
  }

  #look({ upTo, behind }: Task & { kind: "looking" }, taken: number): Task | null {
    const { isLeftOver, next } = this.#search.borders(behind, searchBorders);
    if (isLeftOver) {
      this.#search.addSegment();
      return { kind: "merging", upTo: taken, isBegun: false };
    }
    if (next !== null) return { kind: "looking", upTo, behind: next };
    this.#search.saveClean(upTo);
    return null;
  }

  #merge(task: Task & { kind: "merging" }, nowMs: number): Task | null {
    // A negative number says of all segments that they are to become one.
    if (this.#search.merge(task.isBegun ? searchMergePages : -searchMergePages)) return { ...task, isBegun: true };
    this.#search.saveClean(task.upTo);
    this.#notBeforeMs = nowMs + searchCleanPauseMs;
    return null;
  }
}
