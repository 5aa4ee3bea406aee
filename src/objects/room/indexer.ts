/** Keeps the index by which a room is searched as the room wants it: made, built and merged pass by pass, or gone. */
import { fixedLimits } from "../../protocol/limits.ts";
import type { Intake } from "./intake.ts";
import type { Store } from "./store/store.ts";

const { searchBuildRows, searchBuildUnits, searchBuildPauseMs, searchMergePages, searchMergePauseMs, searchSegments } =
  fixedLimits;

export class Indexer {
  readonly #store: Store;
  readonly #intake: Intake;
  readonly #book: (atMs: number) => void;
  /** Flushes since the last merge: each has left a segment. */
  #flushes = 0;

  /** `book` is to call for a pass by an alarm. */
  constructor(store: Store, intake: Intake, book: (atMs: number) => void) {
    this.#store = store;
    this.#intake = intake;
    this.#book = book;
  }

  /** To be called when something was stored or decided. */
  notice(nowMs: number): void {
    const { search, head } = this.#store;
    const isWanted = isSearched(this.#store) && this.#intake.state === null;
    if (isWanted !== search.isThere) {
      this.#store.transaction(() => (isWanted ? search.begin(head) : search.end()));
      if (isWanted) this.#book(nowMs);
    } else if (isWanted && ++this.#flushes >= searchSegments) {
      this.#book(nowMs + searchMergePauseMs);
    }
  }

  /** One pass. Answers when to come for the next one; null where there is nothing to do until more has been said. */
  pass(nowMs: number): number | null {
    const { search } = this.#store;
    if (!search.isThere) return null;
    this.#flushes = 0;
    const isBuilding = search.builtFrom !== 0;
    const isMore = this.#store.transaction(() => {
      if (isBuilding) search.build(searchBuildRows, searchBuildUnits);
      return search.merge(searchMergePages);
    });
    if (isBuilding) return nowMs + searchBuildPauseMs;
    return isMore ? nowMs + searchMergePauseMs : null;
  }
}

/** The room's own word goes before its tenant's. */
function isSearched({ room }: Store): boolean {
  return room !== null && room.deletedAtMs === null && (room.settings.search ?? room.policy.search);
}
