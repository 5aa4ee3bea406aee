/** The index of what was said in a room, by which it is searched. It holds no text: FTS5 reads that from the messages themselves. */
import { fixedLimits } from "../../../protocol/limits.ts";
import type { Migration } from "../../migrate.ts";

export const searchMigration: Migration = {
  id: "search-1",
  sql: `
CREATE TABLE search_state (
  one        INTEGER PRIMARY KEY CHECK (one = 1),
  built_from INTEGER NOT NULL               -- messages of this id and above are in the index; 0 when all are
) STRICT;
`,
};

/** How often something was taken out, and of how much of that nothing is left. */
export const searchCleanMigration: Migration = {
  id: "search-2",
  sql: `
ALTER TABLE search_state ADD COLUMN taken INTEGER NOT NULL DEFAULT 0;
ALTER TABLE search_state ADD COLUMN clean INTEGER NOT NULL DEFAULT 0;
`,
};

const { searchSegments, searchSegmentsMax } = fixedLimits;

/** What is being streamed is found when it has ended: each checkpoint would take the text so far out and put it in again. */
const isIndexed = (row: "old" | "new"): string => `${row}.text IS NOT NULL AND ${row}.status <> 'streaming'`;
const isBuilt = "old.id >= (SELECT built_from FROM search_state)";
const takeOut = `INSERT INTO search (search, rowid, text) SELECT 'delete', old.id, old.text WHERE ${isIndexed("old")};
  UPDATE search_state SET taken = taken + 1 WHERE ${isIndexed("old")};`;

/**
 * Made when a room is to be searched: until then it pays nothing. Whatever changes or removes a text, by whatever statement, is
 * followed by a trigger in its own transaction. New messages are put in by `add`: a trigger would make a segment of each, because
 * SQLite wraps every statement that has one into a savepoint, at which FTS5 writes down what it holds.
 *
 * - `columnsize=0`: a row less for each message; the ranking counts words by itself.
 * - `secure-delete`: what is taken out leaves its page at once, and not when its segment is merged one day. Where pages begin
 *   is not looked after by that: `cleaner.ts` is.
 * - `automerge` by the flush would hold it up: the room merges by its alarm (`indexer.ts`).
 */
const creation = `
CREATE VIRTUAL TABLE search USING fts5(
  text, content = 'message', content_rowid = 'id', columnsize = 0, tokenize = "unicode61 remove_diacritics 2"
);
INSERT INTO search (search, rank) VALUES ('secure-delete', 1);
INSERT INTO search (search, rank) VALUES ('automerge', 0);
INSERT INTO search (search, rank) VALUES ('usermerge', ${searchSegments});
INSERT INTO search (search, rank) VALUES ('crisismerge', ${searchSegmentsMax});
CREATE VIRTUAL TABLE search_words USING fts5vocab(search, instance);

CREATE TRIGGER search_removed AFTER DELETE ON message WHEN ${isIndexed("old")} AND ${isBuilt} BEGIN ${takeOut} END;
CREATE TRIGGER search_changed AFTER UPDATE OF text, status ON message
WHEN (old.text IS NOT new.text OR old.status <> new.status) AND ${isBuilt} BEGIN
  ${takeOut}
  INSERT INTO search (rowid, text) SELECT new.id, new.text WHERE ${isIndexed("new")};
END;
`;

/** Ids that a search looks through, and what must be true of a message. */
export interface Sieve {
  /** As FTS5 takes it. */
  readonly match: string;
  readonly from: number;
  readonly upTo: number;
  readonly sender: string | null;
  readonly afterMs: number;
  readonly beforeMs: number;
}

export class SearchIndex {
  readonly #sql: SqlStorage;
  #builtFrom: number | null = null;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** To be called when what is known in memory may not be what is stored. */
  reload(): void {
    const row = this.#sql.exec<{ built_from: number }>("SELECT built_from FROM search_state").toArray()[0];
    this.#builtFrom = row?.built_from ?? null;
  }

  /** The room is no more. */
  forget(): void {
    this.#builtFrom = null;
  }

  /** The lowest id that is in the index, 0 when all are; null where the room has none. */
  get builtFrom(): number | null {
    return this.#builtFrom;
  }

  get isThere(): boolean {
    return this.#builtFrom !== null;
  }

  /** What comes from now on is in it; what was said before is put in by `build`. Belongs into a transaction. */
  begin(head: number): void {
    this.#sql.exec(creation);
    const isEmpty = this.#sql.exec("SELECT 1 FROM message LIMIT 1").toArray().length === 0;
    this.#save(isEmpty ? 0 : head + 1);
  }

  /** All at once: of 100,000 messages it takes 3 ms, less than a pass that went through them. Belongs into a transaction. */
  end(): void {
    if (this.#builtFrom === null) return;
    this.#sql.exec(
      "DROP TRIGGER search_removed; DROP TRIGGER search_changed; DROP TABLE search_words; DROP TABLE search",
    );
    this.#sql.exec("DELETE FROM search_state");
    this.#builtFrom = null;
  }

  add({ id, text, status }: { readonly id: number; readonly text: string | null; readonly status: string }): void {
    if (this.#builtFrom === null || text === null || status === "streaming") return;
    this.#sql.exec("INSERT INTO search (rowid, text) VALUES (?, ?)", id, text);
  }

  /** One pass over the newest that are not in it yet. Belongs into a transaction. */
  build(rows: number, units: number): void {
    const below = this.#builtFrom ?? 0;
    if (below === 0) return;
    const next = this.#sql
      .exec<{ id: number; units: number }>(
        `SELECT id, sum(length(coalesce(text, ''))) OVER (ORDER BY id DESC) AS units
         FROM (SELECT id, text FROM message WHERE id < ? ORDER BY id DESC LIMIT ?)`,
        below,
        rows,
      )
      .toArray();
    const taken = next.filter((row, index) => index === 0 || row.units <= units);
    const from = taken.length < rows && taken.length === next.length ? 0 : (taken.at(-1)?.id ?? 0);
    this.#sql.exec(
      `INSERT INTO search (rowid, text) SELECT id, text FROM message AS new
       WHERE id >= ? AND id < ? AND ${isIndexed("new")} ORDER BY id`,
      from,
      below,
    );
    this.#save(from);
  }

  /** Merges some pages of its segments. False where there is nothing to merge. */
  merge(pages: number): boolean {
    const changes = (): number => this.#sql.exec<{ n: number }>("SELECT total_changes() AS n").one().n;
    const before = changes();
    this.#sql.exec("INSERT INTO search (search, rank) VALUES ('merge', ?)", pages);
    // As FTS5's documentation says: a merge that did nothing changes less than two rows.
    return changes() - before >= 2;
  }

  // What was taken out.

  removals(): { readonly taken: number; readonly clean: number } {
    if (this.#builtFrom === null) return { taken: 0, clean: 0 };
    return this.#sql.exec<{ taken: number; clean: number }>("SELECT taken, clean FROM search_state").one();
  }

  /**
   * Looks at so many borders of pages behind the ones looked at before. One that no word begins with that is still said is left
   * over. `next` is null where these were the last.
   */
  borders(behind: number, limit: number): { readonly isLeftOver: boolean; readonly next: number | null } {
    const { left, count } = this.#sql
      .exec<{ left: number; count: number }>(
        // Behind a sign for the kind of the term.
        `WITH border AS (SELECT substr(term, 2) AS begin FROM search_idx LIMIT ? OFFSET ?)
         SELECT count(*) AS count, coalesce(sum(length(begin) > 0 AND substr(CAST(
           (SELECT term FROM search_words WHERE term >= CAST(begin AS TEXT) LIMIT 1) AS BLOB), 1, length(begin)) IS NOT begin), 0) AS left
         FROM border`,
        limit,
        behind,
      )
      .one();
    return { isLeftOver: left > 0, next: count < limit ? null : behind + limit };
  }

  /**
   * A segment that is alone is not merged: this makes another, of what is there, at the end of the transaction. Until `saveClean`
   * two are enough for it, or what comes meanwhile waits for others like it, and the rest for that.
   */
  addSegment(): void {
    const newest = this.#sql
      .exec<{ id: number; text: string }>(
        `SELECT id, text FROM message AS old WHERE ${isBuilt} AND ${isIndexed("old")} ORDER BY id DESC LIMIT 1`,
      )
      .toArray()[0];
    if (newest === undefined) return void this.#sql.exec("INSERT INTO search (search) VALUES ('delete-all')");
    const { id, text } = newest;
    this.#sql.exec("INSERT INTO search (search, rowid, text) VALUES ('delete', ?, ?)", id, text);
    this.#sql.exec("INSERT INTO search (rowid, text) VALUES (?, ?)", id, text);
    this.#sql.exec("INSERT INTO search (search, rank) VALUES ('usermerge', 2)");
  }

  saveClean(upTo: number): void {
    this.#sql.exec("UPDATE search_state SET clean = ?", upTo);
    // Not bound: a number would be bound as a real one, which FTS5 refuses here.
    this.#sql.exec(`INSERT INTO search (search, rank) VALUES ('usermerge', ${searchSegments})`);
  }

  // Searching.

  /** Whether one of these words is in so few messages, of all, that whatever needs it is found by looking at these. */
  isRare(words: readonly string[], rare: number): boolean {
    return words.some(
      (word) =>
        this.#sql
          .exec<{ n: number }>(
            "SELECT count(*) AS n FROM (SELECT 1 FROM search WHERE search MATCH ? LIMIT ?)",
            word,
            rare,
          )
          .one().n < rare,
    );
  }

  /**
   * How many pages hold the words that begin so: about as many as FTS5 reads before it answers anything. Known from the borders of the
   * pages alone, in a third of a millisecond.
   */
  pagesOf(beginnings: readonly string[]): number {
    return beginnings.reduce(
      (sum, begin) =>
        sum +
        this.#sql
          .exec<{ pages: number }>(
            // Terms stand behind a sign for their kind; what begins so ends before the last of all characters. The last bit of a page is no number.
            `WITH segment AS (SELECT segid, max(pgno) AS last FROM search_idx GROUP BY segid),
               span AS (SELECT CAST('0' || ?1 AS BLOB) AS low, CAST('0' || ?1 || char(1114111) AS BLOB) AS high)
             SELECT coalesce(sum((
               coalesce((SELECT pgno FROM search_idx AS i WHERE i.segid = segment.segid AND term > high ORDER BY term LIMIT 1), last) -
               coalesce((SELECT pgno FROM search_idx AS i WHERE i.segid = segment.segid AND term <= low ORDER BY term DESC LIMIT 1), 2)
             ) / 2 + 1), 0) AS pages FROM segment, span`,
            begin,
          )
          .one().pages,
      0,
    );
  }

  /**
   * The newest so many. `shown` hides what the viewer is not to see. Read to the end: while a cursor is open the index cannot be
   * removed, and nothing closes one but its last row.
   */
  hits({ match, from, upTo, sender, afterMs, beforeMs }: Sieve, shown: Shown, most: number): number[] {
    return this.#sql
      .exec<{ id: number }>(
        `SELECT message.id FROM search CROSS JOIN message ON message.id = search.rowid
         WHERE search MATCH ?4 AND search.rowid BETWEEN ?5 AND ?6 AND ${shown.where}
           AND (?7 IS NULL OR sender = ?7) AND created_at >= ?8 AND created_at < ?9
         ORDER BY search.rowid DESC LIMIT ?10`,
        ...shown.bindings,
        match,
        from,
        upTo,
        sender,
        afterMs,
        beforeMs,
        most,
      )
      .toArray()
      .map(({ id }) => id);
  }

  #save(builtFrom: number): void {
    this.#sql.exec(
      "INSERT INTO search_state (one, built_from) VALUES (1, ?) ON CONFLICT DO UPDATE SET built_from = excluded.built_from",
      builtFrom,
    );
    this.#builtFrom = builtFrom;
  }
}

/** What a viewer sees of the messages: a condition upon its three bindings, ?1 to ?3. */
export interface Shown {
  readonly where: string;
  readonly bindings: readonly [nowMs: number, moderates: number, user: string | null];
}
