/** Admitted changes that wait for the next flush. What is in here is not stored and nobody has been told. */
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import { Inquiries, type Inquiry } from "./inquiries.ts";
import type { Session } from "../../protocol/session.ts";
import type { Log } from "./log.ts";

/** What became of a change. `seq` is that of the change, `id` that of the message (or 0 where there is none). */
export interface Stored {
  readonly ok: true;
  readonly id: number;
  readonly seq: number;
  readonly duplicate: boolean;
  /** Of a batch: what became of each of its messages. The rest is its last one's. */
  readonly each?: readonly Stored[];
}

export type Outcome = Stored | Refusal;

/** A message that is under way is known by this. */
export interface KnownBy {
  readonly key: string;
  readonly digest: Uint8Array;
  /** Where in its batch it is. */
  readonly place?: number;
}

export interface Entry {
  /** Of the client's content, for the flush's size. */
  readonly bytes: number;
  /** How many changes of its sender's it is; 1 unless it says so. */
  readonly changes?: number;
  readonly nonces?: readonly KnownBy[];
  /** Whose changes are stored in the order in which they were sent; absent where that is nobody's. */
  readonly sender?: string;
  /** Somebody is asked about it first. */
  readonly inquiry?: Inquiry;
  /** It takes a credit of the tenant's for each of its changes: it waits until there are so many. */
  readonly charged?: true;
  /** Whose it is; of a job of the room's own there is nobody. */
  readonly by?: Session;
  /**
   * Runs inside the flush's transaction and decides with what is stored then. All that can be refused is refused before
   * its first write. What it throws rolls back this entry alone.
   */
  readonly apply: (log: Log) => Outcome;
  /** Called once when the flush is stored and announced. */
  readonly waiters: ((outcome: Outcome) => void)[];
}

/** A change is refused, known already, or waits: as itself or together with the same one sent before. */
export type Admitted =
  | Refusal
  | Stored
  | { readonly ok: true; readonly entry: Entry; readonly joins: boolean; readonly place?: number };

/** Takes so many credits, or none where there are not so many. */
type Spend = (credits: number) => boolean;

interface Underway {
  readonly entry: Entry;
  readonly known: KnownBy;
}

export class Queue {
  readonly inquiries: Inquiries;
  readonly #spend: Spend;
  #entries: Entry[] = [];
  /** Those that wait for a credit, in their order. */
  #held: Entry[] = [];
  #changes = 0;
  #bytes = 0;
  readonly #byNonce = new Map<string, Underway>();

  /**
   * `onSettled`: something may go on, outside of any event of the room's. `renew`: what has been decided is to be known before
   * anything is stored that has waited for somebody outside.
   */
  constructor(spend: Spend, onSettled: () => void, renew: () => Promise<void>) {
    this.#spend = spend;
    this.inquiries = new Inquiries({
      release: (entry) => this.#pay(entry),
      refuse: (entry, refusal) => this.#refuse(entry, refusal),
      onSettled,
      renew,
    });
  }

  /** Changes that are ready for the next flush. */
  get length(): number {
    return this.#changes;
  }

  /** Changes that wait for credits. */
  get held(): number {
    return changesIn(this.#held);
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(entry: Entry): void {
    for (const known of entry.nonces ?? []) this.#byNonce.set(known.key, { entry, known });
    if (!this.inquiries.hold(entry)) this.#pay(entry);
  }

  findByNonce(key: string): Underway | undefined {
    return this.#byNonce.get(key);
  }

  take(): Entry[] {
    const taken = this.#entries;
    this.#entries = [];
    this.#changes = 0;
    this.#bytes = 0;
    for (const entry of taken) this.#forget(entry);
    return taken;
  }

  /** Lets go of those that wait, as far as there are credits for them. */
  release(spend: Spend): void {
    const paid = this.#held.findIndex((entry) => !spend(changesOf(entry)));
    for (const entry of this.#held.splice(0, paid < 0 ? this.#held.length : paid)) this.#ready(entry);
  }

  /** `refusalOf` says it to one that needs so many credits. */
  refuseHeld(refusalOf: (credits: number) => Refusal): void {
    for (const entry of this.#held.splice(0)) this.#refuse(entry, refusalOf(changesOf(entry)));
  }

  #pay(entry: Entry): void {
    // Behind those that wait already: what was said first is stored first.
    if (entry.charged === true && (this.#held.length > 0 || !this.#spend(changesOf(entry)))) this.#held.push(entry);
    else this.#ready(entry);
  }

  #refuse(entry: Entry, refusal: Refusal): void {
    this.#forget(entry);
    for (const waiter of entry.waiters) waiter(refusal);
  }

  #forget({ nonces = [] }: Entry): void {
    for (const { key } of nonces) this.#byNonce.delete(key);
  }

  #ready(entry: Entry): void {
    this.#entries.push(entry);
    this.#changes += changesOf(entry);
    this.#bytes += entry.bytes;
  }
}

export function nonceKey(sender: string | null, nonce: string): string {
  return `${sender ?? ""}\n${nonce}`;
}

/** Tells the outcome: at once where it is known, else when the flush has it. One that joined an earlier twin is a duplicate. */
export function settle(queue: Queue, admitted: Admitted, by: Session | null, tell: (outcome: Outcome) => void): void {
  if (!admitted.ok || !("entry" in admitted)) return tell(admitted);
  const { entry, joins, place } = admitted;
  entry.waiters.push(joins ? (outcome) => tell(joined(outcome, place)) : tell);
  if (!joins) queue.add(by === null ? entry : { ...entry, by });
}

/** As it is told to one that was sent again while its twin was under way. */
function joined(outcome: Outcome, place: number | undefined): Outcome {
  if (place === undefined) return outcome.ok ? { ...outcome, duplicate: true } : outcome;
  // For what another message of that batch may have done, this one is not refused for good.
  if (!outcome.ok) return refuse("overloaded", "The batch that it was also sent in was refused.", soon);
  const { id, seq } = outcome.each?.[place] ?? outcome;
  return { ok: true, id, seq, duplicate: true };
}

const soon = { retryAfterMs: 1_000 };

/** For one flush, and for the tenant, each of a batch counts. */
export function changesOf({ changes = 1 }: Pick<Entry, "changes">): number {
  return changes;
}

function changesIn(entries: readonly Entry[]): number {
  return entries.reduce((sum, entry) => sum + changesOf(entry), 0);
}
