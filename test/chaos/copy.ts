/** What a reader holds of a room, kept by the reader's rule of the protocol and by nothing else. */
import type { GapReason } from "../../src/protocol/changes.ts";
import { formatCursor } from "../../src/protocol/cursor.ts";
import type { Message, MessagePatch } from "../../src/protocol/message.ts";
import type { ServerFrame, WelcomeFrame } from "../../src/protocol/serverFrames.ts";

export class Copy {
  readonly messages = new Map<number, Message>();
  /** The gaps that the server announced, one for each time that it made this reader start over. */
  readonly gaps: GapReason[] = [];
  /** Marks that the room sent after it had lost its memory: nothing more so far. */
  marks = 0;
  /** What the rule forbids a server to send. Must stay empty. */
  readonly faults: string[] = [];
  start = 1;
  head = 0;
  seq = 0;
  readonly #torn = new Set<number>();
  #epoch: string | null = null;

  /** Where to resume from; null before the first `welcome`. */
  get cursor(): string | null {
    return this.#epoch === null ? null : formatCursor({ epoch: this.#epoch, seq: this.seq });
  }

  take(frame: ServerFrame): void {
    if (frame.type === "welcome") this.#welcome(frame);
    if (frame.type === "changes") this.#changes(frame);
    if (frame.type === "snapshot") this.#replace(frame.id, frame.text);
    if (frame.type === "delta") this.#grow(frame);
  }

  /** Messages being streamed of whose text something is missing: `snapshot` is to be asked. Each is named once. */
  takeTorn(): number[] {
    const torn = [...this.#torn];
    this.#torn.clear();
    return torn;
  }

  /**
   * Everything that is wrong with it, beside a history that is known to be whole: every message from its `start` on must be
   * held as it is there, and nothing else.
   */
  faultsBeside(history: readonly Message[]): string[] {
    const expected = history.filter(({ id }) => id >= this.start);
    const wrong = expected.filter(
      ({ id }, at) => JSON.stringify(this.messages.get(id)) !== JSON.stringify(expected[at]),
    );
    return [
      ...this.faults,
      ...(wrong.length > 0 ? [`a reader misses ${wrong.length} messages, the first is ${wrong[0]?.id}`] : []),
      ...(this.messages.size > expected.length ? ["a reader holds messages that are not in history"] : []),
    ];
  }

  #welcome({ epoch, head, start, resumed, gap }: WelcomeFrame): void {
    if (this.#epoch !== null && !resumed && gap === undefined) this.faults.push("a cursor was dropped without a word");
    if (gap !== undefined) this.gaps.push(gap.reason);
    this.#epoch = epoch;
    this.head = head;
    this.start = start ?? this.start;
  }

  #changes({ from, to, changes, reset }: ServerFrame & { type: "changes" }): void {
    if (reset) {
      this.messages.clear();
      this.seq = 0;
    }
    if (from > this.seq) this.faults.push(`changes from ${from} came to a reader at ${this.seq}`);
    if (from === to && changes.length === 0 && !reset) this.marks += 1;
    if (to <= this.seq) return;
    for (const change of changes) if (change.type === "message") this.#merge(change.message);
    this.seq = to;
  }

  #grow({ id, at, text }: ServerFrame & { type: "delta" }): void {
    const held = this.messages.get(id)?.text ?? "";
    if (at <= held.length) this.#replace(id, held.slice(0, at) + text);
    else if (this.messages.get(id)?.status === "streaming") this.#torn.add(id);
  }

  #replace(id: number, text: string): void {
    const held = this.messages.get(id);
    if (held?.status === "streaming") this.messages.set(id, { ...held, text });
  }

  #merge(message: Message | MessagePatch): void {
    const held = this.messages.get(message.id);
    if (held !== undefined) {
      if (message.seq > held.seq) this.messages.set(message.id, { ...held, ...message } as Message);
    } else if (message.id >= this.start && "text" in message && "createdAt" in message) {
      this.messages.set(message.id, message as Message);
    }
  }
}
