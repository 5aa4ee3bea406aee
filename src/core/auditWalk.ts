/**
 * The way through an audit log from its beginning, entry by entry, and the first thing on it that is not what the chain says. The
 * verifying command and the console go by this very code.
 */
import { AuditEntry, type AuditHead } from "../protocol/audit.ts";
import { breachOf, chainStart } from "./auditChain.ts";

/** A part of a log: entries as they came, and the newest one of all, where that was told beside them. */
export interface AuditStretch {
  readonly items: readonly unknown[];
  readonly head: AuditHead | null;
}

export interface AuditBreach {
  readonly seq: number;
  /** What is wrong with it, for a person. */
  readonly why: string;
}

export class AuditWalk {
  /** Heads that were told must each be found on the way: the log may grow while it is read, but it does not change. */
  readonly #told: Map<number, string>;
  readonly #since: AuditHead | null;
  #tenant: string | null = null;
  #breach: AuditBreach | null = null;
  entries = 0;
  /** The last entry that was read and is good. */
  head = chainStart;

  /** `since` is a head that was kept from an earlier time. */
  constructor(since: AuditHead | null) {
    this.#since = since;
    this.#told = new Map(since === null ? [] : [[since.seq, since.hash]]);
  }

  /** The first breach so far, after which nothing is looked at any more. */
  read({ items, head }: AuditStretch): AuditBreach | null {
    if (head !== null) this.#breach ??= this.#tell(head);
    for (const item of items) {
      if (this.#breach !== null) break;
      this.#breach = this.#step(item);
    }
    return this.#breach;
  }

  /** When all has been read: the first breach, or null for one whole chain. */
  end(): AuditBreach | null {
    if (this.#breach !== null) return this.#breach;
    const beyond = [...this.#told.keys()].filter((seq) => seq > this.head.seq);
    if (beyond.length === 0) return null;
    return { seq: this.head.seq + 1, why: `it is missing: the log went up to ${Math.max(...beyond)} before` };
  }

  #step(item: unknown): AuditBreach | null {
    const seq = this.head.seq + 1;
    const parsed = AuditEntry.safeParse(item);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      return { seq, why: `it is no entry: \`${issue?.path.join(".") ?? ""}\`: ${issue?.message ?? ""}` };
    }
    const entry = parsed.data;
    // A file may begin where an earlier one ended.
    if (this.entries === 0 && this.#since !== null && entry.seq === this.#since.seq + 1) this.head = this.#since;
    if (entry.tenant !== (this.#tenant ??= entry.tenant))
      return { seq: this.head.seq + 1, why: "it is of another tenant" };
    const why = breachOf(entry, this.head);
    if (why !== null) return { seq: this.head.seq + 1, why };
    const told = this.#told.get(entry.seq);
    if (told !== undefined && told !== entry.hash) return { seq: entry.seq, why: `its hash was ${told} before` };
    this.head = { seq: entry.seq, hash: entry.hash };
    this.entries++;
    return null;
  }

  #tell({ seq, hash }: AuditHead): AuditBreach | null {
    if (seq < this.head.seq) return { seq: seq + 1, why: `it is missing: the log went up to ${this.head.seq} before` };
    const known = seq === this.head.seq ? this.head.hash : this.#told.get(seq);
    if (known !== undefined && known !== hash) return { seq, why: `its hash was ${known} before, and now is ${hash}` };
    if (seq > this.head.seq) this.#told.set(seq, hash);
    return null;
  }
}
