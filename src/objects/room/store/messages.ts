/** The messages of a room: the table that is the log. */
import type { Message, Reactions } from "../../../protocol/message.ts";
import { columnsWith, dataJson, jsonOrNull, messageColumns, messageOf, type MessageRow, withText } from "../rows.ts";
import type { Viewer } from "../viewer.ts";
import type { SearchIndex, Sieve } from "./searchIndex.ts";
import type { Migration } from "../../migrate.ts";
import { repliesAsSeen } from "./replies.ts";
import type { Streams } from "./streams.ts";
import { seqAsSeen, unveiledSince, veiledSince } from "./veil.ts";
import type { Usage } from "./usage.ts";

/** How a list of messages is read, and for whom. */
export interface Reading {
  readonly limit: number;
  readonly nowMs: number;
  readonly viewer: Viewer;
  readonly only?: Only | undefined;
  /** For whoever keeps no more bytes than this: nothing is read far beyond. A row may have as much text as a page. */
  readonly bytes?: number | undefined;
}

/** Of all messages the replies to one, those that mention a user, or those that are pinned. */
export type Only = { readonly replyTo: number } | { readonly mentions: string } | { readonly pinned: true };

/** Neither expired nor hidden: with the time as ?1 and the viewer's eyes as ?2 and ?3. */
const shown = "(expires_at IS NULL OR expires_at > ?1) AND (shadow IS NULL OR ?2 OR sender = ?3)";

const columnsAsSeen = columnsWith(`${seqAsSeen} AS seq`, `${repliesAsSeen} AS replies`);

function eyesOf({ user, moderates }: Viewer): [number, string | null] {
  return [moderates ? 1 : 0, user];
}

export const mentionsMigration: Migration = {
  id: "mentions-1",
  sql: "CREATE INDEX message_mentions ON message (id) WHERE mentions IS NOT NULL",
};

export class Messages {
  readonly #sql: SqlStorage;
  readonly #usage: Usage;
  readonly #streams: Streams;
  readonly #search: SearchIndex;
  /** Whether anything is hidden in this room: where nothing is, nobody asks. */
  #hides = false;

  constructor(sql: SqlStorage, { usage, streams, search }: { usage: Usage; streams: Streams; search: SearchIndex }) {
    this.#sql = sql;
    this.#usage = usage;
    this.#streams = streams;
    this.#search = search;
  }

  /** To be called when what is known in memory may not be what is stored. */
  reload(hides: boolean): void {
    this.#hides = hides;
  }

  /** Whether anything is hidden here, so that not everybody sees the same. */
  get hides(): boolean {
    return this.#hides;
  }

  get #columns(): string {
    return this.#hides ? columnsAsSeen : messageColumns;
  }

  /** `shadow`: its author is not to notice that hardly anybody is told of it. */
  insert(message: Message, digest: Uint8Array | null, shadow: boolean): void {
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
    this.#search.add(message);
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

  get(id: number, nowMs: number, viewer: Viewer): Message | null {
    const row = this.#sql
      .exec<MessageRow>(`SELECT ${this.#columns} FROM message WHERE id = ?4 AND ${shown}`, nowMs, ...eyesOf(viewer), id)
      .toArray()[0];
    return row === undefined ? null : this.#told(row);
  }

  /** What is being streamed is told with the text so far, of which the row has a part. */
  #told(row: MessageRow): Message {
    return messageOf(withText(row, this.#streams));
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
    this.#usage.countBefore(id);
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
    this.#usage.countBefore(id);
    this.#sql.exec(
      `UPDATE message SET seq = ?, text = NULL, data = NULL, mentions = NULL, attachments = NULL, reactions = NULL, deleted_at = ? WHERE id = ?`,
      seq,
      deletedAt,
      id,
    );
    this.#sql.exec("DELETE FROM reaction WHERE message = ?", id);
    this.#sql.exec("DELETE FROM pin WHERE message = ?", id);
  }

  /** Of what is changed beside its row. */
  touch({ id, seq }: Pick<Message, "id" | "seq">): void {
    this.#sql.exec("UPDATE message SET seq = ? WHERE id = ?", seq, id);
  }

  saveReactions({ id, seq, reactions }: { id: number; seq: number; reactions: Reactions }): void {
    this.#sql.exec("UPDATE message SET seq = ?, reactions = ? WHERE id = ?", seq, jsonOrNull(reactions), id);
  }

  saveMentions({ id, seq, mentions }: Pick<Message, "id" | "seq" | "mentions">): void {
    this.#sql.exec("UPDATE message SET seq = ?, mentions = ? WHERE id = ?", seq, jsonOrNull(mentions), id);
  }

  /** Erasure of one message: a tombstone that names nobody. */
  erase({ id, seq, deletedAt }: { id: number; seq: number; deletedAt: number }): void {
    this.saveDeletion({ id, seq, deletedAt });
    this.#sql.exec("DELETE FROM revision WHERE message = ?", id);
    this.#sql.exec(
      "UPDATE message SET sender = NULL, sender_name = NULL, nonce = NULL, digest = NULL WHERE id = ?",
      id,
    );
  }

  /** It stays, and nobody said it. */
  disown({ id, seq }: { id: number; seq: number }): void {
    this.#sql.exec(
      "UPDATE message SET seq = ?, sender = NULL, sender_name = NULL, nonce = NULL, digest = NULL WHERE id = ?",
      seq,
      id,
    );
  }

  // Searching. What changes a text, or removes it, is followed by the index by itself.

  /** The newest so many of those that match. */
  found(sieve: Sieve, viewer: Viewer, nowMs: number, most: number): number[] {
    return this.#search.hits(sieve, { where: shown, bindings: [nowMs, ...eyesOf(viewer)] }, most);
  }

  /** What these say, which are known to be shown. */
  texts(ids: readonly number[]): { readonly id: number; readonly text: string }[] {
    return this.#sql
      .exec<{ id: number; text: string }>(
        "SELECT id, coalesce(text, '') AS text FROM message WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id DESC",
        JSON.stringify(ids),
      )
      .toArray();
  }

  /** In the order of the ids. */
  withIds(ids: readonly number[], nowMs: number, viewer: Viewer): Message[] {
    const rows = this.#sql
      .exec<MessageRow>(
        `SELECT ${this.#columns} FROM message WHERE id IN (SELECT value FROM json_each(?4)) AND ${shown}`,
        nowMs,
        ...eyesOf(viewer),
        JSON.stringify(ids),
      )
      .toArray();
    const byId = new Map(rows.map((row) => [row.id, this.#told(row)]));
    return ids.flatMap((id) => byId.get(id) ?? []);
  }

  // Pages, always in ascending order of id.

  before(id: number, reading: Reading): Message[] {
    return this.#page("id < ?4", "id DESC", id, reading).reverse();
  }

  after(id: number, reading: Reading): Message[] {
    return this.#page("id > ?4", "id", id, reading);
  }

  #page(bound: string, order: string, id: number, { limit, nowMs, viewer, only, bytes }: Reading): Message[] {
    const { from, where, whose } = sourceOf(only);
    return this.#read(
      this.#sql.exec<MessageRow>(
        `SELECT ${this.#columns} FROM ${from} WHERE ${shown} AND ${bound} AND ${where} ORDER BY ${order} LIMIT ?5`,
        nowMs,
        ...eyesOf(viewer),
        id,
        limit,
        ...whose,
      ),
      bytes,
    );
  }

  /** The ones published after this seq and not changed since, as they stand now, the lowest first. */
  createdSince(seq: number, reading: Omit<Reading, "only">): Message[] {
    return this.#since("id > ?4 AND seq = id ORDER BY id", seq, reading);
  }

  /** The ones changed after this seq: the lowest of them, and not all in its order. */
  changedSince(seq: number, reading: Omit<Reading, "only">): Message[] {
    // The term `seq > id` must stand here, or SQLite ignores the partial index and scans.
    if (!this.#hides) return this.#since("seq > ?4 AND seq > id ORDER BY seq", seq, reading);
    const [some, others] = [unveiledSince, veiledSince].map((rest) => this.#since(rest, seq, reading));
    return [...(some ?? []), ...(others ?? [])];
  }

  #since(rest: string, seq: number, { limit, nowMs, viewer, bytes }: Omit<Reading, "only">): Message[] {
    return this.#read(
      this.#sql.exec<MessageRow>(
        `SELECT ${this.#columns} FROM message WHERE ${shown} AND ${rest} LIMIT ?5`,
        nowMs,
        ...eyesOf(viewer),
        seq,
        limit,
      ),
      bytes,
    );
  }

  /** One beyond what is kept, by which its reader knows that there is more. */
  #read(rows: Iterable<MessageRow>, bytes = Infinity): Message[] {
    const messages: Message[] = [];
    let units = 0;
    for (const row of rows) {
      const message = this.#told(row);
      messages.push(message);
      if (units > bytes) break;
      units += message.text?.length ?? 0;
    }
    return messages;
  }
}

/** Each by the index that is of such messages alone: `whose` is bound as ?6. */
function sourceOf(only: Only | undefined): { from: string; where: string; whose: (number | string)[] } {
  if (only === undefined) return { from: "message", where: "true", whose: [] };
  if ("replyTo" in only) return { from: "message", where: "reply_to = ?6", whose: [only.replyTo] };
  if ("mentions" in only)
    return {
      from: "message INDEXED BY message_mentions",
      where: "mentions IS NOT NULL AND EXISTS (SELECT 1 FROM json_each(mentions) WHERE value = ?6)",
      whose: [only.mentions],
    };
  return { from: "pin CROSS JOIN message ON message.id = pin.message", where: "true", whose: [] };
}
