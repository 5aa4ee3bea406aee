/** Searches, and the index that answers them. */
export const searchLimits = {
  /** A search: what is asked, and a word of which only the beginning is said, which stands for all that begin so. */
  searchQueryLength: 256,
  searchWords: 16,
  searchPrefixLength: 2,
  /** Each is put together from all words that begin so before anything is found: 4 to 13 ms of 100,000 messages, and 90 ms for 16. */
  searchPrefixes: 2,
  /**
   * So many pages of the index, of 4 KB, may hold the words that begin so: 0.08 to 0.1 ms each. Two letters have as many in a room of
   * some 200,000 messages, and took 100 ms in one of a million; there a third letter is asked for.
   */
  searchPrefixPages: 250,
  searchPageDefault: 20,
  searchPageMax: 100,
  /**
   * A word that so few messages have bounds what a search looks at. Where none of its words is so rare, one call looks through so
   * many ids, the newest first: a phrase of common words that nobody said takes some 15 ms of them.
   */
  searchRare: 10_000,
  searchSpan: 25_000,
  /** By relevance so many of the newest matches are ranked at a time, of so many UTF-16 units: each is read word by word. */
  searchRanked: 500,
  searchRankedUnits: 131_072,
  /** Of one message, for whoever shows it. */
  searchHighlights: 100,
  searchExcerpt: 160,
  /** The index of older messages is built in passes of so many, and so many UTF-16 units: a millisecond or two each. */
  searchBuildRows: 250,
  searchBuildUnits: 65_536,
  searchBuildPauseMs: 100,
  /**
   * Each flush adds a segment to the index. By so many of them its room merges some pages a time, after a pause; where they are
   * more than the second, as after many short wakings, the flush itself has to.
   */
  searchSegments: 8,
  searchSegmentsMax: 64,
  searchMergePages: 8,
  searchMergePauseMs: 250,
  /**
   * So many borders of the index's pages are looked at in one instant for beginnings of words that are gone. Where there are any
   * the index is merged, and then not again for a while, whatever else is removed: each time it is written anew.
   */
  searchBorders: 250,
  searchCleanPauseMs: 600_000,
  /** A pass of retention, expiry or erasure takes a message out of the index word by word. */
  searchedPassRows: 25,
} as const;
