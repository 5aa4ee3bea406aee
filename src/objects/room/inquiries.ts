/**
 * Changes that somebody outside is asked about. Each waits for its own answer and for those that its sender sent before it; the
 * room, and everybody else in it, goes on meanwhile. All of it is memory: what is lost with it was not acked.
 */
import type { Refusal } from "../../protocol/refusals.ts";
import type { Entry } from "./queue.ts";

export interface Inquiry {
  /** How many questions it is. */
  readonly questions: number;
  /** Asks them. Never rejects. */
  readonly ask: () => Promise<Decide>;
}

/** By the answers, what is to be stored: it is asked for when the entry's turn has come. */
export type Decide = () => Pick<Entry, "bytes" | "apply"> | Refusal;

interface Held {
  readonly entry: Entry;
  /** Null while there is no answer. */
  decide: Decide | null;
}

export interface InquiriesOptions {
  readonly release: (entry: Entry) => void;
  readonly refuse: (entry: Entry, refusal: Refusal) => void;
  /** Asked for between an answer and what comes of it: what has been decided meanwhile. Never throws. */
  readonly renew: () => Promise<void>;
  /** Something was let go outside of any event of the room's. */
  readonly onSettled: () => void;
}

export class Inquiries {
  readonly #options: InquiriesOptions;
  readonly #bySender = new Map<string, Held[]>();
  #size = 0;

  constructor(options: InquiriesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#size;
  }

  sizeOf(sender: string): number {
    return questionsIn(this.#bySender.get(sender) ?? []);
  }

  /** False for an entry that need not wait. */
  hold(entry: Entry): boolean {
    const { sender, inquiry } = entry;
    if (sender === undefined || (inquiry === undefined && !this.#bySender.has(sender))) return false;
    const held: Held = { entry, decide: inquiry === undefined ? () => entry : null };
    const line = this.#bySender.get(sender) ?? [];
    line.push(held);
    this.#bySender.set(sender, line);
    this.#size += questionsIn([held]);
    if (inquiry !== undefined) void this.#ask(sender, inquiry, held);
    return true;
  }

  async #ask(sender: string, inquiry: Inquiry, held: Held): Promise<void> {
    const decide = await inquiry.ask();
    await this.#options.renew();
    held.decide = decide;
    this.#advance(sender);
    this.#options.onSettled();
  }

  /** Lets go of the first in the line, as far as they are answered. */
  #advance(sender: string): void {
    const line = this.#bySender.get(sender) ?? [];
    const waiting = line.findIndex(({ decide }) => decide === null);
    const answered = line.splice(0, waiting < 0 ? line.length : waiting);
    if (line.length === 0) this.#bySender.delete(sender);
    this.#size -= questionsIn(answered);
    for (const { entry, decide } of answered) {
      const decided = decide?.() ?? entry;
      if ("error" in decided) this.#options.refuse(entry, decided);
      else this.#options.release({ ...entry, bytes: decided.bytes, apply: decided.apply });
    }
  }
}

/** What waits behind a question, and is none itself, counts as one. */
function questionsIn(held: readonly Held[]): number {
  return held.reduce((sum, { entry }) => sum + (entry.inquiry?.questions ?? 1), 0);
}
