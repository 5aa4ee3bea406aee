/** What a client has said itself: each message is acked with one seq, however often it is said, and heard back once. */
import type { Ground } from "./ground.ts";

interface Said {
  readonly nonce: string;
  readonly text: string;
  /** Of the ack, and of the message as it was heard. */
  acked: number | null;
  heard: number | null;
}

interface Asked {
  readonly said: Said;
  readonly sinceMs: number;
  readonly isRepeat: boolean;
}

export interface Publish {
  readonly frame: string;
  readonly isAnswered: () => boolean;
}

export class Own {
  readonly #ground: Ground;
  readonly #prefix: string;
  /** Not yet both acked and heard, by nonce. */
  readonly #open = new Map<string, Said>();
  /** Not yet answered, by ref. */
  readonly #asked = new Map<string, Asked>();
  #last: Said | null = null;
  #count = 0;

  constructor(ground: Ground, user: string) {
    this.#ground = ground;
    this.#prefix = `${user}-${Date.now().toString(36)}-${Math.floor(Math.random() * 36 ** 6).toString(36)}`;
  }

  get isSettled(): boolean {
    return this.#open.size === 0 && this.#asked.size === 0;
  }

  say(text: string): Publish {
    const said = { nonce: `${this.#prefix}-${++this.#count}`, text, acked: null, heard: null };
    this.#open.set(said.nonce, said);
    this.#last = said;
    return this.#ask(said, false);
  }

  /** Null where nothing was said yet. */
  repeat(): Publish | null {
    return this.#last === null ? null : this.#ask(this.#last, true);
  }

  /** The frames of all that has no answer, to be sent again: whether they are duplicates, only the server knows. */
  unanswered(): string[] {
    return [...this.#asked].map(([ref, { said }]) => frameOf(ref, said));
  }

  ack({ ref = "", id, seq, duplicate }: AckTold): void {
    const asked = this.#asked.get(ref);
    if (asked === undefined) return this.#ground.check("an ack answers a publish", false);
    this.#asked.delete(ref);
    const { said, sinceMs, isRepeat } = asked;
    this.#ground.add("parley_ack_ms", Date.now() - sinceMs);
    this.#ground.check("no second ack names another seq", seq === id && (said.acked ?? seq) === seq);
    if (isRepeat) this.#ground.check("a repeated publish is a duplicate", duplicate === true);
    said.acked = seq ?? null;
    this.#close(said);
  }

  refuse(ref: string | undefined): void {
    const asked = this.#asked.get(ref ?? "");
    if (asked === undefined || ref === undefined) return;
    this.#asked.delete(ref);
    this.#open.delete(asked.said.nonce);
  }

  heard(nonce: string, seq: number): void {
    const said = this.#open.get(nonce);
    if (said === undefined) return;
    said.heard = seq;
    this.#close(said);
  }

  #ask(said: Said, isRepeat: boolean): Publish {
    const ref = String(++this.#count);
    this.#asked.set(ref, { said, sinceMs: Date.now(), isRepeat });
    return { frame: frameOf(ref, said), isAnswered: () => !this.#asked.has(ref) };
  }

  #close(said: Said): void {
    if (said.acked === null || said.heard === null) return;
    this.#ground.check("one hears what was acked", said.acked === said.heard);
    this.#open.delete(said.nonce);
  }
}

interface AckTold {
  readonly ref?: string;
  readonly id?: number;
  readonly seq?: number;
  readonly duplicate?: boolean;
}

function frameOf(ref: string, { nonce, text }: Said): string {
  return JSON.stringify({ type: "publish", ref, nonce, text });
}
