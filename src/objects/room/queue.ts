/** Admitted changes that wait for the next flush. What is in here is not stored and nobody has been told. */
import type { Refusal } from "../../protocol/refusals.ts";
import { Inquiries, type Inquiry } from "./inquiries.ts";
import type { Session } from "../../protocol/session.ts";
import type { Log } from "./log.ts";

/** What became of a change. `seq` is that of the change, `id` that of the message (or 0 where there is none). */
export interface Stored {
  readonly ok: true;
  readonly id: number;
  readonly seq: number;
  readonly duplicate: boolean;
}

export type Outcome = Stored | Refusal;

export interface Entry {
  /** Of the client's content, for the flush's size. */
  readonly bytes: number;
  readonly nonce?: { readonly key: string; readonly digest: Uint8Array };
  /** Whose changes are stored in the order in which they were sent; absent where that is nobody's. */
  readonly sender?: string;
  /** Somebody is asked about it first. */
  readonly inquiry?: Inquiry;
  /** It takes a credit of the tenant's: it waits until there is one. */
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
export type Admitted = Refusal | Stored | { readonly ok: true; readonly entry: Entry; readonly joins: boolean };

/** Takes a credit, or there is none. */
type Spend = () => boolean;

export class Queue {
  readonly inquiries: Inquiries;
  readonly #spend: Spend;
  #entries: Entry[] = [];
  /** Those that wait for a credit, in their order. */
  #held: Entry[] = [];
  #bytes = 0;
  readonly #byNonce = new Map<string, Entry>();

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

  /** Ready for the next flush. */
  get length(): number {
    return this.#entries.length;
  }

  get held(): number {
    return this.#held.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(entry: Entry): void {
    if (entry.nonce !== undefined) this.#byNonce.set(entry.nonce.key, entry);
    if (!this.inquiries.hold(entry)) this.#pay(entry);
  }

  findByNonce(key: string): Entry | undefined {
    return this.#byNonce.get(key);
  }

  take(): Entry[] {
    const taken = this.#entries;
    this.#entries = [];
    this.#bytes = 0;
    for (const { nonce } of taken) if (nonce !== undefined) this.#byNonce.delete(nonce.key);
    return taken;
  }

  /** Lets go of those that wait, one for each credit. */
  release(spend: Spend): void {
    const paid = this.#held.findIndex(() => !spend());
    for (const entry of this.#held.splice(0, paid < 0 ? this.#held.length : paid)) this.#ready(entry);
  }

  refuseHeld(refusal: Refusal): void {
    for (const entry of this.#held.splice(0)) this.#refuse(entry, refusal);
  }

  #pay(entry: Entry): void {
    // Behind those that wait already: what was said first is stored first.
    if (entry.charged === true && (this.#held.length > 0 || !this.#spend())) this.#held.push(entry);
    else this.#ready(entry);
  }

  #refuse({ nonce, waiters }: Entry, refusal: Refusal): void {
    if (nonce !== undefined) this.#byNonce.delete(nonce.key);
    for (const waiter of waiters) waiter(refusal);
  }

  #ready(entry: Entry): void {
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
  }
}

export function nonceKey(sender: string | null, nonce: string): string {
  return `${sender ?? ""}\n${nonce}`;
}

/** Tells the outcome: at once where it is known, else when the flush has it. One that joined an earlier twin is a duplicate. */
export function settle(queue: Queue, admitted: Admitted, by: Session | null, tell: (outcome: Outcome) => void): void {
  if (!admitted.ok || !("entry" in admitted)) return tell(admitted);
  const { entry, joins } = admitted;
  entry.waiters.push(joins ? (outcome) => tell(outcome.ok ? { ...outcome, duplicate: true } : outcome) : tell);
  if (!joins) queue.add(by === null ? entry : { ...entry, by });
}
