/** The rows of a room as an import brings them, whole: every statement that writes them so. */
import { hexToBytes } from "@noble/hashes/utils.js";
import type { BanLine, FileLine, MemberLine, MessageLine, ReactionLine, RevisionLine } from "../../protocol/export.ts";
import type { Pinned } from "../../protocol/message.ts";
import { dataJson, jsonOrNull } from "./rows.ts";

/** What is wrong between rows (a nonce twice, a reaction on nothing) throws or answers false. */
export class Imported {
  readonly #sql: SqlStorage;

  constructor({ sql }: DurableObjectStorage) {
    this.#sql = sql;
  }

  /** In the place of an earlier line of the same message, with its reactions. */
  saveMessage(line: MessageLine): void {
    // Lines come in order of seq: one that has never changed has not come before.
    if (line.seq > line.id) this.#removeMessage(line.id);
    this.#sql.exec(
      `INSERT INTO message (id, seq, version, sender, sender_name, nonce, digest, text, data, mentions, reply_to, replies,
         attachments, reactions, shadow, status, created_at, edited_at, deleted_at, expires_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      line.id,
      line.seq,
      line.version,
      line.sender?.id ?? null,
      line.sender?.name ?? null,
      line.nonce,
      line.digest === null ? null : hexToBytes(line.digest),
      line.text,
      dataJson(line.data),
      jsonOrNull(line.mentions),
      line.replyTo,
      line.replies,
      jsonOrNull(line.attachments),
      jsonOrNull(line.reactions),
      line.hidden ? 1 : null,
      line.status,
      line.createdAt,
      line.editedAt,
      line.deletedAt,
      line.expiresAt,
    );
    if (line.pinned !== null) this.#pin(line.id, line.pinned);
  }

  #pin(message: number, { by, at }: Pinned): void {
    this.#sql.exec("INSERT INTO pin (message, user, at) VALUES (?, ?, ?)", message, by, at);
  }

  #removeMessage(id: number): void {
    this.#sql.exec("DELETE FROM reaction WHERE message = ?", id);
    this.#sql.exec("DELETE FROM file WHERE message = ?", id);
    this.#sql.exec("DELETE FROM pin WHERE message = ?", id);
    this.#sql.exec("DELETE FROM revision WHERE message = ?", id);
    this.#sql.exec("DELETE FROM message WHERE id = ?", id);
  }

  /** False where its message is not there, or does not name the emoji. */
  saveReaction({ message, emoji, user, at }: ReactionLine): boolean {
    return (
      this.#sql
        .exec(
          `INSERT INTO reaction (message, emoji, user, at)
           SELECT ?1, ?2, ?3, ?4 FROM message
           WHERE id = ?1 AND EXISTS (SELECT 1 FROM json_each(coalesce(reactions, '{}')) WHERE key = ?2) RETURNING 1`,
          message,
          emoji,
          user,
          at,
        )
        .toArray().length > 0
    );
  }

  /** False where its message is not there, or has not come so far. */
  saveRevision({ message, version, text, data, at }: RevisionLine): boolean {
    return (
      this.#sql
        .exec(
          `INSERT INTO revision (message, version, text, data, at)
           SELECT ?1, ?2, ?3, ?4, ?5 FROM message WHERE id = ?1 AND ?2 < version + (deleted_at IS NOT NULL) RETURNING 1`,
          message,
          version,
          text,
          dataJson(data),
          at,
        )
        .toArray().length > 0
    );
  }

  /** False where its message is not there, or does not carry it. One that is known stays as it is. */
  saveFile({ message, id, user, name, mediaType, size, width, height, at }: FileLine): boolean {
    const carries = this.#sql.exec(
      "SELECT 1 FROM message, json_each(attachments) WHERE message.id = ? AND json_extract(value, '$.id') = ?",
      message,
      id,
    );
    if (carries.toArray().length === 0) return false;
    this.#sql.exec(
      `INSERT INTO file (message, id, user, name, type, size, width, height, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO NOTHING`,
      message,
      id,
      user,
      name,
      mediaType,
      size,
      width,
      height,
      at,
    );
    return true;
  }

  saveMember({ user, name, role, seq, mutedUntil, reason, readUpTo, spokeAt }: MemberLine): void {
    this.#sql.exec(
      `INSERT OR REPLACE INTO member (user, name, role, muted_until, reason, read_up_to, seq, spoke_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      user,
      name,
      role,
      mutedUntil,
      reason,
      readUpTo,
      seq,
      spokeAt,
    );
  }

  saveBan({ user, until, reason, shadow, at }: BanLine): void {
    this.#sql.exec(
      "INSERT INTO ban (user, until, reason, shadow, at) VALUES (?, ?, ?, ?, ?)",
      user,
      until,
      reason,
      shadow ? 1 : 0,
      at,
    );
  }

  /** Whether the summaries on messages count what there is. */
  get agrees(): boolean {
    const { told, stored } = this.#sql
      .exec<{ told: number; stored: number }>(
        `SELECT (SELECT total(json_extract(value, '$.count')) FROM message, json_each(reactions) WHERE reactions IS NOT NULL) AS told,
                (SELECT count(*) FROM reaction) AS stored`,
      )
      .one();
    return told === stored;
  }

  /** Whether nothing has ever been said or done here. */
  get isEmpty(): boolean {
    return ["message", "member", "ban"].every(
      (table) => this.#sql.exec(`SELECT 1 FROM ${table} LIMIT 1`).toArray().length === 0,
    );
  }

  /** Of what an import has brought and is not to stay. Answers how many rows went. */
  removeSome(limit: number): number {
    const from = (table: string, key: string, most: number): number =>
      this.#sql
        .exec(`DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} LIMIT ?) RETURNING 1`, most)
        .toArray().length;
    // Their bytes are not the import's.
    this.#sql.exec("DELETE FROM file WHERE message IS NOT NULL");
    const tables = {
      reaction: "message, emoji, user",
      pin: "message",
      revision: "message, version",
      message: "id",
      member: "user",
      ban: "user",
    };
    let removed = 0;
    for (const [table, key] of Object.entries(tables)) removed += from(table, key, limit - removed);
    return removed;
  }
}
