/** The messages of a room that are being streamed. Their rows have the text as of the last checkpoint; what came since is memory. */
import { StreamText } from "../../../core/streamText.ts";
import type { Message } from "../../../protocol/message.ts";
import type { Migration } from "../../migrate.ts";
import type { Entry } from "../queue.ts";
import type { Usage } from "./usage.ts";

export const streamsMigration: Migration = {
  id: "streams-1",
  sql: `
CREATE TABLE stream (
  message    INTEGER PRIMARY KEY,
  renewed_at INTEGER NOT NULL,              -- when its producer was last heard of, as of the last checkpoint
  counted    INTEGER NOT NULL               -- bytes of it that were used elsewhere
) STRICT;
`,
};

/** What its producer has asked for, and what waits to be stored for it. */
export interface Ending {
  readonly status: Message["status"];
  /** As it was sent: undefined where the text stays that was appended. */
  readonly text: string | undefined;
  readonly entry: Entry;
}

/** One message being streamed. */
export interface LiveStream {
  readonly id: number;
  /** Its producer; null for the tenant's server. */
  readonly sender: string | null;
  /** Only its sender and those who may moderate see it. */
  readonly isHidden: boolean;
  readonly expiresAt: number | null;
  /** When its message was published. */
  begunAtMs: number;
  readonly text: StreamText;
  renewedAtMs: number;
  /** How much of what is shown is in its row. */
  savedUnits: number;
  savedRenewedAtMs: number;
  /** Readers may hold more than there is: the room has lost its memory, and has not told them yet where the text ends. */
  isRecovered: boolean;
  /** The room has lost its memory since it began: who had read on then may hold what was lost, and another text than there is now. */
  readonly wasLost: boolean;
  /** How it is being finished; null while it is not. */
  ending: Ending | null;
}

export class Streams {
  readonly #sql: SqlStorage;
  readonly #usage: Usage;
  readonly #live = new Map<number, LiveStream>();
  #ended = new Map<number, LiveStream>();

  constructor(sql: SqlStorage, usage: Usage) {
    this.#sql = sql;
    this.#usage = usage;
  }

  get size(): number {
    return this.#live.size;
  }

  get all(): IterableIterator<LiveStream> {
    return this.#live.values();
  }

  get(id: number): LiveStream | undefined {
    return this.#live.get(id);
  }

  /** Those that have ended since this was last asked, as they were. */
  takeEnded(): ReadonlyMap<number, LiveStream> {
    const ended = this.#ended;
    if (ended.size > 0) this.#ended = new Map();
    return ended;
  }

  countOf(sender: string | null): number {
    let count = 0;
    for (const stream of this.#live.values()) if (stream.sender === sender) count++;
    return count;
  }

  /** Its text so far, for every read of its row; undefined of a message that is not being streamed. */
  textOf(id: number): string | undefined {
    return this.#live.get(id)?.text.shown;
  }

  /** To be called when what is known in memory may not be what is stored. What is in memory of a stream that is stored stays. */
  reload(): void {
    const rows = this.#sql
      .exec<StreamRow>(
        `SELECT id, sender, shadow, expires_at, created_at, coalesce(text, '') AS text, renewed_at
         FROM stream JOIN message ON id = stream.message ORDER BY id`,
      )
      .toArray();
    const stored = new Set(rows.map(({ id }) => id));
    for (const id of this.#live.keys()) if (!stored.has(id)) this.#live.delete(id);
    for (const row of rows)
      if (!this.#live.has(row.id)) this.#live.set(row.id, { ...liveOf(row), isRecovered: true, wasLost: true });
  }

  /** Its row is stored. */
  begin({ id, sender, text, expiresAt, createdAt }: Message, isHidden: boolean, nowMs: number): void {
    this.#sql.exec("INSERT INTO stream (message, renewed_at, counted) VALUES (?, ?, 0)", id, nowMs);
    const row = { id, sender: sender?.id ?? null, shadow: isHidden ? 1 : null, expires_at: expiresAt };
    this.#live.set(id, liveOf({ ...row, created_at: createdAt, text: text ?? "", renewed_at: nowMs }));
  }

  /**
   * Writes what is shown into the row, which stays as it is for readers: no change, no seq. Where its producer has only said that
   * it is there, the text is not written once more.
   */
  save({ id, text, savedUnits, renewedAtMs }: LiveStream): void {
    if (text.shown.length > savedUnits) this.#sql.exec("UPDATE message SET text = ? WHERE id = ?", text.shown, id);
    this.#sql.exec("UPDATE stream SET renewed_at = ? WHERE message = ?", renewedAtMs, id);
  }

  /** It is over, with this text, which is in its row only now. What it has used is counted. */
  end(id: number, { seq, text, status }: Pick<Message, "seq" | "text" | "status">): void {
    this.#usage.countBefore(id);
    this.#sql.exec("UPDATE message SET seq = ?, text = ?, status = ? WHERE id = ?", seq, text, status, id);
    this.#remove(id);
  }

  /** Those below this message, or expired ones, are about to go with their rows. */
  drop(isGoing: (stream: LiveStream) => boolean): void {
    for (const stream of this.#live.values()) {
      if (!isGoing(stream)) continue;
      this.#usage.countBefore(stream.id);
      this.save(stream);
      this.#remove(stream.id);
    }
  }

  /**
   * What an import has brought goes on as here, from now on; but no more than so many, the newest. It was used where it was
   * published.
   */
  adopt(most: number, nowMs: number): void {
    this.#sql.exec(
      `INSERT INTO stream (message, renewed_at, counted)
       SELECT id, ?, coalesce(length(CAST(text AS BLOB)), 0) + coalesce(length(CAST(data AS BLOB)), 0)
       FROM message WHERE status = 'streaming' AND deleted_at IS NULL ORDER BY id DESC LIMIT ?`,
      nowMs,
      most,
    );
    this.#sql.exec(
      "UPDATE message SET status = 'interrupted' WHERE status = 'streaming' AND id NOT IN (SELECT message FROM stream)",
    );
    this.reload();
  }

  /** The room is no more. */
  forget(): void {
    this.#live.clear();
  }

  #remove(id: number): void {
    this.#usage.countEnded(id);
    this.#sql.exec("DELETE FROM stream WHERE message = ?", id);
    const stream = this.#live.get(id);
    if (stream !== undefined) this.#ended.set(id, stream);
    this.#live.delete(id);
  }
}

interface StreamRow extends Record<string, SqlStorageValue> {
  id: number;
  sender: string | null;
  shadow: number | null;
  expires_at: number | null;
  created_at: number;
  text: string;
  renewed_at: number;
}

function liveOf({ id, sender, shadow, expires_at, created_at, text, renewed_at }: StreamRow): LiveStream {
  return {
    id,
    sender,
    isHidden: shadow === 1,
    expiresAt: expires_at,
    begunAtMs: created_at,
    text: new StreamText(text),
    renewedAtMs: renewed_at,
    savedUnits: text.length,
    savedRenewedAtMs: renewed_at,
    isRecovered: false,
    wasLost: false,
    ending: null,
  };
}
