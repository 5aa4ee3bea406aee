/**
 * What a room tells and saves of messages being streamed: gathered for a moment, in one flush. Its one timer runs only while there is
 * something to tell or to save.
 */
import { fixedLimits } from "../../protocol/limits.ts";
import type { Message } from "../../protocol/message.ts";
import type { Log } from "./log.ts";
import type { Entry, Outcome } from "./queue.ts";
import type { Roster } from "./roster.ts";
import type { LiveStream } from "./store/streams.ts";
import type { Store } from "./store/store.ts";

const { streamDeltaMs, streamCheckpointMs, streamCheckpointChars, streamLeaseMs, streamLifeMs } = fixedLimits;
const told: Outcome = { ok: true, id: 0, seq: 0, duplicate: false };

export interface StreamingOptions {
  readonly store: Store;
  readonly roster: Pick<Roster, "size">;
  /** Something that was put off is due. */
  readonly onDue: () => void;
  /** Books a look at the leases. */
  readonly book: (atMs: number) => void;
}

export class Streaming {
  readonly #options: StreamingOptions;
  #tellAtMs = Infinity;
  #saveAtMs = Infinity;
  /** What there is to tell and to save waits for the next flush. */
  #isQueued = false;
  #isSaving = false;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #firesAtMs = Infinity;

  /** After waking, when the streams were read: whoever is here may hold more of them than there is, and is told how much that is. */
  constructor(options: StreamingOptions) {
    this.#options = options;
    if (options.store.streams.size > 0 && options.roster.size > 0) this.#tellAtMs = 0;
    this.#arm(Date.now());
  }

  /** The message is stored. Belongs into its transaction. */
  begin(message: Message, isHidden: boolean, nowMs: number): void {
    this.#options.store.streams.begin(message, isHidden, nowMs);
    this.#options.book(nowMs + streamLeaseMs);
  }

  /** An import may have brought some. */
  adopted(nowMs: number): void {
    if (this.#options.store.streams.size > 0) this.#options.book(nowMs + streamLeaseMs);
  }

  /** Those whose producers have not been heard of for a lease, or that have lived for long enough. */
  overdue(nowMs: number): number[] {
    const streams = [...this.#options.store.streams.all];
    // A clock that was set back makes nothing longer than it is from now on.
    for (const stream of streams) {
      stream.renewedAtMs = Math.min(stream.renewedAtMs, nowMs);
      stream.begunAtMs = Math.min(stream.begunAtMs, nowMs);
    }
    return streams.filter((stream) => endMs(stream) <= nowMs).map(({ id }) => id);
  }

  /** When to look for the next time; null where nothing is being streamed. */
  get nextLookMs(): number | null {
    const ends = [...this.#options.store.streams.all].map(endMs);
    return ends.length === 0 ? null : Math.min(...ends);
  }

  /** A producer was heard of, and perhaps its text has grown. */
  heard(stream: LiveStream, nowMs: number): void {
    stream.renewedAtMs = nowMs;
    this.#saveAtMs = Math.min(this.#saveAtMs, isFull(stream) ? nowMs : nowMs + streamCheckpointMs);
    // Who comes later is given all that there is.
    if (this.#options.roster.size === 0) {
      stream.text.told();
      stream.isRecovered = false;
    }
    if (stream.text.untold !== "") this.#tellAtMs = Math.min(this.#tellAtMs, nowMs + streamDeltaMs);
  }

  /**
   * What is due, as an entry of the next flush; null where nothing is. With a flush that comes anyway (`isFlushing`) goes all that
   * there is to tell.
   */
  fold(nowMs: number, isFlushing: boolean): Entry | null {
    // What ended was told and stored by its end.
    if (this.#options.store.streams.size === 0) this.#tellAtMs = this.#saveAtMs = Infinity;
    const tells = this.#tellAtMs <= nowMs || (isFlushing && this.#tellAtMs < Infinity);
    if (this.#isQueued || (!tells && this.#saveAtMs > nowMs)) {
      this.#arm(nowMs);
      return null;
    }
    this.#isQueued = true;
    return { bytes: 0, apply: (log) => this.#apply(log), waiters: [(outcome) => this.#settled(outcome)] };
  }

  /** The room is no more. */
  forget(): void {
    this.#tellAtMs = this.#saveAtMs = Infinity;
    this.#arm(Date.now());
  }

  /** Reads what there is when the flush comes: what ended meanwhile is told by its change, and what has come since is told too. */
  #apply(log: Log): Outcome {
    const { streams } = this.#options.store;
    this.#isSaving = this.#saveAtMs <= log.nowMs;
    for (const stream of streams.all) {
      tell(stream, log);
      if (this.#isSaving && isUnsaved(stream)) streams.save(stream);
    }
    return told;
  }

  /** Stored and about to be told; or neither, and it is tried again. */
  #settled(outcome: Outcome): void {
    const nowMs = Date.now();
    this.#isQueued = false;
    if (outcome.ok) {
      for (const stream of this.#options.store.streams.all) {
        stream.text.told();
        stream.isRecovered = false;
        if (this.#isSaving) markSaved(stream);
      }
      this.#tellAtMs = Infinity;
      if (this.#isSaving) this.#saveAtMs = Infinity;
    } else {
      this.#tellAtMs = nowMs + streamDeltaMs;
    }
    this.#arm(nowMs);
  }

  #arm(nowMs: number): void {
    const dueMs = this.#isQueued ? Infinity : Math.min(this.#tellAtMs, this.#saveAtMs);
    if (dueMs === this.#firesAtMs) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#firesAtMs = dueMs;
    this.#timer = dueMs === Infinity ? null : setTimeout(() => this.#fire(), Math.max(0, dueMs - nowMs));
  }

  /** Due by the timer is due, whatever the clock says that may have been set back meanwhile. */
  #fire(): void {
    if (this.#tellAtMs <= this.#firesAtMs) this.#tellAtMs = 0;
    if (this.#saveAtMs <= this.#firesAtMs) this.#saveAtMs = 0;
    this.#timer = null;
    this.#firesAtMs = Infinity;
    this.#options.onDue();
  }
}

function endMs({ renewedAtMs, begunAtMs }: LiveStream): number {
  return Math.min(renewedAtMs + streamLeaseMs, begunAtMs + streamLifeMs);
}

/**
 * After a loss of memory first of all where the text ends: what a reader holds beyond that is lost, and what there is, it holds. So
 * nobody is told anew what has been read already.
 */
function tell({ id, sender, isHidden, isRecovered, text }: LiveStream, log: Log): void {
  const { shown, untold } = text;
  const author = isHidden ? sender : undefined;
  const at = shown.length - untold.length;
  if (isRecovered) log.live({ type: "delta", id, at, text: "" }, author);
  if (untold !== "") log.live({ type: "delta", id, at, text: untold }, author);
}

function isUnsaved({ text, savedUnits, renewedAtMs, savedRenewedAtMs }: LiveStream): boolean {
  return text.shown.length > savedUnits || renewedAtMs > savedRenewedAtMs;
}

function isFull({ text, savedUnits }: LiveStream): boolean {
  return text.shown.length - savedUnits >= streamCheckpointChars;
}

function markSaved(stream: LiveStream): void {
  stream.savedUnits = stream.text.shown.length;
  stream.savedRenewedAtMs = stream.renewedAtMs;
}
