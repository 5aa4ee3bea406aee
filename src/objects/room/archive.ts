/** All rows of a room as they are exported: every statement that reads them whole. What an import writes of them: imported.ts. */
import { bytesToHex } from "@noble/hashes/utils.js";
import type {
  BanLine,
  FileLine,
  MemberLine,
  MessageLine,
  PinLine,
  ReactionLine,
  RevisionLine,
} from "../../protocol/export.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import type { Role } from "../../protocol/capabilities.ts";
import { messageColumns, messageOf, type MemberRow, type MessageRow, withText } from "./rows.ts";
import type { Streams } from "./store/streams.ts";

/** Where in the reactions on a message. */
export interface ReactionMark {
  readonly emoji: string;
  readonly user: string;
}

/** As it lies there, whether or not a message carries it. */
type LooseFile = Omit<FileLine, "message"> & { readonly message: number | null };

const columns = `${messageColumns}, digest, shadow`;

export class Archive {
  readonly #sql: SqlStorage;
  readonly #streams: Streams;

  /** `streams` knows the text so far of what is being streamed. */
  constructor({ sql }: DurableObjectStorage, streams: Streams) {
    this.#sql = sql;
    this.#streams = streams;
  }

  // Each list in an order in which it can be read on.

  /** Messages and members that changed after this seq, as they stand now: the lowest, in order of seq. */
  changedSince(seq: number, limit: number, nowMs: number): (MessageLine | MemberLine)[] {
    const created = this.#messages("id > ?1 AND seq = id", "id", seq, limit, nowMs);
    // The term `seq > id` must stand here, or SQLite ignores the partial index and scans.
    const changed = this.#messages("seq > ?1 AND seq > id", "seq", seq, limit, nowMs);
    const members = this.#sql
      .exec<MemberRow>("SELECT * FROM member WHERE seq > ? AND seq IS NOT NULL ORDER BY seq LIMIT ?", seq, limit)
      .toArray()
      .map(memberLine);
    return [...created, ...changed, ...members].sort((one, other) => (one.seq ?? 0) - (other.seq ?? 0)).slice(0, limit);
  }

  #messages(which: string, order: "id" | "seq", after: number, limit: number, nowMs: number): MessageLine[] {
    return this.#lines(
      this.#sql.exec<FullRow>(
        `SELECT ${columns} FROM message WHERE ${which} AND (expires_at IS NULL OR expires_at > ?2) ORDER BY ${order} LIMIT ?3`,
        after,
        nowMs,
        limit,
      ),
    );
  }

  /** One beyond what fits into a page: a row may have half as much text as that. */
  #lines(rows: Iterable<FullRow>): MessageLine[] {
    const lines: MessageLine[] = [];
    let units = 0;
    for (const row of rows) {
      const line = messageLine(withText(row, this.#streams));
      lines.push(line);
      if (units > fixedLimits.exportPageUnits) break;
      units += line.text?.length ?? 0;
    }
    return lines;
  }

  reactionsOn(message: number, { emoji, user }: ReactionMark, limit: number): ReactionLine[] {
    return this.#sql
      .exec<Omit<ReactionLine, "type">>(
        `SELECT message, emoji, user, at FROM reaction
         WHERE message = ?1 AND (emoji, user) > (?2, ?3) ORDER BY emoji, user LIMIT ?4`,
        message,
        emoji,
        user,
        limit,
      )
      .toArray()
      .map((row) => ({ type: "reaction", ...row }));
  }

  revisionsOn(message: number): RevisionLine[] {
    return this.#sql
      .exec<Omit<RevisionLine, "type" | "data"> & { data: string | null }>(
        "SELECT message, version, text, data, at FROM revision WHERE message = ? ORDER BY version",
        message,
      )
      .toArray()
      .map(({ data, at, ...row }) => ({
        type: "revision",
        ...row,
        data: data === null ? null : JSON.parse(data),
        at,
      }));
  }

  filesOn(message: number): FileLine[] {
    return this.#sql
      .exec<Omit<FileLine, "type">>(
        `SELECT message, id, user, name, type AS mediaType, size, width, height, at FROM file
         WHERE message = ? AND removed_at IS NULL ORDER BY id`,
        message,
      )
      .toArray()
      .map((row) => ({ type: "file", ...row }));
  }

  /** The seq at which a message stands; null where it is gone. */
  seqOf(message: number): number | null {
    return this.#sql.exec<{ seq: number }>("SELECT seq FROM message WHERE id = ?", message).toArray()[0]?.seq ?? null;
  }

  /** Those of whom nobody was told: they have only read, spoken or been muted. */
  silentMembers(after: string, limit: number): MemberLine[] {
    return this.#sql
      .exec<MemberRow>("SELECT * FROM member WHERE user > ? AND seq IS NULL ORDER BY user LIMIT ?", after, limit)
      .toArray()
      .map(memberLine);
  }

  bans(after: string, limit: number, nowMs: number): BanLine[] {
    return this.#sql
      .exec<BanRow>("SELECT * FROM ban WHERE user > ? AND until > ? ORDER BY user LIMIT ?", after, nowMs, limit)
      .toArray()
      .map(banLine);
  }

  get createdAtMs(): number {
    return this.#sql.exec<{ at: number }>("SELECT created_at AS at FROM room").one().at;
  }

  // Of one user. Few indexes lead there: each page goes on where the last one has stopped looking.

  messagesBy(user: string, after: number, limit: number, nowMs: number): MessageLine[] {
    return this.#lines(
      this.#sql.exec<FullRow>(
        `SELECT ${columns} FROM message WHERE sender = ? AND id > ? AND (expires_at IS NULL OR expires_at > ?) ORDER BY id LIMIT ?`,
        user,
        after,
        nowMs,
        limit,
      ),
    );
  }

  reactionsBy(user: string, { message, emoji }: { message: number; emoji: string }, limit: number): ReactionLine[] {
    return this.#sql
      .exec<Omit<ReactionLine, "type">>(
        `SELECT message, emoji, user, at FROM reaction
         WHERE user = ?1 AND (message, emoji) > (?2, ?3) ORDER BY message, emoji LIMIT ?4`,
        user,
        message,
        emoji,
        limit,
      )
      .toArray()
      .map((row) => ({ type: "reaction", ...row }));
  }

  /** Those that his messages do not carry: nobody's yet, or another's. */
  filesBeside(user: string, after: string, limit: number): LooseFile[] {
    return this.#sql
      .exec<Omit<LooseFile, "type">>(
        `SELECT message, id, user, name, type AS mediaType, size, width, height, at FROM file
         WHERE user = ?1 AND id > ?2 AND removed_at IS NULL
           AND NOT EXISTS (SELECT 1 FROM message WHERE id = file.message AND sender = ?1) ORDER BY id LIMIT ?3`,
        user,
        after,
        limit,
      )
      .toArray()
      .map((row) => ({ type: "file", ...row }));
  }

  pinsBy(user: string): PinLine[] {
    return this.#sql
      .exec<Omit<PinLine, "type">>("SELECT message, at FROM pin WHERE user = ? ORDER BY message", user)
      .toArray()
      .map((row) => ({ type: "pin", ...row }));
  }

  memberRow(user: string): MemberLine | null {
    const row = this.#sql.exec<MemberRow>("SELECT * FROM member WHERE user = ?", user).toArray()[0];
    return row === undefined ? null : memberLine(row);
  }

  banOn(user: string, nowMs: number): BanLine | null {
    const row = this.#sql.exec<BanRow>("SELECT * FROM ban WHERE user = ? AND until > ?", user, nowMs).toArray()[0];
    return row === undefined ? null : banLine(row);
  }
}

type FullRow = MessageRow & { digest: ArrayBuffer | null; shadow: number | null };
type BanRow = { user: string; until: number; reason: string | null; shadow: number; at: number };

function messageLine(row: FullRow): MessageLine {
  const { id, seq, version, sender, nonce, ...rest } = messageOf(row);
  return {
    type: "message",
    id,
    seq,
    version,
    sender,
    nonce,
    digest: row.digest === null ? null : bytesToHex(new Uint8Array(row.digest)),
    ...rest,
    hidden: row.shadow === 1,
  };
}

function memberLine({ user, name, role, seq, muted_until, reason, read_up_to, spoke_at }: MemberRow): MemberLine {
  return {
    type: "member",
    user,
    name,
    role: role satisfies Role | null,
    seq,
    mutedUntil: muted_until,
    reason,
    readUpTo: read_up_to,
    spokeAt: spoke_at,
  };
}

function banLine({ user, until, reason, shadow, at }: BanRow): BanLine {
  return { type: "ban", user, until, reason, shadow: shadow === 1, at };
}
