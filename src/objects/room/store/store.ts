/** A room's tables: its own row, and what concerns several of them at once. */
import { type Change, seqOf } from "../../../protocol/changes.ts";
import type { RoomSettings } from "../../../protocol/message.ts";
import type { RoomPolicy } from "../../../protocol/policy.ts";
import { isUntouched, migrate } from "../../migrate.ts";
import { migrations } from "../migrations.ts";
import { Ages } from "./ages.ts";
import { Leavers } from "./leavers.ts";
import { Members } from "./members.ts";
import { Messages, type Reading } from "./messages.ts";
import { Pins } from "./pins.ts";
import { Reactions } from "./reactions.ts";
import { SearchIndex } from "./searchIndex.ts";
import { Streams } from "./streams.ts";
import { Replies } from "./replies.ts";
import { Revisions } from "./revisions.ts";
import { completed, lasting, readRow, roomChange, type RoomState, stateIn } from "./roomRow.ts";
import { Traces } from "./traces.ts";
import { Unread } from "./unread.ts";
import { Usage } from "./usage.ts";
import { Veil } from "./veil.ts";

/** The row of an imported room. */
export interface Adopted extends Pick<RoomState, "seq" | "oldest" | "floor" | "epoch"> {
  /** What is not named has its default. */
  readonly settings: object;
  readonly head: number;
  readonly createdAt: number;
}

export class Store {
  readonly messages: Messages;
  readonly ages: Ages;
  readonly traces: Traces;
  readonly reactions: Reactions;
  readonly streams: Streams;
  readonly pins: Pins;
  readonly replies: Replies;
  readonly revisions: Revisions;
  readonly veil: Veil;
  readonly members: Members;
  readonly leavers: Leavers;
  readonly usage: Usage;
  readonly unread: Unread;
  readonly search: SearchIndex;
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  /** Null while the room does not exist; then nothing has been written, not even the tables. */
  #room: RoomState | null = null;
  #head = 0;
  #isErased = false;
  #sizeBytes = 0;
  #slowSinceMs = 0;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.usage = new Usage(storage.sql, () => this.#head);
    this.streams = new Streams(storage.sql, this.usage);
    this.search = new SearchIndex(storage.sql);
    this.messages = new Messages(storage.sql, this);
    this.ages = new Ages(storage.sql);
    this.traces = new Traces(storage.sql);
    this.reactions = new Reactions(storage.sql);
    this.pins = new Pins(storage.sql);
    this.replies = new Replies(storage.sql);
    this.revisions = new Revisions(storage.sql);
    this.veil = new Veil(storage.sql);
    this.members = new Members(storage.sql);
    this.leavers = new Leavers(storage.sql);
    this.unread = new Unread(storage.sql);
    if (isUntouched(storage)) return;
    migrate(storage, migrations);
    this.reload();
  }

  get room(): RoomState | null {
    return this.#room;
  }

  /** The highest seq ever given. */
  get head(): number {
    return this.#head;
  }

  /** As of the last flush: asking the database takes as long as a small query. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** When slow mode was last turned on. */
  get slowSinceMs(): number {
    return this.#slowSinceMs;
  }

  /** All or nothing. What throws inside is rolled back alone when nested; memory is read anew then. */
  transaction<T>(body: () => T): T {
    try {
      return this.#storage.transactionSync(body);
    } catch (error) {
      if (isUntouched(this.#storage)) this.#room = null;
      else this.reload();
      throw error;
    }
  }

  /** Makes the room, or makes a deleted one anew: with an empty history of another epoch. */
  create({ epoch, settings, policy }: Pick<RoomState, "epoch" | "settings" | "policy">, nowMs: number): void {
    migrate(this.#storage, migrations);
    this.#sql.exec(
      `INSERT OR REPLACE INTO room (one, seq, head, oldest, floor, epoch, settings, policy, messages, counted_to, created_at, used_messages, used_bytes, used_changes)
       VALUES (1, 0, 0, 1, 0, ?, ?, ?, 0, 0, ?, coalesce((SELECT used_messages FROM room), 0), coalesce((SELECT used_bytes FROM room), 0), coalesce((SELECT used_changes FROM room), 0))`,
      epoch,
      JSON.stringify(settings),
      JSON.stringify(policy),
      nowMs,
    );
    this.reload();
  }

  /** What was imported is the history, of an epoch of its own. It was used where it was published, and is not counted again. */
  adopt({ head, seq, oldest, floor, epoch, settings, createdAt }: Adopted, nowMs: number): void {
    // What retention had removed while it was exported.
    this.#sql.exec("DELETE FROM reaction WHERE message < ?", oldest);
    this.#sql.exec("DELETE FROM message WHERE id < ?", oldest);
    this.pins.removeBelow(oldest);
    this.revisions.removeBelow(oldest);
    this.replies.recount();
    this.#sql.exec(
      `UPDATE room SET head = ?1, seq = ?2, settings_seq = iif(?3 = 1, ?2, 0), oldest = ?3, floor = ?4, epoch = ?5, settings = ?6, created_at = ?7, changed_to = ?1,
         messages = (SELECT count(*) FROM message), counted_to = coalesce((SELECT max(id) FROM message), 0)`,
      head,
      seq,
      oldest,
      floor,
      epoch,
      JSON.stringify(settings),
      createdAt,
    );
    this.reload();
    this.streams.adopt(this.#room?.policy.limits.streamsPerRoom ?? 0, nowMs);
  }

  /** Removes everything but the room's own row, which keeps saying that it was deleted, and what was used. */
  deleteRoom(nowMs: number): void {
    this.streams.drop(() => true);
    this.usage.count();
    // First, or each message would be taken out of it by itself.
    this.search.end();
    this.#sql.exec("DELETE FROM message");
    this.#sql.exec("DELETE FROM reaction");
    this.#sql.exec("DELETE FROM member");
    this.#sql.exec("DELETE FROM leaver");
    this.pins.clear();
    this.revisions.clear();
    this.veil.clear();
    this.#sql.exec(
      "UPDATE room SET deleted_at = ?, head = ?, settings = '{}', messages = 0, counted_to = 0",
      nowMs,
      this.#head,
    );
    this.reload();
  }

  /** Everything goes, tables and all: as if the room had never been. */
  async erase(): Promise<void> {
    this.#room = null;
    this.#head = 0;
    this.#sizeBytes = 0;
    this.members.forget();
    this.search.forget();
    this.streams.forget();
    this.#isErased = true;
    await this.#storage.deleteAlarm();
    await this.#storage.deleteAll();
  }

  /** Its tenant has ended, so that it is not to be made by whoever asked before. */
  get isErased(): boolean {
    return this.#isErased;
  }

  /**
   * Written down is only what those go by who stay: a thousand rooms that are told of a revocation need no disk for it. One that
   * loses its memory asks again, because whoever calls has heard of a newer version by then or needs a place or credits.
   */
  heedPolicy(told: RoomPolicy): void {
    const room = this.#room;
    if (room === null) return;
    const policy = completed(told);
    if (lasting(policy) !== lasting(room.policy)) this.#sql.exec("UPDATE room SET policy = ?", JSON.stringify(policy));
    this.#room = { ...room, policy };
  }

  /** Written down whatever it says. */
  rewritePolicy(policy: RoomPolicy): void {
    if (this.#room === null) return;
    this.#sql.exec("UPDATE room SET policy = ?", JSON.stringify(policy));
    this.#room = { ...this.#room, policy };
  }

  saveSettings(settings: RoomSettings, seq: number, nowMs: number): void {
    if (this.#room?.settings.slowModeMs === 0 && settings.slowModeMs > 0) this.#slowSinceMs = nowMs;
    this.#sql.exec(
      "UPDATE room SET settings = ?1, seq = ?2, settings_seq = ?2, slow_since = ?3",
      JSON.stringify(settings),
      seq,
      this.#slowSinceMs,
    );
    if (this.#room !== null) this.#room = { ...this.#room, settings, seq, settingsSeq: seq };
  }

  /** To be called when a flush has given seqs up to this one. */
  advance(head: number): void {
    this.#head = head;
    this.#sizeBytes = this.#sql.databaseSize;
  }

  /** Reads the room's own row, and from all rows the highest seq given. */
  reload(): void {
    this.members.forget();
    this.search.reload();
    const heard = this.#room?.policy;
    this.#sizeBytes = this.#sql.databaseSize;
    const row = readRow(this.#sql);
    this.#head = row?.top ?? 0;
    this.messages.reload(row?.hides === 1);
    this.usage.reload(row?.counted_to ?? 0);
    this.streams.reload();
    this.#slowSinceMs = row?.slow_since ?? 0;
    this.#room = row === undefined ? null : stateIn(row, heard);
  }

  /**
   * The rows changed after `seq`, as they stand now, in order of seq: at most `limit`, the lowest.
   * Disjoint branches, each in seq order: one side ordered by id and the other by seq would lose rows at the cut.
   */
  changedSince(seq: number, reading: Omit<Reading, "only">): Change[] {
    const { limit } = reading;
    const messages = [...this.messages.createdSince(seq, reading), ...this.messages.changedSince(seq, reading)];
    const changes: Change[] = messages.map((message) => ({ type: "message", message }));
    for (const member of this.members.changedSince(seq, limit)) changes.push({ type: "member", member });
    if (this.#room !== null && this.#room.seq > seq) changes.push({ type: "room", room: roomChange(this.#room) });
    return changes.sort((one, other) => seqOf(one) - seqOf(other)).slice(0, limit);
  }

  get presenceVersion(): number {
    return this.#sql.exec<{ version: number }>("SELECT presence_version AS version FROM room").one().version;
  }

  savePresenceVersion(version: number): void {
    this.#sql.exec("UPDATE room SET presence_version = ?", version);
  }

  // Rows leave in three ways only: retention, expiry, erasure. Each keeps the head in the same transaction.

  /** Retention: every message below `oldest`. */
  removeBelow(oldest: number, seq: number, head: number): void {
    this.streams.drop(({ id }) => id < oldest);
    this.usage.count();
    this.#sql.exec("UPDATE room SET messages = messages - (SELECT count(*) FROM message WHERE id < ?)", oldest);
    this.#sql.exec("DELETE FROM message WHERE id < ?", oldest);
    this.pins.removeBelow(oldest);
    this.revisions.removeBelow(oldest);
    this.veil.removeBelow(oldest);
    this.#sql.exec("UPDATE room SET oldest = ?, seq = ?, head = ?", oldest, seq, head);
    if (this.#room !== null) this.#room = { ...this.#room, oldest, seq };
  }

  /** Expiry: silent, because readers drop an expired message by themselves. */
  removeExpired(ids: readonly number[], head: number): void {
    this.streams.drop(({ id }) => ids.includes(id));
    this.usage.count();
    this.#sql.exec("DELETE FROM message WHERE id IN (SELECT value FROM json_each(?))", JSON.stringify(ids));
    this.pins.removeOf(ids);
    this.veil.removeOf(ids);
    this.#sql.exec("UPDATE room SET head = ?, messages = messages - ?", head, ids.length);
  }

  /** What no change can tell those whom it concerns: they start over. */
  raiseFloor(head: number): void {
    this.#sql.exec("UPDATE room SET head = ?1, floor = ?1", head);
    if (this.#room !== null) this.#room = { ...this.#room, floor: head };
  }

  /** Erasure of a member: no row stays, so whoever has not heard of the removal by now must start over. */
  eraseMember(user: string, head: number): void {
    this.members.remove(user);
    this.raiseFloor(head);
  }
}
