/** Searching a room: the newest answers first, or the best among the newest. Each answer is read in one synchronous instant. */
import { byRank, excerptOf, matchesIn, ranked, type Ranked } from "../../core/searchMatches.ts";
import { matchOf, neededWords, parseSearch, type SearchQuery } from "../../core/searchQuery.ts";
import { takeWithin } from "../../core/replay.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import {
  formatSearchMark,
  type Found,
  type SearchAnswer,
  type SearchMark,
  type SearchOrder,
} from "../../protocol/search.ts";
import type { Session } from "../../protocol/session.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import { headCursor } from "./position.ts";
import type { Sieve } from "./store/searchIndex.ts";
import { type Viewer, viewerOf } from "./viewer.ts";

const { searchPageDefault, searchPageMax, searchRare, searchSpan, searchRanked, searchRankedUnits } = fixedLimits;
const { searchHighlights, searchPrefixPages } = fixedLimits;
/** At a time: of long texts few are needed. */
const textsRead = 50;

export interface SearchRequest {
  readonly q: string;
  /** Only what this user has said. */
  readonly from?: string | undefined;
  /** Only what was published then or later, and before. */
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  readonly order?: SearchOrder | undefined;
  readonly limit?: number | undefined;
  readonly next?: SearchMark | undefined;
}

interface Searching {
  readonly parts: RoomParts;
  readonly viewer: Viewer;
  readonly query: SearchQuery;
  readonly sieve: Sieve;
  readonly limit: number;
  readonly behind: SearchMark["behind"];
  readonly nowMs: number;
}

/** Of the caller it must be known that he may read. */
export function search(
  parts: RoomParts,
  session: Session,
  { q, from, after, before, order = "relevance", limit = searchPageDefault, next }: SearchRequest,
  nowMs: number,
): ({ readonly ok: true } & SearchAnswer) | Refusal {
  const { store } = parts;
  const parsed = parseSearch(q);
  if (!parsed.ok) return parsed;
  const { builtFrom } = store.search;
  if (builtFrom === null)
    return refuse("conflict", "This room is not searched: its setting `search`, or its tenant's, turns it on.");
  const tooMany = parts.rates.payForSearch(session, stateOf(parts).policy.limits, nowMs);
  if (tooMany !== null) return tooMany;
  const tooWide = beginsTooMuch(parts, parsed.query);
  if (tooWide !== null) return tooWide;
  const upTo = Math.min(next?.upTo ?? store.head, store.head);
  const sieve = {
    match: matchOf(parsed.query),
    from: store.search.isRare(neededWords(parsed.query), searchRare) ? 0 : Math.max(0, upTo - searchSpan + 1),
    upTo,
    sender: from ?? null,
    afterMs: after ?? 0,
    beforeMs: before ?? Number.MAX_SAFE_INTEGER,
  };
  const { query } = parsed;
  const viewer = viewerOf(parts, session);
  const searching = {
    parts,
    viewer,
    query,
    sieve,
    limit: Math.min(limit, searchPageMax),
    behind: next?.behind ?? null,
    nowMs,
  };
  const { items, mark } = order === "newest" ? newest(searching) : best(searching);
  return {
    ok: true,
    items,
    ...(mark === null ? {} : { next: formatSearchMark(mark) }),
    cursor: headCursor(parts),
    complete: builtFrom <= stateOf(parts).oldest,
  };
}

/** FTS5 puts together all words that begin so, from all messages, before it finds anything. */
function beginsTooMuch({ store }: RoomParts, { wanted, unwanted }: SearchQuery): Refusal | null {
  const beginnings = [...wanted, ...unwanted].flatMap(({ words, isPrefix }) => (isPrefix ? words.slice(-1) : []));
  if (beginnings.length === 0 || store.search.pagesOf(beginnings) <= searchPrefixPages) return null;
  const named = beginnings.map((begin) => `\`${begin}*\``).join(" and ");
  return refuse("invalid_field", `\`q\`: too much of what was said here begins with ${named}: name another letter.`);
}

interface Slice {
  readonly items: Found[];
  readonly mark: SearchMark | null;
}

function newest(searching: Searching): Slice {
  const { parts, viewer, sieve, limit, nowMs } = searching;
  const ids = parts.store.messages.found(sieve, viewer, nowMs, limit + 1);
  const items = foundOf(searching, ids.slice(0, limit));
  const last = items.at(-1)?.message.id;
  if (ids.length > items.length && last !== undefined) return { items, mark: { upTo: last - 1, behind: null } };
  return { items, mark: below(parts, sieve.from) };
}

/** Of so many matches at a time, the newest, the best come first; then of the ones before these. */
function best(searching: Searching): Slice {
  const { parts, viewer, query, sieve, limit, behind, nowMs } = searching;
  const ids = parts.store.messages.found(sieve, viewer, nowMs, searchRanked + 1);
  const candidates: { readonly id: number; readonly text: string }[] = [];
  let units = 0;
  for (let at = 0; at < Math.min(ids.length, searchRanked) && units <= searchRankedUnits; at += textsRead)
    for (const hit of parts.store.messages.texts(ids.slice(at, Math.min(at + textsRead, searchRanked)))) {
      if (units > searchRankedUnits) break;
      candidates.push(hit);
      units += hit.text.length;
    }
  const isCut = candidates.length < ids.length;
  const all = ranked(candidates, query.wanted);
  const rest = behind === null ? all : all.filter((one) => byRank(behind, one) < 0);
  const items = foundOf(
    searching,
    rest.slice(0, limit).map(({ id }) => id),
  );
  const last: Ranked | undefined = rest[items.length - 1];
  if (rest.length > items.length && last !== undefined) return { items, mark: { upTo: sieve.upTo, behind: last } };
  const lowest = candidates.at(-1)?.id ?? sieve.from;
  return { items, mark: below(parts, isCut ? lowest : sieve.from) };
}

/** Where there may be more, below this id. */
function below({ store }: RoomParts, from: number): SearchMark | null {
  const { builtFrom } = store.search;
  const lowest = Math.max(stateOf({ store }).oldest, builtFrom ?? 0);
  return from > lowest ? { upTo: from - 1, behind: null } : null;
}

/** As many as fit into one answer, at least one. */
function foundOf({ parts, viewer, query, nowMs }: Searching, ids: readonly number[]): Found[] {
  const sized = parts.store.messages.withIds(ids, nowMs, viewer).map((message) => {
    const { ranges } = matchesIn(message.text ?? "", query.wanted);
    const found = {
      message,
      highlights: ranges.slice(0, searchHighlights),
      excerpt: excerptOf(message.text ?? "", ranges),
    };
    return { seq: message.seq, json: JSON.stringify(found), found };
  });
  return takeWithin(sized, stateOf(parts).policy.limits.replayBytes).map(({ found }) => found);
}
