/** What one flush gives out: the seqs, and what readers will be told, in the order in which it happened. */
import { type Happening, happeningOf, type LiveData } from "../../core/happenings.ts";
import { changesFrame, type Told } from "../../core/replay.ts";
import { type Change, seqOf } from "../../protocol/changes.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import type { ServerFrame } from "../../protocol/serverFrames.ts";
import type { WebhookEventType } from "../../protocol/webhook.ts";
import type { News } from "./news.ts";
import { sees, type Viewer } from "./viewer.ts";

export class Log {
  readonly nowMs: number;
  readonly #from: number;
  #head: number;
  #soonestExpiryMs = Infinity;
  #published = 0;
  #unsettled = false;
  readonly #startingOver = new Set<string>();
  #entries: ({ readonly change: Entry } | { readonly live: News })[] = [];
  readonly #authorOfHidden: (id: number) => string | null | undefined;
  #authors: Set<string> | null = null;
  /** Null where nobody outside listens. */
  readonly #happenings: Happening[] | null;

  /** `authorOfHidden` says who said a message that is hidden, as `Store` does; `isHeard` whether webhook endpoints are to be told. */
  constructor(
    head: number,
    nowMs: number,
    { authorOfHidden, isHeard }: { authorOfHidden: (id: number) => string | null | undefined; isHeard: boolean },
  ) {
    this.#authorOfHidden = authorOfHidden;
    this.#happenings = isHeard ? [] : null;
    this.nowMs = nowMs;
    this.#from = head;
    this.#head = head;
  }

  get head(): number {
    return this.#head;
  }

  /** Two readers must never see the same seq for two changes: this is the only place that gives one. */
  next(): number {
    return ++this.#head;
  }

  /**
   * `happening`: what else than the change itself webhook endpoints are told of, or what beside it; null for nothing. `seen`: where
   * not everybody sees the same of it.
   */
  changed(change: Change, happening?: Happening | readonly Happening[] | null, seen?: Seen): void {
    const told = tell(change);
    if (change.type === "message") {
      if (change.message.id === change.message.seq) this.#published += 1;
      this.#soonestExpiryMs = Math.min(this.#soonestExpiryMs, change.message.expiresAt ?? Infinity);
    }
    const author = change.type === "message" ? this.#authorOfHidden(change.message.id) : undefined;
    if (author === undefined && happening !== null)
      this.#happenings?.push(...[happening ?? happeningOf(change)].flat());
    if (author === undefined && seen === undefined) return void this.#entries.push({ change: told });
    for (const one of [author, ...(seen?.authors ?? [])]) if (one !== undefined) this.#hide(one);
    const as = (viewer: Viewer): Told | null => {
      if (author !== undefined && !sees(viewer, author)) return null;
      if (seen === undefined) return told;
      const its = seen.as(viewer);
      return its === null ? null : tell(its);
    };
    this.#entries.push({ change: { ...told, as } });
  }

  #hide(author: string | null): void {
    this.#authors ??= new Set();
    if (author !== null) this.#authors.add(author);
  }

  /** Something live that webhook endpoints are told of, in its place among the changes. */
  happened(type: WebhookEventType, data: LiveData): void {
    this.#happenings?.push({ type, data });
  }

  /** What webhook endpoints are told of: nothing that is hidden from anybody. */
  get happenings(): readonly Happening[] {
    return this.#happenings ?? [];
  }

  /** Who said what is hidden from others in here; null where nothing is. */
  get authors(): ReadonlySet<string> | null {
    return this.#authors;
  }

  /** When the first of the new messages expires; Infinity where none does. */
  get soonestExpiryMs(): number {
    return this.#soonestExpiryMs;
  }

  /** How many messages are new. */
  get published(): number {
    return this.#published;
  }

  /** Somebody's standing has changed, so that some who are here may not be any more. */
  unsettle(): void {
    this.#unsettled = true;
  }

  get unsettled(): boolean {
    return this.#unsettled;
  }

  /** No change tells this user of what happened here: whoever of his is connected is cut before it, and begins anew. */
  startOver(user: string): void {
    this.#startingOver.add(user);
  }

  get startingOver(): ReadonlySet<string> {
    return this.#startingOver;
  }

  /** A frame that moves no cursor. It keeps its place between the changes. `author`: of something hidden, who said it. */
  live(frame: ServerFrame, author?: string | null): void {
    const json = JSON.stringify(frame);
    if (author === undefined) return void this.#entries.push({ live: json });
    this.#hide(author);
    this.#entries.push({ live: { as: (viewer) => (sees(viewer, author) ? json : null) } });
  }

  /** The same, in a form for each kind of reader. */
  news(news: News): void {
    this.#entries.push({ live: news });
  }

  /** Runs one item. If it throws, its seqs and its news are taken back, as its rows are. */
  attempt<T>(item: () => T): T {
    const head = this.#head;
    const entries = this.#entries.length;
    const happenings = this.#happenings?.length ?? 0;
    const soonestExpiryMs = this.#soonestExpiryMs;
    const published = this.#published;
    try {
      return item();
    } catch (error) {
      this.#head = head;
      this.#entries.length = entries;
      if (this.#happenings !== null) this.#happenings.length = happenings;
      this.#soonestExpiryMs = soonestExpiryMs;
      this.#published = published;
      throw error;
    }
  }

  /** What every reader is sent, in this order. */
  frames(): News[] {
    const frames: News[] = [];
    let from = this.#from;
    let group: Entry[] = [];
    let groupUnits = 0;
    const closeGroup = (to: number): void => {
      if (to > from) frames.push(frameOf(from, to, group));
      from = to;
      group = [];
      groupUnits = 0;
    };
    for (const entry of this.#entries) {
      if ("change" in entry) {
        groupUnits += entry.change.json.length;
        // A pass of an erasure tells more than a frame should hold.
        if (groupUnits > fixedLimits.changesFrameBytes && group.length > 0) closeGroup(group.at(-1)?.seq ?? from);
        group.push(entry.change);
      } else {
        closeGroup(group.at(-1)?.seq ?? from);
        frames.push(entry.live);
      }
    }
    closeGroup(this.#head);
    return frames;
  }
}

/** A change of which not everybody is told alike: `authors` said what is hidden, and nobody else but moderators sees it. */
export interface Seen {
  readonly authors: readonly (string | null)[];
  /** Null for nothing. */
  readonly as: (viewer: Viewer) => Change | null;
}

/** A change; `as` where not everybody is told of it, or not the same. */
interface Entry extends Told {
  readonly as?: (viewer: Viewer) => Told | null;
}

/** What is hidden is left out for those who do not see it; from where to where it leads is the same for everybody. */
function frameOf(from: number, to: number, group: readonly Entry[]): News {
  if (group.every(({ as }) => as === undefined)) return changesFrame(from, to, group);
  return {
    as: (viewer) =>
      changesFrame(
        from,
        to,
        group.flatMap((entry) => (entry.as === undefined ? entry : (entry.as(viewer) ?? []))),
      ),
  };
}

export function tell(change: Change): Told {
  return { seq: seqOf(change), json: JSON.stringify(change) };
}
