/** What is to be published in a room: in order, once each, so many at a time. It knows no connection; time comes in. */
import { backoffMs } from "./backoff.ts";
import { ParleyError } from "./error.ts";
import { Pace } from "./pace.ts";
import type { Pending } from "./snapshot.ts";

/** It is on disk, with this id, and ordered. */
export interface Ack {
  readonly nonce: string;
  /** Null for one that had been stored before and has gone since. */
  readonly id: number | null;
  readonly seq: number;
  /** It was stored before: this was sent once more. */
  readonly duplicate: boolean;
}

export type OutboxState = "queued" | "sending" | "sent" | "failed";

export interface Entry {
  readonly nonce: string;
  /** What is sent, without type, ref and nonce. */
  readonly content: Readonly<Record<string, unknown>>;
  readonly bytes: number;
  readonly createdAt: number;
  state: OutboxState;
  /** As a snapshot has it: the same value until its state changes. */
  shown?: Pending | undefined;
  /** It has been sent at least once and not been answered. */
  isOpen: boolean;
  refusals: number;
  readonly done: (ack: Ack) => void;
  readonly failed: (error: ParleyError) => void;
}

export interface OutboxLimits {
  readonly messages: number;
  readonly bytes: number;
  /** Sent and not answered yet, at most. */
  readonly inFlight: number;
}

/** What may pass, but not soon: it is for the author to know. After all else that passes a publish is tried again by itself. */
const lasting: ReadonlySet<string> = new Set(["muted", "room_frozen", "quota_exceeded", "storage_full"]);

export class Outbox {
  readonly pace = new Pace();
  readonly #limits: OutboxLimits;
  readonly #onState: (entry: Entry) => void;
  /** In the order in which they were published; what is answered leaves. */
  #entries: Entry[] = [];
  #bytes = 0;
  #sending = 0;
  /** Shrinks to one when the room is too busy: what is sent one by one cannot overtake. Grows with each ack. */
  #window: number;
  #pausedUntilMs = 0;

  /** `onState` hears of each change of an entry. */
  constructor(limits: OutboxLimits, onState: (entry: Entry) => void) {
    this.#limits = limits;
    this.#window = limits.inFlight;
    this.#onState = onState;
  }

  get pending(): readonly Entry[] {
    return this.#entries;
  }

  /** Null when there is room for it. */
  refusal(bytes: number): ParleyError | null {
    if (this.#entries.length < this.#limits.messages && this.#bytes + bytes <= this.#limits.bytes) return null;
    return new ParleyError("outbox_full", "Too much waits to be sent.", { retryable: true });
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
    this.#onState(entry);
  }

  /** The next one to send, now marked so; or how long to wait for it; or null where there is nothing to do. */
  next(nowMs: number, windowMax = Infinity): Entry | number | null {
    if (this.#sending >= Math.min(this.#window, windowMax)) return null;
    const entry = this.#entries.find(({ state }) => state === "queued");
    if (entry === undefined) return null;
    const waitMs = this.#pausedUntilMs > nowMs ? this.#pausedUntilMs - nowMs : this.pace.take(nowMs);
    if (waitMs > 0) return waitMs;
    this.#sending++;
    entry.isOpen = true;
    this.#enter(entry, "sending");
    return entry;
  }

  acked(entry: Entry, ack: Ack): void {
    if (!this.#remove(entry)) return;
    this.#window = Math.min(this.#limits.inFlight, this.#window + 1);
    this.#enter(entry, "sent");
    entry.done(ack);
  }

  refused(entry: Entry, error: ParleyError, nowMs: number, chance: number): void {
    if (!this.#entries.includes(entry)) return;
    // Lost on the way it may have arrived; refused it has not.
    if (error.code !== "network") entry.isOpen = false;
    if (!error.retryable || lasting.has(error.code)) return this.#fail(entry, error);
    entry.refusals++;
    const pauseMs = error.retryAfterMs ?? backoffMs(entry.refusals, chance);
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, nowMs + pauseMs);
    this.#window = 1;
    this.#requeue(entry);
  }

  /** The connection has gone: what was not answered is sent again, in its order. */
  lost(): void {
    for (const entry of this.#entries) this.#requeue(entry);
  }

  /** Gives it up, unless it has been sent. */
  withdraw(entry: Entry): boolean {
    if (entry.state !== "queued" || entry.isOpen || !this.#remove(entry)) return false;
    this.#enter(entry, "failed");
    return true;
  }

  /** Nothing of it will be sent any more. */
  fail(error: ParleyError): void {
    for (const entry of this.#entries.slice()) this.#fail(entry, error);
  }

  #fail(entry: Entry, error: ParleyError): void {
    if (!this.#remove(entry)) return;
    this.#enter(entry, "failed");
    const { code, message, ...details } = error;
    const open = { ...details, mayBeStored: true, cause: error };
    entry.failed(entry.isOpen ? new ParleyError(code, message, open) : error);
  }

  #requeue(entry: Entry): void {
    if (entry.state !== "sending") return;
    this.#sending--;
    this.#enter(entry, "queued");
  }

  #remove(entry: Entry): boolean {
    const at = this.#entries.indexOf(entry);
    if (at < 0) return false;
    this.#entries.splice(at, 1);
    this.#bytes -= entry.bytes;
    if (entry.state === "sending") this.#sending--;
    return true;
  }

  #enter(entry: Entry, state: OutboxState): void {
    entry.state = state;
    entry.shown = undefined;
    this.#onState(entry);
  }
}
