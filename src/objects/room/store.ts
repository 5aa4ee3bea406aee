/** Every SQL statement a room runs. */
import { canonicalJson } from "../../core/auditChain.ts";
import { type Change, type RoomChange, seqOf } from "../../protocol/changes.ts";
import {
  defaultRoomSettings,
  type Member,
  type Message,
  type Reactions,
  type RoomSettings,
} from "../../protocol/message.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { RoomPolicy } from "../../protocol/policy.ts";
import type { RoomCounts } from "../account.ts";
import { isUntouched, migrate } from "../migrate.ts";
import { migrations } from "./migrations.ts";
import { dataJson, jsonOrNull, type MemberRow, memberOf, messageColumns, messageOf, type MessageRow } from "./rows.ts";
import type { Viewer } from "./viewer.ts";

/** A user whose last connection went, and who is still here for a moment. */
export interface Leaver {
  readonly user: string;
  readonly name: string | null;
  readonly state: { readonly value: unknown; readonly setAtMs: number } | null;
  readonly goneAtMs: number;
}

/** The room's own row. */
export interface RoomState {
  readonly seq: number;
  readonly oldest: number;
  readonly floor: number;
  /** The stored epoch: readers are shown a hash over it and the deployment's generation. */
  readonly epoch: string;
  readonly settings: RoomSettings;
  readonly policy: RoomPolicy;
  readonly deletedAtMs: number | null;
}

/** How a list of messages is read, and for whom. */
export interface Reading {
  readonly limit: number;
  readonly nowMs: number;
  readonly viewer: Viewer;
  /** Only the replies to this message. */
  readonly replyTo?: number | null;
}

/** Neither expired nor hidden: with the time as ?1 and the viewer's eyes as ?2 and ?3. */
const shown = "(expires_at IS NULL OR expires_at > ?1) AND (shadow IS NULL OR ?2 OR sender = ?3)";

function eyesOf({ user, moderates }: Viewer): [number, string | null] {
  return [moderates ? 1 : 0, user];
}

export class Store {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  /** Null while the room does not exist; then nothing has been written, not even the tables. */
  #room: RoomState | null = null;
  #head = 0;
  #isErased = false;
  #sizeBytes = 0;
  /** Whether anything is hidden in this room: where nothing is, nobody asks. */
  #hides = false;
  /** The newest message whose content is counted as used. */
  #countedTo = 0;
  /** When slow mode was last turned on. */
  #slowSinceMs = 0;
  readonly #members = new Map<string, MemberRow | null>();

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
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

  /** Removes everything but the room's own row, which keeps saying that it was deleted, and what was used. */
  deleteRoom(nowMs: number): void {
    this.#count();
    this.#sql.exec("DELETE FROM message");
    this.#sql.exec("DELETE FROM reaction");
    this.#sql.exec("DELETE FROM member");
    this.#sql.exec("DELETE FROM leaver");
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
    this.#members.clear();
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

  saveSettings(settings: RoomSettings, seq: number, nowMs: number): void {
    if (this.#room?.settings.slowModeMs === 0 && settings.slowModeMs > 0) this.#slowSinceMs = nowMs;
    this.#sql.exec(
      "UPDATE room SET settings = ?, seq = ?, slow_since = ?",
      JSON.stringify(settings),
      seq,
      this.#slowSinceMs,
    );
    if (this.#room !== null) this.#room = { ...this.#room, settings, seq };
  }

  /** To be called when a flush has given seqs up to this one. */
  advance(head: number): void {
    this.#head = head;
    this.#sizeBytes = this.#sql.databaseSize;
  }

  /** Reads the room's own row, and from all rows the highest seq given. */
  reload(): void {
    this.#members.clear();
    const heard = this.#room?.policy;
    this.#sizeBytes = this.#sql.databaseSize;
    const row = this.#sql
      .exec<{
        seq: number;
        oldest: number;
        floor: number;
        epoch: string;
        settings: string;
        policy: string;
        deleted_at: number | null;
        counted_to: number;
        slow_since: number;
        top: number;
        hides: number;
      }>(
        `SELECT EXISTS (SELECT 1 FROM message WHERE shadow = 1) AS hides, seq, oldest, floor, epoch, settings, policy, deleted_at, counted_to, slow_since, max(
         head, seq,
         coalesce((SELECT id FROM message ORDER BY id DESC LIMIT 1), 0),
         coalesce((SELECT seq FROM message WHERE seq > id ORDER BY seq DESC LIMIT 1), 0),
         coalesce((SELECT seq FROM member WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1), 0)) AS top FROM room`,
      )
      .toArray()[0];
    this.#head = row?.top ?? 0;
    this.#hides = row?.hides === 1;
    this.#countedTo = row?.counted_to ?? 0;
    this.#slowSinceMs = row?.slow_since ?? 0;
    this.#room =
      row === undefined
        ? null
        : {
            seq: row.seq,
            oldest: row.oldest,
            floor: row.floor,
            epoch: row.epoch,
            deletedAtMs: row.deleted_at,
            settings: { ...defaultRoomSettings, ...JSON.parse(row.settings) },
            policy: newer(RoomPolicy.parse(JSON.parse(row.policy)), heard),
          };
  }

  // Messages.

  /** `shadow`: its author is not to notice that hardly anybody is told of it. */
  insertMessage(message: Message, digest: Uint8Array | null, shadow: boolean): void {
    this.#hides ||= shadow;
    this.#sql.exec(
      `INSERT INTO message (id, seq, version, sender, sender_name, nonce, digest, text, data, mentions, reply_to, replies, attachments, reactions, shadow, status, created_at, expires_at)
       VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, NULL, ?, ?, ?, ?)`,
      message.id,
      message.seq,
      message.sender?.id ?? null,
      message.sender?.name ?? null,
      message.nonce,
      digest,
      message.text,
      dataJson(message.data),
      jsonOrNull(message.mentions),
      message.replyTo,
      jsonOrNull(message.attachments),
      shadow ? 1 : null,
      message.status,
      message.createdAt,
      message.expiresAt,
    );
  }

  findByNonce(sender: string | null, nonce: string): { readonly id: number; readonly digest: Uint8Array } | null {
    const row = this.#sql
      .exec<{ id: number; digest: ArrayBuffer }>(
        "SELECT id, digest FROM message WHERE coalesce(sender, '') = ? AND nonce = ?",
        sender ?? "",
        nonce,
      )
      .toArray()[0];
    return row === undefined ? null : { id: row.id, digest: new Uint8Array(row.digest) };
  }

  message(id: number, nowMs: number, viewer: Viewer): Message | null {
    const row = this.#sql
      .exec<MessageRow>(
        `SELECT ${messageColumns} FROM message WHERE id = ?4 AND ${shown}`,
        nowMs,
        ...eyesOf(viewer),
        id,
      )
      .toArray()[0];
    return row === undefined ? null : messageOf(row);
  }

  /** Who said a hidden message: null where the author was erased, undefined of a message that is not hidden. */
  authorOfHidden(id: number): string | null | undefined {
    if (!this.#hides) return undefined;
    return this.#sql
      .exec<{ sender: string | null }>("SELECT sender FROM message WHERE id = ? AND shadow = 1", id)
      .toArray()[0]?.sender;
  }

  hasHidden(author: string): boolean {
    return (
      this.#hides &&
      this.#sql.exec("SELECT 1 FROM message WHERE sender = ? AND shadow = 1 LIMIT 1", author).toArray().length > 0
    );
  }

  saveEdit({
    id,
    seq,
    version,
    text,
    data,
    editedAt,
  }: Pick<Message, "id" | "seq" | "version" | "text" | "data" | "editedAt">): void {
    this.#countBefore(id);
    this.#sql.exec(
      "UPDATE message SET seq = ?, version = ?, text = ?, data = ?, edited_at = ? WHERE id = ?",
      seq,
      version,
      text,
      dataJson(data),
      editedAt,
      id,
    );
  }

  /** Leaves a tombstone: who said something here, and the nonce, so that a late retry is still known. */
  saveDeletion({ id, seq, deletedAt }: { id: number; seq: number; deletedAt: number }): void {
    this.#countBefore(id);
    this.#sql.exec(
      `UPDATE message SET seq = ?, text = NULL, data = NULL, mentions = NULL, attachments = NULL, reactions = NULL, deleted_at = ? WHERE id = ?`,
      seq,
      deletedAt,
      id,
    );
    this.#sql.exec("DELETE FROM reaction WHERE message = ?", id);
  }

  saveReplies({ id, seq, replies }: Pick<Message, "id" | "seq" | "replies">): void {
    this.#sql.exec("UPDATE message SET seq = ?, replies = ? WHERE id = ?", seq, replies, id);
  }

  // Pages, always in ascending order of id.

  messagesBefore(id: number, { replyTo = null, ...reading }: Reading): Message[] {
    return this.#messages("id < ?4 AND (?6 IS NULL OR reply_to = ?6) ORDER BY id DESC LIMIT ?5", id, {
      ...reading,
      replyTo,
    }).reverse();
  }

  messagesAfter(id: number, { replyTo = null, ...reading }: Reading): Message[] {
    return this.#messages("id > ?4 AND (?6 IS NULL OR reply_to = ?6) ORDER BY id LIMIT ?5", id, {
      ...reading,
      replyTo,
    });
  }

  #messages(rest: string, id: number, { limit, nowMs, viewer, replyTo }: Required<Reading>): Message[] {
    return this.#sql
      .exec<MessageRow>(
        `SELECT ${messageColumns} FROM message WHERE ${shown} AND ${rest}`,
        nowMs,
        ...eyesOf(viewer),
        id,
        limit,
        replyTo,
      )
      .toArray()
      .map(messageOf);
  }

  /**
   * The rows changed after `seq`, as they stand now, in order of seq: at most `limit`, the lowest.
   * Disjoint branches, each in seq order: one side ordered by id and the other by seq would lose rows at the cut.
   */
  changedSince(seq: number, { limit, nowMs, viewer }: Omit<Reading, "replyTo">): Change[] {
    const bindings = [nowMs, ...eyesOf(viewer), seq, limit];
    const created = this.#sql
      .exec<MessageRow>(
        `SELECT ${messageColumns} FROM message WHERE id > ?4 AND seq = id AND ${shown} ORDER BY id LIMIT ?5`,
        ...bindings,
      )
      .toArray();
    const changed = this.#sql
      .exec<MessageRow>(
        // The term `seq > id` must stand here, or SQLite ignores the partial index and scans.
        `SELECT ${messageColumns} FROM message WHERE seq > ?4 AND seq > id AND ${shown} ORDER BY seq LIMIT ?5`,
        ...bindings,
      )
      .toArray();
    const changes: Change[] = [...created, ...changed].map((row) => ({ type: "message", message: messageOf(row) }));
    for (const member of this.#sql.exec<MemberRow>(
      "SELECT * FROM member WHERE seq > ? AND seq IS NOT NULL ORDER BY seq LIMIT ?",
      seq,
      limit,
    )) {
      changes.push({ type: "member", member: memberOf(member) });
    }
    if (this.#room !== null && this.#room.seq > seq) changes.push({ type: "room", room: roomChange(this.#room) });
    return changes.sort((one, other) => seqOf(one) - seqOf(other)).slice(0, limit);
  }

  // Reactions.

  hasReacted(message: number, emoji: string, user: string): boolean {
    return (
      this.#sql
        .exec("SELECT 1 FROM reaction WHERE message = ? AND emoji = ? AND user = ?", message, emoji, user)
        .toArray().length > 0
    );
  }

  addReaction(message: number, emoji: string, user: string, nowMs: number): void {
    this.#sql.exec("INSERT INTO reaction (message, emoji, user, at) VALUES (?, ?, ?, ?)", message, emoji, user, nowMs);
  }

  removeReaction(message: number, emoji: string, user: string): void {
    this.#sql.exec("DELETE FROM reaction WHERE message = ? AND emoji = ? AND user = ?", message, emoji, user);
  }

  reactions(message: number, emoji: string | null, limit: number): { emoji: string; user: string; at: number }[] {
    return this.#sql
      .exec<{ emoji: string; user: string; at: number }>(
        "SELECT emoji, user, at FROM reaction WHERE message = ?1 AND (?2 IS NULL OR emoji = ?2) ORDER BY at, emoji, user LIMIT ?3",
        message,
        emoji,
        limit,
      )
      .toArray();
  }

  saveReactions({ id, seq, reactions }: { id: number; seq: number; reactions: Reactions }): void {
    this.#sql.exec("UPDATE message SET seq = ?, reactions = ? WHERE id = ?", seq, jsonOrNull(reactions), id);
  }

  reactedBy(user: string, limit: number): { message: number; emoji: string }[] {
    return this.#sql
      .exec<{ message: number; emoji: string }>(
        "SELECT message, emoji FROM reaction WHERE user = ? ORDER BY message LIMIT ?",
        user,
        limit,
      )
      .toArray();
  }

  // Members.

  /** Asked for each publish, so what was read is remembered; every write to the table forgets it. */
  member(user: string): MemberRow | null {
    const known = this.#members.get(user);
    if (known !== undefined) return known;
    const row = this.#sql.exec<MemberRow>("SELECT * FROM member WHERE user = ?", user).toArray()[0] ?? null;
    if (this.#members.size >= 10_000) this.#members.clear();
    this.#members.set(user, row);
    return row;
  }

  /** Removed ones too (`role: null`): a reader merges the page like changes. */
  members(after: string, limit: number): Member[] {
    return this.#sql
      .exec<MemberRow>("SELECT * FROM member WHERE user > ? AND seq IS NOT NULL ORDER BY user LIMIT ?", after, limit)
      .toArray()
      .map(memberOf);
  }

  saveMember({ user, name, role, seq }: Member): void {
    this.#members.delete(user);
    this.#sql.exec(
      `INSERT INTO member (user, name, role, seq) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT (user) DO UPDATE SET name = coalesce(?2, name), role = ?3, seq = ?4`,
      user,
      name,
      role,
      seq,
    );
  }

  saveMute(user: string, untilMs: number | null, reason: string | null): void {
    this.#members.delete(user);
    this.#sql.exec(
      `INSERT INTO member (user, muted_until, reason) VALUES (?1, ?2, ?3)
       ON CONFLICT (user) DO UPDATE SET muted_until = ?2, reason = ?3`,
      user,
      untilMs,
      reason,
    );
  }

  saveReadPosition(user: string, upTo: number): void {
    this.#members.delete(user);
    this.#sql.exec(
      "INSERT INTO member (user, read_up_to) VALUES (?1, ?2) ON CONFLICT (user) DO UPDATE SET read_up_to = ?2",
      user,
      upTo,
    );
  }

  /**
   * When the user last published, or null. Only slow mode asks, and while it is on it is written down; what was said before
   * it was turned on, this time, is looked for among so many of the newest messages.
   */
  spokeAtMs(user: string): number | null {
    const noted = this.member(user)?.spoke_at ?? null;
    if (noted !== null && noted >= this.#slowSinceMs) return noted;
    const { at: found } = this.#sql
      .exec<{ at: number | null }>(
        "SELECT max(created_at) AS at FROM (SELECT sender, created_at FROM message ORDER BY id DESC LIMIT ?) WHERE sender = ?",
        fixedLimits.slowModeSearched,
        user,
      )
      .one();
    return found === null || noted === null ? (found ?? noted) : Math.max(found, noted);
  }

  saveSpoke(user: string, atMs: number): void {
    this.#members.delete(user);
    this.#sql.exec(
      "INSERT INTO member (user, spoke_at) VALUES (?1, ?2) ON CONFLICT (user) DO UPDATE SET spoke_at = ?2",
      user,
      atMs,
    );
  }

  newestReadPositions(limit: number): { user: string; upTo: number }[] {
    return this.#sql
      .exec<{ user: string; upTo: number }>(
        "SELECT user, read_up_to AS upTo FROM member WHERE read_up_to IS NOT NULL ORDER BY read_up_to DESC, user DESC LIMIT ?",
        limit,
      )
      .toArray();
  }

  /**
   * Messages of others after this one, up to a limit. Only so many of the newest are looked at, lest somebody who never reads
   * and writes without end make it a scan of the whole room.
   */
  countUnread(user: string, upTo: number, moderates: boolean, nowMs: number): number {
    return this.#sql
      .exec<{ unread: number }>(
        `SELECT count(*) AS unread FROM (
           SELECT 1 FROM (SELECT sender, shadow, deleted_at, expires_at FROM message WHERE id > ?1 ORDER BY id DESC LIMIT ?2)
           WHERE (sender IS NULL OR sender <> ?3) AND deleted_at IS NULL AND (expires_at IS NULL OR expires_at > ?4)
             AND (shadow IS NULL OR ?6) LIMIT ?5)`,
        upTo,
        fixedLimits.unreadSearched,
        user,
        nowMs,
        fixedLimits.unreadCounted,
        moderates ? 1 : 0,
      )
      .one().unread;
  }

  // Presence: the little of it that the sockets do not tell.

  get presenceVersion(): number {
    return this.#sql.exec<{ version: number }>("SELECT presence_version AS version FROM room").one().version;
  }

  savePresenceVersion(version: number): void {
    this.#sql.exec("UPDATE room SET presence_version = ?", version);
  }

  /** In the order in which they will be gone. */
  leavers(): Leaver[] {
    return this.#sql
      .exec<{ user: string; name: string | null; state: string; gone_at: number }>(
        "SELECT user, name, state, gone_at FROM leaver ORDER BY gone_at, user",
      )
      .toArray()
      .map(({ user, name, state, gone_at }) => ({ user, name, state: JSON.parse(state), goneAtMs: gone_at }));
  }

  saveLeavers(leavers: readonly Leaver[]): void {
    for (const { user, name, state, goneAtMs } of leavers)
      this.#sql.exec(
        "INSERT OR REPLACE INTO leaver (user, name, state, gone_at) VALUES (?, ?, ?, ?)",
        user,
        name,
        JSON.stringify(state),
        goneAtMs,
      );
  }

  forgetLeavers(users: readonly string[]): void {
    this.#sql.exec("DELETE FROM leaver WHERE user IN (SELECT value FROM json_each(?))", JSON.stringify(users));
  }

  // Rows leave in three ways only: retention, expiry, erasure. Each keeps the head in the same transaction.

  /** Retention: everything below `oldest`. */
  removeBelow(oldest: number, seq: number, head: number): void {
    this.#count();
    this.#sql.exec("UPDATE room SET messages = messages - (SELECT count(*) FROM message WHERE id < ?)", oldest);
    this.#sql.exec("DELETE FROM reaction WHERE message < ?", oldest);
    this.#sql.exec("DELETE FROM message WHERE id < ?", oldest);
    this.#sql.exec("UPDATE room SET oldest = ?, seq = ?, head = ?", oldest, seq, head);
    if (this.#room !== null) this.#room = { ...this.#room, oldest, seq };
  }

  /** Expiry: silent, because readers drop an expired message by themselves. Returns how many went. */
  removeExpired(nowMs: number, limit: number): number {
    this.#count();
    const ids = this.#sql
      .exec<{ id: number }>(
        "DELETE FROM message WHERE id IN (SELECT id FROM message WHERE expires_at <= ? LIMIT ?) RETURNING id",
        nowMs,
        limit,
      )
      .toArray();
    for (const { id } of ids) this.#sql.exec("DELETE FROM reaction WHERE message = ?", id);
    this.#sql.exec("UPDATE room SET head = ?, messages = messages - ?", this.#head, ids.length);
    return ids.length;
  }

  nextExpiryMs(): number | null {
    return (
      this.#sql
        .exec<{ at: number }>(
          "SELECT expires_at AS at FROM message WHERE expires_at IS NOT NULL ORDER BY expires_at LIMIT 1",
        )
        .toArray()[0]?.at ?? null
    );
  }

  /** The id of the message that this many older ones come before, or null. */
  idAfter(count: number): number | null {
    return (
      this.#sql.exec<{ id: number }>("SELECT id FROM message ORDER BY id LIMIT 1 OFFSET ?", count).toArray()[0]?.id ??
      null
    );
  }

  messagesOf(user: string, limit: number): number[] {
    return this.#sql
      .exec<{ id: number }>("SELECT id FROM message WHERE sender = ? ORDER BY id LIMIT ?", user, limit)
      .toArray()
      .map(({ id }) => id);
  }

  mentioning(user: string, limit: number): { id: number; mentions: string[] }[] {
    return this.#sql
      .exec<{ id: number; mentions: string }>(
        "SELECT id, mentions FROM message WHERE mentions IS NOT NULL AND EXISTS (SELECT 1 FROM json_each(mentions) WHERE value = ?) ORDER BY id LIMIT ?",
        user,
        limit,
      )
      .toArray()
      .map(({ id, mentions }) => ({ id, mentions: JSON.parse(mentions) }));
  }

  saveMentions({ id, seq, mentions }: Pick<Message, "id" | "seq" | "mentions">): void {
    this.#sql.exec("UPDATE message SET seq = ?, mentions = ? WHERE id = ?", seq, jsonOrNull(mentions), id);
  }

  /** Erasure of one message: a tombstone that names nobody. */
  eraseMessage({ id, seq, deletedAt }: { id: number; seq: number; deletedAt: number }): void {
    this.saveDeletion({ id, seq, deletedAt });
    this.#sql.exec(
      "UPDATE message SET sender = NULL, sender_name = NULL, nonce = NULL, digest = NULL WHERE id = ?",
      id,
    );
  }

  /** What no change can tell those whom it concerns: they start over. */
  raiseFloor(head: number): void {
    this.#sql.exec("UPDATE room SET head = ?1, floor = ?1", head);
    if (this.#room !== null) this.#room = { ...this.#room, floor: head };
  }

  /** Erasure of a member: no row stays, so whoever has not heard of the removal by now must start over. */
  eraseMember(user: string, head: number): void {
    this.#members.delete(user);
    this.#sql.exec("DELETE FROM member WHERE user = ?", user);
    this.raiseFloor(head);
  }

  // Counts for the tenant.

  /** How many messages there are, and what was ever used. */
  tally(): Pick<RoomCounts, "messages" | "used"> {
    this.#count();
    const { messages, used_messages, used_bytes, used_changes } = this.#sql
      .exec<{ messages: number; used_messages: number; used_bytes: number; used_changes: number }>(
        "SELECT messages, used_messages, used_bytes, used_changes FROM room",
      )
      .one();
    return { messages, used: { messages: used_messages, bytes: used_bytes, changes: used_changes } };
  }

  /** When the newest message was published, or null. */
  newestAtMs(): number | null {
    return (
      this.#sql.exec<{ at: number }>("SELECT created_at AS at FROM message ORDER BY id DESC LIMIT 1").toArray()[0]
        ?.at ?? null
    );
  }

  countMembers(): number {
    return this.#sql.exec<{ members: number }>("SELECT count(*) AS members FROM member WHERE role IS NOT NULL").one()
      .members;
  }

  /** Of a message that is about to lose its content. */
  #countBefore(id: number): void {
    if (id > this.#countedTo) this.#count();
  }

  /** Counts only what came since the last time: a count of a million rows takes 110 ms. No message pays for being counted. */
  #count(): void {
    const { counted_to } = this.#sql
      .exec<{ counted_to: number }>(
        `UPDATE room SET messages      = messages + fresh.found,
                         counted_to    = max(counted_to, fresh.top),
                         used_messages = used_messages + fresh.found,
                         used_bytes    = used_bytes + fresh.bytes,
                         used_changes  = used_changes + ?1 - changed_to,
                         changed_to    = ?1
         FROM (SELECT count(*) AS found, coalesce(max(id), 0) AS top,
                      coalesce(sum(coalesce(length(CAST(text AS BLOB)), 0) + coalesce(length(CAST(data AS BLOB)), 0)), 0) AS bytes
               FROM message WHERE id > (SELECT counted_to FROM room)) AS fresh
         RETURNING counted_to`,
        this.#head,
      )
      .one();
    this.#countedTo = counted_to;
  }
}

function lasting(policy: RoomPolicy): string {
  // What was read and what was told name the same in another order.
  const bans = policy.bans.filter(({ shadow }) => shadow);
  return canonicalJson({ ...policy, version: 0, revocations: [], revocationsAskedUntilMs: 0, bans });
}

const blank = RoomPolicy.parse({ version: 0, limits: {}, autoCreate: true });

/** A tenant of older code does not tell what has come since. Parsed only where it is read: there is no time for it in a push. */
function completed(told: RoomPolicy): RoomPolicy {
  return { ...blank, ...told, limits: { ...blank.limits, ...told.limits } };
}

function newer(stored: RoomPolicy, heard: RoomPolicy | undefined): RoomPolicy {
  return heard !== undefined && heard.version > stored.version ? heard : stored;
}

export function roomChange({ settings, seq, oldest }: RoomState): RoomChange {
  return { ...settings, seq, oldest };
}
