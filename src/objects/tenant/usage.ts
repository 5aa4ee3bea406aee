/** What a tenant uses: its rooms say how their meters stand, and each hour in which one moved has a reading of all. */
import { noWork, type Work } from "../../core/work.ts";
import { firstReading, hourMs, type Reading, readOn, spansOf } from "../../core/usage.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import type { UsageSpan, UsageUnit } from "../../protocol/usage.ts";
import type { RoomCounts } from "../account.ts";
import type { Migration } from "../migrate.ts";

export const usageMigration: Migration = {
  id: "usage-1",
  sql: `
ALTER TABLE room ADD COLUMN used_messages INTEGER NOT NULL DEFAULT 0;  -- the room's own totals, as last heard
ALTER TABLE room ADD COLUMN used_bytes    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE room ADD COLUMN used_changes  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE room ADD COLUMN storage       INTEGER NOT NULL DEFAULT 0;  -- bytes

CREATE TABLE usage (
  hour        INTEGER PRIMARY KEY,          -- since the epoch
  messages    INTEGER NOT NULL,             -- ever, until its end; as the next three
  bytes       INTEGER NOT NULL,
  changes     INTEGER NOT NULL,
  refused     INTEGER NOT NULL,             -- credits
  connections INTEGER NOT NULL,             -- at its end
  peak        INTEGER NOT NULL,             -- of the connections in it
  storage     INTEGER NOT NULL              -- bytes, at its end
) STRICT;
`,
};

export const usageFilesMigration: Migration = {
  id: "usage-2",
  // Ever, until its end; and the bytes that are there, at its end.
  sql: `
ALTER TABLE usage ADD COLUMN uploads        INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN uploaded_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN file_bytes     INTEGER NOT NULL DEFAULT 0;
`,
};

export const usageWorkMigration: Migration = {
  id: "usage-3",
  // core/work.ts: ever, until its end.
  sql: `
ALTER TABLE usage ADD COLUMN wakings       INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN awake         INTEGER NOT NULL DEFAULT 0;  -- ms
ALTER TABLE usage ADD COLUMN flushes       INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN flushed       INTEGER NOT NULL DEFAULT 0;  -- messages
ALTER TABLE usage ADD COLUMN flushes_to_1  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN flushes_to_4  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN flushes_to_16 INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN flushes_to_64 INTEGER NOT NULL DEFAULT 0;
`,
};

export interface UsageQuery {
  readonly by: UsageUnit;
  readonly fromMs?: number | undefined;
  /** Spans that begin at this time or later are left out. */
  readonly toMs?: number | undefined;
  readonly limit: number;
}

/** How a tenant stands: the meters, and what else may be watched. */
export interface Metrics extends Reading {
  readonly rooms: number;
  /** Those with connections. */
  readonly activeRooms: number;
  readonly policyVersion: number;
}

/** What a room says, and what that makes of all of them. */
export interface Used {
  readonly room: string;
  /** Null where the room only asks for something. */
  readonly counts: Pick<RoomCounts, "used" | "storageBytes"> | null;
  readonly work?: Work | null;
  /** Of all rooms. */
  readonly connections: number;
  readonly creditsRefused: number;
}

const hoursOf = { hour: 1, day: 24 } as const satisfies Record<UsageUnit, number>;
/** Spans before now, where nobody says from when. */
const shownByDefault = { hour: 24, day: 30 } as const satisfies Record<UsageUnit, number>;
const nothingNew = { messages: 0, bytes: 0, changes: 0, storageBytes: 0 };
const nothing = { ...nothingNew, ...noWork };
const noFiles = { uploads: 0, uploadedBytes: 0, fileBytes: 0 };
/** A refusal alone is no reason to write more often than rooms report. */
const savedEveryMs = 10_000;
const columns = `hour, messages, bytes, changes, refused, connections, peak, storage AS storageBytes,
  uploads, uploaded_bytes AS uploadedBytes, file_bytes AS fileBytes, wakings, awake AS awakeMs, flushes, flushed,
  flushes_to_1 AS flushesTo1, flushes_to_4 AS flushesTo4, flushes_to_16 AS flushesTo16, flushes_to_64 AS flushesTo64`;

type ReadingRow = Reading & Record<string, SqlStorageValue>;

export class Usage {
  readonly #sql: SqlStorage;
  #last: Reading;
  /** Not written yet. Counters that were shown must not go back when memory is lost, so these are not shown. */
  #refused = 0;
  #savedAtMs = -Infinity;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#last = this.#newest() ?? firstReading;
  }

  /** The meters as they stand, all of it stored. */
  reading(nowMs: number): Reading {
    const { connections } = this.#last;
    return readOn(this.#last, { ...nothing, ...noFiles, refused: 0, connections }, nowMs);
  }

  /** Takes over what a room says. Belongs into one synchronous step with all else that is made of it. True where another hour has begun. */
  record({ room, counts, work, connections, creditsRefused }: Used, nowMs: number): boolean {
    const told = counts === null ? nothingNew : this.#takeOver(room, counts);
    const fresh = { ...told, ...(work ?? noWork) };
    this.#refused += creditsRefused;
    const moved = Object.values(fresh).some((amount) => amount !== 0) || connections !== this.#last.connections;
    const isDue = this.#refused > 0 && Math.abs(nowMs - this.#savedAtMs) >= savedEveryMs;
    if (!moved && !isDue) return false;
    const next = readOn(this.#last, { ...fresh, ...noFiles, connections, refused: this.#refused }, nowMs);
    this.#refused = 0;
    this.#savedAtMs = nowMs;
    return this.#goOn(next);
  }

  /** What has become of files. As `record`. */
  recordFiles(files: typeof noFiles, nowMs: number): boolean {
    if (Object.values(files).every((amount) => amount === 0)) return false;
    const { connections } = this.#last;
    return this.#goOn(readOn(this.#last, { ...nothing, ...files, refused: 0, connections }, nowMs));
  }

  /** Spans in order, from the tenant's first on, and not older than the time for which readings are kept. */
  page({ by, fromMs, toMs = Infinity, limit }: UsageQuery, createdAtMs: number, nowMs: number): UsageSpan[] {
    const hours = hoursOf[by];
    const spanMs = hours * hourMs;
    const asked = fromMs ?? nowMs - (shownByDefault[by] - 1) * spanMs;
    const from = Math.floor(Math.max(asked, createdAtMs, keptSinceMs(nowMs)) / spanMs);
    const to = Math.ceil(Math.min(toMs, nowMs + 1) / spanMs);
    const count = Math.max(0, Math.min(limit, to - from));
    const fromHour = from * hours;
    const readings = this.#sql.exec<ReadingRow>(
      `SELECT ${columns} FROM usage WHERE hour >= ? AND hour < ? ORDER BY hour`,
      fromHour,
      fromHour + count * hours,
    );
    return spansOf(this.#newest(fromHour) ?? firstReading, readings.toArray(), { fromHour, hours, count });
  }

  /** When the oldest reading is not needed any more; null while there is but one. */
  get dueMs(): number | null {
    // The newest of the old ones stays: the first span that is shown begins where it stands.
    const [second] = this.#sql
      .exec<{ hour: number }>("SELECT hour FROM usage ORDER BY hour LIMIT 1 OFFSET 1")
      .toArray();
    if (second === undefined) return null;
    const dayMs = 24 * hourMs;
    return (Math.floor((second.hour * hourMs) / dayMs) + 1 + fixedLimits.usageDays) * dayMs;
  }

  sweep(nowMs: number): void {
    const hour = keptSinceMs(nowMs) / hourMs;
    this.#sql.exec("DELETE FROM usage WHERE hour < (SELECT max(hour) FROM usage WHERE hour < ?)", hour);
  }

  /**
   * How far a room's meters have run since it was last heard. One that says less than is known is late, or was restored from a
   * backup: what it does anew was counted already.
   */
  #takeOver(room: string, { used, storageBytes }: NonNullable<Used["counts"]>): typeof nothingNew {
    const [known] = this.#sql
      .exec<{ messages: number; bytes: number; changes: number; storage: number }>(
        "SELECT used_messages AS messages, used_bytes AS bytes, used_changes AS changes, storage FROM room WHERE name = ?",
        room,
      )
      .toArray();
    if (known === undefined) return nothingNew;
    const fresh = {
      messages: used.messages - known.messages,
      bytes: used.bytes - known.bytes,
      changes: used.changes - known.changes,
      storageBytes: storageBytes - known.storage,
    };
    if (fresh.messages < 0 || fresh.bytes < 0 || fresh.changes < 0) return nothingNew;
    if (Object.values(fresh).every((amount) => amount === 0)) return fresh;
    this.#sql.exec(
      "UPDATE room SET used_messages = ?, used_bytes = ?, used_changes = ?, storage = ? WHERE name = ?",
      used.messages,
      used.bytes,
      used.changes,
      storageBytes,
      room,
    );
    return fresh;
  }

  #newest(beforeHour = Number.MAX_SAFE_INTEGER): Reading | undefined {
    return this.#sql
      .exec<ReadingRow>(`SELECT ${columns} FROM usage WHERE hour < ? ORDER BY hour DESC LIMIT 1`, beforeHour)
      .toArray()[0];
  }

  #goOn(next: Reading): boolean {
    const turned = next.hour > this.#last.hour;
    this.#save(next);
    this.#last = next;
    return turned;
  }

  #save(reading: Reading): void {
    const { hour, messages, bytes, changes, refused, connections, peak, storageBytes } = reading;
    const { uploads, uploadedBytes, fileBytes } = reading;
    const { wakings, awakeMs, flushes, flushed, flushesTo1, flushesTo4, flushesTo16, flushesTo64 } = reading;
    const values = [hour, messages, bytes, changes, refused, connections, peak, storageBytes].concat(
      [uploads, uploadedBytes, fileBytes],
      [wakings, awakeMs, flushes, flushed, flushesTo1, flushesTo4, flushesTo16, flushesTo64],
    );
    this.#sql.exec(
      `INSERT OR REPLACE INTO usage (hour, messages, bytes, changes, refused, connections, peak, storage,
         uploads, uploaded_bytes, file_bytes,
         wakings, awake, flushes, flushed, flushes_to_1, flushes_to_4, flushes_to_16, flushes_to_64)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...values,
    );
  }
}

/** The beginning of a day. */
function keptSinceMs(nowMs: number): number {
  const dayMs = 24 * hourMs;
  return (Math.floor(nowMs / dayMs) - fixedLimits.usageDays) * dayMs;
}
