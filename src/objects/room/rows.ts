/** From a room's rows to what is told of them, and back. */
import type { Role } from "../../protocol/capabilities.ts";
import type { Member, Message } from "../../protocol/message.ts";
import { pinnedColumn } from "./store/pins.ts";

/** The columns that readers are told of; the others (digest, shadow) never leave the object. */
export const messageColumns = columnsWith("seq", "replies");

/** The same, where these are not alike for everybody. */
export function columnsWith(seq: string, replies: string): string {
  return `id, ${seq}, version, sender, sender_name, nonce, text, data, mentions, reply_to, ${replies}, attachments, reactions, ${pinnedColumn}, status, created_at, edited_at, deleted_at, expires_at`;
}

export interface MessageRow extends Record<string, SqlStorageValue> {
  id: number;
  seq: number;
  version: number;
  sender: string | null;
  sender_name: string | null;
  nonce: string | null;
  text: string | null;
  data: string | null;
  mentions: string | null;
  reply_to: number | null;
  replies: number;
  attachments: string | null;
  reactions: string | null;
  pinned: string | null;
  status: Message["status"];
  created_at: number;
  edited_at: number | null;
  deleted_at: number | null;
  expires_at: number | null;
}

export function messageOf(row: MessageRow): Message {
  return {
    id: row.id,
    seq: row.seq,
    version: row.version,
    sender: row.sender === null ? null : { id: row.sender, name: row.sender_name },
    nonce: row.nonce,
    text: row.text,
    data: parsed(row.data, null),
    replyTo: row.reply_to,
    replies: row.replies,
    mentions: parsed<string[]>(row.mentions, []),
    attachments: parsed<Message["attachments"]>(row.attachments, []),
    reactions: parsed<Message["reactions"]>(row.reactions, {}),
    pinned: parsed<Message["pinned"]>(row.pinned, null),
    status: row.status,
    createdAt: row.created_at,
    editedAt: row.edited_at,
    deletedAt: row.deleted_at,
    expiresAt: row.expires_at,
  };
}

/** `streams` knows the text so far of what is being streamed. */
export function withText<Row extends Pick<MessageRow, "id" | "status" | "text">>(
  row: Row,
  streams: { readonly textOf: (id: number) => string | undefined },
): Row {
  return row.status === "streaming" ? { ...row, text: streams.textOf(row.id) ?? row.text } : row;
}

export interface MemberRow extends Record<string, SqlStorageValue> {
  user: string;
  name: string | null;
  role: Role | null;
  muted_until: number | null;
  reason: string | null;
  read_up_to: number | null;
  /** When the user last said something, as far as slow mode was on. */
  spoke_at: number | null;
  seq: number | null;
}

/** A row without a seq was never told of: it only holds a mute or a read position. */
export function memberOf({ user, name, role, seq }: MemberRow): Member {
  return { user, name, role, seq: seq ?? 0 };
}

/** What is left in a deleted message: nothing of what it said. */
export const tombstoneContent = {
  text: null,
  data: null,
  mentions: [],
  attachments: [],
  reactions: {},
  pinned: null,
} satisfies Partial<Message>;

/** Null instead of an empty list or object, which most messages have: a column that is null takes no byte. */
export function jsonOrNull(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  const json = JSON.stringify(value);
  return json === "[]" || json === "{}" ? null : json;
}

/** Unlike `jsonOrNull` it keeps `{}` and `[]`, which mean something in a message's own data. */
export function dataJson(data: unknown): string | null {
  return data === null || data === undefined ? null : JSON.stringify(data);
}

// Written by this object's own statements, so its shape is trusted.
function parsed<T>(json: string | null, empty: T): T {
  return json === null ? empty : (JSON.parse(json) as T);
}
