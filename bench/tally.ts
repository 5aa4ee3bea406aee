/** What arrived at a crowd of sockets: how late, whether all of it, and whether anything came twice. */
import type { Dialect } from "./dialects.ts";
import { percentile } from "./percentile.ts";
import { eachStamp } from "./stamp.ts";

/** A refusal is kept for the report up to this length. */
const REFUSAL_SAMPLE_BYTES = 300;

export interface TallyShape {
  sockets: number;
  messages: number;
  /** The number of the first one; messages with a smaller one are not looked at. */
  first?: number;
  /** Latencies are kept of messages from this number on; the ones before are warm-up. */
  timedFrom: number;
}

export class Tally {
  delivered = 0;
  duplicates = 0;
  refused = 0;
  firstRefusal: string | null = null;
  acked = 0;
  lastAckUs = 0;
  lastDeliveryUs = 0;
  readonly #shape: Required<TallyShape>;
  readonly #dialect: Dialect;
  /** One byte per socket and message: a count alone would let a duplicate hide a loss. */
  readonly #seen: Uint8Array;
  readonly #latenciesUs: Uint32Array;
  #timed = 0;

  constructor(dialect: Dialect, { first = 0, ...shape }: TallyShape) {
    this.#dialect = dialect;
    this.#shape = { ...shape, first };
    this.#seen = new Uint8Array(shape.sockets * shape.messages);
    this.#latenciesUs = new Uint32Array(shape.sockets * (first + shape.messages - shape.timedFrom));
  }

  get missing(): number {
    return this.#seen.length - this.delivered;
  }

  take(frame: Buffer, socket: number, readUs: number): void {
    eachStamp(frame, (number, sentUs) => this.#deliver({ number, socket, readUs, latencyUs: readUs - sentUs }));
    const { ackMark, refusalMark } = this.#dialect;
    if (ackMark !== null) this.#acknowledge(occurrences(frame, ackMark), readUs);
    if (refusalMark !== null) this.#refuse(frame, occurrences(frame, refusalMark));
  }

  latenciesMs(): { p50Ms: number; p99Ms: number; maxMs: number } {
    const ascending = this.#latenciesUs.subarray(0, this.#timed).sort();
    const at = (share: number) => percentile(ascending, share) / 1000;
    return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
  }

  #deliver(copy: { number: number; socket: number; readUs: number; latencyUs: number }): void {
    if (copy.number < this.#shape.first) return;
    const slot = copy.socket * this.#shape.messages + copy.number - this.#shape.first;
    if (this.#seen[slot] === 1) {
      this.duplicates += 1;
      return;
    }
    this.#seen[slot] = 1;
    this.delivered += 1;
    this.lastDeliveryUs = copy.readUs;
    if (copy.number >= this.#shape.timedFrom) this.#latenciesUs[this.#timed++] = copy.latencyUs;
    // Message n is sent by socket n modulo the number of sockets; without acks its own copy tells a sender that all went well.
    const isOwn = copy.number % this.#shape.sockets === copy.socket;
    if (isOwn && this.#dialect.ackMark === null) this.#acknowledge(1, copy.readUs);
  }

  #acknowledge(count: number, readUs: number): void {
    if (count === 0) return;
    this.acked += count;
    this.lastAckUs = readUs;
  }

  #refuse(frame: Buffer, count: number): void {
    if (count === 0) return;
    this.refused += count;
    this.firstRefusal ??= frame.toString("utf8", 0, REFUSAL_SAMPLE_BYTES);
  }
}

function occurrences(frame: Buffer, mark: string): number {
  let count = 0;
  for (let at = frame.indexOf(mark); at !== -1; at = frame.indexOf(mark, at + mark.length)) count += 1;
  return count;
}
