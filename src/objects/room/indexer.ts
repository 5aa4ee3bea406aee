/** Keeps the index by which a room is searched as the room wants it: made, built and merged pass by pass, or gone. */
import { fixedLimits } from "../../protocol/limits.ts";
import { Cleaner } from "./cleaner.ts";
import type { Intake } from "./intake.ts";
import type { Store } from "./store/store.ts";

const { searchBuildRows, searchBuildUnits, searchBuildPauseMs, searchMergePages, searchMergePauseMs, searchSegments } =
  fixedLimits;

export class Indexer {
  readonly #store: Store;
  readonly #intake: Intake;
  readonly #book: (atMs: number) => void;
  readonly #cleaner: Cleaner;
  /** Flushes since the last merge: each has left a segment. */
  #flushes = 0;

  /** `book` is to call for a pass by an alarm. */
  constructor(store: Store, intake: Intake, book: (atMs: number) => void) {
    this.#store = store;
    this.#intake = intake;
    this.#book = book;
    this.#cleaner = new Cleaner(store.search);
  }

  /** To be called when something was stored or decided. */
  notice(nowMs: number): void {
    const { search, head } = this.#store;
    const isWanted = isSearched(this.#store) && this.#intake.state === null;
    if (isWanted !== search.isThere) {
      this.#store.transaction(() => (isWanted ? search.begin(head) : search.end()));
      this.#cleaner.reset();
      if (isWanted) this.#book(nowMs);
    } else if (isWanted && ++this.#flushes >= searchSegments) {
      this.#book(nowMs + searchMergePauseMs);
    } else if (isWanted && this.#isUnclean) {
      this.#book(nowMs + searchMergePauseMs);
    }
  }

  /** Of what went without a change. */
  noticeRemoval(nowMs: number): void {
    if (this.#isUnclean) this.#book(nowMs + searchMergePauseMs);
  }

  /** Whether no trace is left of what a user said and is erased. Where there is, the room is at it: whoever asks comes again. */
  isRidOf(user: string, nowMs: number): boolean {
    if (!this.#isUnclean) return true;
    if (this.#store.search.builtFrom === 0) this.#store.transaction(() => this.#cleaner.step(nowMs));
    if (this.#cleaner.isRidOf(user)) return true;
    this.#book(nowMs + searchMergePauseMs);
    return false;
  }

  /** One pass. Answers when to come for the next one; null where there is nothing to do until more has been said. */
  pass(nowMs: number): number | null {
    const { search } = this.#store;
    if (!search.isThere) return null;
    this.#flushes = 0;
    const isBuilding = search.builtFrom !== 0;
    const cleanAtMs = isBuilding ? null : this.#store.transaction(() => this.#cleaner.step(nowMs));
    if (this.#cleaner.isMerging) return cleanAtMs;
    const isMore = this.#store.transaction(() => {
      if (isBuilding) search.build(searchBuildRows, searchBuildUnits);
      return search.merge(searchMergePages);
    });
    if (isBuilding) return nowMs + searchBuildPauseMs;
    return isMore ? nowMs + searchMergePauseMs : cleanAtMs;
  }

  get #isUnclean(): boolean {
    const { taken, clean } = this.#store.search.removals();
    return taken > clean;
  }
}

/** The room's own word goes before its tenant's. */
function isSearched({ room }: Store): boolean {
  return room !== null && room.deletedAtMs === null && (room.settings.search ?? room.policy.search);
}
